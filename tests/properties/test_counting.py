"""Counting against slow definitions on small profiles, and what no count may depend on."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from governance.counting import Option, Outcome, Profile, get_rule
from tests.support import naive_counts

IDS = ["a", "b", "c", "d", "e"]
LOT = ["d", "a", "e", "c", "b"]
marks = st.lists(st.sampled_from(IDS), unique=True)
ballots = st.lists(marks, min_size=1, max_size=7)
costs = st.fixed_dictionaries({name: st.integers(1, 30) for name in IDS})
budgets = st.integers(0, 70)
weights = st.one_of(st.integers(0, 5), st.integers(2**100, 2**128))


def options_of(cost: dict[str, int]) -> list[Option]:
    return [Option(name, cost=cost[name]) for name in IDS]


def count(
    rule_id: str, votes: list[tuple[Any, int]], cost: dict[str, int] | None = None, **params: Any
) -> Outcome:
    rule = get_rule(rule_id)
    options = options_of(cost or dict.fromkeys(IDS, 1))
    checked = rule.parse_params(params)
    rule.check_definition(options, checked)
    for answer, _ in votes:
        if answer is not None:
            rule.check_answer(options, checked, answer)
    return rule.count(options, checked, Profile.from_answers(votes), LOT)


def once(votes: list[Any]) -> list[tuple[Any, int]]:
    return [(vote, 1) for vote in votes]


@given(ballots)
def test_approval(votes: list[list[str]]) -> None:
    outcome = count("approval", once(votes), seats=2)
    totals = naive_counts.approval_totals(IDS, [set(vote) for vote in votes])
    assert outcome.totals == {name: str(total) for name, total in totals.items()}
    assert outcome.winners == sorted(IDS, key=lambda c: (-totals[c], LOT.index(c)))[:2]


@given(st.lists(st.dictionaries(st.sampled_from(IDS), st.integers(0, 3)), min_size=1, max_size=6))
def test_score(votes: list[dict[str, int]]) -> None:
    outcome = count("score", once(votes), max_grade=3)
    rows = {c: sorted((vote.get(c, 0) for vote in votes), reverse=True) for c in IDS}
    # Equal sums: more voters at the top grade is the same as the larger sorted list of grades.
    order = sorted(IDS, key=lambda c: (-sum(rows[c]), [-grade for grade in rows[c]], LOT.index(c)))
    assert outcome.order == order
    assert outcome.totals == {c: str(sum(rows[c])) for c in IDS}


@given(ballots, costs, budgets)
def test_greedy(votes: list[list[str]], cost: dict[str, int], budget: int) -> None:
    outcome = count("greedy", once(votes), cost, budget=str(budget))
    assert outcome.winners == naive_counts.greedy(IDS, cost, [set(vote) for vote in votes], budget, LOT)


@given(ballots, costs, budgets, st.booleans())
def test_equal_shares(votes: list[list[str]], cost: dict[str, int], budget: int, by_cost: bool) -> None:
    voters = [set(vote) for vote in votes if vote]
    assume(voters)
    utility = "cost" if by_cost else "cardinality"
    outcome = count("equal-shares", once(votes), cost, budget=str(budget), completion="none", utility=utility)
    share = Fraction(budget, len(voters))
    assert outcome.winners == naive_counts.equal_shares(cost, voters, share, by_cost, LOT)


@settings(max_examples=40, deadline=None)
@given(ballots, costs, budgets, st.booleans(), st.sampled_from(["1", "3", "fine"]))
def test_add1(votes: list[list[str]], cost: dict[str, int], budget: int, by_cost: bool, step: str) -> None:
    voters = [set(vote) for vote in votes if vote]
    wanted = set().union(*voters) if voters else set()
    assume(budget and wanted and (step != "fine" or budget > 50))
    utility = "cost" if by_cost else "cardinality"
    outcome = count("equal-shares", once(votes), cost, budget=str(budget), step=step, utility=utility)
    if sum(cost[c] for c in wanted) <= budget:
        assert set(outcome.winners) == wanted
        return
    size = Fraction(budget, 1000 * len(voters)) if step == "fine" else Fraction(step)
    x, winners = naive_counts.add1(cost, voters, budget, size, by_cost, LOT)
    assert (outcome.facts["increment"], outcome.winners) == (str(x), winners)


RULES: list[tuple[str, dict[str, Any]]] = [
    ("approval", {"seats": 2}),
    ("greedy", {"budget": "40"}),
    ("equal-shares", {"budget": "40", "completion": "none"}),
    ("equal-shares", {"budget": "40", "utility": "cardinality", "second_completion": "greedy"}),
]


@pytest.mark.parametrize(("rule", "params"), RULES)
@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(marks, st.integers(1, 4)), min_size=1, max_size=5), costs)
def test_weight_w_is_w_votes(
    rule: str, params: dict[str, Any], votes: list[tuple[list[str], int]], cost: dict[str, int]
) -> None:
    single = [(vote, 1) for vote, weight in votes for _ in range(weight)]
    assert count(rule, votes, cost, **params) == count(rule, single, cost, **params)


@pytest.mark.parametrize(("rule", "params"), RULES)
@settings(max_examples=50, deadline=None)
@given(st.data(), st.lists(st.tuples(st.one_of(st.none(), marks), weights), max_size=6), costs)
def test_order_of_votes_and_options_leaves_no_trace(
    rule: str, params: dict[str, Any], data: st.DataObject, votes: list[Any], cost: dict[str, int]
) -> None:
    params = {**params, "completion": "none"} if rule == "equal-shares" else params
    shuffled = data.draw(st.permutations(votes))
    turned = [(None if vote is None else vote[::-1], weight) for vote, weight in shuffled]
    one, other = count(rule, votes, cost, **params), count(rule, turned, cost, **params)
    assert msgspec.json.encode(one) == msgspec.json.encode(other)


@pytest.mark.parametrize(("rule", "params"), RULES)
@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(marks, st.integers(0, 3)), max_size=6), costs)
def test_every_outcome_is_complete(
    rule: str, params: dict[str, Any], votes: list[tuple[list[str], int]], cost: dict[str, int]
) -> None:
    outcome = count(rule, votes, cost, **params)
    assert sorted(outcome.order) == IDS
    assert [c for group in outcome.ranking for c in group] == outcome.order
    assert sorted(outcome.totals) == IDS
    assert outcome.lot == LOT
    assert len(set(outcome.winners)) == len(outcome.winners)
    if "budget" in params:
        assert sum(cost[c] for c in outcome.winners) <= int(params["budget"])


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.booleans())
def test_yes_no_never_gains_from_abstentions(
    yes: int, no: int, abstain: int, blank: int, strict: bool
) -> None:
    rule = get_rule("yes-no")
    options = [Option("yes"), Option("no"), Option("abstain")]
    support = {"numerator": 3, "denominator": 5, "strict": strict}
    params = rule.parse_params({"support_threshold": support})
    votes: list[tuple[Any, int]] = [("yes", yes), ("no", no), ("abstain", abstain), (None, blank)]
    outcome = rule.count(options, params, Profile.from_answers(votes), ["yes", "no", "abstain"])
    enough = 5 * yes > 3 * (yes + no) if strict else 5 * yes >= 3 * (yes + no)
    assert (outcome.winners == ["yes"]) == (enough and yes > 0)
