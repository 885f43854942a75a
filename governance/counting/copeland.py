"""Copeland's rule: one point for each comparison won, half a point for each that ends level."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

from governance.counting.condorcet import (
    RankingRule,
    pairwise_facts,
    preference_steps,
    ranked_outcome,
)
from governance.counting.option import Option
from governance.counting.outcome import Outcome, Step, elect, exact, tie_groups
from governance.counting.pairwise import PairwiseParams
from governance.counting.profile import Profile


class CopelandParams(PairwiseParams, frozen=True, forbid_unknown_fields=True):
    """As every rule of comparisons."""


class Copeland(RankingRule[CopelandParams]):
    """s(a) = number of b with d[a,b] > d[b,a], plus half the number with d[a,b] = d[b,a]."""

    id: ClassVar[str] = "copeland"
    title: ClassVar[str] = "Copeland"
    reference: ClassVar[str] = "Copeland, A reasonable social welfare function (1951)"
    tie_rule: ClassVar[str] = "lot"
    Params = CopelandParams

    def count(
        self, options: Sequence[Option], params: CopelandParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """The options in order of comparisons won."""
        ids = [option.id for option in options]
        beats = self._compare(options, params, profile).beats
        points = {name: _doubled(beats, a) for a, name in enumerate(ids)}
        ranking = tie_groups(ids, points.__getitem__, lot)
        totals = {name: exact(Fraction(points[name], 2)) for group in ranking for name in group}
        note = "One point for each comparison won, half a point for each that ends level."
        return ranked_outcome(
            self.id,
            ids,
            ranking,
            totals,
            [*preference_steps(ids, beats, profile), Step("points", list(totals), totals, note)],
            elected=elect(ranking, params.seats, "points"),
            lot=lot,
            facts=pairwise_facts(beats, profile),
        )


def _doubled(beats: Sequence[Sequence[int]], a: int) -> int:
    """Twice the points, a whole number."""
    return sum(
        2 if beats[a][b] > beats[b][a] else 1 if beats[a][b] == beats[b][a] else 0
        for b in range(len(beats))
        if b != a
    )
