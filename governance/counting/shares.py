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
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Places: TypeAlias = NDArray[np.intp]
Parts: TypeAlias = NDArray[np.float64]

_BROKE: Final = 0
"""Index of the balance 0, shared by all who have paid everything."""

_BITS: Final = 26
"""Weights are added up in parts of so many bits: floats add 2^27 of them without rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """Who supports what at which cost; options are numbers here, in the order of their ids' lot.

    `supporters[c]` are the ballots that mark option c, of `ballots` in all, and `parts[c]` their weights in
    parts of `_BITS` bits, the lowest first. `approvals[c]` is their sum, `factor[c]` the utility to each.
    """

    costs: tuple[int, ...]
    factor: tuple[int, ...]
    ballots: int
    supporters: tuple[Places, ...]
    parts: tuple[tuple[Parts, ...], ...]
    approvals: tuple[int, ...]

    @classmethod
    def build(
        cls, costs: Sequence[int], factor: Sequence[int], ballots: Iterable[tuple[Iterable[int], int]]
    ) -> Market:
        """The market of (options, weight) ballots."""
        weights: list[int] = []
        marked: list[list[int]] = [[] for _ in costs]
        for number, (options, weight) in enumerate(ballots):
            weights.append(weight)
            for option in options:
                marked[option].append(number)
        supporters = tuple(np.array(row, np.intp) for row in marked)
        whole = _split(weights)
        parts = tuple(tuple(part[row] for part in whole) for row in supporters)
        approvals = tuple(_joined(part.sum() for part in row) for row in parts)
        return cls(tuple(costs), tuple(factor), len(weights), supporters, parts, approvals)


def _split(weights: Sequence[int]) -> list[Parts]:
    bits = max(weights, default=0).bit_length()
    mask = (1 << _BITS) - 1
    return [
        np.array([weight >> shift & mask for weight in weights], np.float64)
        for shift in range(0, max(bits, 1), _BITS)
    ]


def _joined(parts: Iterable[float]) -> int:
    return sum(int(part) << number * _BITS for number, part in enumerate(parts))


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
        self.balance: Places = np.ones(market.ballots, np.intp)
        self._room = 64

    def held(self, option: int) -> dict[int, int]:
        """Weight of the option's supporters by index of their balance."""
        at = self.balance[self.market.supporters[option]]
        sums = [np.bincount(at, part) for part in self.market.parts[option]]
        # No sum is negative, so together they are 0 only where nobody is.
        used = sum(sums[1:], sums[0]).nonzero()[0]
        weights: list[int] = sums[0][used].astype(np.int64).tolist()
        for number, more in enumerate(sums[1:], 1):
            parts = zip(weights, more[used].tolist(), strict=True)
            weights = [weight + (int(part) << number * _BITS) for weight, part in parts]
        return dict(zip(used.tolist(), weights, strict=True))

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
        held, broke = self.held(option), 0
        moves = np.full(len(self.values), _BROKE, np.intp)
        for index, weight in held.items():
            rest = self.values[index] - price
            if rest > 0:
                moves[index] = len(self.values)
                self.values.append(rest)
            elif index != _BROKE:
                broke += weight
        supporters = self.market.supporters[option]
        self.balance[supporters] = moves[self.balance[supporters]]
        if len(self.values) > self._room:
            self._forget_unused()
        price_of_one = rho * self.market.factor[option]
        return Purchase(option, price_of_one, rho, broke, held.get(_BROKE, 0), tuple(sorted(tied)))

    def _forget_unused(self) -> None:
        used = np.bincount(self.balance, minlength=len(self.values)) > 0
        used[_BROKE] = True
        self.values = [self.values[index] for index in np.flatnonzero(used).tolist()]
        self.balance = (np.cumsum(used) - 1)[self.balance]
        self._room = 2 * len(self.values) + 64


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
