"""Rules of rankings and grades: against slow definitions, and the axioms that each is known to meet."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from governance.counting import Option, Outcome, Profile, get_rule
from tests.support import naive_rankings as naive

IDS = ["a", "b", "c", "d", "e"]
LOT = ["d", "a", "e", "c", "b"]
CONDORCET = ["schulze", "ranked-pairs", "copeland"]
RANKING = [*CONDORCET, "borda"]


@st.composite
def rankings(draw: st.DrawFn, ids: list[str] = IDS) -> list[Any]:
    """Some options in some order, neighbours sometimes at one rank."""
    order = draw(st.permutations(ids))[: draw(st.integers(0, len(ids)))]
    ranks: list[list[str]] = []
    for name in order:
        if ranks and draw(st.integers(0, 3)) == 0:
            ranks[-1].append(name)
        else:
            ranks.append([name])
    return [rank[0] if len(rank) == 1 else rank for rank in ranks]


profiles = st.lists(rankings(), min_size=1, max_size=7)
weighted = st.lists(st.tuples(rankings(), st.integers(1, 4)), min_size=1, max_size=5)
strict = st.lists(st.permutations(IDS[:4]), min_size=1, max_size=9)


def count(rule_id: str, votes: list[tuple[Any, int]], lot: list[str] | None = None, **params: Any) -> Outcome:
    rule = get_rule(rule_id)
    order = LOT if lot is None else lot
    options = [Option(name) for name in sorted(order)]
    checked = rule.parse_params(params)
    rule.check_definition(options, checked)
    for answer, _ in votes:
        if answer is not None:
            rule.check_answer(options, checked, answer)
    return rule.count(options, checked, Profile.from_answers(votes), order)


def once(votes: list[Any]) -> list[tuple[Any, int]]:
    return [(vote, 1) for vote in votes]


def voters(votes: list[Any]) -> list[naive.Voter]:
    return [[{rank} if isinstance(rank, str) else set(rank) for rank in vote] for vote in votes]


def fractions(outcome: Outcome) -> dict[str, Fraction]:
    return {name: Fraction(total) for name, total in outcome.totals.items()}


# --- against definitions


@given(profiles, st.sampled_from(["below", "no-opinion"]))
def test_schulze(votes: list[Any], unranked: str) -> None:
    outcome = count("schulze", once(votes), unranked=unranked)
    levels = naive.schulze(IDS, voters(votes), unranked == "below")
    assert [set(group) for group in outcome.ranking] == levels
    assert all(group == sorted(group, key=LOT.index) for group in outcome.ranking)


@given(profiles)
def test_ranked_pairs(votes: list[Any]) -> None:
    outcome = count("ranked-pairs", once(votes))
    assert set(outcome.ranking[0]) == naive.ranked_pairs(IDS, voters(votes), LOT)


@given(profiles)
def test_copeland(votes: list[Any]) -> None:
    assert fractions(count("copeland", once(votes))) == naive.copeland(IDS, voters(votes))


@given(profiles, st.sampled_from(["below", "no-opinion"]))
def test_borda(votes: list[Any], unranked: str) -> None:
    outcome = count("borda", once(votes), unranked=unranked)
    assert fractions(outcome) == naive.borda(IDS, voters(votes), unranked == "below")


@given(profiles)
def test_positional(votes: list[Any]) -> None:
    points = [Fraction(7), Fraction(3), Fraction(3), Fraction(0), Fraction(0)]
    outcome = count("positional", once(votes), points=[7, 3, 3], ties="allowed")
    assert fractions(outcome) == naive.positional(IDS, voters(votes), points)
    outcome = count("positional", once(votes), points="dowdall", ties="allowed")
    harmonic = [Fraction(1, place) for place in range(1, 6)]
    assert fractions(outcome) == naive.positional(IDS, voters(votes), harmonic)


grades = st.lists(st.dictionaries(st.sampled_from(IDS), st.integers(-1, 3)), min_size=1, max_size=9)


@given(grades)
def test_majority_judgment(votes: list[dict[str, int]]) -> None:
    outcome = count("majority-judgment", once(votes), min_grade=-1, max_grade=3)
    rows = {name: [vote.get(name, -1) for vote in votes] for name in IDS}
    assert outcome.order == naive.majority_judgment(rows, LOT)
    values = naive.majority_values(rows)
    assert outcome.totals == {name: str(values[name][0]) for name in IDS}
    assert all(len({tuple(values[name]) for name in group}) == 1 for group in outcome.ranking)


points = st.dictionaries(st.sampled_from(IDS), st.integers(1, 20), min_size=1)


@given(st.lists(st.tuples(points, st.integers(0, 2**128)), max_size=6))
def test_snapshot_weighted(votes: list[tuple[dict[str, int], int]]) -> None:
    outcome = count("snapshot-weighted", votes)
    naive_sums = {
        name: sum((Fraction(w * vote.get(name, 0), sum(vote.values())) for vote, w in votes), Fraction(0))
        for name in IDS
    }
    assert fractions(outcome) == naive_sums


@given(st.lists(st.tuples(points, st.integers(1, 100)), min_size=1, max_size=6))
def test_snapshot_quadratic(votes: list[tuple[dict[str, int], int]]) -> None:
    roots = {
        name: sum((w * vote.get(name, 0) / sum(vote.values())) ** 0.5 for vote, w in votes) for name in IDS
    }
    total = sum(weight for _, weight in votes)
    squares = sum(root**2 for root in roots.values())
    for name, score in fractions(count("snapshot-quadratic", votes)).items():
        assert float(score) == pytest.approx(total * roots[name] ** 2 / squares, rel=1e-9)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 20)), min_size=1))
def test_the_debian_quorum_is_the_root_without_a_root(rows: list[tuple[int, int, int]]) -> None:
    for above, below, electors in rows:
        votes: list[tuple[Any, int]] = [(["a", "b"], above), (["b", "a"], below)]
        form = {"default_option": "b", "quorum_electors": str(electors + 1)}
        outcome = count("schulze", votes, ["a", "b"], **form)
        elected = above >= 1.5 * (electors + 1) ** 0.5 and above > below
        assert outcome.winners == (["a"] if elected else ["b"])


# --- what no count may depend on

SAME: list[tuple[str, dict[str, Any]]] = [
    *((rule, {}) for rule in RANKING),
    ("schulze", {"unranked": "no-opinion", "default_option": "c"}),
    ("positional", {"points": [3, 1], "ties": "allowed"}),
]


@pytest.mark.parametrize(("rule", "params"), SAME)
@given(weighted)
def test_weight_w_is_w_votes(rule: str, params: dict[str, Any], votes: list[tuple[Any, int]]) -> None:
    single = [(vote, 1) for vote, weight in votes for _ in range(weight)]
    assert count(rule, votes, **params) == count(rule, single, **params)


GRADED: list[tuple[str, dict[str, Any]]] = [
    ("majority-judgment", {}),
    ("cumulative", {"max_sum": 40}),
    ("quadratic", {"personhood": "checked", "credits": 200}),
    ("snapshot-weighted", {}),
]


@pytest.mark.parametrize(("rule", "params"), GRADED)
@given(st.lists(st.tuples(points.map(lambda p: {n: g % 5 + 1 for n, g in p.items()}), st.integers(1, 4))))
def test_weight_w_is_w_grades(
    rule: str, params: dict[str, Any], votes: list[tuple[dict[str, int], int]]
) -> None:
    single = [(vote, 1) for vote, weight in votes for _ in range(weight)]
    assert count(rule, votes, **params) == count(rule, single, **params)


weights = st.one_of(st.integers(0, 5), st.integers(2**100, 2**128))


@pytest.mark.parametrize(("rule", "params"), SAME)
@given(st.data(), st.lists(st.tuples(st.one_of(st.none(), rankings()), weights), max_size=6))
def test_the_order_of_votes_leaves_no_trace(
    rule: str, params: dict[str, Any], data: st.DataObject, votes: list[Any]
) -> None:
    shuffled = data.draw(st.permutations(votes))
    one, other = count(rule, votes, **params), count(rule, shuffled, **params)
    assert msgspec.json.encode(one) == msgspec.json.encode(other)


@pytest.mark.parametrize(("rule", "params"), SAME)
@given(st.lists(st.tuples(rankings(), weights), max_size=6))
def test_every_outcome_is_complete(rule: str, params: dict[str, Any], votes: list[Any]) -> None:
    outcome = count(rule, votes, **params)
    assert sorted(outcome.order) == IDS
    assert [name for group in outcome.ranking for name in group] == outcome.order
    assert sorted(outcome.totals) == IDS
    assert outcome.lot == LOT
    assert outcome.winners == outcome.order[: len(outcome.winners)]
    if rule in CONDORCET:
        d = json.loads(outcome.facts["pairwise"])
        total = sum(weight for _, weight in votes)
        assert all(d[i][j] + d[j][i] <= total for i in range(5) for j in range(5))


@pytest.mark.parametrize("rule", RANKING)
@given(profiles, st.permutations(IDS))
def test_names_do_not_matter(rule: str, votes: list[Any], names: list[str]) -> None:
    """Neutrality: options renamed, and the lot with them, give the outcome renamed."""
    new = dict(zip(IDS, names, strict=True))
    renamed = [
        [new[rank] if isinstance(rank, str) else [new[name] for name in rank] for rank in vote]
        for vote in votes
    ]
    one, other = count(rule, once(votes)), count(rule, once(renamed), [new[name] for name in LOT])
    assert [[new[name] for name in group] for group in one.ranking] == other.ranking


# --- axioms


@pytest.mark.parametrize("rule", CONDORCET)
@given(profiles)
def test_a_condorcet_winner_is_elected(rule: str, votes: list[Any]) -> None:
    winner = naive.condorcet_winner(IDS, voters(votes))
    assume(winner is not None)
    outcome = count(rule, once(votes))
    assert outcome.ranking[0] == outcome.winners == [winner]
    assert [step.options for step in outcome.steps if step.action == "condorcet-winner"] == [[winner]]


@pytest.mark.parametrize("rule", CONDORCET)
@given(profiles)
def test_a_condorcet_loser_never_wins(rule: str, votes: list[Any]) -> None:
    d = naive.matrix(IDS, voters(votes))
    loser = next((a for a in IDS if all(d[a, b] < d[b, a] for b in IDS if a != b)), None)
    assume(loser is not None)
    assert loser not in count(rule, once(votes)).ranking[0]


@pytest.mark.parametrize("rule", [*RANKING, "positional"])
@given(st.data(), strict)
def test_raising_a_winner_never_harms_it(rule: str, data: st.DataObject, votes: list[Any]) -> None:
    """Monotonicity: a sole winner that some voters move up stays the winner."""
    lot = data.draw(st.permutations(IDS[:4]))
    params = {"points": [3, 2, 1]} if rule == "positional" else {}
    (winner,) = count(rule, once(votes), lot, **params).winners
    raised = []
    for vote in votes:
        place = vote.index(winner)
        higher = data.draw(st.integers(0, place))
        rest = [name for name in vote if name != winner]
        raised.append([*rest[:higher], winner, *rest[higher:]])
    assert count(rule, once(raised), lot, **params).winners == [winner]


@pytest.mark.parametrize("rule", ["schulze", "ranked-pairs"])
@settings(max_examples=200, deadline=None)
@given(st.data(), strict)
def test_clones_change_nothing_for_others(rule: str, data: st.DataObject, votes: list[Any]) -> None:
    """Clone independence: d copied as x, side by side on every ballot and in the lot, changes nothing."""
    lot = data.draw(st.permutations(IDS[:4]))
    cloned = [_beside(vote, data.draw(st.booleans())) for vote in votes]
    one, other = count(rule, once(votes), lot), count(rule, once(cloned), _beside(lot, True))
    before = {name for name in one.ranking[0] if name != "d"}
    after = {name for name in other.ranking[0] if name not in ("d", "x")}
    assert before == after
    assert ("d" in one.ranking[0]) == bool({"d", "x"} & set(other.ranking[0]))


def _beside(order: list[str], first: bool) -> list[str]:
    pair = ["d", "x"] if first else ["x", "d"]
    return [name for entry in order for name in (pair if entry == "d" else [entry])]


@given(grades, st.sampled_from(IDS), st.integers(0, 8))
def test_a_better_grade_never_harms(votes: list[dict[str, int]], name: str, voter: int) -> None:
    """Monotonicity of majority judgment, place by place."""
    before = count("majority-judgment", once(votes), min_grade=-1, max_grade=4).order.index(name)
    place = voter % len(votes)
    better = [{**v, name: v.get(name, -1) + 1} if i == place else v for i, v in enumerate(votes)]
    after = count("majority-judgment", once(better), min_grade=-1, max_grade=4).order.index(name)
    assert after <= before
