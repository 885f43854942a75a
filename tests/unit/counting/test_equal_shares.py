"""Equal Shares on cases small enough to do by hand; real elections are in test_elections.py."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from governance.counting import Option, Outcome, Profile, completion, get_rule
from governance.errors import InvalidAnswer, InvalidDefinition

RULE = get_rule("equal-shares")
OPTIONS = [Option("a", cost=60), Option("b", cost=40), Option("c", cost=40), Option("d", cost=200)]
LOT = ("d", "c", "b", "a")
Answers = list[tuple[Any, int]]
TWO_CAMPS: Answers = [(["a", "b"], 6), (["c"], 4)]


def count(
    answers: Answers, options: list[Option] = OPTIONS, lot: tuple[str, ...] = LOT, **params: Any
) -> Outcome:
    params = {"budget": "100", "completion": "none", **params}
    return RULE.count(options, RULE.parse_params(params), Profile.from_answers(answers), lot)


def buys(outcome: Outcome) -> dict[str, str]:
    return {step.options[0]: step.totals[step.options[0]] for step in outcome.steps if step.action == "buy"}


def test_each_camp_pays_from_its_own_share() -> None:
    # 10 voters with 10 each. b and a cost 6 voters 1/6 of a unit per unit; c costs 4 voters 1/4.
    outcome = count(TWO_CAMPS)
    assert outcome.winners == ["b", "c"]
    assert buys(outcome) == {"b": "1/6", "c": "1/4"}
    assert outcome.facts["share"] == "10"
    # Six voters with 10 - 40/6 left each cannot pay 60.
    assert outcome.ranking == [["b"], ["c"], ["a"], ["d"]]


def test_the_utility_is_a_choice() -> None:
    # Seven supporters of a (60) and five of b (40): 1/7 against 1/5 for a unit of cost, 60/7 against 8 each.
    options = [Option("a", cost=60), Option("b", cost=40)]
    answers: Answers = [(["a", "b"], 5), (["a"], 2)]
    by_cost = count(answers, options, ("a", "b"), budget="200")
    assert (by_cost.winners, buys(by_cost)) == (["a", "b"], {"a": "1/7", "b": "1/5"})
    by_number = count(answers, options, ("a", "b"), budget="200", utility="cardinality")
    assert (by_number.winners, buys(by_number)) == (["b", "a"], {"b": "8", "a": "60/7"})


def test_those_with_less_pay_all_they_have() -> None:
    # Share 10. x takes 8 from voter 1 and 2; z then needs 18 of voters 2 (2 left) and 3, 4 (10 left each).
    options = [Option("x", cost=16), Option("z", cost=18)]
    answers: Answers = [(["x"], 1), (["x", "z"], 1), (["z"], 2)]
    outcome = count(answers, options, ("x", "z"), budget="40", utility="cardinality")
    # rho of z before any purchase is 6, of x 8: z first at 6 each; then x from 10 and 4: 10 + 4 < 16.
    assert buys(outcome) == {"z": "6"}
    richer = count(answers, options, ("x", "z"), budget="48", utility="cardinality")
    assert buys(richer) == {"z": "6", "x": "10"}
    assert "1 of them pay all they have left" in richer.steps[1].note


def test_weight_stands_for_as_many_voters() -> None:
    heavy = count(TWO_CAMPS)
    light = count([(["a", "b"], 1)] * 6 + [(["c"], 1)] * 4)
    assert heavy == light


def test_weights_that_no_float_holds() -> None:
    answers: Answers = [(["x"], 1), (["x", "z"], 2), (["z", "y"], 3), (["y"], 2)]
    options = [Option("x", cost=16), Option("y", cost=17), Option("z", cost=18)]
    heavy = 10**30 + 7
    asked: Any = {"options": options, "lot": ("x", "y", "z"), "budget": "48"}
    light = count(answers, **asked)
    outcome = count([(marks, weight * heavy) for marks, weight in answers], **asked)
    assert outcome.winners == light.winners == ["y", "z"]
    assert {o: Fraction(rho) * heavy for o, rho in buys(outcome).items()} == {
        o: Fraction(rho) for o, rho in buys(light).items()
    }
    assert int(outcome.totals["z"]) == 5 * heavy


def test_blank_and_empty_ballots_take_no_share() -> None:
    outcome = count([*TWO_CAMPS, (None, 5), ([], 7)])
    assert outcome.facts["share"] == "10"
    assert outcome.facts["blank_weight"] == "5"


def test_ties_of_rho_fall_to_approvals_cost_then_lot() -> None:
    even = [Option("x", cost=10), Option("y", cost=10)]
    answers: Answers = [(["x"], 1), (["y"], 1)]
    assert count(answers, even, ("y", "x"), budget="20").winners == ["y", "x"]
    assert count(answers, even, ("x", "y"), budget="20").winners == ["x", "y"]
    # By number, 10 of 1 supporter and 20 of 2 cost the same each: more approvals first.
    uneven = [Option("x", cost=10), Option("y", cost=20)]
    answers = [(["x"], 1), (["y"], 2)]
    assert count(answers, uneven, ("x", "y"), budget="30", utility="cardinality").winners == ["y", "x"]
    # By cost, equal approvals and any cost give the same rho: the cheaper first.
    assert count([(["x", "y"], 1)], uneven, ("y", "x"), budget="30").winners == ["x", "y"]


def test_add1_raises_shares_until_it_would_overspend() -> None:
    # Base: share 10, six voters buy b (40). Raised by 7: 6 * 17 = 102 pay a and b, and with c it is 140.
    outcome = count(TWO_CAMPS, completion="add1")
    assert outcome.winners == ["b", "c"]
    assert (outcome.facts["increment"], outcome.facts["raised_share"]) == ("6", "16")
    assert "6 times" in outcome.steps[0].note


def test_add1_in_fine_steps_of_a_small_budget() -> None:
    outcome = count(TWO_CAMPS, completion="add1", step="fine")
    assert outcome.facts["step"] == "1/100"
    assert outcome.facts["increment"] == "666"


@pytest.mark.parametrize(
    ("budget", "step", "word"),
    [
        ("999", "1", "coarse"),
        ("1000", "1", ""),
        ("2000", "3", "coarse"),
        ("999", "fine", ""),
        ("9" * 20, "7", "tiny"),
    ],
)
def test_a_step_that_hardly_fits_the_budget_is_noted(budget: str, step: str, word: str) -> None:
    notes = RULE.definition_notes(OPTIONS[:1], RULE.parse_params({"budget": budget, "step": step}))
    assert [word in note for note in notes] == ([True] if word else [])


def test_add1_buys_everything_when_everything_fits() -> None:
    outcome = count([(["a"], 1), (["b"], 9)], completion="add1")
    assert sorted(outcome.winners) == ["a", "b"]
    assert "Everything that anybody supports fits" in outcome.steps[0].note


def test_the_search_for_an_increment_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "MAX_INCREMENTS", 3)
    outcome = count(TWO_CAMPS, completion="add1")
    assert outcome.facts["increment"] == "3"
    assert "ended at its limit" in outcome.steps[0].note


def test_second_completion_spends_what_is_left_when_asked() -> None:
    options = [*OPTIONS, Option("e", cost=20)]
    lot = (*LOT, "e")
    answers: Answers = [*TWO_CAMPS, (["e"], 1)]
    plain = count(answers, options, lot)
    filled = count(answers, options, lot, second_completion="greedy")
    added = [step.options[0] for step in filled.steps if step.action == "add"]
    assert added
    assert filled.winners == plain.winners + added
    assert int(filled.facts["spent"]) <= 100


def test_greedy_is_shown_beside() -> None:
    outcome = count(TWO_CAMPS, comparison=True)
    compare = next(step for step in outcome.steps if step.action == "compare")
    assert compare.options == ["b", "a"]
    facts = [outcome.facts[name] for name in ("prefer_equal_shares", "prefer_greedy", "prefer_neither")]
    assert facts == ["4", "6", "0"]
    assert not any(step.action == "compare" for step in count(TWO_CAMPS, comparison=False).steps)


def test_nobody_votes() -> None:
    for completion_rule in ("none", "add1"):
        outcome = count([(None, 3)], completion=completion_rule)
        assert outcome.winners == []
        assert outcome.facts["share_weight"] == "0"


def test_a_budget_of_nothing() -> None:
    assert count(TWO_CAMPS, budget="0", completion="add1", step="fine").winners == []


def test_definitions_and_answers() -> None:
    params = RULE.parse_params({"budget": "100", "max_marks": 2})
    RULE.check_definition(OPTIONS, params)
    notes = RULE.definition_notes(OPTIONS, params)
    assert "'d' costs 200" in notes[0]
    with pytest.raises(InvalidDefinition):
        RULE.check_definition([Option("a")], params)
    with pytest.raises(InvalidAnswer):
        RULE.check_answer(OPTIONS, params, ["a", "b", "c"])
    for wrong in ({"step": "0"}, {"step": "1/2"}, {"utility": "joy"}, {"budget": 100}):
        with pytest.raises(InvalidDefinition):
            RULE.parse_params({"budget": "100", **wrong})
