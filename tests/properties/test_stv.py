"""STV, IRV and Phragmén against slow definitions; symmetry, proportionality; hostile BLT files."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from governance.counting import Option, Outcome, Profile, get_rule
from governance.counting.files.blt import BltFile, format_blt, parse_blt
from governance.counting.files.blt_ballots import ballots_of, blt_of
from governance.counting.files.count import count_file
from governance.counting.files.sniff import sniff
from governance.counting.ranked import preferences
from governance.errors import GovernanceError, InvalidAnswer, MalformedBallotFile
from tests.support import naive_stv

IDS = ["a", "b", "c", "d", "e"]
LOT = ["d", "a", "e", "c", "b"]
OPTIONS = [Option(name) for name in IDS]
rankings = st.lists(st.sampled_from(IDS), unique=True, max_size=5)
papers = st.lists(rankings, max_size=14)
weights = st.one_of(st.integers(0, 5), st.integers(2**100, 2**128))
seats = st.integers(1, 4)
costs = st.fixed_dictionaries({name: st.integers(1, 30) for name in IDS})
RULES: list[tuple[str, dict[str, Any]]] = [
    ("irv", {}),
    ("irv", {"exclusion": "batch"}),
    ("scottish-stv", {"seats": 1}),
    ("scottish-stv", {"seats": 3}),
    ("meek-stv", {"seats": 2}),
    ("phragmen", {"seats": 3}),
]
each_rule = pytest.mark.parametrize(("rule", "params"), RULES)


def count(
    rule_id: str, votes: list[tuple[Any, int]], options: list[Option] = OPTIONS, lot: Any = LOT, **params: Any
) -> Outcome:
    rule = get_rule(rule_id)
    checked = rule.parse_params(params)
    rule.check_definition(options, checked)
    for answer, _ in votes:
        if answer is not None:
            rule.check_answer(options, checked, answer)
    return rule.count(options, checked, Profile.from_answers(votes), lot)


def once(votes: list[Any]) -> list[tuple[Any, int]]:
    return [(vote, 1) for vote in votes]


def rounds(outcome: Outcome) -> list[dict[str, Decimal]]:
    return [
        {name: Decimal(votes) for name, votes in step.totals.items()} for step in outcome.steps if step.totals
    ]


@settings(deadline=None)
@given(papers)
def test_irv(votes: list[list[str]]) -> None:
    winner, history = naive_stv.irv(LOT, votes)
    outcome = count("irv", once(votes))
    assert (outcome.winners, rounds(outcome)) == ([winner], history)
    batch = count("irv", once(votes), exclusion="batch")
    # Ties fall to earlier rounds, and a batch has fewer: without a tie there is no difference.
    assert batch.winners == [winner] or any(step.action == "tie" for step in batch.steps)


@settings(deadline=None, max_examples=300)
@given(papers, seats)
def test_scottish_stv(votes: list[list[str]], places: int) -> None:
    elected, history = naive_stv.scottish(LOT, votes, places)
    outcome = count("scottish-stv", once(votes), seats=places)
    assert rounds(outcome) == history
    assert outcome.winners == elected


@settings(deadline=None)
@given(papers, seats)
def test_meek_stv(votes: list[list[str]], places: int) -> None:
    elected, final = naive_stv.meek(LOT, votes, places)
    outcome = count("meek-stv", once(votes), seats=places)
    assert {name: Decimal(total) for name, total in outcome.totals.items()} == final
    assert set(outcome.winners) == elected


@settings(deadline=None)
@given(
    papers,
    st.fixed_dictionaries({name: st.integers(1, 30) for name in IDS}),
    st.integers(0, 70),
    st.booleans(),
)
def test_phragmen(votes: list[list[str]], cost: dict[str, int], budget: int, skip: bool) -> None:
    options = [Option(name, cost=cost[name]) for name in IDS]
    outcome = count("phragmen", once(votes), options, budget=str(budget), skip=skip)
    assert outcome.winners == naive_stv.phragmen(LOT, cost, [set(vote) for vote in votes], budget, skip)


@each_rule
@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(rankings, st.integers(0, 4)), max_size=7))
def test_weight_w_is_w_votes(rule: str, params: dict[str, Any], votes: list[tuple[list[str], int]]) -> None:
    single = [(vote, 1) for vote, weight in votes for _ in range(weight)]
    assert count(rule, votes, **params) == count(rule, single, **params)


@each_rule
@settings(deadline=None, max_examples=60)
@given(st.data(), st.lists(st.tuples(st.one_of(st.none(), rankings), weights), max_size=7))
def test_order_of_votes_leaves_no_trace(
    rule: str, params: dict[str, Any], data: st.DataObject, votes: list[Any]
) -> None:
    shuffled = data.draw(st.permutations(votes))
    split = [(vote, part) for vote, weight in shuffled for part in (weight // 2, weight - weight // 2)]
    one, other = count(rule, votes, **params), count(rule, split, **params)
    assert msgspec.json.encode(one) == msgspec.json.encode(other)


@each_rule
@settings(deadline=None, max_examples=60)
@given(st.permutations(IDS), st.lists(st.tuples(rankings, st.integers(1, 3)), max_size=7))
def test_names_do_not_matter(
    rule: str, params: dict[str, Any], new: list[str], votes: list[tuple[list[str], int]]
) -> None:
    """Neutral up to the lot: with names and lot exchanged, the same options win under their new names."""
    name = dict(zip(IDS, new, strict=True))
    renamed = [([name[mark] for mark in vote], weight) for vote, weight in votes]
    one = count(rule, votes, **params)
    other = count(rule, renamed, lot=[name[option] for option in LOT], **params)
    assert [name[option] for option in one.order] == other.order
    assert {name[option]: total for option, total in one.totals.items()} == other.totals


@each_rule
@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(rankings, st.integers(0, 3)), max_size=6))
def test_every_outcome_is_complete(
    rule: str, params: dict[str, Any], votes: list[tuple[list[str], int]]
) -> None:
    outcome = count(rule, votes, **params)
    assert sorted(outcome.order) == IDS
    assert [option for group in outcome.ranking for option in group] == outcome.order
    assert sorted(outcome.totals) == IDS
    if rule != "phragmen":
        assert len(outcome.winners) == params.get("seats", 1)
        assert outcome.order[: len(outcome.winners)] == outcome.winners


@pytest.mark.parametrize("rule", ["scottish-stv", "meek-stv"])
@settings(deadline=None, max_examples=200)
@given(st.data(), seats, papers)
def test_a_solid_coalition_gets_its_seats(
    rule: str, data: st.DataObject, places: int, others: list[list[str]]
) -> None:
    """Whoever prefers the same set to all else and makes up l Droop quotas elects l of the set, or all."""
    liked = data.draw(st.lists(st.sampled_from(IDS), unique=True, min_size=1, max_size=4))
    disliked = [name for name in IDS if name not in liked]
    orders = data.draw(st.lists(st.permutations(liked), min_size=1, max_size=14))
    tails = data.draw(st.lists(st.permutations(disliked), min_size=len(orders), max_size=len(orders)))
    votes = [head + tail for head, tail in zip(orders, tails, strict=True)] + [
        vote for vote in others if vote
    ]
    quota = len(votes) // (places + 1) + 1
    earned = min(len(orders) // quota, len(liked))
    assume(earned)
    winners = count(rule, once(votes), seats=places).winners
    assert len(set(winners) & set(liked)) >= min(earned, places)


irregular = st.lists(st.one_of(st.sampled_from(IDS), st.lists(st.sampled_from(IDS), max_size=3)), max_size=6)
handlings = st.fixed_dictionaries(
    {
        "over_vote": st.sampled_from(["refused", "skip", "exhaust"]),
        "duplicate_rank": st.sampled_from(["refused", "skip", "exhaust"]),
        "skipped_ranks": st.sampled_from(["refused", "skip", "exhaust", "exhaust-second"]),
    }
)


@given(irregular, handlings)
def test_a_valid_answer_is_always_a_strict_ranking(answer: list[Any], handling: dict[str, str]) -> None:
    rule = get_rule("irv")
    params = rule.parse_params(handling)
    try:
        rule.check_answer(OPTIONS, params, answer)
    except InvalidAnswer:
        return
    order = preferences(params, answer)
    assert len(set(order)) == len(order)
    assert set(order) <= set(IDS)
    outcome = rule.count(OPTIONS, params, Profile.from_answers([(answer, 1)]), LOT)
    assert outcome.totals[order[0] if order else LOT[0]] == str(int(bool(order)))


@given(st.lists(st.one_of(st.text(), st.lists(st.text(), max_size=2)), max_size=4))
def test_answers_sort_by_their_rfc_8785_bytes(answer: Any) -> None:
    assert msgspec.json.encode(answer) == rfc8785.dumps(answer)
    profile = Profile.from_answers([(answer, 1), ({"z": 1, "a": 2}, 1), ("choice", 1)])
    texts = [rfc8785.dumps(sample) for sample, _ in profile.groups]  # type: ignore[arg-type]
    assert texts == sorted(texts)


# --- BLT

names = st.text(st.characters(codec="utf-8", exclude_characters='"\r\n#'), max_size=8)


@st.composite
def files(draw: st.DrawFn) -> BltFile:
    called = draw(st.lists(names, min_size=1, max_size=6))
    numbers = range(1, len(called) + 1)
    rank = st.lists(st.sampled_from(numbers), max_size=3).map(tuple)
    ranking = st.lists(rank, max_size=5).map(tuple)
    return BltFile(
        seats=draw(st.integers(1, 9)),
        names=tuple(called),
        papers=tuple(draw(st.lists(st.tuples(st.integers(1, 2**128), ranking), max_size=5))),
        withdrawn=frozenset(draw(st.lists(st.sampled_from(numbers)))),
        title=draw(names),
        tie=tuple(draw(st.one_of(st.just([]), st.permutations(numbers)))),
    )


@given(files())
def test_blt_written_and_read_again(file: BltFile) -> None:
    data = format_blt(file)
    assert parse_blt(data) == file
    assert sniff(data) == "blt"
    ours = ballots_of(file)
    assert sum(b.weight * b.count for b in ours.ballots) == sum(weight for weight, _ in file.papers)
    assume(ours.options)
    again = ballots_of(parse_blt(format_blt(blt_of(ours, file.title))))
    assert [b.weight * b.count for b in again.ballots] == [b.weight * b.count for b in ours.ballots]


WORDS = (
    '3 2\n|0\n|1 2 3 0\n|-1|=|-|1=2|"a"\n|"|#|/*|*/|\n|(b 1)|99|'
    "[tie 3 1 2]|[withdrawn 1]|[droop x]|[|]| |\0|é|٣"
)
pieces = st.lists(st.sampled_from(WORDS.split("|")), max_size=25).map("".join)


@given(st.one_of(st.binary(max_size=200), pieces.map(str.encode)), st.booleans())
def test_any_bytes_are_read_or_refused(data: bytes, header: bool) -> None:
    with suppress(MalformedBallotFile):
        parse_blt(b"3 2\n" + data if header else data)
    for rule in ("irv", "scottish-stv", "meek-stv", "approval"):
        with suppress(GovernanceError):
            count_file(b"3 2\n" + data, rule)
