"""Rules are found by name and version, and say everything a definition needs to know about them."""

import pytest

from governance.counting import RULES, get_rule, register
from governance.errors import Unsupported


def test_built_in_rules_describe_themselves() -> None:
    assert {name for name, _ in RULES} >= {"approval", "score", "yes-no", "greedy", "equal-shares"}
    for rule in RULES.values():
        assert rule.title
        assert rule.reference
        assert rule.tie_rule
        assert rule.answer_form in {"approval", "score", "choice", "ranking", "grades"}
        assert rule.modes <= {"open", "homomorphic", "anonymous"}
        assert rule.Params.__struct_config__.frozen
        assert rule.Params.__struct_config__.forbid_unknown_fields


def test_unknown_rules_are_refused_by_name() -> None:
    for name, version in (("approval", 2), ("coin-toss", 1)):
        with pytest.raises(Unsupported, match=name):
            get_rule(name, version)


def test_a_rule_never_changes_under_its_version() -> None:
    with pytest.raises(ValueError, match="already registered"):
        register(get_rule("approval"))
