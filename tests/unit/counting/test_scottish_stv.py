"""Scottish STV: published counts to the fifth decimal, and each clause on cases done by hand."""

from __future__ import annotations

from typing import Any

import pytest

from governance.counting import Option, Outcome, Profile, get_rule
from governance.counting.files.count import count_file
from governance.errors import InvalidDefinition
from tests.support.elections import SCOTTISH, load

RULE = get_rule("scottish-stv")
Votes = list[tuple[Any, int]]


def count(votes: Votes, lot: str = "abcdef", **params: Any) -> Outcome:
    options = [Option(name, name.upper()) for name in sorted(lot)]
    checked = RULE.parse_params(params)
    RULE.check_definition(options, checked)
    for answer, _ in votes:
        if answer is not None:
            RULE.check_answer(options, checked, answer)
    return RULE.count(options, checked, Profile.from_answers(votes), tuple(lot))


def notes(outcome: Outcome, action: str) -> list[str]:
    return [step.note for step in outcome.steps if step.action == action]


@pytest.mark.parametrize("name", SCOTTISH)
def test_published_counts_stage_by_stage(name: str) -> None:
    data, expected = load(name)
    result = count_file(data)
    assert result["rule"] == "scottish-stv"
    assert [s["totals"] for s in result["steps"] if s["totals"]] == [s["votes"] for s in expected["stages"]]
    assert sorted(map(int, result["winners"])) == expected["elected_numbers"]
    assert result["facts"]["quota"] == expected["quota"]
    assert result["ballots"]["invalid"] == 0


def test_the_words_of_a_real_count() -> None:
    steps = count_file(load("stv-scottish_glasgow-Calton-2007.blt")[0])["steps"]
    assert steps[0]["note"] == (
        "Round 1: first preferences of papers of weight 5199. "
        "The quota is 5199 / (3 + 1) without decimals, plus 1: 1300.00000 (rules 45, 46)."
    )
    assert steps[1]["note"] == (
        "Reached the quota of 1300.00000: George Redmond with 1982.00000 (rule 47(1))."
    )
    assert steps[2]["note"].startswith(
        "Round 2: George Redmond has 1982.00000, a surplus of 682.00000 over the quota of 1300.00000. "
        "The papers go on at a value of 0.34409 (rule 48). 1521 of 1982 papers moved: "
        "Ruth Simpson +407.05847, Alison E Thewliss +32.68855"
    )
    assert steps[2]["note"].endswith("not transferable 158.62549, lost to rounding 0.01362.")
    assert steps[3]["note"].startswith(
        "Round 3: nobody reached 1300.00000; Gary Barton, lowest with 130.40863, was excluded (rule 50)."
    )


def test_every_vote_is_accounted_for() -> None:
    result = count_file(load(SCOTTISH[0])[0])
    hundred_thousandths = [
        int(text.replace(".", ""))
        for text in (
            *result["totals"].values(),
            result["facts"]["non_transferable"],
            result["facts"]["lost_to_rounding"],
        )
    ]
    assert sum(hundred_thousandths) == int(result["facts"]["valid_weight"]) * 10**5


def test_transfer_values_are_cut_after_five_decimals() -> None:
    outcome = count([(["a", "b"], 5), (["a"], 1), (["c"], 1)], "abc", seats=2)
    assert outcome.facts["quota"] == "3.00000"
    assert outcome.steps[2].totals == {"a": "3.00000", "b": "2.50000", "c": "1.00000"}
    outcome = count([(["a", "b"], 7), (["c"], 3), (["d"], 1)], "abcd", seats=2)
    # 3/7 is 0.428571…, of which 7 * 0.42857 = 2.99999 arrive.
    assert outcome.steps[2].totals == {"a": "4.00000", "b": "2.99999", "c": "3.00000", "d": "1.00000"}
    assert outcome.facts["lost_to_rounding"] == "0.00001"


def test_papers_keep_the_value_they_came_with() -> None:
    # a's 8 papers go on at 1/2; b is excluded later and passes them to c at 1/2, its own at 1.
    votes: Votes = [(["a", "b", "c"], 8), (["b", "c"], 1), (["d"], 6), (["c"], 5)]
    outcome = count(votes, "abcd", seats=4 - 1)
    assert outcome.facts["quota"] == "6.00000"
    surplus = next(step for step in outcome.steps if step.action == "transfer")
    assert surplus.totals["b"] == "3.00000"
    excluded = next(step for step in outcome.steps if step.action == "exclude")
    assert (excluded.options, excluded.totals["c"]) == (["b"], "8.00000")
    assert "9 of 9 papers moved" in excluded.note


def test_exactly_the_quota_is_no_surplus_but_a_round() -> None:
    outcome = count([(["a", "b"], 3), (["b"], 2), (["c"], 2), (["d"], 1)], "abcd", seats=2)
    first, second = (step for step in outcome.steps if step.totals and step.action in ("count", "transfer"))
    assert first.totals == second.totals
    assert second.note == "Round 2: A has the quota of 3.00000 and no surplus (rule 48(1))."


def test_the_larger_surplus_goes_first_and_a_tie_looks_back() -> None:
    votes: Votes = [(["a"], 10), (["b"], 12), (["c"], 5), (["d"], 1)]
    outcome = count(votes, "abcd", seats=3)
    assert [s.options for s in outcome.steps if s.action == "transfer"] == [["b"], ["a"]]
    even: Votes = [(["a"], 10), (["b"], 10), (["c"], 3), (["d"], 1)]
    assert notes(count(even, "bacd", seats=3), "tie")[0] == (
        "B and A tie at 10.00000. No earlier round tells them apart, so the lot decided (rule 49(3)): "
        "B is transferred first."
    )


def test_a_tied_exclusion_looks_at_the_latest_round_that_differs() -> None:
    # Round 1: b 2, c 3. Round 2: a's paper makes them equal.
    votes: Votes = [(["a", "b"], 1), (["b"], 2), (["c"], 3), (["d"], 4)]
    outcome = count(votes, "dcba")
    assert notes(outcome, "tie") == [
        "C and B tie at 3.00000. At the end of round 1 they had 3.00000 and 2.00000 (rule 51(2)(a)): "
        "B is excluded."
    ]


def test_those_not_at_the_extreme_are_out_of_question() -> None:
    # All have 5 in round 3. In round 2 c had more than a and b; that it had least in round 1 is too old.
    votes: Votes = [
        (["e", "c"], 2),
        *((["f", name], 1) for name in "abg"),
        *((["a"], 4), (["b"], 4), (["c"], 3)),
        *((["d"], 20), (["g"], 10)),
    ]
    outcome = count(votes, "abcdefg")
    tie = next(step for step in outcome.steps if step.action == "tie")
    assert sorted(tie.options) == ["a", "b", "c"]
    assert "the lot decided (rule 51(2)(b)): B is excluded" in tie.note


def test_the_lot_excludes_the_weakest() -> None:
    tie: Votes = [(["a"], 1), (["b"], 1), (["c"], 3)]
    assert count(tie, "abc").order == ["c", "a", "b"]
    assert count(tie, "bac").order == ["c", "b", "a"]


def test_the_last_places_are_filled_without_a_quota() -> None:
    outcome = count([(["a"], 5), (["b"], 1), (["c"], 2)], "abc", seats=2)
    assert outcome.winners == ["a", "c"]
    assert (
        outcome.steps[-1].note
        == "As many continue as there are vacancies: C (rule 52(1)). Nothing more is moved."
    )
    assert count([], "ab", seats=2).winners == ["a", "b"]


def test_weights_beyond_machine_integers() -> None:
    heavy = 2**128
    votes: Votes = [(["a", "b"], 3 * heavy), (["b"], heavy), (["c"], heavy + 1), ([], 5), (None, 2)]
    outcome = count(votes, "abc", seats=2)
    quota = (5 * heavy + 1) // 3 + 1
    assert outcome.facts["quota"] == f"{quota}.00000"
    assert outcome.facts["no_preference_weight"] == "5"
    assert outcome.facts["blank_weight"] == "2"
    value = (3 * heavy - quota) * 10**5 // (3 * heavy)
    moved = heavy * 10**5 + 3 * heavy * value
    assert outcome.steps[2].totals["b"] == f"{moved // 10**5}.{moved % 10**5:05d}"
    assert outcome.winners == ["a", "b"]


def test_definitions() -> None:
    for params, pointer in (
        ({"seats": 3}, "/q/params/seats"),
        ({"min_ranks": 3}, "/q/params/min_ranks"),
        ({"min_ranks": 2, "max_ranks": 1}, "/q/params/max_ranks"),
    ):
        with pytest.raises(InvalidDefinition) as caught:
            RULE.check_definition([Option("a"), Option("b")], RULE.parse_params(params), "/q")
        assert caught.value.pointer == pointer
