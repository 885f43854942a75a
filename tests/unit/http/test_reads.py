"""Reading resources: pages, filters, what a draft, an open and a decided ballot show."""

import pytest

from governance.statements.roadmap import Commitment, CommitmentUpdate, RoadmapEdition
from tests.support.people import body, key, recorded
from tests.support.service import NOW

SPACE = "/api/v1/spaces/nix"


def pages(client, path, limit=1):
    """All items of a list, page by page."""
    found, cursor = [], None
    while True:
        query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        answer = client.get(path + query).json()
        assert len(answer["items"]) <= limit
        found += answer["items"]
        cursor = answer["next"]
        if cursor is None:
            return found


def test_instance(lite):
    view = lite.client.get("/api/v1/instance").json()
    assert view["fingerprint"].replace(" ", "") == view["id"][7:39]
    assert view["spaces"] == [
        {
            "space": "nix",
            "title": "Nix",
            "origin": "127.0.0.1:8000/spaces/nix",
            "url": "http://127.0.0.1:8000/api/v1/spaces/nix",
        }
    ]


def test_space(lite):
    view = lite.client.get(SPACE).json()
    assert (view["members"], view["items"], view["ballots"], view["size"]) == (4, 0, 0, 5)
    assert view["constitution"]["payloadType"] == "application/vnd.althing.constitution.v1+json"
    assert [s["space"] for s in pages(lite.client, "/api/v1/spaces")] == ["nix"]


def test_members_by_page(live):
    found = [m["member"] for m in pages(live.client, f"{SPACE}/members")]
    assert found == sorted(found)
    assert len(found) == 4
    one = live.client.get(f"{SPACE}/members/{key(100).member_id}").json()
    assert (one["roles"], one["status"], one["suite"]) == (["member"], "active", "ed25519")


def test_roadmap_and_editions(live):
    community = live.community
    for name, status in (("search", "planned"), ("api", "proposed"), ("docs", "not-planned")):
        recorded(community.post("/roadmap", community.item(name, status=status), community.steward))
    assert [i["item"] for i in pages(live.client, f"{SPACE}/roadmap")] == ["api", "docs", "search"]
    planned = live.client.get(f"{SPACE}/roadmap?status=planned").json()
    assert [i["item"] for i in planned["items"]] == ["search"]
    assert live.client.get(f"{SPACE}/roadmap?quarter=2030-Q1").json()["items"] == []
    item = live.client.get(f"{SPACE}/roadmap/api").json()
    stale = community.post("/roadmap", community.item("api", revision=2), community.steward)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale-revision")
    fresh = community.item("api", revision=2, previous=item["digest"], title="Programming interface")
    recorded(community.post("/roadmap", fresh, community.steward))
    assert live.client.get(f"{SPACE}/roadmap/api").json()["title"] == "Programming interface"
    view = live.client.get(f"{SPACE}/roadmap").json()
    edition = RoadmapEdition("nix", "2027-Q1", view["edition_items"], view["edition_root"], NOW)
    recorded(community.post("/roadmap", edition, community.steward))


def test_ballots_by_page_and_state(live):
    community = live.community
    community.open(community.definition("b1"))
    recorded(community.define(community.definition("a1")))
    community.open(community.definition("c1"))
    community.order("close", "c1")
    path = f"{SPACE}/ballots"
    assert [(b["ballot"], b["state"]) for b in pages(live.client, path)] == [
        ("a1", "draft"),
        ("b1", "open"),
        ("c1", "decided"),
    ]
    for state, names in (("draft", ["a1"]), ("open", ["b1"]), ("decided", ["c1"]), ("closed", [])):
        found = live.client.get(f"{path}?state={state}").json()["items"]
        assert [b["ballot"] for b in found] == names
    draft = live.client.get(f"{path}/a1").json()
    assert (draft["state"], draft["size"], draft["vkey"]) == ("draft", 0, None)
    assert draft["definition"]["payloadType"] == "application/vnd.althing.ballot.v1+json"
    assert draft["digest"] == community.ballots["a1"].identity


def test_votes_roll_and_receipts(live):
    community = live.community
    community.open()
    first = community.cast(key(100), ["a"]).json()
    recorded(community.cast(key(101), None))
    votes = pages(live.client, f"{SPACE}/ballots/q1/votes")
    assert {v["voter"] for v in votes} == {key(100).member_id, key(101).member_id}
    row = live.client.get(f"{SPACE}/ballots/q1/roll/{key(100).member_id}").json()
    assert (row["weight"], row["suite"], row["public"]) == ("1", "ed25519", key(100).public)
    path = f"{SPACE}/ballots/q1/votes/{key(102).member_id}"
    assert live.client.get(path).status_code == 404
    assert live.client.get(f"{SPACE}/ballots/q1/roll/{key(999).member_id}").status_code == 404
    assert live.client.get(f"{SPACE}/ballots/q1/entries/{first['index']}").status_code == 200
    assert live.client.get(f"{SPACE}/ballots/q1/entries/99").status_code == 404
    assert live.client.get(f"{SPACE}/ballots/q1/receipts/99").status_code == 404


def test_commitments(live):
    community = live.community
    recorded(community.post("/roadmap", community.item(), community.steward))
    community.open()
    community.order("close")
    outcome = live.client.get(f"{SPACE}/ballots/q1").json()["outcome"]
    owner = key(100).member_id
    made = Commitment("nix", "c1", "search", "q1", outcome, owner, "2027-Q2", "will do", NOW)
    digest = recorded(community.post("/commitments", made, community.steward)).json()["digest"]
    update = CommitmentUpdate("nix", "c1", digest, "kept", "done", NOW)
    recorded(community.post("/commitments", update, community.steward))
    (seen,) = pages(live.client, f"{SPACE}/commitments")
    assert (seen["commitment"], seen["status"], seen["updates"], seen["note"]) == ("c1", "kept", 1, "done")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{SPACE}/members?limit=0", 400),
        (f"{SPACE}/members?limit=1001", 400),
        (f"{SPACE}/members?limit=x", 400),
        (f"{SPACE}/members?cursor=%21", 400),
        (f"{SPACE}/members?cursor=AA==", 400),
        (f"{SPACE}/members/nobody", 400),
        (f"{SPACE}/members/{key(9).member_id}", 404),
        ("/api/v1/spaces/none", 404),
        ("/api/v1/spaces/No", 400),
        ("/api/v1/spaces/none/members", 404),
        ("/api/v1/spaces/none/calendar", 404),
        ("/api/v1/spaces/none/roadmap", 404),
        ("/api/v1/spaces/none/ballots", 404),
        ("/api/v1/spaces/none/events", 404),
        (f"{SPACE}/roadmap/none", 404),
        (f"{SPACE}/roadmap?status=odd", 400),
        (f"{SPACE}/ballots/none", 404),
        (f"{SPACE}/ballots/none/votes", 404),
        (f"{SPACE}/ballots/none/outcome", 404),
        (f"{SPACE}/ballots/none/entries/0", 404),
        (f"{SPACE}/ballots/none/entries/-1", 400),
        (f"{SPACE}/ballots/none/entries/{2**70}", 400),
        (f"{SPACE}/ballots/none/events", 404),
    ],
)
def test_bad_paths_and_parameters(lite, path, status):
    answer = lite.client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_statement_sent_twice_is_recorded_once(lite):
    community = lite.community
    first = community.post("/roadmap", community.item(), community.steward)
    again = community.post("/roadmap", community.item(), community.steward)
    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json()["index"], first.json()["digest"]) == (again.json()["index"], again.json()["digest"])


def test_a_statement_in_the_wrong_place(lite):
    community = lite.community
    answer = community.post("/members", community.item(), community.steward)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-statement")
    elsewhere = community.post("/roadmap", community.item(space="other"), community.steward)
    assert (elsewhere.status_code, elsewhere.json()["pointer"]) == (422, "/space")
    member = community.post("/roadmap", community.item(), key(100))
    assert (member.status_code, member.json()["code"]) == (403, "not-authorised")


def test_founding_needs_an_operator_and_a_free_name(lite):
    community = lite.community
    taken = lite.client.post(
        "/api/v1/spaces", content=body(community.founding(), community.operator, community.steward)
    )
    assert (taken.status_code, taken.json()["code"]) == (409, "already-exists")
    keys = lite.data / "keys" / "logs"
    before = len(list(keys.iterdir()))
    community.space = "other"
    alone = lite.client.post("/api/v1/spaces", content=body(community.founding(), community.steward))
    assert (alone.status_code, alone.json()["code"]) == (403, "not-authorised")
    assert len(list(keys.iterdir())) == before
