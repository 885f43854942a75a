"""The Schulze method (beatpaths), also in the form of the Debian Constitution.

A comparison that a wins has the strength (winning votes, losing votes): more winning votes are stronger, with
equal ones fewer losing votes. A path is as strong as its weakest comparison. a is above b when the strongest
path from a to b is stronger than the one back. This is the definition that Belenios counts by.

Debian (Constitution A.6): with a `default_option`, an option is dropped when too few votes rank it above the
default (quorum), or when it does not defeat the default by its majority ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np

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
        paths = strongest_paths(beats, kept)
        dropped = strongest_paths(beats, sorted(set(range(len(ids))) - set(kept)))
        drawn = lot_numbers(ids, lot)
        ranking = [[ids[a] for a in group] for part in (paths, dropped) for group in part.groups(drawn)]
        totals = dict.fromkeys(ids, "0")
        totals |= {ids[a]: str(sum(row)) for a, row in zip(kept, paths.above, strict=True)}
        facts = pairwise_facts(beats, profile)
        if len(ids) <= TOLD:
            facts["beatpaths"] = matrix_text(paths.strengths)
        outcome = ranked_outcome(
            self.id,
            ids,
            ranking,
            totals,
            [*preference_steps(ids, beats, profile), *dropping, *_path_steps(ids, paths)],
            elected=elect(ranking, params.seats, "beatpaths"),
            lot=lot,
            facts=facts,
        )
        return elect_above_default(outcome, params)


@dataclass(frozen=True, slots=True)
class Paths:
    """The strongest paths among some of the options; rows and columns are in the order of `members`.

    `above[i][j]`: the path from i to j is stronger than the one back.
    """

    members: list[int]
    strengths: list[list[Strength]]
    above: list[list[bool]]

    def groups(self, drawn: Sequence[int]) -> list[list[int]]:
        """The members level by level; each level in the order of the lot."""
        place = {member: index for index, member in enumerate(self.members)}
        return unbeaten_groups(self.members, lambda a, b: self.above[place[a]][place[b]], drawn)


def strongest_paths(beats: Matrix, members: Sequence[int]) -> Paths:
    """Floyd & Warshall on ranks of strength: only their order matters, so numbers of any size stay exact."""
    size = len(members)
    direct = {
        (i, j): (beats[a][b], beats[b][a])
        for i, a in enumerate(members)
        for j, b in enumerate(members)
        if beats[a][b] > beats[b][a]
    }
    strengths = sorted(set(direct.values()), key=lambda s: (s[0], -s[1]))
    rank = {strength: number for number, strength in enumerate(strengths, 1)}
    ranks = np.zeros((size, size), dtype=np.int32)
    for pair, strength in direct.items():
        ranks[pair] = rank[strength]
    for via in range(size):
        np.maximum(ranks, np.minimum(ranks[:, via, None], ranks[None, via, :]), out=ranks)
    known: list[Strength] = [(0, 0), *strengths]
    return Paths(
        list(members), [[known[n] for n in row] for row in ranks.tolist()], (ranks > ranks.T).tolist()
    )


def _path_steps(ids: Sequence[str], paths: Paths) -> list[Step]:
    """For each option, the strength of its strongest path to each other one."""
    if len(ids) > TOLD:
        return []
    names = [ids[a] for a in paths.members]
    steps = []
    for i, name in enumerate(names):
        row = {
            names[j]: f"{winning}-{losing}"
            for j, (winning, losing) in enumerate(paths.strengths[i])
            if winning and j != i
        }
        lost = [other for j, other in enumerate(names) if paths.above[j][i]]
        verdict = f"beaten by {', '.join(lost)}" if lost else "beaten by nobody"
        note = f"Strongest paths from {name} (winning and losing votes of their weakest step); {verdict}."
        steps.append(Step("paths", [name], row, note))
    return steps
