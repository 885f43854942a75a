"""Delegation by the commands alone: allowed, made, listed, used in a ballot, told, revoked."""

from __future__ import annotations

import json

import pytest

from governance.cli.delegating import furthest, parse_rule, scope_in_words, scope_of
from governance.cli.templates import template
from governance.counting.threshold import Threshold
from governance.errors import InvalidStatement, MalformedRequest
from governance.statements.delegation import DelegationRule
from tests.support.server import Person, running

NOW = 1_800_000_000


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("lost", DelegationRule(None, "lost", None, None)),
        (
            "ranked,topic=energy/heat,depth=5,cap=1/10",
            DelegationRule("energy/heat", "ranked", 5, Threshold(1, 10, strict=False)),
        ),
    ],
)
def test_rules_as_text(text, rule):
    assert parse_rule(text) == rule


@pytest.mark.parametrize(
    "text",
    ["", "yes", "lost,", "lost,cap", "lost,cap=1", "lost,cap=a/b", "lost,depth=0", "lost,depth=x", "lost,a=b",
     "lost,topic=A", "lost,topic=a,topic=b", "lost,cap=1/0"],
)  # fmt: skip
def test_texts_that_are_no_rule(text):
    with pytest.raises(MalformedRequest):
        parse_rule(text)


def test_one_scope_is_said():
    assert scope_of("q1", None, False) == "ballot:q1"
    assert scope_of(None, "a/b", False) == "topic:a/b"
    assert scope_of(None, None, True) == "space"
    for wrong in ((None, None, False), ("q1", None, True), ("Q 1", None, False), (None, "/", False)):
        with pytest.raises(MalformedRequest):
            scope_of(*wrong)
    assert scope_in_words("topic:a/b") == "the topic a/b"


def test_how_far_a_delegation_reaches():
    base = template("project")
    assert furthest(base.adopt("nix", NOW, delegation_quarters=4), NOW) == "2028-Q1"
    with pytest.raises(InvalidStatement):
        furthest(base.adopt("nix", NOW), NOW)


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    """The steward, three members by name, and the instance's address."""
    home = tmp_path_factory.mktemp("delegation")
    with running(home / "server") as server:
        people = {name: Person(home / name, server.url) for name in ("steward", "anna", "ben", "cleo")}
        for person in people.values():
            person.do("key", "new")
        people["steward"].do("space", "new", "mill", "--data", server.data)
        ids = {}
        for name in ("anna", "ben", "cleo"):
            request = home / f"{name}.request"
            ids[name] = people[name].json("member", "request", "mill", request)["member"]
            people["steward"].do("member", "approve", request, "--yes")
        yield people, ids, server.url


def test_delegation_from_permission_to_result(space):
    people, ids, url = space
    anna, ben, cleo, steward = (people[name] for name in ("anna", "ben", "cleo", "steward"))
    assert anna.refused("delegate", ids["ben"], "--space-wide")["error"] == "invalid-statement"
    assert steward.json("space", "delegation", "2")["delegation_quarters"] == 2
    made = anna.json("delegate", ids["ben"], "--topic", "energy", "--ranked", ids["cleo"])
    assert made["delegation"]["delegates"] == [ids["ben"], ids["cleo"]]
    assert "Delegated until the end of" in cleo.do("delegate", ids["anna"], "--space-wide", "--yes")
    assert [d["delegator"] for d in anna.json("delegations")] == sorted([ids["anna"], ids["cleo"]])
    assert [d["delegator"] for d in anna.json("delegations", "--member", ids["ben"])] == [ids["anna"]]
    assert "the topic energy" in anna.do("delegations")
    steward.do(
        "ballot", "new", "fruit", "--rule", "approval", "--option", "a=Apples", "--option", "b=Pears",
        "--closes", "+1d", "--no-quorum", "--delegation", "ranked,topic=energy/heat,cap=9/10",
    )  # fmt: skip
    steward.do("ballot", "open", "fruit", "--yes")
    ben.do("vote", f"{url}/spaces/mill/ballots/fruit", "--approve", "b", "--yes")
    steward.do("ballot", "close", "fruit", "--yes")
    result = json.loads(anna.do("ballot", "results", "fruit", "--json"))
    assert result["delegations"]["delegates"] == [{"delegate": ids["ben"], "delegators": 2, "weight": "2"}]
    assert "2 members counted through 1 voters" in anna.do("ballot", "results", "fruit")
    assert cleo.run("delegate", ids["anna"], "--space-wide", input="n\n").exit_code == 1
    assert cleo.json("delegate", "--revoke", "--space-wide")["delegation"]["expires"] is None
    assert [d["delegator"] for d in anna.json("delegations")] == [ids["anna"]]
    assert anna.json("audit", url)["passed"]
    steward.do("space", "delegation", "--off")
    assert ben.refused("delegate", ids["anna"], "--space-wide")["error"] == "invalid-statement"
    assert anna.refused("delegate", "--space-wide")["error"] == "malformed-request"
