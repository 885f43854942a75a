"""Meek STV: everybody elected keeps just so much of every paper that the quota is met.

Hill, Wichmann & Woodall, Computer Journal 30 (1987), Algorithm 123, in the form of the Proportional
Representation Foundation's reference rule: 9 decimal places, omega 10^-6. Clauses (B.2.a …) are its.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np

from governance.counting.checks import check_limits, decimal
from governance.counting.option import Option
from governance.counting.outcome import Outcome
from governance.counting.papers import Ints
from governance.counting.profile import Answer, Profile
from governance.counting.ranked import check_ranking, check_ranks
from governance.counting.rule import ANONYMOUS, OPEN, Rule
from governance.counting.scottish_stv import StvParams
from governance.counting.stv import Count, Tie, fixed

PLACES: Final = 9
_UNIT: Final = 10**PLACES
_OMEGA: Final = _UNIT // 10**6


class MeekStv(Rule[StvParams]):
    """Keep factors are adjusted until the elected hold a quota each; then the lowest is excluded."""

    id: ClassVar[str] = "meek-stv"
    title: ClassVar[str] = "Single transferable vote (Meek)"
    reference: ClassVar[str] = "Hill, Wichmann & Woodall 1987; PR Foundation reference Meek rule"
    answer_form: ClassVar[str] = "ranking"
    tie_rule: ClassVar[str] = "lot among all within the total surplus of the lowest"
    modes: ClassVar[frozenset[str]] = frozenset({OPEN, ANONYMOUS})
    Params = StvParams

    def _check(self, options: Sequence[Option], params: StvParams, pointer: str) -> None:
        check_limits(options, 0, None, params.seats, pointer)
        check_ranks(options, params, pointer)

    def check_answer(
        self, options: Sequence[Option], params: StvParams, answer: Answer, pointer: str = ""
    ) -> None:
        """A ranking."""
        check_ranking(options, params, answer, pointer)

    def count(
        self, options: Sequence[Option], params: StvParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """Rounds of distributions, one step with totals for each."""
        count = Count.begin(self.id, options, params, profile, lot, PLACES)
        return _Meek(count, params.seats).outcome(profile)


class _Paths:
    """Papers grouped by what a distribution sees of them: the elected they pass, then who keeps the rest.

    A path is a node of a tree, so papers with equal paths are one number, whatever their later ranks.
    """

    def __init__(self, count: Count) -> None:
        self.papers = count.papers
        self.none = len(count.lot)
        self.parent: list[int] = [0]
        self.option: list[int] = [self.none]
        self.node = np.zeros(len(self.papers.holder), dtype=np.int64)
        self._extend(np.arange(len(self.node)))

    def _extend(self, rows: Ints) -> None:
        """Lengthen the paths of papers by the option that holds them now."""
        keys = self.node[rows] * (self.none + 1) + self.papers.holder[rows]
        unique, inverse = np.unique(keys, return_inverse=True)
        first = len(self.parent)
        for key in unique.tolist():
            parent, option = divmod(key, self.none + 1)
            self.parent.append(parent)
            self.option.append(option)
        self.node[rows] = first + inverse

    def pass_on(self, option: int, count: Count, *, excluded: bool) -> None:
        """Papers that ended at an option go on: past it when elected, without it when excluded."""
        rows = self.papers.of(option)
        if excluded:
            self.node[rows] = np.array(self.parent, dtype=np.int64)[self.node[rows]]
        alive = count.continuing
        alive[count.winners] = True
        while rows.size:
            self.papers.move(rows, alive)
            self._extend(rows)
            rows = rows[~count.continuing[self.papers.holder[rows]]]

    def weights(self) -> list[tuple[list[int], int]]:
        """Paths and the weight of the papers that follow them."""
        found = []
        for node, weight in enumerate(self.papers.weigh(self.node, len(self.parent))):
            if weight:
                path, at = [], node
                while at:
                    path.append(self.option[at])
                    at = self.parent[at]
                found.append((path[::-1], weight))
        return found


class _Meek:
    def __init__(self, count: Count, seats: int) -> None:
        self.count, self.seats = count, seats
        self.none = len(count.lot)
        self.unranked = count.lost
        self.weight = sum(count.votes) // _UNIT
        self.keep = [_UNIT] * self.none
        self.quota = self._quota()
        self.surplus = 0
        self.paths = _Paths(count)

    def outcome(self, profile: Profile) -> Outcome:
        count = self.count
        first_quota = fixed(self.quota, PLACES)
        note = (
            f"Round 1: first preferences of papers of weight {self.weight}. The quota is {self.weight} / "
            f"({self.seats} + 1) to 9 decimals, plus 0.000000001: {first_quota} (B.2.b)."
        )
        count.step("count", range(self.none), note, count.totals())
        rounds = 0
        while len(count.hopeful) > self.seats - len(count.winners) > 0:
            rounds += 1
            reached, times = self._iterate()
            if rounds > 1:
                self._record_round(times)
            if reached:
                self._elect(reached)
            else:
                self._exclude()
        rest = self._finish()
        return count.outcome(
            self.seats,
            {
                **decimal([("valid_weight", profile.valid), ("blank_weight", profile.blank)]),
                "no_preference_weight": str(self.unranked),
                "quota": first_quota,
                "final_quota": fixed(self.quota, PLACES),
                "surplus": fixed(self.surplus, PLACES),
                **{
                    f"keep_factor/{option.id}": fixed(self.keep[number], PLACES)
                    for option in count.given
                    for number in (count.lot.index(option.id),)
                },
            },
            rest,
        )

    def _quota(self) -> int:
        return sum(self.count.votes) // (self.seats + 1) + 1

    def _iterate(self) -> tuple[list[int], int]:
        """Distribute until somebody is elected or nothing more is gained (B.2); who, after how many times."""
        count = self.count
        paths = self.paths.weights()
        last, times = self.weight * _UNIT, 0
        while True:
            times += 1
            self._distribute(paths)
            self.quota = self._quota()
            reached = [option for option in count.hopeful if count.votes[option] >= self.quota]
            elected = [*count.winners, *reached]
            self.surplus = max(0, sum(count.votes[option] - self.quota for option in elected))
            if reached or self.surplus < _OMEGA or self.surplus >= last:
                return reached, times
            last = self.surplus
            for option in elected:
                raised = -(-self.keep[option] * self.quota // _UNIT)
                self.keep[option] = -(-raised * _UNIT // count.votes[option])

    def _distribute(self, paths: Sequence[tuple[list[int], int]]) -> None:
        """B.2.a: a paper passes down its ranks; each option keeps its factor of what is left, rounded up."""
        votes = [0] * (self.none + 1)
        for path, weight in paths:
            left = _UNIT
            for option in path[:-1]:
                kept = -(-left * self.keep[option] // _UNIT)
                votes[option] += kept * weight
                left -= kept
            votes[path[-1]] += left * weight
        self.count.lost = votes.pop()
        self.count.votes = votes

    def _record_round(self, times: int) -> None:
        count = self.count
        factors = ", ".join(
            f"{count.titles[option]} {fixed(self.keep[option], PLACES)}" for option in count.winners
        )
        note = (
            f"papers were distributed {times} times. Quota {fixed(self.quota, PLACES)}, total surplus "
            f"{fixed(self.surplus, PLACES)}, held by nobody {fixed(count.lost, PLACES)}. Keep factors: "
            f"{factors or 'all 1'} (B.2)."
        )
        count.end_round("distribute", count.winners, note)

    def _elect(self, reached: Sequence[int]) -> None:
        count = self.count
        order = [option for group in count.by_votes(reached) for option in group]
        words = ", ".join(f"{count.titles[option]} with {count.has(option)}" for option in order)
        count.elect(reached, f"Reached the quota of {fixed(self.quota, PLACES)}: {words} (B.2.c).")
        for option in order:
            self.paths.pass_on(option, count, excluded=False)

    def _exclude(self) -> None:
        count = self.count
        least = min(count.votes[option] for option in count.hopeful)
        tied = sorted(option for option in count.hopeful if count.votes[option] <= least + self.surplus)
        option = max(tied)
        if len(tied) > 1:
            self._record_tie(Tie(option, tied, None))
        note = (
            f"Nobody reached {fixed(self.quota, PLACES)}; {count.titles[option]}, lowest with "
            f"{count.has(option)}, was excluded (B.3)."
        )
        count.step("exclude", [option], note, {})
        count.hopeful.remove(option)
        count.excluded.append(option)
        self.keep[option] = count.votes[option] = 0
        self.paths.pass_on(option, count, excluded=True)

    def _record_tie(self, tie: Tie) -> None:
        count = self.count
        has = ", ".join(f"{count.titles[option]} {count.has(option)}" for option in tie.tied)
        note = (
            f"Lowest, and no further apart than the total surplus of {fixed(self.surplus, PLACES)}: {has}. "
            f"The lot decided: {count.titles[tie.chosen]} is excluded (B.3, T)."
        )
        count.step("tie", tie.tied, note, {})

    def _finish(self) -> list[list[int]]:
        """C: who remains is elected while seats are free, else excluded; returns the latter by votes."""
        count = self.count
        rest = count.by_votes(count.hopeful)
        if not rest:
            return []
        if len(count.winners) < self.seats:
            names = count.names([option for group in rest for option in group])
            count.elect(list(count.hopeful), f"As many remain as there are free seats: {names} (C.1).")
            return []
        order = [option for group in rest for option in group]
        for option in order:
            self.keep[option] = count.votes[option] = 0
        count.step("exclude", order, "All seats are filled; who remains is excluded (C.2).", {})
        return rest
