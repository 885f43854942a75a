"""What a result says about its delegations: who carried what, what was lost and why, how concentrated."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from governance import limits
from governance.canonical import encode
from governance.replay.delegation import Resolved
from governance.statements.base import Value


class Carrier(Value, frozen=True):
    """A voter who carries others: how many, and their weight besides the voter's own."""

    delegate: str
    delegators: int
    weight: str


class LostWeight(Value, frozen=True):
    """Delegators whose weight counts nowhere, for one reason.

    `cycle`: the way never ends. `no-vote`: it ends at somebody who neither voted nor delegated. `expired`: it
    ends at somebody whose delegation has expired. `not-on-roll`: it leaves the roll. `too-long`: more steps
    than the definition allows. `over-cap`: beyond what one voter may carry.
    """

    reason: str
    delegators: int
    weight: str


class Delegations(Value, frozen=True):
    """How delegated weight was counted.

    `carriers` counts everybody who carried weight; `delegates` lists them, the heaviest first, as far as they
    fit. `largest_share` is the heaviest counted vote's share of all counted weight, `gini` the Gini
    coefficient of the counted weights of all voters, own weight included; both exact.
    """

    live: int
    delegators: int
    weight: str
    carriers: int
    delegates: list[Carrier]
    lost: list[LostWeight]
    largest_share: str
    gini: str


def report(resolved: Resolved, live: int, ids: list[str], counted: Iterable[int]) -> Delegations:
    """The report of resolved delegations.

    Args:
        resolved: as `replay.delegation.resolve` gives it.
        live: how many of the roll had a live delegation.
        ids: member ids by row of the roll.
        counted: the weight of each voter's vote, own and carried.
    """
    carriers = [Carrier(ids[row], count, str(weight)) for row, (count, weight) in resolved.carried.items()]
    carriers.sort(key=lambda c: (-int(c.weight), c.delegate))
    weights = sorted(counted)
    return Delegations(
        live=live,
        delegators=sum(count for count, _ in resolved.carried.values()),
        weight=str(resolved.carried_weight()),
        carriers=len(carriers),
        delegates=_listed(carriers),
        lost=[LostWeight(why, count, str(weight)) for why, (count, weight) in resolved.lost.items()],
        largest_share=str(Fraction(weights[-1], sum(weights)) if weights else 0),
        gini=str(gini(weights)),
    )


def _listed(carriers: list[Carrier]) -> list[Carrier]:
    room = limits.DELEGATES_LISTED
    for place, carrier in enumerate(carriers):
        room -= len(encode(carrier)) + 1
        if room < 0:
            return carriers[:place]
    return carriers


def gini(weights: list[int]) -> Fraction:
    """The Gini coefficient of positive weights in ascending order: 0 when all are equal, or there is none."""
    count = len(weights)
    spread = sum((2 * place - count + 1) * weight for place, weight in enumerate(weights))
    return Fraction(spread, count * sum(weights)) if weights else Fraction(0)
