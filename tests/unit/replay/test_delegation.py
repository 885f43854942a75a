"""Delegations followed to votes: ways, losses with their reason, the ranked fallback, depth limit and cap."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from governance.counting.threshold import Threshold
from governance.replay.carried import gini, report
from governance.replay.delegation import OUTSIDE, carry_limit, chosen_of, resolve
from governance.statements.delegation import DelegationRule

LOST = DelegationRule(None, "lost", None, None)
RANKED = DelegationRule(None, "ranked", None, None)


def follow(ways, voters, rule=LOST, weights=None, index=None, expired=()):
    """`ways` is the delegates of each row, as in "1 - 02": row 0 to 1, row 1 to nobody, row 2 to 0 or 2."""
    rows = [[] if w == "-" else [OUTSIDE if c == "x" else int(c) for c in w] for w in ways.split()]
    places = index or [10 + n if row else -1 for n, row in enumerate(rows)]
    chosen = chosen_of(rows, places, [n in expired for n in range(len(rows))])
    voted = np.array([n in voters for n in range(len(rows))], dtype=bool)
    return resolve(chosen, voted, weights or [1] * len(rows), rule)


def targets(resolved):
    return resolved.target.tolist()


def test_a_whole_weight_follows_the_chain_to_a_voter():
    found = follow("1 2 -", {2}, weights=[5, 7, 11])
    assert targets(found) == [2, 2, 2]
    assert found.carried == {2: (2, 12)}
    assert found.lost == {}


def test_a_vote_of_ones_own_overrides():
    found = follow("1 2 -", {1, 2})
    assert targets(found) == [1, 1, 2]
    assert found.carried == {1: (1, 1)}


def test_who_neither_votes_nor_delegates_has_lost_nothing():
    found = follow("- -", {0})
    assert (targets(found), found.lost, found.carried) == ([0, -1], {}, {})


@pytest.mark.parametrize(
    ("ways", "voters", "expired", "lost"),
    [
        ("1 0 0 -", {3}, (), {"cycle": (3, 3)}),
        ("1 2 1 -", {3}, (), {"cycle": (3, 3)}),
        ("1 - -", {2}, (), {"no-vote": (1, 1)}),
        ("1 - -", {2}, (1,), {"expired": (2, 2)}),
        ("1 x -", {2}, (), {"not-on-roll": (2, 2)}),
        ("1 0 3 - -", {4}, (), {"cycle": (2, 2), "no-vote": (1, 1)}),
    ],
)
def test_what_reaches_no_voter_is_lost_with_its_reason(ways, voters, expired, lost):
    assert follow(ways, voters, expired=expired).lost == lost


def test_a_voter_in_a_cycle_breaks_it():
    assert targets(follow("1 2 0", {1})) == [1, 1, 1]


def test_without_the_fallback_only_the_first_delegate_is_asked():
    assert follow("12 - -", {2}).lost == {"no-vote": (1, 1)}
    assert targets(follow("12 - -", {2}, RANKED)) == [2, -1, 2]


def test_the_ranked_fallback_takes_the_shortest_way_and_then_the_higher_rank():
    # 0 prefers 1, from whom it is one step further than from 2.
    assert targets(follow("12 3 - -", {2, 3}, RANKED)) == [2, 3, 2, 3]
    assert targets(follow("21 - -", {1, 2}, RANKED)) == [2, 1, 2]
    # Depth first would send 0 by 1 and 2 to 3; breadth first goes straight to 4.
    assert targets(follow("14 2 3 - -", {3, 4}, RANKED))[0] == 4


def test_the_ranked_fallback_leads_out_of_a_cycle():
    assert targets(follow("1 02 -", {2}, RANKED)) == [2, 2, 2]
    assert follow("1 02 -", {2}).lost == {"cycle": (2, 2)}


def test_nowhere_to_go_is_reported_along_the_first_delegate():
    assert follow("x1 - -", {2}, RANKED).lost == {"not-on-roll": (1, 1)}
    assert follow("1x - -", {2}, RANKED).lost == {"no-vote": (1, 1)}


def test_ways_longer_than_the_limit_are_lost():
    rule = DelegationRule(None, "lost", 2, None)
    found = follow("1 2 3 -", {3}, rule)
    assert targets(found) == [-1, 3, 3, 3]
    assert found.lost == {"too-long": (1, 1)}


def test_a_cycle_is_a_cycle_whatever_the_limit():
    assert follow("1 0 -", {2}, DelegationRule(None, "lost", 1, None)).lost == {"cycle": (2, 2)}


def capped(numerator, denominator, strict=False):
    return DelegationRule(None, "lost", None, Threshold(numerator, denominator, strict))


def test_beyond_the_cap_the_latest_delegations_are_lost():
    found = follow("3 3 3 - -", {3}, capped(2, 5), index=[30, 10, 20, -1, -1])
    assert targets(found) == [-1, 3, 3, 3, -1]
    assert found.lost == {"over-cap": (1, 1)}
    assert found.carried == {3: (2, 2)}


def test_a_weight_arrives_with_the_latest_delegation_on_its_way():
    # 0 delegated to 1 first of all, but 1 came to 3 after 2 had.
    found = follow("1 3 3 - -", {3}, capped(1, 5), index=[10, 30, 20, -1, -1])
    assert targets(found)[:3] == [-1, -1, 3]


def test_the_cap_keeps_whole_weights_only():
    found = follow("3 3 3 -", {3}, capped(6, 12), weights=[2, 5, 1, 4])
    # 2 fits in 6, 5 more does not; what comes later than that is lost as well.
    assert targets(found) == [3, -1, -1, 3]


def test_the_limit_is_exact():
    assert carry_limit(Threshold(1, 3, False), 10) == 3
    assert carry_limit(Threshold(1, 3, True), 9) == 2
    assert carry_limit(Threshold(1, 3, False), 3 * 2**128) == 2**128


def test_weights_are_exact_beyond_64_bits():
    found = follow("1 -", {1}, weights=[2**128, 1])
    assert found.carried == {1: (1, 2**128)}


def test_a_roll_of_nobody_resolves():
    assert follow("", set()).carried == {}


def test_the_report():
    found = follow("2 2 - - 0", {2, 3}, weights=[3, 1, 1, 5, 2])
    told = report(found, 3, list("abcde"), [7, 5])
    assert (told.delegators, told.weight, told.carriers) == (3, "6", 1)
    assert [(d.delegate, d.delegators, d.weight) for d in told.delegates] == [("c", 3, "6")]
    assert (told.largest_share, told.gini) == ("7/12", "1/12")


def test_gini_by_its_definition():
    for weights in ([1, 1, 1], [1, 2, 6], [5], [1, 1, 8]):
        apart = sum(abs(a - b) for a in weights for b in weights)
        assert gini(weights) == Fraction(apart, 2 * len(weights) * sum(weights))
    assert gini([]) == 0


def test_the_list_of_delegates_is_cut_where_the_result_would_not_fit(monkeypatch):
    monkeypatch.setattr("governance.limits.DELEGATES_LISTED", 60)
    told = report(follow("3 3 4 - -", {3, 4}), 3, list("abcde"), [3, 2])
    assert told.carriers == 2
    assert [d.delegate for d in told.delegates] == ["d"]
