"""Copeland: comparisons won, halves for level ones, lot among equals."""

from __future__ import annotations

from tests.support.counts import count


def test_points_are_comparisons_won() -> None:
    outcome = count("copeland", "abc", [(["a", "b", "c"], 2), (["b", "a", "c"], 2), (["a"], 1)])
    assert outcome.totals == {"a": "2", "b": "1", "c": "0"}
    assert outcome.winners == ["a"]


def test_level_comparisons_are_worth_half() -> None:
    outcome = count("copeland", "abc", [(["a", "b", "c"], 1), (["b", "a", "c"], 1)])
    assert outcome.totals == {"b": "3/2", "a": "3/2", "c": "0"}
    assert outcome.ranking == [["b", "a"], ["c"]]
    assert outcome.facts["pairwise"] == "[[0,1,2],[1,0,2],[0,0,0]]"


def test_a_cycle_falls_to_the_lot() -> None:
    cycle = [(["a", "b", "c"], 1), (["b", "c", "a"], 1), (["c", "a", "b"], 1)]
    outcome = count("copeland", "abc", cycle, lot="bac")
    assert outcome.ranking == [["b", "a", "c"]]
    assert [step.action for step in outcome.steps][-2:] == ["tie", "elect"]
