"""Schulze: the published example, strengths by winning then losing votes, and the Debian form."""

from __future__ import annotations

import json

import pytest

from governance.counting.threshold import Threshold
from tests.support.counts import count, undefinable

# Schulze 2011, example 1: 45 votes on five options.
EXAMPLE = [
    ("acbed", 5),
    ("adecb", 5),
    ("bedac", 8),
    ("cabed", 3),
    ("caebd", 7),
    ("cbade", 2),
    ("dceba", 7),
    ("ebadc", 8),
]


def test_the_example_of_the_paper() -> None:
    outcome = count("schulze", "abcde", [(list(order), weight) for order, weight in EXAMPLE])
    assert outcome.ranking == [["e"], ["a"], ["c"], ["b"], ["d"]]
    assert outcome.totals == {"e": "4", "a": "3", "c": "2", "b": "1", "d": "0"}
    paths = json.loads(outcome.facts["beatpaths"])
    assert [winning for winning, _ in paths[0][1:]] == [28, 28, 30, 24]
    step = next(s for s in outcome.steps if s.action == "paths" and s.options == ["a"])
    assert step.totals["d"] == "30-15"
    assert "beaten by e" in step.note


PAIRS = [("ab", 4), ("ba", 1), ("bc", 4), ("cb", 2), ("ca", 4), ("ac", 3)]
"""Each vote compares two options only, under "no-opinion": a cycle of 4 to 1, 4 to 2 and 4 to 3."""


def test_with_equal_winning_votes_fewer_losing_votes_are_stronger() -> None:
    votes = [(list(pair), weight) for pair, weight in PAIRS]
    outcome = count("schulze", "abc", votes, unranked="no-opinion")
    assert outcome.ranking == [["a"], ["b"], ["c"]]
    assert json.loads(outcome.facts["beatpaths"])[0][2] == [4, 2]
    level = [(list(pair), 4 if weight == 4 else 1) for pair, weight in PAIRS]
    assert count("schulze", "abc", level, unranked="no-opinion").ranking == [["c", "b", "a"]]


def test_the_lot_decides_among_the_unbeaten_only() -> None:
    votes = [(["a", "b", "c"], 1), (["b", "a", "c"], 1)]
    outcome = count("schulze", "abc", votes, lot="cab")
    assert outcome.ranking == [["a", "b"], ["c"]]
    assert outcome.winners == ["a"]
    assert [step.action for step in outcome.steps][-2:] == ["tie", "elect"]


def test_many_options_leave_the_matrices_out() -> None:
    names = "".join(chr(0x100 + n) for n in range(61))
    outcome = count("schulze", names, [(list(names), 1)])
    assert "pairwise" not in outcome.facts
    assert outcome.order == list(names)
    assert outcome.totals[names[0]] == "60"


# --- the Debian form, with d as the default option

DEFAULT = {"default_option": "d"}


def test_an_option_needs_the_quorum_above_the_default() -> None:
    # n = 16: R = 6. Five above the default are too few, six are enough.
    votes = [(["a", "d"], 5), ([], 11)]
    assert count("schulze", "ad", votes, quorum_electors="16", **DEFAULT).winners == ["d"]
    assert count("schulze", "ad", [*votes, (["a"], 1)], quorum_electors="16", **DEFAULT).winners == ["a"]
    assert count("schulze", "ad", votes, quorum_electors="11", **DEFAULT).winners == ["a"]
    # The roll here is 17 and more votes; 4 * 6^2 >= 9 * 17 fails.
    assert count("schulze", "ad", [*votes, (["a"], 1)], quorum_electors="roll", **DEFAULT).winners == ["d"]


def test_a_supermajority_is_more_than_the_ratio() -> None:
    three = Threshold(3, 1, strict=True)
    ratios = {"a": {"numerator": 3, "denominator": 1, "strict": True}}
    votes = [(["a", "d"], 6), (["d", "a"], 2)]
    assert count("schulze", "ad", votes, majority_ratios=ratios, **DEFAULT).winners == ["d"]
    outcome = count("schulze", "ad", [*votes, (["a"], 1)], majority_ratios=ratios, **DEFAULT)
    assert outcome.winners == ["a"]
    loose = {"a": {"numerator": 3, "denominator": 1, "strict": False}}
    assert count("schulze", "ad", votes, majority_ratios=loose, **DEFAULT).winners == ["a"]
    assert not three.met(6, 2)


def test_dropped_options_neither_win_nor_stand_between_others() -> None:
    # Without the default b, who beats a, would be elected; b does not defeat the default.
    votes = [(["b", "a", "d"], 4), (["a", "d", "b"], 3), (["d", "b", "a"], 2)]
    assert count("schulze", "abd", votes).winners == ["b"]
    outcome = count("schulze", "abd", votes, **DEFAULT)
    assert outcome.winners == ["a"]
    assert outcome.ranking == [["a"], ["d"], ["b"]]
    (drop,) = [step for step in outcome.steps if step.action == "drop"]
    assert (drop.options, drop.totals) == (["b"], {"b": "4"})
    assert "4 rank it above" in drop.note
    assert "5 below" in drop.note


def test_places_stay_empty_rather_than_go_below_the_default() -> None:
    votes = [(["a", "d", "b"], 3), (["a", "b", "d"], 1)]
    outcome = count("schulze", "abd", votes, seats=2, **DEFAULT)
    assert outcome.winners == ["a"]
    assert outcome.order == ["a", "d", "b"]
    assert "default" in outcome.steps[-1].note


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"default_option": "z"}, "default_option"),
        ({"majority_ratio": {"numerator": 2, "denominator": 1, "strict": True}}, "majority_ratio"),
        ({"majority_ratios": {"a": {"numerator": 2, "denominator": 1, "strict": True}}}, "majority_ratios"),
        ({"quorum_electors": "9"}, "quorum_electors"),
        (
            DEFAULT | {"majority_ratios": {"d": {"numerator": 2, "denominator": 1, "strict": True}}},
            "majority_ratios/d",
        ),
        (
            DEFAULT | {"majority_ratio": {"numerator": 0, "denominator": 1, "strict": True}},
            "majority_ratio",
        ),
    ],
)
def test_a_default_that_makes_no_sense_is_refused(params: dict[str, object], place: str) -> None:
    assert undefinable("schulze", "abd", **params) == f"/q/params/{place}"


def test_a_default_needs_something_to_compare_with() -> None:
    assert undefinable("schulze", "d", **DEFAULT) == "/q/params/default_option"
