"""The rules that recount Snapshot: exact parts, and roots cut off at 18 decimals."""

from __future__ import annotations

from typing import Any

import pytest

from governance.counting import get_rule
from tests.support.counts import count, options, refusal, undefinable


def test_weighted_splits_each_vote_in_proportion() -> None:
    votes = [({"a": 1, "b": 2}, 2**128), ({"a": 3, "c": 1}, 1), (None, 5)]
    outcome = count("snapshot-weighted", "abc", votes)
    assert outcome.totals == {
        "b": f"{2**129}/3",
        "a": f"{4 * 2**128 + 9}/12",
        "c": "1/4",
    }
    assert outcome.facts["blank_weight"] == "5"


def test_quadratic_squares_the_sum_of_the_roots() -> None:
    outcome = count("snapshot-quadratic", "ab", [({"a": 1}, 4), ({"a": 1}, 4), ({"b": 1}, 8)])
    # (2 + 2)^2 = 16 and (sqrt 8)^2 = 8, scaled to 16 votes.
    assert [total[:8] for total in outcome.totals.values()] == ["10.66666", "5.333333"]
    assert len(outcome.totals["a"].partition(".")[2]) == 18


def test_quadratic_without_votes() -> None:
    assert set(count("snapshot-quadratic", "ab", []).totals.values()) == {"0." + 18 * "0"}


@pytest.mark.parametrize("rule", ["snapshot-weighted", "snapshot-quadratic"])
@pytest.mark.parametrize(
    ("answer", "reason", "pointer"),
    [
        ({}, "below-minimum", "/q"),
        ({"a": 0}, "out-of-range", "/q/a"),
        ({"z": 1}, "unknown-option", "/q/z"),
        ({"a": 9_999, "b": 2}, "budget-exceeded", "/q"),
        (["a"], "wrong-form", "/q"),
    ],
)
def test_invalid_answers_are_those_that_snapshot_leaves_out(
    rule: str, answer: Any, reason: str, pointer: str
) -> None:
    assert refusal(rule, "ab", answer) == (reason, pointer)
    assert undefinable(rule, "ab", seats=3) == "/q/params/seats"
    assert get_rule(rule).modes == {"open"}


def test_a_definition_is_warned_of_split_wallets() -> None:
    rule = get_rule("snapshot-quadratic")
    assert "splits a wallet" in rule.definition_notes(options("ab"), rule.parse_params({}))[0]
