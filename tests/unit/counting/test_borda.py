"""Borda: points by place, means for shared and left out places."""

from __future__ import annotations

from governance.counting import get_rule
from tests.support.counts import count, options


def test_points_by_place() -> None:
    outcome = count("borda", "abc", [(["a", "b", "c"], 3), (["b", "c", "a"], 2**100)])
    assert outcome.totals == {"b": str(2**101 + 3), "c": str(2**100), "a": "6"}
    assert outcome.winners == ["b"]


def test_shared_and_left_out_places_get_the_mean() -> None:
    assert count("borda", "abcd", [([["a", "b"], "c"], 1)]).totals == {
        "b": "5/2",
        "a": "5/2",
        "c": "1",
        "d": "0",
    }
    assert count("borda", "abcd", [(["a"], 1)]).totals == {"a": "3", "d": "1", "c": "1", "b": "1"}
    assert count("borda", "abcd", [([], 1)]).totals == dict.fromkeys("dcba", "3/2")


def test_without_an_opinion_left_out_options_are_not_compared() -> None:
    outcome = count("borda", "abcd", [(["a", "b"], 2), (["c"], 9)], unranked="no-opinion")
    assert outcome.totals == {"a": "2", "d": "0", "c": "0", "b": "0"}


def test_a_definition_is_warned() -> None:
    rule = get_rule("borda")
    assert "polls" in rule.definition_notes(options("abc"), rule.parse_params({}))[0]
