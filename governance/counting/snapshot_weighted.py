"""Snapshot's weighted voting: each vote is split in proportion to its numbers, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

from governance.counting.option import Option
from governance.counting.outcome import Outcome
from governance.counting.profile import Profile
from governance.counting.snapshot import SnapshotParams, SplitRule
from governance.counting.summed import summed_outcome


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
        return summed_outcome(
            self.id,
            sums,
            profile,
            seats=params.seats,
            lot=lot,
            note=f"Votes of weight {profile.valid}, each split in proportion; {profile.blank} blank.",
            noun="weight",
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
