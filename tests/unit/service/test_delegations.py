"""Delegation through a running service: recorded over HTTP, resolved at the close, audited by a stranger."""

from __future__ import annotations

import msgspec
import pytest

from governance.audit.run import audit
from governance.fetch.directory import Directory
from governance.service import lifecycle
from governance.service.publishing import export
from governance.service.states import LiveBallot
from governance.statements.delegation import Delegation, DelegationRule
from tests.support.people import key, recorded
from tests.support.service import NOW, running

SPACE = "/api/v1/spaces/nix"
RULE = DelegationRule("energy/heat", "lost", None, None)


def allow(started, quarters=2):
    """The constitution's second revision allows delegation."""
    community = started.community
    digest = started.client.get(SPACE).json()["constitution_digest"]
    second = community.constitution(revision=2, previous=digest, delegation_quarters=quarters)
    recorded(community.post("/constitution", second, community.steward))


def delegate(started, who, *delegates, scope="space", sequence=1, **changes):
    new = Delegation(
        space="nix",
        delegator=key(who).member_id,
        delegates=[key(d).member_id for d in delegates],
        scope=scope,
        expires="2027-Q2" if delegates else None,
        sequence=sequence,
        delegated_at=NOW,
    )
    return started.community.post("/delegations", msgspec.structs.replace(new, **changes), key(who))


def outcome(started):
    return started.client.get(f"{SPACE}/ballots/q1/outcome").json()


def audited(started, path):
    export(started.service.store, path)
    return audit(Directory(path))


def test_delegations_from_record_to_audit(live, tmp_path):
    allow(live)
    community = live.community
    community.enrol(key(103), key(104))
    recorded(delegate(live, 100, 101))
    recorded(delegate(live, 102, 100, scope="topic:energy"))
    assert delegate(live, 102, 100, scope="topic:energy").status_code == 200
    community.open(community.definition(delegation=RULE))
    # While the ballot is open members still delegate, revoke, and vote themselves.
    recorded(delegate(live, 103, 104))
    recorded(delegate(live, 103, sequence=2))
    recorded(delegate(live, 104, 101, scope="ballot:q1"))
    assert community.cast(key(101), ["a"]).status_code == 201
    assert community.cast(key(104), ["b"]).status_code == 201
    answer = recorded(community.order("close")).json()
    assert (answer["state"], answer["ballot"]["winners"]) == ("decided", {"q": ["a"]})
    result = outcome(live)
    assert (result["voters"], result["weight"]) == (2, "4")
    told = result["delegations"]
    assert (told["live"], told["weight"], told["lost"]) == (3, "2", [])
    assert told["delegates"] == [{"delegate": key(101).member_id, "delegators": 2, "weight": "2"}]
    # A delegation after the close changes nothing that is decided.
    recorded(delegate(live, 103, 104, sequence=3))
    verdict = audited(live, tmp_path / "public")
    assert verdict.passed, verdict.failures
    assert [c.status for c in verdict.checks if c.name == "delegations"] == ["passed"]


def test_reads(live):
    allow(live)
    recorded(delegate(live, 100, 101))
    recorded(delegate(live, 100, 102, scope="topic:a/b", sequence=2))
    recorded(delegate(live, 100, sequence=3))
    first = live.client.get(f"{SPACE}/delegations?limit=1").json()
    rest = live.client.get(f"{SPACE}/delegations?limit=1&cursor={first['next']}").json()
    assert [i["scope"] for i in first["items"] + rest["items"]] == ["space", "topic:a/b"]
    assert rest["next"] is None
    mine = live.client.get(f"{SPACE}/delegations/{key(100).member_id}").json()
    assert (mine["sequence"], [i["delegates"] for i in mine["items"]]) == (3, [[], [key(102).member_id]])
    assert live.client.get(f"{SPACE}/delegations/{key(101).member_id}").json()["items"] == []
    assert live.client.get(f"{SPACE}/delegations/{key(999).member_id}").status_code == 404


@pytest.mark.parametrize(
    ("who", "to", "changes", "status", "code"),
    [
        (100, (101,), {"sequence": 1}, 409, "stale-revision"),
        (100, (100,), {"sequence": 2}, 422, "invalid-statement"),
        (100, (101,), {"sequence": 2, "expires": "2028-Q1"}, 422, "invalid-statement"),
        (100, (101,), {"sequence": 2, "delegated_at": NOW + 9_999}, 422, "invalid-statement"),
        (100, (101,), {"sequence": 2, "scope": "topic:"}, 400, "malformed-statement"),
        (999, (101,), {}, 403, "not-authorised"),
    ],
)
def test_refusals_change_nothing(lite, who, to, changes, status, code):
    allow(lite)
    recorded(delegate(lite, 100, 102))
    before = lite.client.get(SPACE).json()["size"]
    answer = delegate(lite, who, *to, **changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert lite.client.get(SPACE).json()["size"] == before


def test_no_ballot_with_delegation_where_the_constitution_allows_none(lite):
    answer = lite.community.define(lite.community.definition(delegation=RULE))
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/delegation")


def test_a_service_that_stops_between_close_and_count_counts_the_same(tmp_path):
    with running(tmp_path / "data") as first:
        allow(first)
        recorded(delegate(first, 100, 101))
        community = first.community
        community.open(community.definition(delegation=RULE))
        assert community.cast(key(101), ["a"]).status_code == 201
        service, origin = first.service, f"{community.origin}/ballots/q1"
        first.clock.now = NOW + 86_400

        def close(batch):
            return lifecycle.append_close(service, batch, batch.state(origin), None, first.clock.now)

        service.sequencer.submit(close).result()
        assert service.states.get(origin, LiveBallot).chosen.live == 1
        recorded(delegate(first, 102, 101))
    with running(tmp_path / "data", found=False, clock=first.clock) as again:
        lifecycle.tick(again.service, NOW + 86_401)
        assert outcome(again)["delegations"]["weight"] == "1"
        assert audited(again, tmp_path / "public").passed
