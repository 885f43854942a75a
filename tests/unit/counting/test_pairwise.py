"""Pairwise preferences: what equal and left out options mean, weights of any size, valid rankings."""

from __future__ import annotations

from typing import Any

import pytest

from governance.counting import Profile, pairwise
from governance.counting.pairwise import compare
from tests.support.counts import refusal, undefinable


def beats(votes: list[tuple[Any, int]], unranked: Any = "below") -> list[list[int]]:
    return compare(["a", "b", "c"], Profile.from_answers(votes), unranked).beats


def test_left_out_options_are_below_or_not_compared() -> None:
    votes = [(["b"], 2), ([["a", "b"], "c"], 3), (None, 9), ([], 4)]
    assert beats(votes) == [[0, 0, 3], [2, 0, 5], [0, 0, 0]]
    assert beats(votes, "no-opinion") == [[0, 0, 3], [0, 0, 3], [0, 0, 0]]


def test_empty_ranks_are_passed_over() -> None:
    assert beats([([[], "a", [], ["b"]], 1)]) == beats([(["a", "b"], 1)])


@pytest.mark.parametrize("cells", [3, 7, 1 << 24])
def test_weights_of_any_size_in_blocks_of_any_size(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairwise, "_CELLS", cells)
    big, odd = 2**128, 3**60
    votes = [(["a", "b"], big), (["a", ["b", "c"]], odd), (["c", "a"], 1), (["b"], 0)]
    assert beats(votes) == [[0, big + odd + 1, big + odd], [0, 0, big], [1, 1, 0]]
    met = compare(["a", "b", "c"], Profile.from_answers(votes), "no-opinion").met
    assert met == [big + 2 * odd + 1, big + 2 * odd, 2 * odd + 1]


def test_no_votes_no_preferences() -> None:
    assert beats([]) == [[0] * 3] * 3


@pytest.mark.parametrize("rule", ["schulze", "ranked-pairs", "copeland", "borda"])
@pytest.mark.parametrize(
    ("answer", "params", "reason", "pointer"),
    [
        ("a", {}, "wrong-form", "/q"),
        ({"a": 1}, {}, "wrong-form", "/q"),
        (["a", "z"], {}, "unknown-option", "/q/1"),
        (["a", ["b", "a"]], {}, "duplicate", "/q/1"),
        (["a", ["b", "c"]], {"ties": "refused"}, "over-vote", "/q/1"),
        ([["a", "b"]], {"min_ranks": 3}, "below-minimum", "/q"),
        (["a", "b", "c"], {"max_ranks": 2}, "too-many-ranks", "/q"),
    ],
)
def test_invalid_rankings_have_a_reason_and_a_place(
    rule: str, answer: Any, params: dict[str, Any], reason: str, pointer: str
) -> None:
    assert refusal(rule, "abc", answer, **params) == (reason, pointer)


@pytest.mark.parametrize("rule", ["schulze", "ranked-pairs", "copeland", "borda"])
def test_parameters_that_do_not_fit_are_refused(rule: str) -> None:
    assert undefinable(rule, "abc", seats=4) == "/q/params/seats"
    assert undefinable(rule, "abc", min_ranks=4) == "/q/params/min_ranks"
    assert undefinable(rule, "abc", min_ranks=3, max_ranks=2, ties="refused") == "/q/params/max_ranks"
    assert undefinable(rule, "abc", unranked="above") == "/q/params"
