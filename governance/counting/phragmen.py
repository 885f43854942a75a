"""Phragmén's sequential rule with costs: all earn money at one speed, supporters buy together.

Brill, Freeman, Janson & Lackner, AAAI 2017. At each moment a voter has what was earned since the last
purchase they took part in. An option is bought at the moment when its supporters together have its cost; they
are left with nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from governance import limits
from governance.counting.approval import Marks, Seats, approvals
from governance.counting.checks import Amount, check_costs, check_limits, check_marks, decimal, unaffordable
from governance.counting.option import Option
from governance.counting.outcome import Outcome, Step, exact, rounded, tie_groups
from governance.counting.profile import Answer, Profile
from governance.counting.rule import ANONYMOUS, OPEN, Rule
from governance.errors import InvalidDefinition


class PhragmenParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Either a `budget` for options with costs, or a number of `seats` for options that all cost 1.

    `skip` False ends at the first option that the rest of the budget does not pay for; True leaves it out and
    goes on.
    """

    budget: Amount | None = None
    seats: Seats | None = None
    skip: bool = False
    min_marks: Marks = 0
    max_marks: Annotated[int, Meta(ge=1, le=limits.OPTIONS)] | None = None


class Phragmen(Rule[PhragmenParams]):
    """The earliest possible purchase next, until the budget is spent or the seats are filled."""

    id: ClassVar[str] = "phragmen"
    title: ClassVar[str] = "Phragmén's sequential rule"
    reference: ClassVar[str] = "Brill, Freeman, Janson & Lackner, Phragmén's Voting Methods, AAAI 2017"
    answer_form: ClassVar[str] = "approval"
    tie_rule: ClassVar[str] = "lot"
    modes: ClassVar[frozenset[str]] = frozenset({OPEN, ANONYMOUS})
    Params = PhragmenParams

    def definition_notes(self, options: Sequence[Option], params: PhragmenParams) -> list[str]:
        """Options beyond the whole budget."""
        return [] if params.budget is None else unaffordable(options, int(params.budget))

    def _check(self, options: Sequence[Option], params: PhragmenParams, pointer: str) -> None:
        if (params.budget is None) == (params.seats is None):
            raise InvalidDefinition(
                "this rule needs either a budget or a number of seats", pointer=f"{pointer}/params/budget"
            )
        check_limits(options, params.min_marks, params.max_marks, params.seats or 1, pointer)
        if params.budget is not None:
            check_costs(options, pointer)

    def check_answer(
        self, options: Sequence[Option], params: PhragmenParams, answer: Answer, pointer: str = ""
    ) -> None:
        """A list of distinct options within the limits."""
        check_marks(options, answer, params.min_marks, params.max_marks, pointer)

    def count(
        self, options: Sequence[Option], params: PhragmenParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """The options in the order of purchase, one step for each."""
        support = approvals(options, profile)
        if params.seats is None:
            costs, budget = {option.id: option.cost or 0 for option in options}, int(params.budget or 0)
        else:
            costs, budget = dict.fromkeys(support, 1), params.seats
        race = _Race(costs, support, profile, lot)
        steps, winners, spent = race.run(budget, params.skip)
        taken = set(winners)
        by_support = tie_groups(costs, lambda option: (support[option], -costs[option]), lot)
        rest = [[option for option in group if option not in taken] for group in by_support]
        ranking = [[option] for option in winners] + [group for group in rest if group]
        order = [option for group in ranking for option in group]
        steps.append(Step("elect", winners, {}, f"{len(winners)} options for {spent} of {budget}."))
        return Outcome(
            rule=self.id,
            options=[option.id for option in options],
            winners=winners,
            ranking=ranking,
            order=order,
            totals=decimal((option, support[option]) for option in order),
            steps=steps,
            lot=list(lot),
            facts={
                **decimal([("valid_weight", profile.valid), ("blank_weight", profile.blank)]),
                **decimal([("budget", budget), ("spent", spent)]),
            },
        )


class _Race:
    """Who is how far from a purchase.

    `last[ballot]` is the number of the last purchase its voters took part in, `times` when that was; so all
    voters who share both have the same money, and `held[option]` has the weight of its supporters by `last`.
    `owed[option]` is the sum of weight times time over that: what the supporters had earned and spent.
    """

    def __init__(
        self, costs: dict[str, int], support: dict[str, int], profile: Profile, lot: Sequence[str]
    ) -> None:
        self.costs, self.support, self.lot = costs, support, lot
        self.ballots = [
            ([mark for mark in answer if isinstance(mark, str)], weight)
            for answer, weight in profile.groups
            if weight
        ]
        self.supporters: dict[str, list[int]] = {option: [] for option in lot}
        for number, (marks, _) in enumerate(self.ballots):
            for mark in marks:
                self.supporters[mark].append(number)
        self.last = [0] * len(self.ballots)
        self.times = [Fraction(0)]
        self.owed = dict.fromkeys(lot, Fraction(0))

    def moment(self, option: str) -> Fraction:
        """When the supporters together can pay, if nothing else is bought before."""
        return (self.owed[option] + self.costs[option]) / self.support[option]

    def run(self, budget: int, skip: bool) -> tuple[list[Step], list[str], int]:
        """Steps, options bought in order, and what they cost."""
        steps = [
            Step("drop", [option], {}, f"Costs {self.costs[option]}, more than the whole budget of {budget}.")
            for option in self.lot
            if self.costs[option] > budget
        ]
        open_options = [name for name in self.lot if self.support[name] and self.costs[name] <= budget]
        winners: list[str] = []
        spent = 0
        while open_options:
            moments = {option: self.moment(option) for option in open_options}
            option = min(open_options, key=moments.__getitem__)
            tied = [other for other in open_options if moments[other] == moments[option]]
            if len(tied) > 1:
                note = f"{len(tied)} options can be paid at the same moment; the lot decided: {option}."
                steps.append(Step("tie", tied, {}, note))
            open_options.remove(option)
            total = {option: exact(moments[option])}
            left = budget - spent
            if self.costs[option] > left:
                action = "skip" if skip else "stop"
                steps.append(Step(action, [option], total, f"Costs {self.costs[option]}; {left} is left."))
                if skip:
                    continue
                break
            spent += self.costs[option]
            winners.append(option)
            self._buy(option, moments[option])
            note = (
                f"At {rounded(moments[option])} its {self.support[option]} supporters have the cost of "
                f"{self.costs[option]} together and pay with all they have. {spent} of {budget} spent."
            )
            steps.append(Step("buy", [option], total, note))
        return steps, winners, spent

    def _buy(self, option: str, moment: Fraction) -> None:
        """Supporters are left with nothing: whatever else they support waits longer."""
        moved: dict[str, dict[int, int]] = {}
        for number in self.supporters[option]:
            marks, weight = self.ballots[number]
            last = self.last[number]
            for mark in marks:
                held = moved.setdefault(mark, {})
                held[last] = held.get(last, 0) + weight
            self.last[number] = len(self.times)
        self.times.append(moment)
        for mark, held in moved.items():
            self.owed[mark] += sum(weight * (moment - self.times[last]) for last, weight in held.items())
