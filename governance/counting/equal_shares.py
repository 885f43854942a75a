"""Method of Equal Shares: every voter gets the same part of the budget and pays only for what they support.

Peters & Skowron, EC 2020; Peters, Pierczynski & Skowron, NeurIPS 2021; Pabulib rule `equalshares`. Completion
`add1` as in Wieliczka, Świecie and Assen: shares are raised step by step until the outcome would first
overspend, and the outcome before that counts. The search does not stop when an outcome happens to be
exhaustive.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from governance import limits
from governance.counting.approval import Marks, grouped
from governance.counting.checks import Amount, check_costs, check_limits, check_marks, decimal, unaffordable
from governance.counting.completion import Search, complete
from governance.counting.greedy import take_what_fits
from governance.counting.option import Option
from governance.counting.outcome import Outcome, Step, exact, rounded, tie_groups
from governance.counting.profile import Answer, Profile
from governance.counting.rule import ANONYMOUS, OPEN, Rule
from governance.counting.shares import Market, Purchase

Increment = Annotated[str, Meta(pattern=r"^(fine|[1-9][0-9]{0,38})$")]


class EqualSharesParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The budget, and the choices that decide outcomes (all three real elections differed by `utility`).

    `utility`: "cost" values a supported option at its cost, "cardinality" at 1. `step`: by how much `add1`
    raises the share of one unit of weight at a time, in units of the budget; "fine" is budget/(1000 * weight
    of the voters), for budgets that are small numbers. `second_completion` "greedy" spends what is left on
    the most approved options that fit. `comparison` adds the greedy outcome and how many voters prefer which.
    """

    budget: Amount
    utility: Literal["cost", "cardinality"] = "cost"
    completion: Literal["none", "add1"] = "add1"
    step: Increment = "1"
    second_completion: Literal["none", "greedy"] = "none"
    comparison: bool = True
    min_marks: Marks = 0
    max_marks: Annotated[int, Meta(ge=1, le=limits.OPTIONS)] | None = None


class EqualShares(Rule[EqualSharesParams]):
    """Buys the option with the least price per utility until nobody can pay for another."""

    id: ClassVar[str] = "equal-shares"
    title: ClassVar[str] = "Method of Equal Shares"
    reference: ClassVar[str] = "Peters, Pierczynski & Skowron, NeurIPS 2021"
    answer_form: ClassVar[str] = "approval"
    tie_rule: ClassVar[str] = "more approvals, lower cost, then lot"
    modes: ClassVar[frozenset[str]] = frozenset({OPEN, ANONYMOUS})
    Params = EqualSharesParams

    def definition_notes(self, options: Sequence[Option], params: EqualSharesParams) -> list[str]:
        """Options beyond the whole budget, and a step too coarse for the budget."""
        notes = unaffordable(options, int(params.budget))
        if notes and params.completion == "add1":
            notes.append(
                "an option beyond the whole budget ends the raising of shares once it could be bought"
            )
        if params.completion == "add1" and params.step != "fine":
            ratio = int(params.budget) // int(params.step)
            if ratio < 1000 or ratio > 10**8:
                notes.append(
                    f"a step of {params.step} for each voter is {'coarse' if ratio < 1000 else 'tiny'} for a "
                    f"budget of {params.budget}; the step 'fine' fits any budget"
                )
        return notes

    def _check(self, options: Sequence[Option], params: EqualSharesParams, pointer: str) -> None:
        check_costs(options, pointer)
        check_limits(options, params.min_marks, params.max_marks, 1, pointer)

    def check_answer(
        self, options: Sequence[Option], params: EqualSharesParams, answer: Answer, pointer: str = ""
    ) -> None:
        """A list of distinct options within the limits."""
        check_marks(options, answer, params.min_marks, params.max_marks, pointer)

    def count(
        self, options: Sequence[Option], params: EqualSharesParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """The options bought, in the order of purchase, with one step for each round.

        Who marks nothing takes no share, as who leaves the question blank.
        """
        return _Count(options, params, profile, lot).outcome(self.id)


class _Count:
    """The parts of one count."""

    def __init__(
        self, options: Sequence[Option], params: EqualSharesParams, profile: Profile, lot: Sequence[str]
    ) -> None:
        self.params, self.profile, self.lot = params, profile, list(lot)
        self.options = [option.id for option in options]
        self.costs = {option.id: option.cost or 0 for option in options}
        self.budget = int(params.budget)
        self.ballots = grouped(options, profile)
        self.voters = sum(weight for _, weight in self.ballots)
        self.market = self._market()
        self.support = dict(zip(self.lot, self.market.approvals, strict=True))
        self.by_support = tie_groups(
            self.costs, lambda option: (self.support[option], -self.costs[option]), lot
        )

    def _market(self) -> Market:
        place = {option: number for number, option in enumerate(self.lot)}
        costs = [self.costs[option] for option in self.lot]
        factor = costs if self.params.utility == "cost" else [1] * len(costs)
        ballots = ((map(place.__getitem__, marks), weight) for marks, weight in self.ballots)
        return Market.build(costs, factor, ballots)

    def outcome(self, rule: str) -> Outcome:
        search = self._search()
        bought = [self.lot[purchase.option] for purchase in search.purchases]
        steps = [*self._search_steps(search), *self._rounds(search.purchases)]
        extra = self._second_completion(bought)
        steps += extra
        winners = bought + [step.options[0] for step in extra]
        taken = set(winners)
        rest = [[option for option in group if option not in taken] for group in self.by_support]
        ranking = [[option] for option in winners] + [group for group in rest if group]
        facts = self._facts(search, winners)
        if self.params.comparison:
            steps.append(self._compare(winners, facts))
        steps.append(Step("elect", winners, {}, f"{len(winners)} options for {facts['spent']}."))
        order = [option for group in ranking for option in group]
        totals = decimal((option, self.support[option]) for option in order)
        return Outcome(rule, self.options, winners, ranking, order, totals, steps, self.lot, facts)

    def _search(self) -> Search:
        step = None
        if self.params.completion == "add1":
            fine = self.params.step == "fine"
            step = Fraction(self.budget, 1000 * max(self.voters, 1)) if fine else Fraction(self.params.step)
        return complete(self.market, Fraction(self.budget, max(self.voters, 1)), step, self.budget)

    def _search_steps(self, search: Search) -> list[Step]:
        if self.params.completion == "none":
            return []
        return [Step("raise", [], {}, f"Each share starts at {rounded(search.base)}. {search.reason}")]

    def _rounds(self, purchases: Sequence[Purchase]) -> list[Step]:
        steps, spent = [], 0
        for purchase in purchases:
            option = self.lot[purchase.option]
            spent += self.costs[option]
            if len(purchase.tied) > 1:
                steps.append(self._tie([self.lot[number] for number in purchase.tied], option, purchase.rho))
            note = (
                f"Cost {self.costs[option]}: {self.support[option]} supporters pay {rounded(purchase.price)} "
                f"each ({rounded(purchase.rho)} per utility); {purchase.broke} of them pay all they have left"
                + (f", {purchase.penniless} had nothing left" if purchase.penniless else "")
                + f". {spent} of {self.budget} spent."
            )
            steps.append(Step("buy", [option], {option: exact(purchase.rho)}, note))
        return steps

    def _tie(self, tied: list[str], chosen: str, rho: Fraction) -> Step:
        """Why this one of several options with the least price per utility."""
        most = [option for option in tied if self.support[option] == self.support[chosen]]
        cheapest = [option for option in most if self.costs[option] == self.costs[chosen]]
        why = (
            "it has the most supporters"
            if len(most) == 1
            else "it costs least of those with the most supporters"
            if len(cheapest) == 1
            else "support and cost are equal too, so the lot decided"
        )
        note = f"{len(tied)} options cost {rounded(rho)} per utility. {chosen} comes first: {why}."
        return Step("tie", tied, dict.fromkeys(tied, exact(rho)), note)

    def _second_completion(self, bought: Sequence[str]) -> list[Step]:
        if self.params.second_completion == "none":
            return []
        order = [option for group in self.by_support for option in group if option not in bought]
        left = self.budget - sum(self.costs[option] for option in bought)
        steps = []
        for option in take_what_fits(order, self.costs, left):
            left -= self.costs[option]
            note = f"Greedy completion: costs {self.costs[option]}; {left} is left."
            steps.append(Step("add", [option], decimal([(option, self.support[option])]), note))
        return steps

    def _facts(self, search: Search, winners: Sequence[str]) -> dict[str, str]:
        spent = sum(self.costs[option] for option in winners)
        facts = {
            **decimal([("valid_weight", self.profile.valid), ("blank_weight", self.profile.blank)]),
            **decimal([("share_weight", self.voters), ("budget", self.budget), ("spent", spent)]),
            "utility": self.params.utility,
            "completion": self.params.completion,
            "second_completion": self.params.second_completion,
            "share": exact(search.base),
        }
        if search.step is not None:
            facts["step"] = exact(search.step)
            facts["increment"] = str(search.increment)
            facts["raised_share"] = exact(search.base + search.increment * search.step)
        return facts

    def _compare(self, winners: Sequence[str], facts: dict[str, str]) -> Step:
        """The greedy outcome beside ours, and the weight that prefers each by the sum of utilities."""
        order = [option for group in self.by_support for option in group]
        greedy = take_what_fits(order, self.costs, self.budget)
        gain = {option: self._gain(option, winners, greedy) for option in self.costs}
        tally = [0, 0, 0]
        for marks, weight in self.ballots:
            gained = sum(map(gain.__getitem__, marks))
            tally[0 if gained > 0 else 1 if gained < 0 else 2] += weight
        facts.update(
            decimal(zip(("prefer_equal_shares", "prefer_greedy", "prefer_neither"), tally, strict=True))
        )
        note = (
            f"Greedy budgeting would have selected these. By what they support, {tally[0]} voters are better "
            f"off with equal shares, {tally[1]} with greedy, {tally[2]} equally."
        )
        return Step("compare", greedy, {}, note)

    def _gain(self, option: str, ours: Sequence[str], theirs: Sequence[str]) -> int:
        """What a supporter has more of in ours than in theirs by this option."""
        utility = self.costs[option] if self.params.utility == "cost" else 1
        return utility * ((option in ours) - (option in theirs))
