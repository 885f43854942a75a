"""Snapshot's quadratic voting: square roots of the parts of each vote, summed, squared, scaled to the weight.

The only rule here that takes roots, and so the only one that is not exact by definition: roots are cut off at
18 decimals in whole numbers, which is the same everywhere. It exists to recount Snapshot proposals. A vote of
weight w counts less than w votes of weight 1: splitting a wallet pays. Decide by `quadratic` instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import ClassVar, Final

from governance.counting.checks import decimal
from governance.counting.condorcet import ranked_outcome
from governance.counting.option import Option
from governance.counting.outcome import Outcome, Step, elect, tie_groups
from governance.counting.profile import Profile
from governance.counting.snapshot import SnapshotParams, SplitRule

_UNIT: Final = 10**18


class SnapshotQuadratic(SplitRule[SnapshotParams]):
    """r(c) = (sum of sqrt(weight times p(c) / sum of p))^2; s(c) = r(c) times all weight / sum of r."""

    id: ClassVar[str] = "snapshot-quadratic"
    title: ClassVar[str] = "Snapshot quadratic voting"
    reference: ClassVar[str] = "snapshot.js src/voting/quadratic.ts"
    additive: ClassVar[bool] = False
    Params = SnapshotParams

    def definition_notes(self, options: Sequence[Option], params: SnapshotParams) -> list[str]:
        """Who profits."""
        del options, params
        return ["whoever splits a wallet gets more influence under snapshot-quadratic"]

    def count(
        self, options: Sequence[Option], params: SnapshotParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """The options in order of scores."""
        roots = {option.id: 0 for option in options}
        for answer, weight in profile.cast:
            if isinstance(answer, dict):
                whole = sum(answer.values())
                for name, number in answer.items():
                    roots[name] += isqrt(weight * number * _UNIT * _UNIT // whole)
        squares = sum(root * root for root in roots.values())
        ranking = tie_groups(roots, roots.__getitem__, lot)
        order = [name for group in ranking for name in group]
        totals = {name: _scaled(roots[name], profile.valid, squares) for name in order}
        note = (
            f"Square roots of the parts of votes of weight {profile.valid}, summed, squared and scaled to "
            f"that weight, cut off at 18 decimals; {profile.blank} blank."
        )
        return ranked_outcome(
            self.id,
            [option.id for option in options],
            ranking,
            totals,
            [Step("count", order, totals, note)],
            elected=elect(ranking, params.seats, "score"),
            lot=lot,
            facts=decimal([("valid_weight", profile.valid), ("blank_weight", profile.blank)]),
        )


def _scaled(root: int, weight: int, squares: int) -> str:
    """A score with 18 decimals."""
    whole, rest = divmod(root * root * weight * _UNIT // squares if squares else 0, _UNIT)
    return f"{whole}.{rest:018d}"
