"""Majority judgment: lower medians, ties by removing them, missing grades, weights of any size."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.counts import count, refusal, undefinable


def judged(rows: dict[str, list[int]], **params: Any) -> Any:
    names = "".join(sorted(rows))
    votes = [({name: rows[name][i] for name in rows}, 1) for i in range(len(next(iter(rows.values()))))]
    return count("majority-judgment", names, votes, **params)


def test_the_median_decides_not_the_mean() -> None:
    outcome = judged({"a": [5, 5, 0, 0, 0], "b": [1, 1, 1, 1, 0]})
    assert outcome.totals == {"b": "1", "a": "0"}
    assert outcome.winners == ["b"]


def test_an_even_count_takes_the_worse_of_the_two_in_the_middle() -> None:
    assert judged({"a": [0, 5], "b": [1, 1]}).totals == {"b": "1", "a": "0"}


def test_equal_medians_are_removed_until_the_next_differ() -> None:
    # Medians 2, then 1 for both (even count, the worse), then 3 against 2.
    outcome = judged({"a": [0, 1, 2, 3, 4], "b": [0, 1, 2, 2, 4]})
    assert outcome.ranking == [["a"], ["b"]]
    assert [step.options for step in outcome.steps if step.action == "compare"] == [["a", "b"]]
    # Below the middle comes first: 1 and 5 lose against 2 and 2.
    assert judged({"a": [0, 1, 2, 5, 5], "b": [0, 2, 2, 2, 2]}).ranking == [["b"], ["a"]]


def test_only_equal_grades_fall_to_the_lot() -> None:
    outcome = judged({"a": [1, 2, 3], "b": [3, 2, 1]}, lot="ba")
    assert outcome.ranking == [["b", "a"]]
    assert outcome.winners == ["b"]


def test_a_missing_grade_is_the_lowest_or_refused() -> None:
    votes = [({"a": 3}, 1), ({"b": 1}, 2), ({"a": 3, "b": 2}, 1)]
    outcome = count("majority-judgment", "ab", votes, min_grade=-1, max_grade=3)
    tallies = {s.options[0]: s.totals for s in outcome.steps if s.action == "grades"}
    assert tallies == {"a": {"-1": "2", "3": "2"}, "b": {"-1": "1", "1": "2", "2": "1"}}
    assert outcome.totals == {"b": "1", "a": "-1"}
    assert refusal("majority-judgment", "ab", {"a": 1}, unmarked="refused") == ("below-minimum", "/q")


def test_huge_weights_are_not_unfolded() -> None:
    big = 2**128
    votes = [({"a": 1, "b": 1}, big), ({"a": 2, "b": 2}, big), ({"a": 3, "b": 2}, 1), ({"a": 0, "b": 1}, 1)]
    outcome = count("majority-judgment", "ab", votes)
    # From the middle outwards both alternate 1 and 2 for 2^128 rounds; then 0 against 1 decides.
    assert outcome.ranking == [["b"], ["a"]]
    assert outcome.totals == {"b": "1", "a": "1"}


def test_nobody_votes() -> None:
    outcome = count("majority-judgment", "ab", [(None, 3)])
    assert outcome.totals == {"b": "none", "a": "none"}
    assert outcome.ranking == [["b", "a"]]


@pytest.mark.parametrize(
    ("answer", "reason", "pointer"),
    [
        (["a"], "wrong-form", "/q"),
        ({"z": 1}, "unknown-option", "/q/z"),
        ({"a": 6}, "out-of-range", "/q/a"),
        ({"a": "Good"}, "wrong-form", "/q/a"),
    ],
)
def test_invalid_answers(answer: Any, reason: str, pointer: str) -> None:
    assert refusal("majority-judgment", "ab", answer) == (reason, pointer)


def test_parameters_that_do_not_fit() -> None:
    assert undefinable("majority-judgment", "ab", min_grade=2, max_grade=2) == "/q/params/max_grade"
    assert undefinable("majority-judgment", "ab", seats=3) == "/q/params/seats"
