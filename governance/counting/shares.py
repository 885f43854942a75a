"""One run of the Method of Equal Shares on groups of equal voters, in whole numbers.

Balances are integers over one common denominator, which grows with each purchase, so every comparison is
exact. Voters are grouped by equal ballot; ballots point to their balance, so equal balances are one number. A
voter of weight w stands for w voters of weight 1: prices are per unit of weight.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Final

_BROKE: Final = 0
"""Index of the balance 0, shared by all who have paid everything."""


@dataclass(frozen=True, slots=True)
class Market:
    """Who supports what at which cost; options are numbers here, in the order of their ids' lot.

    `weights[b]` is the weight of ballot b, `supporters[c]` the ballots that mark option c, `approvals[c]`
    their weight, `factor[c]` the utility of c to a supporter.
    """

    costs: tuple[int, ...]
    factor: tuple[int, ...]
    weights: tuple[int, ...]
    supporters: tuple[tuple[int, ...], ...]
    approvals: tuple[int, ...]

    @classmethod
    def build(
        cls, costs: Sequence[int], factor: Sequence[int], ballots: Iterable[tuple[Iterable[int], int]]
    ) -> Market:
        """The market of (options, weight) ballots."""
        weights: list[int] = []
        supporters: list[list[int]] = [[] for _ in costs]
        for number, (options, weight) in enumerate(ballots):
            weights.append(weight)
            for option in options:
                supporters[option].append(number)
        return cls(
            tuple(costs),
            tuple(factor),
            tuple(weights),
            tuple(map(tuple, supporters)),
            tuple(sum(weights[number] for number in row) for row in supporters),
        )


@dataclass(frozen=True, slots=True)
class Purchase:
    """One round: `price` is per unit of weight, `broke` weight paid its last, `penniless` had nothing.

    `tied` are the options of equal rho, the one bought among them.
    """

    option: int
    price: Fraction
    rho: Fraction
    broke: int
    penniless: int
    tied: tuple[int, ...]


@dataclass(slots=True, eq=False)
class _Offer:
    """The price of an option as left/rich over the common denominator, and floor(rho * 2^64) to sort by."""

    option: int
    left: int
    rich: int
    key: int


class _Run:
    """Mutable state of one run."""

    def __init__(self, market: Market, share: Fraction) -> None:
        self.market = market
        self.denominator = share.denominator
        self.values = [0, share.numerator]
        self.balance = [1] * len(market.weights)

    def held(self, option: int) -> dict[int, int]:
        """Weight of the option's supporters by index of their balance."""
        held: dict[int, int] = {}
        balance, weights = self.balance, self.market.weights
        for ballot in self.market.supporters[option]:
            index = balance[ballot]
            if index in held:
                held[index] += weights[ballot]
            else:
                held[index] = weights[ballot]
        return held

    def offer(self, option: int) -> _Offer | None:
        """The least price at which the supporters together pay the cost; None when they cannot."""
        purses = sorted((self.values[index], weight) for index, weight in self.held(option).items())
        left = self.market.costs[option] * self.denominator
        if sum(value * weight for value, weight in purses) < left:
            return None
        rich = self.market.approvals[option]
        for value, weight in purses:
            if value * rich >= left:
                break
            left -= value * weight
            rich -= weight
        key = (left << 64) // (rich * self.market.factor[option] * self.denominator)
        return _Offer(option, left, rich, key)

    def buy(self, offer: _Offer, tied: Sequence[int]) -> Purchase:
        """Charge everybody min(balance, price)."""
        option = offer.option
        rho = Fraction(offer.left, offer.rich * self.denominator * self.market.factor[option])
        common = gcd(offer.left, offer.rich)
        price, scale = offer.left // common, offer.rich // common
        if scale != 1:
            self.values = [value * scale for value in self.values]
            self.denominator *= scale
        held = self.held(option)
        moves, broke = {_BROKE: _BROKE}, 0
        for index, weight in held.items():
            rest = self.values[index] - price
            if rest <= 0:
                broke += weight if index != _BROKE else 0
                moves[index] = _BROKE
            else:
                moves[index] = len(self.values)
                self.values.append(rest)
        for ballot in self.market.supporters[option]:
            self.balance[ballot] = moves[self.balance[ballot]]
        if len(self.values) > 2 * len(self.balance) + 64:
            self._forget_unused()
        price_of_one = rho * self.market.factor[option]
        return Purchase(option, price_of_one, rho, broke, held.get(_BROKE, 0), tuple(sorted(tied)))

    def _forget_unused(self) -> None:
        used = sorted({_BROKE, *self.balance})
        place = {index: new for new, index in enumerate(used)}
        self.values = [self.values[index] for index in used]
        self.balance = [place[index] for index in self.balance]


def run(market: Market, share: Fraction, budget: int) -> list[Purchase] | None:
    """The purchases when each unit of weight starts with `share`; None once they cost more than `budget`.

    Peters & Skowron 2020; Peters, Pierczynski & Skowron 2021. Ties of rho: more approvals, lower cost, then
    lot.
    """
    state = _Run(market, share)
    # Money only shrinks, so a price never falls: last round's prices bound this round's from below.
    open_offers = [_Offer(option, 0, 1, 0) for option, weight in enumerate(market.approvals) if weight]
    purchases: list[Purchase] = []
    spent = 0
    while True:
        best, tied = _best_offer(state, open_offers)
        if best is None:
            return purchases
        spent += market.costs[best.option]
        if spent > budget:
            return None
        purchases.append(state.buy(best, tied))
        open_offers = [offer for offer in open_offers if offer.option != best.option]


def _best_offer(state: _Run, offers: list[_Offer]) -> tuple[_Offer | None, list[int]]:
    """The offer of least rho, and the options that share it.

    Refreshes the offers looked at, drops what supporters can no longer pay.
    """
    best: _Offer | None = None
    tied: list[int] = []
    offers.sort(key=lambda offer: offer.key)
    lost: list[_Offer] = []
    for place, offer in enumerate(offers):
        if best is not None and offer.key > best.key:
            break
        fresh = state.offer(offer.option)
        if fresh is None:
            lost.append(offer)
            continue
        offers[place] = fresh
        dearer = -1 if best is None else _compare(state.market, fresh, best)
        tied = [fresh.option] if dearer < 0 else [*tied, fresh.option] if dearer == 0 else tied
        if best is None or dearer < 0 or (dearer == 0 and _precedes(state.market, fresh, best)):
            best = fresh
    for offer in lost:
        offers.remove(offer)
    return best, tied


def _compare(market: Market, a: _Offer, b: _Offer) -> int:
    """Below 0 when a is cheaper per utility, 0 when they are level."""
    return a.left * b.rich * market.factor[b.option] - b.left * a.rich * market.factor[a.option]


def _precedes(market: Market, a: _Offer, b: _Offer) -> bool:
    return _preference(market, a.option) < _preference(market, b.option)


def _preference(market: Market, option: int) -> tuple[int, int, int]:
    return (-market.approvals[option], market.costs[option], option)
