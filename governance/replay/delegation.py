"""Who votes for whom in the end: delegations of one ballot followed to the votes (counting.md section 8).

A pure function of arrays by row of the roll. Following is pointer jumping, O(n log depth); the shortest way
among ranked delegates is one breadth-first search, O(n + delegations).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from governance.counting.threshold import Threshold
from governance.statements.delegation import DelegationRule

Rows: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

NOBODY: Final = -1
OUTSIDE: Final = -2
"""A delegate who is not on this ballot's roll."""

REASONS: Final = ("", "cycle", "no-vote", "expired", "not-on-roll", "too-long", "over-cap")
"""Why a weight is lost; the first is for those that are not."""
_WIDE: Final = 64
"""Members of a level from which on arrays are faster than a loop."""
_CYCLE, _NO_VOTE, _EXPIRED, _NOT_ON_ROLL, _TOO_LONG, _OVER_CAP = range(1, 7)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The delegation of each member of the roll for one ballot.

    Attributes:
        delegates: n × k rows of the roll by preference, `OUTSIDE`, or `NOBODY` at the end.
        index: place of the record in the space's log; -1 for who has no live one.
        expired: has no live one, but one that has expired.
    """

    delegates: Rows
    index: Rows
    expired: Flags

    @property
    def live(self) -> int:
        """How many have a live delegation."""
        return int(np.count_nonzero(self.index >= 0))


@dataclass(frozen=True, slots=True)
class Resolved:
    """Where each weight goes.

    Attributes:
        target: row of the vote that each row's weight counts with; -1 for weights that count with none.
        reason: index into `REASONS` for each lost weight; 0 for who voted, is carried, or abstained.
        carried: row of a voter -> how many delegators and what weight they carry besides their own.
        lost: reason -> how many delegators and what weight.
    """

    target: Rows
    reason: NDArray[np.int8]
    carried: dict[int, tuple[int, int]]
    lost: dict[str, tuple[int, int]]

    def carried_weight(self) -> int:
        """The weight that counts through delegations."""
        return sum(weight for _, weight in self.carried.values())


def resolve(chosen: Chosen, voted: Flags, weights: Sequence[int], rule: DelegationRule) -> Resolved:
    """Follow every delegation of those who did not vote themselves.

    A vote of one's own overrides; a whole weight goes to one voter. With `ranked` a delegator's way is the
    shortest to any voter, and of those the one whose delegates rank first (breadth-first delegation: Brill,
    Delemazure, George, Lackner & Schmidt-Kraepelin 2022).

    Args:
        chosen: the delegation of each row.
        voted: whether each row cast a vote.
        weights: weight of each row.
        rule: the definition's.
    """
    follows = ~voted & (chosen.index >= 0)
    way = _shortest(chosen.delegates, voted, follows) if rule.fallback == "ranked" else chosen.delegates[:, 0]
    inside = follows & (way >= 0)
    end, steps, latest = _follow(np.where(inside, way, np.arange(len(voted))), inside, chosen.index)
    target, reason = _judge(chosen, voted, follows, inside, end)
    if rule.max_depth is not None:
        _drop(target, reason, ~voted & (target >= 0) & (steps > rule.max_depth), _TOO_LONG)
    delegators = np.flatnonzero(~voted & (target >= 0))
    if rule.cap is not None:
        order = delegators[
            np.lexsort((chosen.index[delegators], latest[delegators], target[delegators]))
        ].tolist()
        over = _excess(order, target[order].tolist(), weights, carry_limit(rule.cap, sum(weights)))
        _drop(target, reason, over, _OVER_CAP)
        delegators = np.flatnonzero(~voted & (target >= 0))
    carried = _sums(delegators.tolist(), target[delegators].tolist(), weights)
    missed = np.flatnonzero(reason)
    lost = _sums(missed.tolist(), reason[missed].tolist(), weights)
    return Resolved(target, reason, carried, {REASONS[code]: lost[code] for code in sorted(lost)})


def carry_limit(cap: Threshold, electorate: int) -> int:
    """The most weight that a voter may carry for others: a share of the roll's weight."""
    share = cap.numerator * electorate
    return (share - 1 if cap.strict else share) // cap.denominator


def _follow(following: Rows, inside: Flags, index: Rows) -> tuple[Rows, Rows, Rows]:
    """End of each way, its number of steps, and the latest delegation on it (pointer jumping).

    After as many doublings as n has bits a way that has not ended never does.
    """
    steps = inside.astype(np.int64)
    latest = np.where(inside, index, -1)
    for _ in range(len(following).bit_length()):
        beyond = following[following]
        if np.array_equal(beyond, following):
            break
        steps += steps[following]
        latest = np.maximum(latest, latest[following])
        following = beyond
    return following, steps, latest


def _judge(
    chosen: Chosen, voted: Flags, follows: Flags, inside: Flags, end: Rows
) -> tuple[Rows, NDArray[np.int8]]:
    """The voter at the end of each way, or why there is none; who never delegated has merely not voted."""
    target = np.where(voted[end], end, -1)
    reason = np.full(len(voted), _NO_VOTE, np.int8)
    reason[chosen.expired[end]] = _EXPIRED
    reason[follows[end]] = _NOT_ON_ROLL
    reason[inside[end]] = _CYCLE
    reason[(target >= 0) | ~(follows | chosen.expired)] = 0
    return target, reason


def _drop(target: Rows, reason: NDArray[np.int8], rows: Any, why: int) -> None:
    target[rows] = -1
    reason[rows] = why


def _shortest(delegates: Rows, voted: Flags, follows: Flags) -> Rows:
    """Of each row's delegates the first-ranked of those nearest to a voter; the first where none leads there.

    A shortest way goes on along the shortest way of its next member: one delegate a row is enough.
    """
    count = len(voted)
    usable = follows[:, None] & (delegates >= 0)
    sources = np.nonzero(usable)[0]
    ends = delegates[usable]
    order = np.argsort(ends, kind="stable")
    starts = np.concatenate(([0], np.cumsum(np.bincount(ends, minlength=count))))
    distance = _distances(voted, sources[order], starts, far=count + 1)
    reach = np.where(usable, distance[np.maximum(delegates, 0)], count + 1)
    best: Rows = np.take_along_axis(delegates, reach.argmin(axis=1)[:, None], axis=1)[:, 0]
    return best


def _distances(voted: Flags, sources: Rows, starts: Rows, far: int) -> Rows:
    """Steps from each row to the nearest voter; `sources[starts[r]:starts[r + 1]]` delegate to row r.

    Breadth first, a level at a time: wide ones as arrays, narrow ones (of long chains) one by one.
    """
    distance: Rows = np.where(voted, 0, far)
    level: Sequence[int] | Rows = np.flatnonzero(voted)
    step = 0
    while len(level):
        step += 1
        if len(level) >= _WIDE:
            first, last = starts[level], starts[np.asarray(level) + 1]
            shift = np.repeat(first - np.concatenate(([0], np.cumsum(last - first)[:-1])), last - first)
            found = sources[shift + np.arange(len(shift))]
            level = np.unique(found[distance[found] == far])
            distance[level] = step
        else:
            reached: list[int] = []
            for row in level:
                for source in sources[starts[row] : starts[row + 1]].tolist():
                    if distance[source] == far:
                        distance[source] = step
                        reached.append(source)
            level = reached
    return distance


def _excess(order: list[int], targets: list[int], weights: Sequence[int], limit: int) -> list[int]:
    """The rows beyond what their voter may carry; `order` is by voter and then from early to late.

    A weight arrives with the latest delegation on its way, so a later one never pushes out an earlier one.
    """
    over: list[int] = []
    voter, room = NOBODY, 0
    for row, target in zip(order, targets, strict=True):
        if target != voter:
            voter, room = target, limit
        room = room - weights[row] if room >= weights[row] else -1
        if room < 0:
            over.append(row)
    return over


def _sums(rows: list[int], keys: list[int], weights: Sequence[int]) -> dict[int, tuple[int, int]]:
    found: dict[int, list[int]] = {}
    for row, key in zip(rows, keys, strict=True):
        sums = found.get(key)
        if sums is None:
            found[key] = [1, weights[row]]
        else:
            sums[0] += 1
            sums[1] += weights[row]
    return {key: (count, weight) for key, (count, weight) in found.items()}


def chosen_of(rows: Sequence[Sequence[int]], index: Sequence[int], expired: Sequence[bool]) -> Chosen:
    """The arrays of lists: the delegates, record index (-1: none) and expiry flag of each row."""
    width = max(1, max(map(len, rows), default=1))
    lengths = np.array([len(row) for row in rows], np.int64)
    delegates = np.full((len(rows), width), NOBODY, np.int64)
    delegates[np.arange(width) < lengths[:, None]] = np.fromiter(chain.from_iterable(rows), np.int64)
    return Chosen(delegates, np.array(index, np.int64), np.array(expired, np.bool_))
