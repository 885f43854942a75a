"""Instant runoff: published counts, ties, batches, and every irregular ranking."""

from __future__ import annotations

import json
from typing import Any

import pytest

from governance.counting import Option, Outcome, Profile, get_rule
from governance.counting.files.count import count_file
from governance.counting.files.sniff import read_ballot_file
from governance.counting.ranked import preferences
from governance.errors import InvalidAnswer, InvalidDefinition
from tests.support.elections import BURLINGTON, MINNEAPOLIS, load

RULE = get_rule("irv")
OPTIONS = [Option(name) for name in "abcd"]
Votes = list[tuple[Any, int]]


def count(votes: Votes, lot: str = "abcd", **params: Any) -> Outcome:
    options = [Option(name) for name in sorted(lot)]
    return RULE.count(options, RULE.parse_params(params), Profile.from_answers(votes), tuple(lot))


@pytest.mark.parametrize("exclusion", ["single", "batch"])
def test_minneapolis(exclusion: str) -> None:
    data, expected = load(MINNEAPOLIS)
    titles = {option.id: option.title for option in read_ballot_file(data).options}
    titles = {name: "Undeclared Write-ins" if title == "UWI" else title for name, title in titles.items()}
    result = count_file(data, "irv", {"exclusion": exclusion})
    rounds = [step for step in result["steps"] if step["totals"]]
    first = {titles[name]: int(total) for name, total in rounds[0]["totals"].items()}
    last = {titles[name]: int(total) for name, total in result["totals"].items() if total != "0"}
    assert (first, last) == (expected["first_round"], expected["final_round"])
    assert [titles[name] for name in result["winners"]] == [expected["winner"]]
    assert len(rounds) == (35 if exclusion == "single" else 33)


def test_burlington() -> None:
    data, expected = load(BURLINGTON)
    ballots = json.loads(data)["ballots"]
    options = [Option(name) for name in ("Kiss", "Montroll", "Wright")]
    profile = Profile.from_answers((ranking, weight) for weight, ranking in ballots)
    outcome = RULE.count(options, RULE.parse_params({}), profile, [option.id for option in options])
    assert outcome.winners == [expected["irv"]]
    assert {name: int(outcome.totals[name]) for name in expected["irv_final"]} == expected["irv_final"]
    assert outcome.steps[1].note == (
        "Round 2: nobody has more than half of 8833; Montroll, lowest with 2554, was excluded. "
        "2099 papers moved: Kiss +1332, Wright +767; 455 have no further preference."
    )
    assert outcome.steps[2].note == "Kiss has 4314 of 8378 votes that still count, more than half."
    assert outcome.facts["exhausted_weight"] == "455"


def test_more_than_half_is_needed() -> None:
    half = count([(["a"], 2), (["b"], 1), (["c", "b"], 1)], "abc")
    assert [step.action for step in half.steps] == ["count", "tie", "exclude", "tie", "elect"]
    assert count([(["a"], 3), (["b"], 1), (["c", "b"], 1)], "abc").facts["rounds"] == "1"


def test_a_final_tie_looks_back_then_to_the_lot() -> None:
    votes: Votes = [(["a"], 3), (["b"], 2), (["c", "b"], 1)]
    outcome = count(votes, "cba")
    assert outcome.winners == ["a"]
    assert outcome.steps[2].note == "b and a tie at 3. At the end of round 1 they had 2 and 3: a is elected."
    assert count([(["a"], 1), (["b"], 1)], "ba").winners == ["b"]


def test_the_ranking_is_the_order_of_exclusion_backwards() -> None:
    outcome = count([(["a"], 5), (["b"], 4), (["c", "b"], 2), (["d", "c"], 1)])
    assert outcome.ranking == [["b"], ["a"], ["c"], ["d"]]
    assert outcome.facts == {
        "valid_weight": "12",
        "blank_weight": "0",
        "no_preference_weight": "0",
        "active_weight": "11",
        "exhausted_weight": "1",
        "rounds": "3",
    }


def test_a_batch_is_only_what_cannot_catch_up() -> None:
    votes: Votes = [(["a"], 39), (["b"], 30), (["c", "b"], 5), (["d", "b"], 4)]
    steps = [step for step in count(votes, exclusion="batch").steps if step.action == "exclude"]
    assert [step.options for step in steps] == [["d", "c"]]
    assert "d and c have 9 together, fewer than b with 30; all 2 were excluded" in steps[0].note
    # 4 + 5 is as much as the next one has: one at a time.
    tight: Votes = [(["a"], 30), (["b"], 9), (["c"], 5), (["d"], 4), (["e"], 18)]
    first = next(step for step in count(tight, "abcde", exclusion="batch").steps if step.action == "exclude")
    assert first.options == ["d"]


def test_a_batch_leaves_fewer_rounds_to_break_a_later_tie_by() -> None:
    papers = ["d", "bcd", "da", "db", "ca", "adb", "c", "c"]
    votes: Votes = [(list(paper), 1) for paper in papers]
    # One at a time c is ahead of d for a round, before a's paper makes them equal; in a batch it never is.
    assert count(votes, "daecb").winners == ["c"]
    batch = count(votes, "daecb", exclusion="batch")
    assert batch.winners == ["d"]
    assert "the lot decided: d is elected" in batch.steps[-2].note


@pytest.mark.parametrize(
    ("answer", "params", "reason", "pointer"),
    [
        ("a", {}, "wrong-form", "/q"),
        ({"a": 1}, {}, "wrong-form", "/q"),
        (["a", "z"], {}, "unknown-option", "/q/1"),
        (["a", "b", "a"], {}, "duplicate", "/q/2"),
        (["a", ["b", "c"]], {}, "over-vote", "/q/1"),
        (["a", [], "c"], {}, "skipped-rank", "/q/1"),
        (["a"], {"min_ranks": 2}, "below-minimum", "/q"),
        (["a", "b"], {"max_ranks": 1}, "too-many-ranks", "/q"),
    ],
)
def test_invalid_answers_have_a_reason_and_a_place(
    answer: Any, params: dict[str, Any], reason: str, pointer: str
) -> None:
    with pytest.raises(InvalidAnswer) as caught:
        RULE.check_answer(OPTIONS, RULE.parse_params(params), answer, "/q")
    assert (caught.value.facts["reason"], caught.value.pointer) == (reason, pointer)


@pytest.mark.parametrize(
    ("answer", "params", "order"),
    [
        (["a", ["b", "c"], "d"], {"over_vote": "exhaust"}, "a"),
        (["a", ["b", "c"], "d"], {"over_vote": "skip"}, "ad"),
        ([["a"], "b"], {}, "ab"),
        (["a", "b", "a", "c"], {"duplicate_rank": "exhaust"}, "ab"),
        (["a", "b", "a", "c"], {"duplicate_rank": "skip"}, "abc"),
        (["a", [], "b"], {"skipped_ranks": "skip"}, "ab"),
        (["a", [], "b"], {"skipped_ranks": "exhaust"}, "a"),
        (["a", [], "b", [], [], "c"], {"skipped_ranks": "exhaust-second"}, "ab"),
        (["a", [], "b", [], "c"], {"skipped_ranks": "exhaust-second"}, "abc"),
        ([], {}, ""),
    ],
)
def test_irregular_rankings_mean_what_the_definition_says(
    answer: Any, params: dict[str, Any], order: str
) -> None:
    typed = RULE.parse_params(params)
    RULE.check_answer(OPTIONS, typed, answer)
    assert preferences(typed, answer) == list(order)
    outcome = RULE.count(OPTIONS, typed, Profile.from_answers([(answer, 3)]), list("dcba"))
    assert outcome.totals == {name: "3" if order[:1] == name else "0" for name in "abcd"}


def test_definitions() -> None:
    with pytest.raises(InvalidDefinition):
        RULE.check_definition(OPTIONS, RULE.parse_params({"min_ranks": 5}))
    for wrong in ({"seats": 2}, {"over_vote": "count"}, {"max_ranks": 0}):
        with pytest.raises(InvalidDefinition):
            RULE.parse_params(wrong)


def test_one_option_and_no_votes() -> None:
    assert count([], "a").winners == ["a"]
    assert count([(None, 3), ([], 2)], "ba").winners == ["b"]
