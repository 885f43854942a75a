"""A community's quarter through the commands alone, against a service in a process of its own."""

import json
from pathlib import Path

import pytest

from governance.log.policy import Policy, PolicyLog
from governance.log.receipt import parse_receipt, verify_receipt
from governance.signing.note import parse_vkey
from tests.support.server import Person, running

ROADMAP = """# Mill roadmap

## Q1 2027

- **Repair the wheel (2 weeks)**: it stands still
- **Paint the door (2 days)**
- **Dig the pond (4 days)**

## Not planned

- A car park: there is a bus
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture(scope="module")
def space(server, tmp_path_factory):
    """A founded community with a roadmap: the steward, and three members enrolled in the three ways."""
    home = tmp_path_factory.mktemp("people")
    steward = Person(home / "steward", server.url)
    steward.do("key", "new")
    steward.do(
        "space", "new", "mill", "--title", "The Mill", "--template", "neighbourhood", "--data", server.data
    )
    file = home / "roadmap.md"
    file.write_text(ROADMAP)
    steward.do("roadmap", "import", file, "--yes")
    return Mill(server, home, steward, file)


class Mill:
    def __init__(self, server, home, steward, roadmap):
        self.server, self.home, self.steward, self.roadmap = server, home, steward, roadmap

    def member(self, name, *options):
        person = Person(self.home / name, self.server.url)
        person.do("key", "new", *options)
        request = self.home / f"{name}.request"
        person.do("member", "request", "mill", request)
        self.steward.do("member", "approve", request, "--yes")
        return person

    def ballot(self, name, *options):
        self.steward.do("ballot", "new", name, "--closes", "+1d", "--no-quorum", *options)
        self.steward.do("ballot", "open", name, "--yes")
        return f"{self.server.url}/spaces/mill/ballots/{name}"


APPROVAL = ("--rule", "approval", "--option", "a=Apples", "--option", "b=Pears")


def test_the_roadmap_is_imported_once_and_changes_become_revisions(space, tmp_path):
    again = space.steward.json("roadmap", "import", space.roadmap, "--yes")
    assert (again["recorded"], again["unchanged"], again["not_placed"]) == (0, 4, [])
    changed = tmp_path / "roadmap.md"
    changed.write_text(ROADMAP.replace("(2 days)", "(3 days)"))
    looked = space.steward.json("roadmap", "import", changed, "--dry-run")
    assert (looked["changed"], looked["recorded"]) == (1, 0)
    done = space.steward.json("roadmap", "import", changed, "--yes")
    assert (done["new"], done["changed"], done["recorded"]) == (0, 1, 1)
    items = {i["item"]: i for i in space.steward.json("roadmap", "list")}
    door = items["mill-paint-the-door"]
    assert (door["revision"], door["effort_days"]) == (2, 3)
    assert [i["status"] for i in items.values()].count("not-planned") == 1
    assert space.steward.json("roadmap", "publish", "2027-Q1")["items"] == 4


def test_the_preview_asks_and_no_means_no(space, tmp_path):
    other = tmp_path / "roadmap.md"
    other.write_text(ROADMAP.replace("Dig the pond", "Dig the moat"))
    result = space.steward.run("roadmap", "import", other, input="n\n")
    assert result.exit_code == 1
    assert "1 new" in result.stdout
    assert "mill-dig-the-moat" not in {i["item"] for i in space.steward.json("roadmap", "list")}


@pytest.mark.parametrize("kind", ["ed25519", "hybrid"])
def test_a_vote_its_receipt_and_a_change_of_mind(space, kind, monkeypatch):
    member = space.member(f"voter-{kind}", "--kind", kind)
    url = space.ballot(f"fruit-{kind}", *APPROVAL)
    said = member.do("vote", url, "--approve", "a", "--yes")
    assert "your vote is entry 3; you may change it until" in said.lower()
    proof = member.home / "receipts" / f"fruit-{kind}-3.tlog-proof"
    assert str(proof) in said
    policy = Policy(logs=(PolicyLog(parse_vkey(proof.with_suffix(".vkey").read_text().strip())),))
    entry = proof.with_suffix(".entry").read_bytes()
    assert verify_receipt(parse_receipt(proof.read_bytes()), entry, policy).index == 3

    offline = member.json("receipt", "check", proof, "--offline")
    assert (offline["index"], offline["signature"], offline["standing"]) == (3, kind, None)
    assert member.json("receipt", "check", proof)["standing"] == "counts"
    changed = member.json("vote", url, "--approve", "b", "--yes")
    assert (changed["index"], changed["replaces"]) == (4, 3)
    standing = member.json("receipt", "check", proof)
    assert (standing["standing"], standing["latest"]) == ("replaced", 4)
    assert "was replaced" in member.do("receipt", "check", proof)
    assert [r["valid"] for r in member.json("receipt", "list")] == [True, True]


@pytest.mark.parametrize("ending", [".tlog-proof", ".entry", ".vkey"])
def test_a_damaged_receipt_is_noticed(space, ending):
    member = space.member(f"damaged{ending.replace('.', '-')}")
    url = space.ballot(f"damage{ending.replace('.', '-')}", *APPROVAL)
    path = Path(member.json("vote", url, "--approve", "a", "--yes")["receipt"])
    file = path.with_suffix(ending)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    result = member.run("receipt", "check", path, "--offline")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert member.run("receipt", "list", "--json").exit_code == 1


def test_voting_by_being_asked(space):
    member = space.member("asked")
    url = space.ballot("asked", *APPROVAL)
    result = member.run("vote", url, input="7\n2,1\ny\n")
    assert result.exit_code == 0, result.output
    assert "There is no option '7'" in result.stdout
    assert "Pears; Apples" in result.stdout
    assert "everybody can read who voted how" in result.stdout
    declined = member.run("vote", url, input="1\nn\n")
    assert declined.exit_code == 1
    assert member.json("ballot", "show", "asked")["votes"] == 1


def test_a_vote_signed_offline_is_submitted_later(space, tmp_path):
    member = space.member("offline")
    url = space.ballot("offline", *APPROVAL)
    definition = tmp_path / "ballot.json"
    member.do("ballot", "show", url, "--save", definition)
    file = tmp_path / "vote.json"
    apart = Person(member.home, "http://127.0.0.1:1")
    assert "Nothing was sent" in apart.do(
        "vote", str(definition), "--approve", "a", "--offline", file, "--yes"
    )
    assert member.json("ballot", "show", "offline")["votes"] == 0
    sent = member.json("submit", file)
    assert (sent["index"], sent["new"]) == (3, True)
    assert member.json("submit", file, url)["new"] is False
    assert member.json("ballot", "show", "offline")["votes"] == 1


def test_refusals_say_what_is_wrong_and_what_to_do(space, tmp_path):
    member = space.member("refused")
    url = space.ballot("refused", *APPROVAL)
    stranger = Person(tmp_path / "stranger", space.server.url)
    stranger.do("key", "new")
    result = stranger.run("vote", url, "--approve", "a", "--yes")
    assert result.exit_code == 1
    assert "Not on this ballot's roll" in result.stderr
    assert "what to do" in result.stderr
    assert stranger.refused("ballot", "close", url)["error"] == "not-authorised"
    assert member.refused("vote", url, "--approve", "c")["error"] == "invalid-answer"
    assert member.refused("vote", f"{url}-none", "--approve", "a")["error"] == "not-found"
    assert (
        member.refused("vote", "http://127.0.0.1:1/spaces/a/ballots/b", "--approve", "a")["error"]
        == "no-answer"
    )
    space.steward.do("ballot", "close", "refused", "--yes")
    closed = member.refused("vote", url, "--approve", "a")
    assert closed["error"] == "ballot-closed"
    assert closed["closed_at"] >= closed["opened_at"]


def test_a_tampered_offline_vote_is_refused(space, tmp_path):
    member = space.member("tampered")
    url = space.ballot("tampered", *APPROVAL)
    file = tmp_path / "vote.json"
    member.do("vote", url, "--approve", "a", "--offline", file, "--yes")
    envelope = json.loads(file.read_text())
    signature = envelope["signatures"][0]["sig"]
    envelope["signatures"][0]["sig"] = ("B" if signature[0] == "A" else "A") + signature[1:]
    file.write_text(json.dumps(envelope))
    assert member.refused("submit", file)["error"] == "bad-signature"


def test_a_rotated_key_votes_as_the_same_member(space):
    member = space.member("rotating")
    before = member.json("key", "show")["member"]
    member.do("member", "rotate", member.home / "fresh", "--space", "mill")
    shown = member.json("key", "show", "--key", member.home / "fresh")
    assert shown["member"] == before
    url = space.ballot("rotated", *APPROVAL)
    assert member.refused("vote", url, "--approve", "a")["error"] == "bad-signature"
    fresh = ("--key", member.home / "fresh")
    found = member.json("vote", url, "--approve", "a", *fresh)
    assert found["voter"] == before
    assert member.json("receipt", "check", found["receipt"], "--offline")["signature"] == "ed25519"
    member.do("member", "rotate", member.home / "third", *fresh)
    assert member.json("key", "show", "--key", member.home / "third")["member"] == before


def test_from_the_roadmap_to_commitments(space, tmp_path):
    member = space.member("builder")
    draft = ("--from-roadmap", "--quarter", "2027-Q1", "--capacity", "12", "--rule", "equal-shares")
    url = space.ballot("2027-q1", *draft, "--param", "step=fine")
    shown = space.steward.json("ballot", "show", "2027-q1")
    assert (shown["state"], shown["quarter"]) == ("open", "2027-Q1")
    assert "is open already" in space.steward.do("ballot", "open", "2027-q1", "--yes")
    member.do("vote", url, "--approve", "mill-dig-the-pond,mill-paint-the-door", "--yes")
    assert space.steward.json("ballot", "close", "2027-q1", "--yes")["state"] == "decided"
    result = space.steward.json("ballot", "results", "2027-q1")
    winners = result["questions"][0]["outcome"]["winners"]
    assert sorted(winners) == ["mill-dig-the-pond", "mill-paint-the-door"]
    assert "equal-shares" in space.steward.do("ballot", "results", "2027-q1", "--steps")
    made = space.steward.json("commitment", "new", "2027-q1", "--from-outcome")
    assert [c["due"] for c in made] == ["2027-Q1", "2027-Q1"]
    assert space.steward.json("commitment", "new", "2027-q1", "--from-outcome") == []
    name = made[0]["commitment"]
    space.steward.do("commitment", "update", name, "in-progress", "--text", "begun")
    listed = {c["commitment"]: c for c in space.steward.json("commitment", "list")}
    assert (listed[name]["status"], listed[name]["note"]) == ("in-progress", "begun")
    statuses = {i["item"]: i["status"] for i in space.steward.json("roadmap", "list")}
    assert statuses["mill-dig-the-pond"] == "committed"
    assert space.steward.json("roadmap", "import", space.roadmap, "--dry-run")["changed"] <= 1


def test_items_without_effort_cannot_cost_anything(space):
    options = ("--rule", "equal-shares", "--capacity", "5", "--closes", "+1d")
    wanted = ("--from-roadmap", "--items", "mill-a-car-park-there-is-a-bus")
    error = space.steward.refused("ballot", "new", "x", *wanted, *options)
    assert error["error"] == "invalid-definition"
    assert error["items"] == ["mill-a-car-park-there-is-a-bus"]


def test_a_draft_is_replaced_and_cancelled_and_nothing_changes_after_opening(space):
    new = ("ballot", "new", "draft", "--closes", "+1d", "--opens", "+2h", *APPROVAL)
    space.steward.do(*new)
    space.steward.do(*new, "--option", "c=Plums")
    shown = space.steward.json("ballot", "show", "draft")
    assert shown["state"] == "draft"
    space.steward.do("ballot", "cancel", "draft", "--reason", "not now", "--yes")
    assert space.steward.refused("ballot", "show", "draft")["error"] == "not-found"
    space.ballot("frozen", *APPROVAL)
    assert space.steward.run("ballot", "new", "frozen", "--closes", "+2d", *APPROVAL).exit_code == 1
    space.steward.do("ballot", "cancel", "frozen", "--reason", "a mistake", "--yes")
    assert space.steward.json("ballot", "show", "frozen")["state"] == "cancelled"


def test_adding_a_member_whose_key_is_here(space, tmp_path):
    person = Person(tmp_path / "added", space.server.url)
    person.do("key", "new")
    space.steward.do("member", "add", person.home / "key", "--role", "auditor", "--role", "member")
    me = person.json("key", "show")["member"]
    listed = {m["member"]: m for m in space.steward.json("member", "list")}
    assert sorted(listed[me]["roles"]) == ["auditor", "member"]
    assert space.steward.run("member", "add", person.home / "key", "--role", "king").exit_code == 2


def test_what_an_export_holds_passes_the_audit(space, tmp_path):
    member = space.member("exporter")
    url = space.ballot("exported", *APPROVAL)
    member.do("vote", url, "--approve", "a", "--yes")
    space.steward.do("ballot", "close", "exported", "--yes")
    over_http, local, bundle = tmp_path / "http", tmp_path / "local", tmp_path / "all.zip"
    count = space.steward.json("export", over_http)["files"]
    assert space.steward.json("export", local, "--data", space.server.data)["files"] == count
    files = {p.relative_to(local): p.read_bytes() for p in local.rglob("*") if p.is_file()}
    assert files == {p.relative_to(over_http): p.read_bytes() for p in over_http.rglob("*") if p.is_file()}
    space.steward.do("export", "--bundle", bundle)
    assert space.steward.refused("export", "--bundle", bundle)["error"] == "already-exists"
    for source in (over_http, bundle):
        assert space.steward.run("audit", source, "--jobs", "1").exit_code == 0


def test_looking_into_logs(space):
    shown = space.steward.json("log", "show", "spaces/mill", "--count", "2")
    assert [e["kind"] for e in shown["entries"]] == ["space", "constitution"]
    verified = space.steward.json("log", "verify", "spaces/mill")
    assert verified["size"] == shown["size"]
    assert verified["wrong_tiles"] == []
    assert "agree" in space.steward.do("log", "verify", f"{space.server.url}/spaces/mill")
    assert space.steward.json("log", "rebuild", "--check", "--data", space.server.data)["different"] == []


def test_people_are_told_in_words(space, tmp_path):
    steward, member = space.steward, space.member("wordy")
    url = space.ballot("in-words", *APPROVAL, "--text", "Which fruit?")
    shown = steward.do("ballot", "show", url)
    for words in ("Which fruit?", "1. Apples", "Counted by: Approval voting", "open until", "0 of"):
        assert words in shown
    assert "in-words" in steward.do("ballot", "list", "--state", "open")
    assert "members of mill" in steward.do("member", "list")
    assert "Repair the wheel" in steward.do("roadmap", "list", "--quarter", "2027-Q1")
    assert "Commitments of mill" in steward.do("commitment", "list")
    assert "constitution" in steward.do("log", "show", "spaces/mill")
    assert "exactly what the logs say" in steward.do("log", "rebuild", "--check", "--data", space.server.data)
    assert "public files in" in steward.do("export", tmp_path / "files")
    assert "There is no receipt" in steward.do("receipt", "list", tmp_path / "none")
    member.do("vote", url, "--approve", "a", "--yes")
    assert "valid" in member.do("receipt", "list")
    closed = steward.do("ballot", "close", "in-words", "--yes")
    assert "decided" in closed
    assert "Chosen:" in steward.do("ballot", "show", "in-words")
    assert "The ballot is decided" in member.do("receipt", "check", member.home / "receipts" / "in-words-3")
    draft = steward.do("ballot", "new", "later", "--closes", "+2d", *APPROVAL)
    assert "ballot open later" in draft
    assert json.loads(steward.do("ballot", "new", "never", "--closes", "+2d", "--dry-run", *APPROVAL))
    drawn = steward.do("ballot", "show", "later")
    assert "draft" in drawn


def test_without_the_service_a_receipt_still_proves_what_it_proves(space):
    member = space.member("alone")
    url = space.ballot("alone", *APPROVAL)
    path = member.json("vote", url, "--approve", "a", "--yes")["receipt"]
    result = member.run("receipt", "check", path, "--url", "http://127.0.0.1:1")
    assert result.exit_code == 0
    assert "cannot be asked now" in result.stderr


def test_a_space_is_named_where_there_are_two(space, tmp_path):
    with running(tmp_path) as server:
        operator = Person(tmp_path / "operator", server.url)
        assert "none yet" in operator.refused("ballot", "list")["detail"]
        operator.do("key", "new")
        assert "is founded" in operator.do("space", "new", "one", "--data", server.data)
        operator.do("space", "new", "two", "--data", server.data, "--template", "cooperative")
        assert "one, two" in operator.refused("ballot", "list")["detail"]
        assert operator.json("ballot", "list", "--space", "two") == []


def test_the_rest_is_shown(space):
    assert "The Mill" in space.steward.do("space", "show")
    assert space.steward.json("space", "show")["title"] == "The Mill"
    assert {q["status"] for q in space.steward.json("calendar")["items"]} <= {"upcoming", "decided"}
    assert "Calendar of mill" in space.steward.do("calendar")
    assert isinstance(space.steward.json("ballot", "list", "--state", "draft"), list)
    assert space.steward.refused("space", "show", "--space", "none")["error"] == "not-found"
