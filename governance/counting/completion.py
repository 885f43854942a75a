"""Completion of Equal Shares by raising everybody's share (`add1`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from governance.counting.shares import Market, Purchase, run

MAX_INCREMENTS: Final = 100_000
"""The search ends here at the latest, and the outcome says so; a coarser step reaches further."""


@dataclass(frozen=True, slots=True)
class Search:
    """The purchases at the increment that counts, and why the search ended there.

    `base` is the share of one unit of weight before any increment; `step` None means no completion.
    """

    purchases: list[Purchase]
    base: Fraction
    step: Fraction | None
    increment: int
    reason: str


def complete(market: Market, base: Fraction, step: Fraction | None, budget: int) -> Search:
    """The outcome at the last increment before the first that overspends.

    Overspending is not monotone in the increment, so every one is tried in turn.
    """
    purchases = run(market, base, budget) or []
    if step is None or not step:
        return Search(purchases, base, step, 0, "")
    wanted = [cost for cost, weight in zip(market.costs, market.approvals, strict=True) if weight]
    if sum(wanted) <= budget:
        return _all(market, base, step, budget, sum(wanted))
    for increment in range(1, MAX_INCREMENTS + 1):
        raised = run(market, base + increment * step, budget)
        if raised is None:
            return Search(purchases, base, step, increment - 1, _overspends(increment, step))
        purchases = raised
    return Search(purchases, base, step, MAX_INCREMENTS, "The search ended at its limit of increments.")


def _all(market: Market, base: Fraction, step: Fraction, budget: int, cost: int) -> Search:
    """Everything with a supporter fits: no increment overspends, and enough of them buy everything."""
    increment = -(-cost // step)
    purchases: Sequence[Purchase] = run(market, base + increment * step, budget) or ()
    reason = (
        "Everything that anybody supports fits in the budget, so shares were raised until "
        "one vote alone could pay for it all."
    )
    return Search(list(purchases), base, step, increment, reason)


def _overspends(increment: int, step: Fraction) -> str:
    return (
        f"It was raised by {step} each time, {increment - 1} times; "
        f"raised once more, the outcome would cost more than the budget."
    )
