"""The example plugin counts a ballot of a running service."""

import sys
from pathlib import Path

import msgspec
import pytest

from governance.counting import registry
from governance.statements.ballot import RuleChoice
from tests.support.people import full_params, key, question, recorded
from tests.support.service import running

sys.path.insert(0, str(Path(__file__).parent / "dowdall_plugin"))
import dowdall


@pytest.fixture
def started(tmp_path):
    with running(tmp_path / "data", plugins=(dowdall,)) as service:
        yield service
    registry.RULES.pop(("dowdall", 1))


def test_a_ballot_is_counted_by_the_plugins_rule(started):
    community = started.community
    choice = RuleChoice("dowdall", 1, full_params("dowdall"))
    asked = msgspec.structs.replace(question(), rule=choice)
    community.open(community.definition("q1", asked))
    wrong = community.cast(key(100), ["a", "a"])
    assert (wrong.status_code, wrong.json()["pointer"]) == (422, "/answers/q/1")
    for who, ranking in ((100, ["a", "b"]), (101, ["b", "c"]), (102, ["b", "a"])):
        recorded(community.cast(key(who), ranking))
    community.order("close")
    outcome = started.client.get("/api/v1/spaces/nix/ballots/q1/outcome").json()["questions"][0]["outcome"]
    assert outcome["totals"] == {"b": "5/2", "a": "3/2", "c": "1/2"}
    assert (outcome["rule"], outcome["winners"]) == ("dowdall", ["b"])


def test_without_the_plugin_the_rule_is_refused(lite):
    community = lite.community
    asked = msgspec.structs.replace(question(), rule=RuleChoice("dowdall", 1, {"seats": 1}))
    answer = community.define(community.definition("q1", asked))
    assert (answer.status_code, answer.json()["code"]) == (422, "unsupported")
