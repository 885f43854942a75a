"""Quadratic voting: squares within the credits, and no count without a check of personhood."""

from __future__ import annotations

import pytest

from governance.counting import get_rule
from governance.errors import InvalidDefinition
from tests.support.counts import count, options, refusal, undefinable

CHECKED = {"personhood": "checked"}


def test_votes_are_summed_as_stated() -> None:
    votes = [({"a": 6, "b": 8}, 1), ({"b": 10}, 2), ({"c": 9, "a": 4}, 2**128)]
    outcome = count("quadratic", "abc", votes, **CHECKED)
    assert outcome.totals == {"c": str(9 * 2**128), "a": str(4 * 2**128 + 6), "b": "28"}
    assert outcome.facts["credits_spent"] == str(100 + 200 + 97 * 2**128)


def test_votes_against_cost_the_same() -> None:
    outcome = count("quadratic", "ab", [({"a": -3, "b": 1}, 1)], credits=10, negative=True, **CHECKED)
    assert outcome.totals == {"b": "1", "a": "-3"}
    assert refusal("quadratic", "ab", {"a": -1}, **CHECKED) == ("out-of-range", "/q/a")


def test_the_squares_must_fit_the_credits() -> None:
    assert refusal("quadratic", "ab", {"a": 10, "b": 1}, **CHECKED) == ("budget-exceeded", "/q")
    assert refusal("quadratic", "ab", {"a": -9, "b": 5}, negative=True, **CHECKED)[0] == "budget-exceeded"
    assert refusal("quadratic", "ab", ["a"], **CHECKED) == ("wrong-form", "/q")


def test_personhood_must_be_stated_and_checked() -> None:
    with pytest.raises(InvalidDefinition, match="personhood"):
        get_rule("quadratic").parse_params({})
    assert undefinable("quadratic", "ab", personhood="unchecked") == "/q/params/personhood"
    rule = get_rule("quadratic")
    with pytest.raises(InvalidDefinition, match="wallets"):
        rule.check_definition(options("ab"), rule.parse_params({"personhood": "unchecked"}))


def test_encrypted_sums_cannot_show_squares() -> None:
    assert get_rule("quadratic").modes == {"open", "anonymous"}
