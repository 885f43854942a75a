"""Snapshot's weighted voting: each vote is split in proportion to its numbers, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

from governance.counting.checks import decimal
from governance.counting.condorcet import ranked_outcome
from governance.counting.option import Option
from governance.counting.outcome import Outcome, Step, elect, exact, tie_groups
from governance.counting.profile import Profile
from governance.counting.snapshot import SnapshotParams, SplitRule


class SnapshotWeighted(SplitRule[SnapshotParams]):
    """s(c) = sum of weight times p(c) / sum of p, as a fraction."""

    id: ClassVar[str] = "snapshot-weighted"
    title: ClassVar[str] = "Snapshot weighted voting"
    reference: ClassVar[str] = "snapshot.js src/voting/weighted.ts"
    Params = SnapshotParams

    def count(
        self, options: Sequence[Option], params: SnapshotParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """The options in order of the weight they got."""
        sums = _shares(options, profile)
        ranking = tie_groups(sums, sums.__getitem__, lot)
        totals = {name: exact(sums[name]) for group in ranking for name in group}
        note = f"Votes of weight {profile.valid}, each split in proportion; {profile.blank} blank."
        return ranked_outcome(
            self.id,
            [option.id for option in options],
            ranking,
            totals,
            [Step("count", list(totals), totals, note)],
            elected=elect(ranking, params.seats, "weight"),
            lot=lot,
            facts=decimal([("valid_weight", profile.valid), ("blank_weight", profile.blank)]),
        )


def _shares(options: Sequence[Option], profile: Profile) -> dict[str, Fraction]:
    """Sums by denominator first: few divisions, however many votes."""
    parts: dict[int, dict[str, int]] = {}
    for answer, weight in profile.cast:
        if isinstance(answer, dict):
            row = parts.setdefault(sum(answer.values()), {})
            for name, number in answer.items():
                row[name] = row.get(name, 0) + weight * number
    sums = {option.id: Fraction(0) for option in options}
    for denominator, row in parts.items():
        for name, numerator in row.items():
            sums[name] += Fraction(numerator, denominator)
    return sums
