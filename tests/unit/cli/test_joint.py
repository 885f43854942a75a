"""`althing joint`: two communities on services of their own agree on a ballot by each other's address."""

from __future__ import annotations

import json
import shutil

import msgspec
import pytest

from governance.cli.joint import _told
from governance.cli.joint_propose import share_of
from governance.counting.threshold import Threshold
from governance.errors import MalformedRequest
from governance.replay.joint_manifest import manifest_digest
from governance.replay.joint_result import JointResult
from governance.service.joint_answers import JointDisputeView, JointOutcomeView, JointView
from governance.statements.joint import Differing, VetoShare
from tests.support.joint import decided, question
from tests.support.server import Person, running


@pytest.fixture(scope="module")
def towns(tmp_path_factory):
    """Two instances, each with a space and its steward; the third person is a member of both."""
    home = tmp_path_factory.mktemp("towns")
    with running(home / "north") as north, running(home / "south") as south:
        stewards = []
        for name, server in (("north", north), ("south", south)):
            steward = Person(home / f"{name}-steward", server.url)
            steward.do("key", "new")
            steward.do("space", "new", name, "--template", "project", "--data", server.data)
            stewards.append(steward)
        both = Person(home / "both", north.url)
        both.do("key", "new")
        for steward, name in zip(stewards, ("north", "south"), strict=True):
            request = home / f"{name}.request"
            both.do("member", "request", name, request, "--url", steward.url)
            steward.do("member", "approve", request, "--yes")
        yield home, stewards, both


def test_from_proposal_to_the_open_parts(towns):
    home, (north, south), both = towns
    north.do(
        "ballot",
        "new",
        "draft",
        "--closes",
        "+1d",
        "--rule",
        "yes-no",
        "--option",
        "yes=Yes",
        "--option",
        "no=No",
    )
    file = home / "manifest.json"
    source = f"{north.url}/spaces/north/ballots/draft"
    asked = ("--from", source, "--opens", "+1h", "--closes", "+2h", "--grace", "2h", "--double", ">1/2,2/2")
    made = north.json(
        "joint", "propose", "bridge", f"{north.url}/spaces/north", south.url, *asked, "--out", file
    )
    shown = south.json("joint", "show", file)
    assert shown["digest"] == made["manifest"]
    assert [s["space"] for s in shown["manifest"]["shards"]] == ["north", "south"]
    assert shown["manifest"]["grace"] == 7_200
    assert "double majority: more than 1/2" in south.do("joint", "show", file)
    early = north.refused("joint", "open", file)
    assert (early["error"], "north, south" in early["detail"]) == ("not-found", True)
    accepted = [town.json("joint", "accept", file) for town in (north, south)]
    assert [a["voters"] for a in accepted] == [2, 2]
    assert north.json("joint", "show", made["manifest"])["manifest"] == shown["manifest"]
    north.run("joint", "accept", file, "--yes")  # refused, or within the same second the same statement
    assert north.json("joint", "status", "bridge")[0]["joint"]["acceptance"] == accepted[0]["digest"]
    parts = [town.json("joint", "open", file) for town in (north, south)]
    assert [(p["voters"], p["elsewhere"]) for p in parts] == [(2, 0), (1, 1)]
    for town in (north, south):
        town.do("ballot", "open", "bridge", "--yes")
    north.do("vote", f"{north.url}/spaces/north/ballots/bridge", "--choice", "yes", "--yes")
    answer = both.run("vote", f"{south.url}/spaces/south/ballots/bridge", "--choice", "yes", "--yes")
    assert answer.exit_code == 1
    (standing,) = south.json("joint", "status", "bridge")
    assert (standing["joint"]["state"], standing["result"]) == ("accepted", None)
    assert "no joint result yet" in south.do("joint", "status", "bridge")
    assert south.refused("joint", "status", "other")["error"] == "not-found"
    changed = json.loads(file.read_text()) | {"title": "Other"}
    other = home / "other.json"
    other.write_text(json.dumps(changed, sort_keys=True, separators=(",", ":")))
    assert south.json("joint", "show", other)["digest"] != made["manifest"]
    shutil.copy(file, home / "again.json")
    again = ("--out", home / "again.json")
    taken = north.refused("joint", "propose", "bridge", north.url, south.url, *asked, *again)
    assert taken["error"] == "already-exists"


def test_what_cannot_be_proposed(towns):
    home, (north, south), _ = towns
    out = ("--out", home / "never.json")
    times = ("--closes", "+2h", "--opens", "+1h")
    source = ("--from", f"{north.url}/spaces/north/ballots/draft")
    both = (north.url, south.url)
    for arguments, error in (
        ((*both, *source, *times, "--double", "1/2,2/3", "--veto", "1/2"), "malformed-request"),
        ((*both, *source, *times, "--double", "half"), "malformed-request"),
        ((*both, *source, *times, "--grace", "soon"), "malformed-request"),
        ((*both, *source, *times, "--partial", "perhaps"), "invalid-definition"),
        ((north.url, north.url, *source, *times), "invalid-definition"),
        ((north.url, *source, *times), "invalid-definition"),
        ((*both, "--from", north.url, *times), "malformed-request"),
        ((*both, *source, "--opens", "+2h", "--closes", "+1h"), "invalid-definition"),
    ):
        assert north.refused("joint", "propose", "never", *arguments, *out)["error"] == error
    assert not (home / "never.json").exists()


def test_shares():
    assert share_of(">1/2") == Threshold(1, 2, strict=True)
    assert share_of("2/3") == Threshold(2, 3, strict=False)
    for wrong in ("", "1", "1/0", "a/b", "-1/2"):
        with pytest.raises(MalformedRequest):
            share_of(wrong)


def view_of(joint, **changes) -> JointView:
    club = joint.communities[0]
    acceptance = club.acceptance(joint.manifest)
    first = JointView(
        manifest=manifest_digest(joint.manifest),
        ballot="together",
        title="Together",
        state="accepted",
        position=0,
        document=msgspec.to_builtins(joint.manifest),
        acceptance=joint.acceptances[0],
        index=5,
        accepted_at=acceptance.accepted_at,
        electorate=acceptance.electorate,
        roll=acceptance.roll,
        outcome=None,
        dispute=None,
    )
    return msgspec.structs.replace(first, **changes)


def test_results_are_told_with_what_is_missing_vetoed_or_disputed():
    yes, no = {"q": "yes"}, {"q": "no"}
    veto = VetoShare(Threshold(1, 2, False), "votes")
    joint = decided(
        [{100: yes, 101: yes}, {200: no}, {300: yes}], questions=[question("yes-no")], combine=veto
    )
    result: JointResult = joint.result(0, 1)
    told = "\n".join(_told(view_of(joint, state="partial"), result))
    assert "partial (2 of 3): 3 of 3 members voted" in told
    assert "missing: c2.example/spaces/club/ballots/together" in told
    assert "q: no." in told
    assert "vetoed by Club 1 (1/1 against)" in told
    outcome = JointOutcomeView("d", 9, "r", [], [], 0, 1)
    dispute = JointDisputeView(10, "r", [Differing(2, "x")], 1)
    told = "\n".join(_told(view_of(joint, state="disputed", outcome=outcome, dispute=dispute), None))
    assert "DISPUTED: Club 2 has another result" in told
