"""Score voting: sums, missing grades, the tie rule of the top grades."""

from __future__ import annotations

from typing import Any

import pytest

from governance.counting import Option, Outcome, Profile, get_rule
from governance.errors import InvalidAnswer, InvalidDefinition

RULE = get_rule("score")
OPTIONS = [Option("a"), Option("b"), Option("c")]
LOT = ("c", "b", "a")


def count(answers: list[tuple[Any, int]], **params: Any) -> Outcome:
    return RULE.count(OPTIONS, RULE.parse_params(params), Profile.from_answers(answers), LOT)


def test_sums_weight_times_grade() -> None:
    outcome = count([({"a": 5, "b": 1}, 3), ({"b": 4}, 2**100)], seats=1)
    assert outcome.totals == {"b": str(4 * 2**100 + 3), "a": "15", "c": "0"}
    assert outcome.winners == ["b"]


def test_equal_sums_fall_to_the_weight_at_the_highest_grade() -> None:
    answers = [({"a": 5, "b": 3, "c": 3}, 1), ({"a": 1, "b": 3, "c": 3}, 1)]
    assert count(answers).ranking == [["a"], ["c", "b"]]
    assert count(answers, ties="lot").ranking == [["c", "b", "a"]]
    # Nine each: a has 5, 2, 2 and b has 4, 4, 1; only the top counts first.
    answers = [({"a": 5, "b": 4}, 1), ({"a": 2, "b": 4}, 1), ({"a": 2, "b": 1}, 1)]
    assert count(answers).ranking == [["a"], ["b"], ["c"]]


def test_a_missing_grade_counts_as_the_definition_says() -> None:
    answers = [({"a": -1}, 2), ({"a": -1, "b": -2}, 1)]
    assert count(answers, min_grade=-2, max_grade=2).totals == {"c": "0", "b": "-2", "a": "-3"}
    lowest = count(answers, min_grade=-2, max_grade=2, unmarked="lowest")
    assert lowest.totals == {"a": "-3", "b": "-6", "c": "-6"}


@pytest.mark.parametrize(
    ("answer", "reason", "pointer"),
    [
        (["a"], "wrong-form", "/q"),
        ({"z/~": 1}, "unknown-option", "/q/z~1~0"),
        ({"a": 6}, "out-of-range", "/q/a"),
        ({"a": -1}, "out-of-range", "/q/a"),
        ({"a": True}, "wrong-form", "/q/a"),
        ({"a": 1, "b": 2}, "below-minimum", "/q"),
    ],
)
def test_invalid_answers_have_a_reason_and_a_place(answer: Any, reason: str, pointer: str) -> None:
    with pytest.raises(InvalidAnswer) as caught:
        RULE.check_answer(OPTIONS, RULE.parse_params({"unmarked": "refused"}), answer, "/q")
    assert (caught.value.facts["reason"], caught.value.pointer) == (reason, pointer)


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"min_grade": 5, "max_grade": 5}, "/q/params/max_grade"),
        ({"min_grade": 1, "max_grade": 5}, "/q/params/unmarked"),
        ({"seats": 4}, "/q/params/seats"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(params: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidDefinition) as caught:
        RULE.check_definition(OPTIONS, RULE.parse_params(params), "/q")
    assert caught.value.pointer == pointer
