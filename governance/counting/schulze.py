"""The Schulze method (beatpaths), also in the form of the Debian Constitution.

A comparison that a wins has the strength (winning votes, losing votes): more winning votes are stronger, with
equal ones fewer losing votes. A path is as strong as its weakest comparison. a is above b when the strongest
path from a to b is stronger than the one back. This is the definition that Belenios counts by.

Debian (Constitution A.6): with a `default_option`, an option is dropped when too few votes rank it above the
default (quorum), or when it does not defeat the default by its majority ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from governance.counting.condorcet import (
    TOLD,
    RankingRule,
    lot_numbers,
    matrix_text,
    pairwise_facts,
    preference_steps,
    ranked_outcome,
    unbeaten_groups,
)
from governance.counting.debian import SchulzeParams, check_default, drop_weak, elect_above_default
from governance.counting.option import Option
from governance.counting.outcome import Outcome, Step, elect
from governance.counting.pairwise import Matrix
from governance.counting.profile import Profile

Strength: TypeAlias = tuple[int, int]
"""Winning and losing votes."""


class Schulze(RankingRule[SchulzeParams]):
    """Options level by level of the beatpath relation."""

    id: ClassVar[str] = "schulze"
    title: ClassVar[str] = "Schulze"
    reference: ClassVar[str] = "Schulze, Social Choice and Welfare 36 (2011); Debian Constitution A.6"
    tie_rule: ClassVar[str] = "lot among the unbeaten"
    Params = SchulzeParams

    def _check(self, options: Sequence[Option], params: SchulzeParams, pointer: str) -> None:
        super()._check(options, params, pointer)
        check_default(options, params, pointer)

    def count(
        self, options: Sequence[Option], params: SchulzeParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """The options from the unbeaten to the most beaten; dropped ones last."""
        ids = [option.id for option in options]
        beats = self._compare(options, params, profile).beats
        kept, dropping = drop_weak(ids, beats, params, profile)
        paths, ranks = _strongest_paths([[beats[a][b] for b in kept] for a in kept])
        drawn = lot_numbers(ids, lot)
        place = {option: index for index, option in enumerate(kept)}
        groups = unbeaten_groups(kept, lambda a, b: _stronger(ranks, place[a], place[b]), drawn)
        out = [a for a in range(len(ids)) if a not in place]
        if out:
            _, among = _strongest_paths([[beats[a][b] for b in out] for a in out])
            index = {option: number for number, option in enumerate(out)}
            groups += unbeaten_groups(out, lambda a, b: _stronger(among, index[a], index[b]), drawn)
        names = [[ids[a] for a in group] for group in groups]
        facts = pairwise_facts(beats, profile)
        if len(kept) <= TOLD:
            facts["beatpaths"] = matrix_text(paths)
        above = {ids[a]: _beaten(ranks, place[a]) if a in place else 0 for a in range(len(ids))}
        outcome = ranked_outcome(
            self.id,
            ids,
            names,
            {name: str(number) for name, number in above.items()},
            [
                *preference_steps(ids, beats, profile),
                *dropping,
                *_path_steps([ids[a] for a in kept], paths, ranks),
            ],
            elected=elect(names, params.seats, "beatpaths"),
            lot=lot,
            facts=facts,
        )
        return elect_above_default(outcome, params)


def _strongest_paths(beats: Matrix) -> tuple[list[list[Strength]], NDArray[np.int32]]:
    """The strength of the strongest path for each pair, and the same as ranks of strength, 0 for no path.

    Floyd & Warshall on the ranks: only the order of strengths matters, so numbers of any size stay exact.
    """
    size = len(beats)
    direct = {
        (a, b): (beats[a][b], beats[b][a])
        for a in range(size)
        for b in range(size)
        if beats[a][b] > beats[b][a]
    }
    strengths = sorted(set(direct.values()), key=lambda s: (s[0], -s[1]))
    rank = {strength: number for number, strength in enumerate(strengths, 1)}
    ranks = np.zeros((size, size), dtype=np.int32)
    for (a, b), strength in direct.items():
        ranks[a, b] = rank[strength]
    for via in range(size):
        np.maximum(ranks, np.minimum(ranks[:, via, None], ranks[None, via, :]), out=ranks)
    known: list[Strength] = [(0, 0), *strengths]
    return [[known[number] for number in row] for row in ranks.tolist()], ranks


def _stronger(ranks: NDArray[np.int32], a: int, b: int) -> bool:
    return bool(ranks[a, b] > ranks[b, a])


def _beaten(ranks: NDArray[np.int32], a: int) -> int:
    return int(np.count_nonzero(ranks[a] > ranks[:, a]))


def _path_steps(
    ids: Sequence[str], paths: Sequence[Sequence[Strength]], ranks: NDArray[np.int32]
) -> list[Step]:
    """For each option, the strength of its strongest path to each other one."""
    if len(ids) > TOLD:
        return []
    steps = []
    for a, name in enumerate(ids):
        others = [b for b in range(len(ids)) if b != a]
        row = {ids[b]: f"{paths[a][b][0]}-{paths[a][b][1]}" for b in others if ranks[a, b]}
        lost = [ids[b] for b in others if ranks[b, a] > ranks[a, b]]
        verdict = f"beaten by {', '.join(lost)}" if lost else "beaten by nobody"
        note = f"Strongest paths from {name} (winning and losing votes of their weakest step); {verdict}."
        steps.append(Step("paths", [name], row, note))
    return steps
