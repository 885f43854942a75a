"""What holds for every counting rule, and axioms that some are known to meet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.counting import RULES, Option, Outcome, Profile, get_rule
from tests.support.any_profile import IDS, KINDS, Votes, result, votes_of

NAMES = sorted({name for name, _ in RULES})


def test_every_rule_has_profiles() -> None:
    assert sorted(KINDS) == NAMES


def turned(answer: Any) -> Any:
    """The same answer, written otherwise where the order of its parts means nothing."""
    if isinstance(answer, dict):
        return dict(reversed(answer.items()))
    if isinstance(answer, list):
        return [rank if isinstance(rank, str) else rank[::-1] for rank in answer]
    return answer


def merged(votes: Votes) -> Votes:
    """Equal answers added up, blank ones too."""
    samples: dict[str, Any] = {}
    weights: dict[str, int] = {}
    for answer, weight in votes:
        key = repr(sorted(answer.items()) if isinstance(answer, dict) else answer)
        samples.setdefault(key, answer)
        weights[key] = weights.get(key, 0) + weight
    return [(samples[key], weight) for key, weight in weights.items()]


def split(votes: Votes) -> Votes:
    """Every vote as two of the same weight together."""
    return [(answer, part) for answer, weight in votes for part in (weight // 3, weight - weight // 3)]


@pytest.mark.parametrize("rule", NAMES)
@settings(deadline=None, max_examples=40)
@given(st.randoms(use_true_random=False), st.data())
def test_two_runs_two_orders_two_groupings(rule: str, draw: Random, data: st.DataObject) -> None:
    votes = votes_of(rule, draw)
    lot = data.draw(st.permutations(KINDS[rule].ids))
    outcome = result(rule, votes, lot)
    assert result(rule, votes, lot) == outcome
    shuffled = [(turned(answer), weight) for answer, weight in data.draw(st.permutations(votes))]
    assert result(rule, shuffled, lot) == outcome
    if rule != "snapshot-quadratic":  # roots of parts are more than the root of the sum: by its definition
        assert result(rule, merged(votes), lot) == outcome
        assert result(rule, split(shuffled), lot) == outcome


def test_the_seed_of_hashes_leaves_no_trace() -> None:
    found = set()
    for seed in ("0", "1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.any_profile"],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=120,
        )
        found.add(done.stdout)
    assert len(found) == 1
    assert len(found.pop().splitlines()) == len(NAMES)


def count(rule_id: str, votes: Votes, lot: list[str], cost: int | None = None, **params: Any) -> Outcome:
    rule = get_rule(rule_id)
    options = [Option(name, cost=cost) for name in sorted(lot)]
    checked = rule.parse_params(params)
    rule.check_definition(options, checked)
    return rule.count(options, checked, Profile.from_answers(votes), lot)


# --- EJR+ (Brill & Peters 2023): no option outside the committee has a group of supporters who deserve l
# seats together and of whom nobody has l. Such a group is largest when it takes everybody with fewer than l.


def ejr_plus_violations(votes: Votes, committee: list[str], seats: int) -> list[tuple[str, int]]:
    """Every (option, l) with l * n <= k * (weight of its supporters with fewer than l of the committee)."""
    total = sum(weight for answer, weight in votes if answer)
    return [
        (option, deserved)
        for option in IDS
        if option not in committee
        for deserved in range(1, seats + 1)
        if total
        and deserved * total
        <= seats
        * sum(
            weight
            for answer, weight in votes
            if option in answer and len(set(answer) & set(committee)) < deserved
        )
    ]


approvals = st.lists(
    st.tuples(st.lists(st.sampled_from(IDS), unique=True), st.integers(1, 3)), min_size=1, max_size=9
)


@pytest.mark.parametrize("utility", ["cost", "cardinality"])
@pytest.mark.parametrize("completion", [{"completion": "none"}, {"step": "fine"}])
@settings(deadline=None, max_examples=150)
@given(approvals, st.integers(1, 4), st.permutations(IDS))
def test_equal_shares_is_ejr_plus(
    utility: str, completion: dict[str, str], votes: Votes, seats: int, lot: list[str]
) -> None:
    outcome = count("equal-shares", votes, lot, 1, budget=str(seats), utility=utility, **completion)
    assert ejr_plus_violations(votes, outcome.winners, seats) == []


def test_greedy_is_not() -> None:
    """So the check above can fail: a third of the voters deserves one of three seats and gets none."""
    votes: Votes = [(["a", "b", "c"], 2), (["d"], 1)]
    winners = count("greedy", votes, IDS, 1, budget="3").winners
    assert ejr_plus_violations(votes, winners, 3) == [("d", 1)]


# --- monotonicity: who is given more does not fall behind


@pytest.mark.parametrize("rule", ["approval", "greedy"])
@given(approvals, st.sampled_from(IDS), st.integers(0, 8), st.permutations(IDS))
def test_one_more_mark_never_harms(rule: str, votes: Votes, name: str, voter: int, lot: list[str]) -> None:
    params = {"budget": "2"} if rule == "greedy" else {}
    before = count(rule, votes, lot, 1, **params).order.index(name)
    answer, weight = votes[voter % len(votes)]
    votes[voter % len(votes)] = (sorted({*answer, name}), weight)
    assert count(rule, votes, lot, 1, **params).order.index(name) <= before


cards = st.lists(
    st.tuples(st.dictionaries(st.sampled_from(IDS), st.integers(0, 3)), st.integers(1, 3)),
    min_size=1,
    max_size=9,
)


@pytest.mark.parametrize("rule", ["score", "cumulative", "quadratic", "majority-judgment"])
@given(cards, st.sampled_from(IDS), st.integers(0, 8), st.permutations(IDS))
def test_one_more_point_never_harms(rule: str, votes: Votes, name: str, voter: int, lot: list[str]) -> None:
    params = {"personhood": "checked"} if rule == "quadratic" else {}
    before = count(rule, votes, lot, **params).order.index(name)
    answer, weight = votes[voter % len(votes)]
    votes[voter % len(votes)] = ({**answer, name: answer.get(name, 0) + 1}, weight)
    assert count(rule, votes, lot, **params).order.index(name) <= before
