"""Phragmén's sequential rule: selections of established libraries, and purchases done by hand."""

from __future__ import annotations

from typing import Any

import pytest

from governance.counting import Option, Outcome, Profile, get_rule, lot_order
from governance.counting.files.count import count_file
from governance.counting.files.sniff import read_ballot_file
from governance.errors import InvalidAnswer, InvalidDefinition
from tests.support.elections import ASSEN, SWIECIE, load

RULE = get_rule("phragmen")
OPTIONS = [Option("a", cost=60), Option("b", cost=40), Option("c", cost=40), Option("d", cost=200)]
LOT = ("d", "c", "b", "a")
Votes = list[tuple[Any, int]]


def count(votes: Votes, options: list[Option] = OPTIONS, lot: Any = LOT, **params: Any) -> Outcome:
    checked = RULE.parse_params(params)
    RULE.check_definition(options, checked)
    return RULE.count(options, checked, Profile.from_answers(votes), lot)


def moments(outcome: Outcome) -> dict[str, str]:
    return {step.options[0]: step.totals[step.options[0]] for step in outcome.steps if step.action == "buy"}


@pytest.mark.parametrize("name", [SWIECIE, ASSEN])
def test_the_selection_of_pabutools(name: str) -> None:
    data, expected = load(name)
    result = count_file(data, "phragmen")
    assert sorted(result["winners"]) == expected["phragmen_pabutools_1.2.3"]


@pytest.mark.parametrize("name", [SWIECIE, ASSEN])
def test_the_committee_of_abcvoting(name: str) -> None:
    data, expected = load(name)
    file = read_ballot_file(data)
    profile = Profile.from_answers((line.answer, line.count) for line in file.ballots)
    lot = lot_order(bytes(32), "", [option.id for option in file.options])
    outcome = RULE.count(file.options, RULE.parse_params({"seats": 7}), profile, lot)
    assert [sorted(outcome.winners)] == expected["unit_cost_committee_of_7_abcvoting_2.19.2"]["seqphragmen"]


def test_supporters_save_up_and_pay_with_all_they_have() -> None:
    # Six want a and b, four want c. b at 40/6; c at 10; a when the six have 60 more: 40/6 + 10.
    votes: Votes = [(["a", "b"], 6), (["c"], 4)]
    outcome = count(votes, budget="200")
    assert moments(outcome) == {"b": "20/3", "c": "10", "a": "50/3"}
    assert outcome.winners == ["b", "c", "a"]
    assert outcome.steps[0].note == (
        "At 6.666666 its 6 supporters have the cost of 40 together and pay with all they have. "
        "40 of 200 spent."
    )
    assert outcome.facts["spent"] == "140"


def test_a_voter_who_paid_has_less_for_the_next() -> None:
    # x at 1. Then y's two supporters: one has 0 at 1, the other 1; together 2 at 1.5.
    options = [Option("x"), Option("y")]
    votes: Votes = [(["x", "y"], 1), (["x"], 1), (["y"], 1)]
    outcome = count([*votes, (["x"], 1)], options, ("x", "y"), seats=2)
    assert moments(outcome) == {"x": "1/3", "y": "2/3"}


def test_the_end_of_the_budget() -> None:
    votes: Votes = [(["a"], 10), (["b"], 5), (["c"], 1)]
    stopped = count(votes, budget="70")
    assert (stopped.winners, [s.action for s in stopped.steps]) == (["a"], ["drop", "buy", "stop", "elect"])
    options = [Option("a", cost=60), Option("b", cost=40), Option("c", cost=10)]
    skipped = count(votes, options, "abc", budget="70", skip=True)
    assert (skipped.winners, [s.action for s in skipped.steps]) == (
        ["a", "c"],
        ["buy", "skip", "buy", "elect"],
    )


def test_an_option_beyond_the_budget_does_not_end_the_count() -> None:
    outcome = count([(["d"], 100), (["b"], 1)], budget="100")
    assert outcome.winners == ["b"]
    assert outcome.steps[0].note == "Costs 200, more than the whole budget of 100."
    assert "cannot be selected" in RULE.definition_notes(OPTIONS, RULE.parse_params({"budget": "100"}))[0]


def test_ties_fall_to_the_lot() -> None:
    votes: Votes = [(["b"], 2), (["c"], 2)]
    assert count(votes, budget="40").winners == ["c"]
    outcome = count(votes, lot=("a", "b", "c", "d"), budget="40")
    assert outcome.winners == ["b"]
    tie = next(step for step in outcome.steps if step.action == "tie")
    assert tie.note == "2 options can be paid at the same moment; the lot decided: b."


def test_proportional_seats() -> None:
    options = [Option(name) for name in "abcxyz"]
    outcome = count([(["a", "b", "c"], 20), (["x", "y", "z"], 10)], options, "abcxyz", seats=3)
    assert sorted(outcome.winners) == ["a", "b", "x"]
    assert RULE.definition_notes(options, RULE.parse_params({"seats": 3})) == []


def test_big_weights_and_nobody() -> None:
    outcome = count([(["a"], 2**128), (["b"], 1)], budget="100")
    assert outcome.winners == ["a", "b"]
    assert outcome.totals["a"] == str(2**128)
    assert count([(None, 3), ([], 1)], budget="100").winners == []


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({}, "/q/params/budget"),
        ({"budget": "1", "seats": 1}, "/q/params/budget"),
        ({"seats": 5}, "/q/params/seats"),
        ({"seats": 1, "min_marks": 5}, "/q/params/min_marks"),
    ],
)
def test_definitions(params: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidDefinition) as caught:
        RULE.check_definition(OPTIONS, RULE.parse_params(params), "/q")
    assert caught.value.pointer == pointer


def test_costs_and_answers() -> None:
    with pytest.raises(InvalidDefinition):
        RULE.check_definition([Option("a")], RULE.parse_params({"budget": "1"}))
    RULE.check_definition([Option("a")], RULE.parse_params({"seats": 1}))
    with pytest.raises(InvalidAnswer):
        RULE.check_answer(OPTIONS, RULE.parse_params({"budget": "1"}), ["a", "a"])
