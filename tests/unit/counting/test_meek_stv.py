"""Meek STV: published counts to the ninth decimal, and what makes the rule Meek's."""

from __future__ import annotations

from typing import Any

import pytest

from governance.counting import Option, Outcome, Profile, get_rule
from governance.counting.files.blt import parse_blt
from governance.counting.files.blt_ballots import ballots_of
from governance.counting.files.count import count_file
from governance.errors import InvalidAnswer, InvalidDefinition
from tests.support.elections import MEEK, load

RULE = get_rule("meek-stv")
Votes = list[tuple[Any, int]]


def count(votes: Votes, lot: str = "abcd", **params: Any) -> Outcome:
    options = [Option(name) for name in sorted(lot)]
    return RULE.count(options, RULE.parse_params(params), Profile.from_answers(votes), tuple(lot))


@pytest.mark.parametrize("name", MEEK)
def test_published_counts(name: str) -> None:
    data, every = load(name)
    expected = every["meek-prf-o6-fixed-p9-d9"]
    result = count_file(data, "meek-stv")
    final = expected["final_state"]
    assert sorted(map(int, result["winners"])) == expected["elected_numbers"]
    assert result["steps"][0]["totals"] == expected["stages"][0]["votes"]
    assert result["facts"]["quota"] == expected["quota"]
    assert result["totals"] == {number: state["vote"] for number, state in final.items()}
    factors = {number: result["facts"][f"keep_factor/{number}"] for number in final}
    assert factors == {number: state["kf"] for number, state in final.items()}


@pytest.mark.parametrize("name", MEEK)
def test_the_scottish_rule_elects_the_same_here(name: str) -> None:
    data, every = load(name)
    elected = every["wigm-prf-fixed-p4-d4"]["elected_numbers"]
    assert sorted(map(int, count_file(data)["winners"])) == elected


def test_the_words_of_a_round() -> None:
    notes = [(step["action"], step["note"]) for step in count_file(load(MEEK[0])[0], "meek-stv")["steps"]]
    assert notes == [
        (
            "count",
            "Round 1: first preferences of papers of weight 6. The quota is 6 / (2 + 1) to 9 decimals, plus "
            "0.000000001: 2.000000001 (B.2.b).",
        ),
        ("elect", "Reached the quota of 2.000000001: Castor with 4.000000000 (B.2.c)."),
        (
            "distribute",
            "Round 2: papers were distributed 2 times. Quota 2.000000001, total surplus 0.000000003, held by "
            "nobody 0.000000000. Keep factors: Castor 0.500000001 (B.2).",
        ),
        ("exclude", "Nobody reached 2.000000001; Pollux, lowest with 1.999999996, was excluded (B.3)."),
        ("elect", "As many remain as there are free seats: Helen (C.1)."),
    ]


def test_papers_pass_through_the_elected() -> None:
    # b's supporters rank a, elected long before, second: Meek gives a its share of them, so more goes to c.
    votes: Votes = [(["a", "c"], 60), (["b", "a", "c"], 20), (["d"], 19), (["c"], 1)]
    outcome = count(votes, seats=2)
    assert outcome.winners == ["a", "c"]
    assert float(outcome.facts["keep_factor/a"]) < 0.6


def test_the_quota_falls_as_papers_exhaust() -> None:
    outcome = count([(["a"], 50), (["b"], 30), (["c"], 20)], "abc", seats=2)
    assert outcome.facts["quota"] == "33.333333334"
    assert float(outcome.facts["final_quota"]) < 33.3


def test_within_the_surplus_is_a_tie_for_the_lot() -> None:
    even: Votes = [(["a"], 2), (["b"], 1), (["c"], 1)]
    assert count(even, "abc").order == ["a", "b", "c"]
    outcome = count([(["a"], 1), (["b"], 1), (["c"], 1)], "cba")
    tie = next(step for step in outcome.steps if step.action == "tie")
    assert tie.note.endswith("The lot decided: a is excluded (B.3, T).")
    assert outcome.order == ["c", "b", "a"]


def test_the_lot_may_exclude_one_who_is_not_quite_the_lowest() -> None:
    file = ballots_of(parse_blt(load(MEEK[1])[0]))
    profile = Profile.from_answers((line.answer, line.count) for line in file.ballots)
    lot = [option.id for option in file.options]
    outcome = RULE.count(file.options, RULE.parse_params(file.params), profile, lot)
    (tie,) = [step for step in outcome.steps if step.action == "tie"]
    assert tie.note == (
        "Lowest, and no further apart than the total surplus of 0.000000910: C13 33.333333304, "
        "C16 33.333333326. The lot decided: C16 is excluded (B.3, T)."
    )
    assert "13" in outcome.winners


def test_who_remains_when_all_seats_are_filled_is_excluded() -> None:
    outcome = count([(["a"], 5), (["b"], 2), (["c"], 2)], "abc")
    assert outcome.ranking == [["a"], ["b", "c"]]
    assert outcome.totals == {"a": "5.000000000", "b": "0.000000000", "c": "0.000000000"}


def test_nobody_votes() -> None:
    assert count([], "ba", seats=1).winners == ["b"]
    assert count([], "ba", seats=2).winners == ["b", "a"]


def test_weights_beyond_machine_integers() -> None:
    light = count([(["a", "b"], 60), (["c"], 25), (["d", "b"], 15)], seats=2)
    heavy = count([(["a", "b"], 60 * 2**120), (["c"], 25 * 2**120), (["d", "b"], 15 * 2**120)], seats=2)
    assert heavy.order == light.order
    assert heavy.steps[0].totals["a"] == f"{60 * 2**120}.000000000"


def test_definitions_and_answers() -> None:
    with pytest.raises(InvalidDefinition):
        RULE.check_definition([Option("a")], RULE.parse_params({"seats": 2}))
    with pytest.raises(InvalidAnswer):
        RULE.check_answer([Option("a")], RULE.parse_params({}), ["z"])
