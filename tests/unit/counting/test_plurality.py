"""Plurality: one choice, or as many marks as seats."""

from __future__ import annotations

from governance.counting import get_rule
from tests.support.counts import count, options, refusal, undefinable


def test_the_most_named_win() -> None:
    outcome = count("plurality", "abc", [("a", 2), ("b", 2**128), ("c", 2), (None, 4)], seats=2)
    assert outcome.totals == {"b": str(2**128), "c": "2", "a": "2"}
    assert outcome.winners == ["b", "c"]
    assert outcome.ranking == [["b"], ["c", "a"]]
    assert outcome.facts == {"valid_weight": str(2**128 + 4), "blank_weight": "4"}


def test_a_block_vote_has_as_many_marks_as_seats() -> None:
    outcome = count("plurality", "abc", [(["a", "b"], 2), (["b"], 1)], seats=2, max_marks=2)
    assert outcome.totals == {"b": "3", "a": "2", "c": "0"}
    rule = get_rule("plurality")
    assert rule.form(rule.parse_params({"seats": 2, "max_marks": 2})) == "approval"
    assert rule.form(rule.parse_params({"seats": 2})) == "choice"


def test_invalid_answers() -> None:
    assert refusal("plurality", "abc", ["a"]) == ("wrong-form", "/q")
    assert refusal("plurality", "abc", "z") == ("unknown-option", "/q")
    assert refusal("plurality", "abc", "a", seats=2, max_marks=2) == ("wrong-form", "/q")
    assert refusal("plurality", "abc", [], seats=2, max_marks=2) == ("below-minimum", "/q")
    assert refusal("plurality", "abc", list("abc"), seats=2, max_marks=2) == ("over-vote", "/q")


def test_definitions() -> None:
    assert undefinable("plurality", "abc", max_marks=2) == "/q/params/max_marks"
    assert undefinable("plurality", "abc", seats=4) == "/q/params/seats"
    rule = get_rule("plurality")
    assert rule.definition_notes(options("abc"), rule.parse_params({}))
    assert not rule.definition_notes(options("ab"), rule.parse_params({}))
