"""Greedy budgeting: skip, no skip, threshold, approvals and points."""

from __future__ import annotations

from typing import Any

import pytest

from governance.counting import Option, Outcome, Profile, get_rule
from governance.errors import InvalidAnswer, InvalidDefinition

RULE = get_rule("greedy")
OPTIONS = [Option("a", cost=60), Option("b", cost=50), Option("c", cost=40), Option("d", cost=10)]
LOT = ("d", "c", "b", "a")
ANSWERS: list[tuple[Any, int]] = [(["a", "b"], 4), (["a"], 1), (["c"], 3), (["d"], 1)]


def count(votes: list[tuple[Any, int]], /, **params: Any) -> Outcome:
    return RULE.count(OPTIONS, RULE.parse_params(params), Profile.from_answers(votes), LOT)


def actions(outcome: Outcome) -> dict[str, str]:
    return {step.options[0]: step.action for step in outcome.steps}


def test_skips_what_does_not_fit() -> None:
    outcome = count(ANSWERS, budget="100")
    assert outcome.winners == ["a", "c"]
    assert actions(outcome) == {"a": "select", "b": "skip", "c": "select", "d": "skip"}
    assert outcome.facts["spent"] == "100"


def test_without_skip_the_first_misfit_ends_it() -> None:
    outcome = count(ANSWERS, budget="100", skip=False)
    assert outcome.winners == ["a"]
    assert actions(outcome) == {"a": "select", "b": "skip", "c": "stop", "d": "stop"}


def test_an_option_needs_the_least_score() -> None:
    outcome = count(ANSWERS, budget="1000", threshold="3")
    assert outcome.winners == ["a", "b", "c"]
    assert actions(outcome)["d"] == "drop"


def test_equal_scores_fall_to_the_cheaper_then_to_the_lot() -> None:
    assert count([(["a", "b", "c", "d"], 1)], budget="1000").order == ["d", "c", "b", "a"]
    twins = [Option("x", cost=5), Option("y", cost=5)]
    params = RULE.parse_params({"budget": "5"})
    profile = Profile.from_answers([(["x", "y"], 1)])
    assert RULE.count(twins, params, profile, ("y", "x")).winners == ["y"]
    assert RULE.count(twins, params, profile, ("x", "y")).winners == ["x"]


def test_points() -> None:
    outcome = count([({"a": 1, "b": 3}, 2), ({"d": 5}, 1)], budget="60", answers="points")
    assert outcome.totals == {"b": "6", "d": "5", "a": "2", "c": "0"}
    assert outcome.winners == ["b", "d"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (["a"], "wrong-form"),
        ({"a": -1}, "out-of-range"),
        ({"a": 4}, "out-of-range"),
        ({"a": 3, "b": 3}, "budget-exceeded"),
        ({"a": 1, "b": 1, "c": 1}, "over-vote"),
    ],
)
def test_invalid_points(answer: Any, reason: str) -> None:
    params = RULE.parse_params(
        {"budget": "1", "answers": "points", "max_points": 3, "max_sum": 5, "max_marks": 2}
    )
    RULE.check_answer(OPTIONS, params, {"a": 3, "b": 2, "c": 0})
    with pytest.raises(InvalidAnswer) as caught:
        RULE.check_answer(OPTIONS, params, answer)
    assert caught.value.facts["reason"] == reason


def test_the_form_follows_the_parameter() -> None:
    assert RULE.form(RULE.parse_params({"budget": "1"})) == "approval"
    assert RULE.form(RULE.parse_params({"budget": "1", "answers": "points"})) == "score"


def test_definitions() -> None:
    params = RULE.parse_params({"budget": "55"})
    RULE.check_definition(OPTIONS, params)
    assert "'a' costs 60" in RULE.definition_notes(OPTIONS, params)[0]
    for cost in (None, 0, -1):
        with pytest.raises(InvalidDefinition) as caught:
            RULE.check_definition([Option("a", cost=1), Option("b", cost=cost)], params, "/q")
        assert caught.value.pointer == "/q/options/1/cost"
    with pytest.raises(InvalidDefinition):
        RULE.check_definition(OPTIONS, RULE.parse_params({"budget": "1", "max_sum": 3}))
    with pytest.raises(InvalidDefinition):
        RULE.parse_params({})
