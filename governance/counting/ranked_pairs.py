"""Ranked pairs (Tideman 1987): lock majorities from the strongest to the weakest, unless one closes a cycle.

Strength: more winning votes, then fewer losing votes. Majorities that are equally strong are taken in the
order of the lot: first by the place of the option that wins, then by the place of the one that loses, so that
one list of options settles all of them (Zavist & Tideman 1989).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np

from governance.counting.condorcet import (
    RankingRule,
    lot_numbers,
    pairwise_facts,
    preference_steps,
    ranked_outcome,
    unbeaten_groups,
)
from governance.counting.option import Option
from governance.counting.outcome import Outcome, Step, elect
from governance.counting.pairwise import Matrix, PairwiseParams
from governance.counting.profile import Profile

_LOCKS_TOLD: Final = 20
"""Options up to which every locked majority is a step; beyond, only those that were skipped."""
_SKIPS_TOLD: Final = 1_000


class RankedPairsParams(PairwiseParams, frozen=True, forbid_unknown_fields=True):
    """As every rule of comparisons."""


class RankedPairs(RankingRule[RankedPairsParams]):
    """The order in which no locked majority is broken."""

    id: ClassVar[str] = "ranked-pairs"
    title: ClassVar[str] = "Ranked pairs"
    reference: ClassVar[str] = "Tideman, Social Choice and Welfare 4 (1987); Zavist & Tideman, ib. 6 (1989)"
    tie_rule: ClassVar[str] = (
        "equally strong majorities in lot order of winner, then loser; lot among the unbeaten"
    )
    Params = RankedPairsParams

    def count(
        self, options: Sequence[Option], params: RankedPairsParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """The options level by level of the locked majorities."""
        ids = [option.id for option in options]
        beats = self._compare(options, params, profile).beats
        drawn = lot_numbers(ids, lot)
        over, steps = _lock(ids, beats, drawn)
        above: list[list[bool]] = over.tolist()
        groups = unbeaten_groups(range(len(ids)), lambda a, b: above[a][b], drawn)
        ranking = [[ids[a] for a in group] for group in groups]
        below = over.sum(axis=1).tolist()
        return ranked_outcome(
            self.id,
            ids,
            ranking,
            {name: str(below[a]) for a, name in enumerate(ids)},
            [*preference_steps(ids, beats, profile), *steps],
            elected=elect(ranking, params.seats, "locked majorities"),
            lot=lot,
            facts=pairwise_facts(beats, profile),
        )


def majorities(beats: Matrix, drawn: Sequence[int]) -> list[tuple[int, int]]:
    """The pairs (winner, loser), strongest first."""
    place = {option: index for index, option in enumerate(drawn)}
    pairs = [(a, b) for a in drawn for b in drawn if beats[a][b] > beats[b][a]]
    return sorted(pairs, key=lambda p: (-beats[p[0]][p[1]], beats[p[1]][p[0]], place[p[0]], place[p[1]]))


def _lock(
    ids: Sequence[str], beats: Matrix, drawn: Sequence[int]
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.bool_]], list[Step]]:
    """Who is locked above whom, directly or through others, and the steps that led there."""
    over = np.zeros((len(ids), len(ids)), dtype=np.bool_)
    steps: list[Step] = []
    skipped = 0
    for a, b in majorities(beats, drawn):
        score = f"{beats[a][b]} to {beats[b][a]}"
        totals = {ids[a]: str(beats[a][b]), ids[b]: str(beats[b][a])}
        if over[b, a]:
            note = f"{ids[a]} over {ids[b]}, {score}, would close a cycle of stronger majorities: skipped."
            skipped += 1
            if skipped <= _SKIPS_TOLD:
                steps.append(Step("skip", [ids[a], ids[b]], totals, note))
            continue
        if not over[a, b]:
            higher, lower = over[:, a].copy(), over[b].copy()
            higher[a] = lower[b] = True
            over |= np.outer(higher, lower)
        if len(ids) <= _LOCKS_TOLD:
            steps.append(Step("lock", [ids[a], ids[b]], totals, f"{ids[a]} over {ids[b]}, {score}."))
    if skipped > _SKIPS_TOLD:
        steps.append(Step("skip", [], {}, f"{skipped - _SKIPS_TOLD} weaker majorities were skipped as well."))
    return over, steps
