"""Delegations against a resolver that follows one member at a time, and what no delegation may change."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.counting.threshold import Threshold
from governance.replay import delegation
from governance.replay.delegation import OUTSIDE, REASONS, chosen_of, resolve
from governance.statements.delegation import DelegationRule


@st.composite
def scenes(draw):
    """(delegates by row, record index by row, expired, voted, weights, rule)."""
    size = draw(st.integers(1, 12))
    who = st.integers(-1, size - 1).map(lambda n: OUTSIDE if n < 0 else n)
    rows = [[d for d in draw(st.lists(who, max_size=4, unique=True)) if d != row] for row in range(size)]
    order = draw(st.permutations(range(size)))
    index = [100 + order[n] if row else -1 for n, row in enumerate(rows)]
    expired = [not row and draw(st.booleans()) for row in rows]
    voted = [draw(st.booleans()) for _ in rows]
    weights = [draw(st.integers(1, 5) | st.just(2**100)) for _ in rows]
    cap = draw(st.none() | st.builds(Threshold, st.integers(1, 9), st.just(10), st.booleans()))
    depth = draw(st.none() | st.integers(1, 4))
    return (
        rows,
        index,
        expired,
        voted,
        weights,
        DelegationRule(None, draw(st.sampled_from(["lost", "ranked"])), depth, cap),
    )


def resolved(rows, index, expired, voted, weights, rule):
    return resolve(chosen_of(rows, index, expired), np.array(voted), weights, rule)


def ways(rows, voted, start):
    """Every way without repetition from start to a voter, as (length, ranks, rows)."""
    found = []

    def go(row, ranks, path):
        if voted[row]:
            found.append((len(ranks), ranks, path))
            return
        for rank, delegate in enumerate(rows[row]):
            if delegate >= 0 and delegate not in path:
                go(delegate, (*ranks, rank), (*path, delegate))

    go(start, (), (start,))
    return found


def naive(rows, index, expired, voted, weights, rule):
    """Target and reason of each row, by the words of counting.md."""
    if rule.fallback == "lost":
        rows = [row[:1] for row in rows]
    target, reason, arrival = [], [], []
    for row in range(len(rows)):
        best = min(ways(rows, voted, row), default=None)
        place = latest = -1
        why = ""
        if best is None:
            why = dead_end(rows, expired, voted, row)
        elif rule.max_depth is not None and best[0] > rule.max_depth:
            why = "too-long"
        else:
            place = best[2][-1]
            latest = max((index[r] for r in best[2][:-1]), default=-1)
        target.append(place)
        reason.append(why)
        arrival.append((latest, index[row]))
    if rule.cap is not None:
        for voter in range(len(rows)):
            mine = sorted((arrival[r], r) for r in range(len(rows)) if target[r] == voter and r != voter)
            while mine and not within(rule.cap, sum(weights[r] for _, r in mine), sum(weights)):
                _, row = mine.pop()
                target[row], reason[row] = -1, "over-cap"
    return target, reason


def within(cap, carried, electorate):
    left, right = carried * cap.denominator, cap.numerator * electorate
    return left < right if cap.strict else left <= right


def dead_end(rows, expired, voted, start):
    """Why the way along first delegates ends nowhere."""
    row, met = start, set()
    while row not in met:
        met.add(row)
        if not rows[row]:
            if row == start and not expired[row]:
                return ""
            return "expired" if expired[row] else "no-vote"
        if rows[row][0] == OUTSIDE:
            return "not-on-roll"
        row = rows[row][0]
    return "cycle"


@settings(max_examples=400, deadline=None)
@given(scene=scenes())
def test_as_one_member_at_a_time(scene):
    found = resolved(*scene)
    target, reason = naive(*scene)
    assert found.target.tolist() == target
    assert [REASONS[code] for code in found.reason.tolist()] == reason


@settings(deadline=None)
@given(scene=scenes())
def test_wide_levels_as_arrays_are_the_same(scene):
    with patch.object(delegation, "_WIDE", 1):
        assert resolved(*scene).target.tolist() == naive(*scene)[0]


@settings(deadline=None)
@given(scene=scenes())
def test_no_weight_comes_from_nowhere(scene):
    rows, _, expired, voted, weights, _ = scene
    found = resolved(*scene)
    own = sum(w for w, v in zip(weights, voted, strict=True) if v)
    silent = sum(
        w for w, v, row, old in zip(weights, voted, rows, expired, strict=True) if not (v or row or old)
    )
    lost = sum(weight for _, weight in found.lost.values())
    assert own + found.carried_weight() + lost + silent == sum(weights)


@settings(deadline=None)
@given(scene=scenes(), data=st.data())
def test_a_vote_of_ones_own_stays_whatever_others_do(scene, data):
    """Once liqd/aula issue 626: later votes of others changed whom earlier delegators' votes went to."""
    rows, index, expired, voted, weights, rule = scene
    found = resolved(*scene)
    more = [v or data.draw(st.booleans()) for v in voted]
    later = resolved(rows, index, expired, more, weights, rule)
    for row, vote in enumerate(voted):
        if vote:
            assert found.target[row] == later.target[row] == row
    # Who reached a voter and meets no new one on the way stays with that voter, where nothing else limits it.
    if rule.fallback == "lost" and rule.cap is None:
        for row, target in enumerate(found.target.tolist()):
            if target >= 0 and rule.max_depth is None:
                assert (
                    later.target[row] == target
                    or more[int(later.target[row])] > voted[int(later.target[row])]
                )


@settings(deadline=None)
@given(scene=scenes(), data=st.data())
def test_a_later_delegation_never_takes_anothers_place_under_the_cap(scene, data):
    rows, index, expired, voted, weights, rule = scene
    newcomers = [n for n, row in enumerate(rows) if row and not voted[n]]
    if not newcomers or rule.fallback == "ranked":
        return
    new = data.draw(st.sampled_from(newcomers))
    index = [999 if n == new else place for n, place in enumerate(index)]
    before = [[] if n == new else row for n, row in enumerate(rows)]
    without = resolved(
        before, [-1 if n == new else i for n, i in enumerate(index)], expired, voted, weights, rule
    )
    present = resolved(rows, index, expired, voted, weights, rule)
    for row, target in enumerate(without.target.tolist()):
        if target >= 0:
            assert present.target[row] == target


@settings(deadline=None)
@given(scene=scenes(), data=st.data())
def test_the_order_of_the_roll_leaves_no_trace(scene, data):
    rows, index, expired, voted, weights, rule = scene
    order = data.draw(st.permutations(range(len(rows))))
    place = {old: new for new, old in enumerate(order)}
    moved = resolved(
        [[d if d < 0 else place[d] for d in rows[old]] for old in order],
        [index[old] for old in order],
        [expired[old] for old in order],
        [voted[old] for old in order],
        [weights[old] for old in order],
        rule,
    )
    found = resolved(*scene)
    for old, target in enumerate(found.target.tolist()):
        assert moved.target[place[old]] == (target if target < 0 else place[target])
        assert moved.reason[place[old]] == found.reason[old]
