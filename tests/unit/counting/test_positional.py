"""Positional scoring: a vector, or Dowdall's fractions."""

from __future__ import annotations

from typing import Any

import pytest

from governance.counting import get_rule
from governance.errors import InvalidDefinition
from tests.support.counts import count, options, refusal, undefinable


def test_points_of_the_vector_and_nothing_after_it() -> None:
    votes = [(["a", "b", "c", "d"], 2), (["b"], 2**128)]
    outcome = count("positional", "abcd", votes, points=[3, 2, 1])
    assert outcome.totals == {"b": str(3 * 2**128 + 4), "a": "6", "c": "2", "d": "0"}


def test_dowdall_is_exact() -> None:
    outcome = count("positional", "abc", [(["a", "b", "c"], 1), (["c", "b", "a"], 1)], points="dowdall")
    assert outcome.totals == {"c": "4/3", "a": "4/3", "b": "1"}


def test_a_shared_rank_gets_the_mean_of_its_places() -> None:
    outcome = count("positional", "abcd", [([["a", "b"], "c"], 1)], points=[3, 2, 1], ties="allowed")
    assert outcome.totals == {"b": "5/2", "a": "5/2", "c": "1", "d": "0"}
    assert refusal("positional", "abc", [["a", "b"]], points=[1]) == ("over-vote", "/q/0")


@pytest.mark.parametrize("points", [[1, 2], [0, 0], [4, 3, 2, 1]])
def test_vectors_that_make_no_sense_are_refused(points: Any) -> None:
    assert undefinable("positional", "abc", points=points) == "/q/params/points"


@pytest.mark.parametrize("params", [{}, {"points": []}, {"points": "borda"}, {"points": [-1]}])
def test_the_vector_must_be_stated(params: dict[str, Any]) -> None:
    with pytest.raises(InvalidDefinition, match="positional"):
        get_rule("positional").parse_params(params)


def test_a_definition_is_warned() -> None:
    rule = get_rule("positional")
    assert "polls" in rule.definition_notes(options("abc"), rule.parse_params({"points": [1]}))[0]
