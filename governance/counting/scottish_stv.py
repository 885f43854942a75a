"""STV as Scotland counts it: weighted inclusive Gregory in whole units of 10^-5 votes.

Scottish Local Government Elections Order 2007 (SSI 2007/42), rules 45 to 52; SSI 2011/399 keeps them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np

from governance.counting.approval import Seats
from governance.counting.checks import check_limits, decimal
from governance.counting.option import Option
from governance.counting.outcome import Outcome
from governance.counting.papers import Ints
from governance.counting.profile import Answer, Profile
from governance.counting.ranked import RankedParams, check_ranking, check_ranks
from governance.counting.rule import ANONYMOUS, OPEN, Rule
from governance.counting.stv import Count, break_tie, fixed

PLACES: Final = 5
"""Decimal places of a transfer value, rule 48(3)."""
_UNIT: Final = 10**PLACES


class StvParams(RankedParams, frozen=True, forbid_unknown_fields=True):
    """How many are elected, and what a valid ranking is."""

    seats: Seats = 1


class ScottishStv(Rule[StvParams]):
    """Whoever reaches the quota is elected and passes the surplus on; else the lowest is excluded."""

    id: ClassVar[str] = "scottish-stv"
    title: ClassVar[str] = "Single transferable vote (Scotland)"
    reference: ClassVar[str] = "Scottish Local Government Elections Order 2007, SSI 2007/42, rules 45-52"
    answer_form: ClassVar[str] = "ranking"
    tie_rule: ClassVar[str] = "the most recent earlier round that tells the tied apart, then lot"
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
        """Rounds of transfers until the seats are filled, one step with totals for each."""
        return _Scottish(Count.begin(self.id, options, params, profile, lot, PLACES), params.seats).outcome(
            profile
        )


class _Scottish:
    """One count. The value of a paper is a place in `values`, so papers of equal value move as one parcel."""

    def __init__(self, count: Count, seats: int) -> None:
        self.count, self.seats = count, seats
        self.usable = sum(count.votes) // _UNIT
        # Rule 46: the fraction is dropped before one is added.
        self.quota = (self.usable // (seats + 1) + 1) * _UNIT
        self.values = [_UNIT]
        self.place = {_UNIT: 0}
        self.value = np.zeros(len(count.papers.holder), dtype=np.int64)
        self.pending: list[int] = []
        self.lost = 0
        self.residue = 0

    def outcome(self, profile: Profile) -> Outcome:
        count = self.count
        note = (
            f"Round 1: first preferences of papers of weight {self.usable}. The quota is "
            f"{self.usable} / ({self.seats} + 1) without decimals, plus 1: {self._text(self.quota)} "
            f"(rules 45, 46)."
        )
        count.step("count", range(len(count.lot)), note, count.totals())
        # Rule 52 waits for the end of a stage: the papers of the last excluded still move.
        while not self._finished():
            if self.pending:
                self._transfer_surplus()
            else:
                self._exclude()
        return count.outcome(
            self.seats,
            {
                **decimal([("valid_weight", profile.valid), ("blank_weight", profile.blank)]),
                "no_preference_weight": str(count.lost),
                "quota": self._text(self.quota),
                "non_transferable": self._text(self.lost),
                "lost_to_rounding": self._text(self.residue),
            },
        )

    def _finished(self) -> bool:
        count = self.count
        reached = [option for option in count.hopeful if count.votes[option] >= self.quota]
        if reached:
            order = [option for group in count.by_votes(reached) for option in group]
            words = ", ".join(f"{count.titles[option]} with {count.has(option)}" for option in order)
            count.elect(reached, f"Reached the quota of {self._text(self.quota)}: {words} (rule 47(1)).")
            self.pending += order
        vacancies = self.seats - len(count.winners)
        if vacancies and len(count.hopeful) <= vacancies:
            names = count.names(sorted(count.hopeful))
            note = f"As many continue as there are vacancies: {names} (rule 52(1)). Nothing more is moved."
            count.elect(list(count.hopeful), note)
            return True
        return not vacancies

    def _transfer_surplus(self) -> None:
        count = self.count
        most = max(count.votes[option] for option in self.pending)
        tied = sorted(option for option in self.pending if count.votes[option] == most)
        tie = break_tie(tied, count.rounds, weakest=False)
        if len(tied) > 1:
            clauses = (" (rule 49(2))", " (rule 49(3))")
            count.record_tie(tie, "transferred first", clauses)
        option = tie.chosen
        self.pending.remove(option)
        total, surplus = count.votes[option], count.votes[option] - self.quota
        name = count.titles[option]
        if not surplus:
            note = f"{name} has the quota of {self._text(self.quota)} and no surplus (rule 48(1))."
            count.end_round("transfer", [option], note)
            return
        rows = count.papers.of(option)
        used = np.unique(self.value[rows]).tolist()
        # Rule 48(3): every paper, its value when received times surplus over total, remainder ignored.
        values = {old: surplus * self.values[old] // total for old in used}
        count.votes[option] = self.quota
        words = self._move(rows, values, surplus)
        rate = ", ".join(self._text(value) for value in sorted(set(values.values()), reverse=True)[:3])
        more = " and less" if len(set(values.values())) > 3 else ""
        note = (
            f"{name} has {self._text(total)}, a surplus of {self._text(surplus)} over the quota of "
            f"{self._text(self.quota)}. The papers go on at a value of {rate}{more} (rule 48). {words}"
        )
        count.end_round("transfer", [option], note)

    def _exclude(self) -> None:
        count = self.count
        least = min(count.votes[option] for option in count.hopeful)
        tied = sorted(option for option in count.hopeful if count.votes[option] == least)
        tie = break_tie(tied, count.rounds, weakest=True)
        if len(tied) > 1:
            clauses = (" (rule 51(2)(a))", " (rule 51(2)(b))")
            count.record_tie(tie, "excluded", clauses)
        option = tie.chosen
        count.hopeful.remove(option)
        count.excluded.append(option)
        rows = count.papers.of(option)
        values = {old: self.values[old] for old in np.unique(self.value[rows]).tolist()}
        count.votes[option] = 0
        words = self._move(rows, values, least)
        note = (
            f"nobody reached {self._text(self.quota)}; {count.titles[option]}, lowest with "
            f"{self._text(least)}, was excluded (rule 50). {words}"
        )
        count.end_round("exclude", [option], note)

    def _move(self, rows: Ints, values: dict[int, int], amount: int) -> str:
        """Pass on papers at their new values; `amount` leaves their holder. Returns it in words."""
        count, papers = self.count, self.count.papers
        before = list(count.votes)
        fresh = [self._place(value) for value in values.values()]
        lookup = np.zeros(len(self.values), dtype=np.int64)
        lookup[list(values)] = fresh
        self.value[rows] = lookup[self.value[rows]]
        papers.move(rows, count.continuing)
        targets = len(count.lot) + 1
        parcels = sorted(set(fresh))
        local = np.searchsorted(np.array(parcels, dtype=np.int64), self.value[rows])
        weights = papers.weigh(local * targets + papers.holder[rows], len(parcels) * targets, rows)
        lost = 0
        for key, weight in enumerate(weights):
            parcel, target = divmod(key, targets)
            credit = weight * self.values[parcels[parcel]]
            if target == len(count.lot):
                lost += credit
            else:
                count.votes[target] += credit
        moved = sum(weights) - sum(weights[targets - 1 :: targets])
        given = sum(count.votes) - sum(before)
        self.lost += lost
        self.residue += amount - given - lost
        return (
            f"{moved} of {sum(weights)} papers moved: {count.gains(before)}; not transferable "
            f"{self._text(lost)}, lost to rounding {self._text(amount - given - lost)}."
        )

    def _place(self, value: int) -> int:
        if value not in self.place:
            self.place[value] = len(self.values)
            self.values.append(value)
        return self.place[value]

    def _text(self, number: int) -> str:
        return fixed(number, PLACES)
