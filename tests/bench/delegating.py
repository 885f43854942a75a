"""Delegations of a ballot, chosen and followed: long chains, random trust, ranked delegates."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from governance.counting.threshold import Threshold
from governance.replay.delegation import Chosen, Flags, Rows, resolve
from governance.statements.delegation import DelegationRule
from tests.bench.figures import Figure

LOST = DelegationRule(None, "lost", None, None)
CAPPED = DelegationRule(None, "lost", None, Threshold(1, 100, strict=False))
RANKED = DelegationRule(None, "ranked", None, None)


def run(quick: bool) -> Iterator[Figure]:
    """Each shape with each size."""
    for members in (100_000,) if quick else (100_000, 1_000_000):
        for name, delegates, voted, rule in _scenes(members):
            chosen = Chosen(delegates, np.arange(members), np.zeros(members, np.bool_))
            seconds, carried = _timed(lambda c=chosen, v=voted, r=rule: _carried(c, v, r))  # type: ignore[misc]
            yield Figure(
                "delegation", f"{name}, {members:,} members", seconds, "s", goal=("<=", 5.0),
                note=f"{carried:,} carried",
            )  # fmt: skip


def _carried(chosen: Chosen, voted: Flags, rule: DelegationRule) -> int:
    return resolve(chosen, voted, [1] * len(voted), rule).carried_weight()


def _scenes(members: int) -> Iterator[tuple[str, Rows, Flags, DelegationRule]]:
    chance = np.random.default_rng(members)
    order = chance.permutation(members)
    chain = np.empty((members, 1), np.int64)
    chain[order, 0] = np.roll(order, -1)
    last = np.zeros(members, np.bool_)
    yield "one circle", chain, last, LOST
    last = last.copy()
    last[order[-1]] = True
    yield "one chain", chain, last, LOST
    yield "one chain, ranked", chain, last, RANKED
    yield "one chain, cap 1/100", chain, last, CAPPED
    anybody = chance.integers(0, members, (members, 5))
    yield "random, 1 in 100 votes", anybody[:, :1], chance.random(members) < 0.01, LOST
    yield "five ranked, 1 in 100 votes", anybody, chance.random(members) < 0.01, RANKED


def _timed(work: Callable[[], int]) -> tuple[float, int]:
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found
