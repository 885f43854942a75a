"""What one answer paid under Equal Shares, purchase by purchase, read off the steps of the outcome."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction

from governance.counting.option import Option
from governance.counting.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Payment:
    """A supported option that was bought: what this answer paid and had left; `everything` it had, or less.

    Who had nothing left paid 0. Amounts are for the whole weight of the answer.
    """

    option: str
    paid: Fraction
    left: Fraction
    everything: bool


@dataclass(frozen=True, slots=True)
class Spending:
    """The money of one answer: its part of all shares, before and after completion, and what it paid."""

    part: Fraction
    share: Fraction
    raised: Fraction
    payments: tuple[Payment, ...]

    @property
    def left(self) -> Fraction:
        """What was not spent."""
        return self.payments[-1].left if self.payments else self.raised


def spending_of(
    outcome: Outcome, options: Sequence[Option], marks: Collection[str], weight: int
) -> Spending | None:
    """What an answer of this weight paid at the increment that counts; None when it took no share.

    Args:
        outcome: of `equal-shares`.
        options: of the question, with their costs.
        marks: the options that the answer supports.
        weight: above 0.
    """
    if not marks or not weight:
        return None
    facts = outcome.facts
    costs = {option.id: option.cost or 0 for option in options}
    share = _amount(facts["share"])
    raised = _amount(facts.get("raised_share", facts["share"]))
    money = raised
    payments = []
    for step in outcome.steps:
        if step.action != "buy" or step.options[0] not in marks:
            continue
        option = step.options[0]
        utility = costs[option] if facts["utility"] == "cost" else 1
        price = _amount(step.totals[option]) * utility
        paid = min(money, price)
        everything = 0 < money <= price
        money -= paid
        payments.append(Payment(option, paid * weight, money * weight, everything))
    return Spending(
        Fraction(weight, int(facts["share_weight"])), share * weight, raised * weight, tuple(payments)
    )


def _amount(text: str) -> Fraction:
    """A fraction of an outcome; one too long to write is there with 30 decimals (`outcome.exact`)."""
    return Fraction(text.removesuffix("…"))
