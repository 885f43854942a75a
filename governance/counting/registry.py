"""The counting rules by name and version. Plugins `register` theirs as the built-in ones are."""

from __future__ import annotations

from typing import Any, Final

from governance.counting.approval import Approval
from governance.counting.borda import Borda
from governance.counting.copeland import Copeland
from governance.counting.cumulative import Cumulative
from governance.counting.equal_shares import EqualShares
from governance.counting.greedy import Greedy
from governance.counting.irv import Irv
from governance.counting.majority_judgment import MajorityJudgment
from governance.counting.meek_stv import MeekStv
from governance.counting.phragmen import Phragmen
from governance.counting.plurality import Plurality
from governance.counting.positional import Positional
from governance.counting.quadratic import Quadratic
from governance.counting.ranked_pairs import RankedPairs
from governance.counting.rule import Rule
from governance.counting.schulze import Schulze
from governance.counting.score import Score
from governance.counting.scottish_stv import ScottishStv
from governance.counting.snapshot_quadratic import SnapshotQuadratic
from governance.counting.snapshot_weighted import SnapshotWeighted
from governance.counting.yes_no import YesNo
from governance.errors import Unsupported

RULES: Final[dict[tuple[str, int], Rule[Any]]] = {}


def register(rule: Rule[Any]) -> None:
    """Make a rule available under its id and version.

    Raises:
        ValueError: the name is taken; a rule never changes under its version.
    """
    key = (rule.id, rule.version)
    if key in RULES:
        raise ValueError(f"the rule {rule.id} version {rule.version} is already registered")
    RULES[key] = rule


def get_rule(rule_id: str, version: int = 1) -> Rule[Any]:
    """The rule of that name.

    Raises:
        Unsupported: this version of Althing does not know it.
    """
    rule = RULES.get((rule_id, version))
    if rule is None:
        known = ", ".join(sorted({name for name, _ in RULES}))
        raise Unsupported(
            f"the counting rule {rule_id[:60]!r} version {version} is not known; known are {known}"
        )
    return rule


for _rule in (
    Approval(),
    Score(),
    YesNo(),
    Greedy(),
    EqualShares(),
    Phragmen(),
    Irv(),
    ScottishStv(),
    MeekStv(),
    Schulze(),
    RankedPairs(),
    Copeland(),
    MajorityJudgment(),
    Plurality(),
    Cumulative(),
    Quadratic(),
    Borda(),
    Positional(),
    SnapshotWeighted(),
    SnapshotQuadratic(),
):
    register(_rule)
