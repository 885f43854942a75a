"""Cumulative voting: points within a sum, perhaps a limit for each option."""

from __future__ import annotations

from tests.support.counts import count, refusal, undefinable


def test_the_most_points_win() -> None:
    outcome = count("cumulative", "abc", [({"a": 7, "b": 3}, 2), ({"c": 10}, 2**128), ({}, 1)])
    assert outcome.totals == {"c": str(10 * 2**128), "a": "14", "b": "6"}
    assert outcome.winners == ["c"]


def test_invalid_answers() -> None:
    assert refusal("cumulative", "abc", {"a": 6, "b": 5}) == ("budget-exceeded", "/q")
    assert refusal("cumulative", "abc", {"a": 11}) == ("out-of-range", "/q/a")
    assert refusal("cumulative", "abc", {"a": 4}, max_points=3) == ("out-of-range", "/q/a")
    assert refusal("cumulative", "abc", {"a": -1}) == ("out-of-range", "/q/a")
    assert refusal("cumulative", "abc", ["a"]) == ("wrong-form", "/q")


def test_definitions() -> None:
    assert undefinable("cumulative", "abc", max_points=11) == "/q/params/max_points"
    assert undefinable("cumulative", "abc", seats=4) == "/q/params/seats"
    assert undefinable("cumulative", "abc", max_sum=0) == "/q/params"
