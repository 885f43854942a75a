"""Approval voting: totals, ties, seats, and every way an answer or a definition can be wrong."""

from __future__ import annotations

from typing import Any

import pytest

from governance.counting import Option, Outcome, Profile, get_rule
from governance.errors import InvalidAnswer, InvalidDefinition

RULE = get_rule("approval")
OPTIONS = [Option("a"), Option("b"), Option("c")]
LOT = ("c", "b", "a")


def count(answers: list[tuple[Any, int]], **params: Any) -> Outcome:
    return RULE.count(OPTIONS, RULE.parse_params(params), Profile.from_answers(answers), LOT)


def test_counts_weights_and_ranks() -> None:
    outcome = count([(["a", "b"], 3), (["b"], 2**128), (None, 7)], seats=2)
    assert outcome.totals == {"b": str(2**128 + 3), "a": "3", "c": "0"}
    assert outcome.winners == ["b", "a"]
    assert outcome.ranking == [["b"], ["a"], ["c"]]
    assert outcome.facts["blank_weight"] == "7"
    assert [step.action for step in outcome.steps] == ["count", "elect"]


def test_the_lot_decides_a_tie_and_says_so() -> None:
    outcome = count([(["a", "c"], 1)])
    assert outcome.ranking == [["c", "a"], ["b"]]
    assert outcome.winners == ["c"]
    tie = outcome.steps[1]
    assert (tie.action, tie.options) == ("tie", ["c", "a"])
    assert "the lot decided" in tie.note
    assert outcome.lot == list(LOT)


def test_a_tie_that_decides_nothing_is_not_logged() -> None:
    assert [step.action for step in count([(["a", "c"], 1)], seats=2).steps] == ["count", "elect"]


@pytest.mark.parametrize(
    ("answer", "reason", "pointer"),
    [
        ("a", "wrong-form", "/q"),
        ({"a": 1}, "wrong-form", "/q"),
        ([["a", "b"]], "wrong-form", "/q/0"),
        (["a", "z"], "unknown-option", "/q/1"),
        (["a", "b", "a"], "duplicate", "/q/2"),
        ([], "below-minimum", "/q"),
        (["a", "b", "c"], "over-vote", "/q"),
    ],
)
def test_invalid_answers_have_a_reason_and_a_place(answer: Any, reason: str, pointer: str) -> None:
    params = RULE.parse_params({"min_marks": 1, "max_marks": 2})
    with pytest.raises(InvalidAnswer) as caught:
        RULE.check_answer(OPTIONS, params, answer, "/q")
    assert (caught.value.facts["reason"], caught.value.pointer) == (reason, pointer)


def test_valid_answers_pass() -> None:
    params = RULE.parse_params({"min_marks": 1, "max_marks": 2})
    RULE.check_answer(OPTIONS, params, ["a"])
    RULE.check_answer(OPTIONS, params, ["c", "b"])


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"seats": 4}, "/q/params/seats"),
        ({"min_marks": 4}, "/q/params/min_marks"),
        ({"min_marks": 2, "max_marks": 1}, "/q/params/max_marks"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(params: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidDefinition) as caught:
        RULE.check_definition(OPTIONS, RULE.parse_params(params), "/q")
    assert caught.value.pointer == pointer


@pytest.mark.parametrize("params", [{"seats": 0}, {"seats": "1"}, {"colour": "red"}, {"min_marks": -1}])
def test_parameters_out_of_bounds_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(InvalidDefinition):
        RULE.parse_params(params)


def test_options_must_be_distinct_and_some() -> None:
    params = RULE.parse_params({})
    with pytest.raises(InvalidDefinition) as caught:
        RULE.check_definition([Option("a"), Option("b"), Option("a")], params, "/q")
    assert caught.value.pointer == "/q/options/2/id"
    with pytest.raises(InvalidDefinition):
        RULE.check_definition([], params)
