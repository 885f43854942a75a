"""Counting rules: pure functions from grouped votes to an outcome with every step (DESIGN 6)."""

from governance.counting.lot import lot_key, lot_order, lot_seed
from governance.counting.option import Option
from governance.counting.outcome import Outcome, Step
from governance.counting.profile import Answer, Profile
from governance.counting.registry import RULES, get_rule, register
from governance.counting.rule import Rule
from governance.counting.threshold import Threshold

__all__ = [
    "RULES",
    "Answer",
    "Option",
    "Outcome",
    "Profile",
    "Rule",
    "Step",
    "Threshold",
    "get_rule",
    "lot_key",
    "lot_order",
    "lot_seed",
    "register",
]
