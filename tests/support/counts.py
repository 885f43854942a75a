"""Short forms for tests of single counting rules."""

from __future__ import annotations

from typing import Any

import pytest

from governance.counting import Option, Outcome, Profile, get_rule
from governance.errors import InvalidAnswer, InvalidDefinition


def options(names: str) -> list[Option]:
    """One option for each letter."""
    return [Option(name) for name in names]


def count(rule_id: str, names: str, votes: list[tuple[Any, int]], *, lot: str = "", **params: Any) -> Outcome:
    """The outcome of checked votes on options of one letter; the lot is the reverse order, or as given."""
    rule = get_rule(rule_id)
    typed = rule.parse_params(params)
    rule.check_definition(options(names), typed)
    for answer, _ in votes:
        if answer is not None:
            rule.check_answer(options(names), typed, answer)
    return rule.count(options(names), typed, Profile.from_answers(votes), list(lot or names[::-1]))


def refusal(rule_id: str, names: str, answer: Any, **params: Any) -> tuple[str, str]:
    """Reason and pointer with which an answer is refused."""
    rule = get_rule(rule_id)
    with pytest.raises(InvalidAnswer) as caught:
        rule.check_answer(options(names), rule.parse_params(params), answer, "/q")
    assert caught.value.detail[-1] == "."
    return str(caught.value.facts["reason"]), str(caught.value.pointer)


def undefinable(rule_id: str, names: str, **params: Any) -> str:
    """Pointer at which a definition is refused."""
    rule = get_rule(rule_id)
    with pytest.raises(InvalidDefinition) as caught:
        rule.check_definition(options(names), rule.parse_params(params, "/q"), "/q")
    return str(caught.value.pointer)
