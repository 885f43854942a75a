"""Yes or no: every threshold at, just below and just above its edge."""

from __future__ import annotations

from typing import Any

import pytest

from governance.counting import Option, Outcome, Profile, get_rule
from governance.errors import InvalidAnswer, InvalidDefinition

RULE = get_rule("yes-no")
OPTIONS = [Option("yes"), Option("no"), Option("abstain")]
LOT = ("no", "abstain", "yes")


def share(numerator: int, denominator: int, strict: bool = False) -> dict[str, Any]:
    return {"numerator": numerator, "denominator": denominator, "strict": strict}


def count(
    yes: int, no: int, abstain: int = 0, blank: int = 0, roll: int | None = None, **params: Any
) -> Outcome:
    answers: list[tuple[Any, int]] = [("yes", yes), ("no", no), ("abstain", abstain), (None, blank)]
    profile = Profile.from_answers(answers, roll)
    return RULE.count(OPTIONS, RULE.parse_params(params), profile, LOT)


@pytest.mark.parametrize(
    ("yes", "no", "threshold", "decision"),
    [
        (50, 50, share(1, 2, strict=True), "rejected"),
        (51, 50, share(1, 2, strict=True), "adopted"),
        (50, 50, share(1, 2), "adopted"),
        (66, 34, share(2, 3), "rejected"),
        (2, 1, share(2, 3), "adopted"),
        (2, 1, share(2, 3, strict=True), "rejected"),
        (2 * 2**128, 2**128, share(2, 3), "adopted"),
        (2 * 2**128 - 1, 2**128, share(2, 3), "rejected"),
        (0, 0, share(0, 1), "rejected"),
    ],
)
def test_support(yes: int, no: int, threshold: dict[str, Any], decision: str) -> None:
    outcome = count(yes, no, abstain=1000, support_threshold=threshold)
    assert outcome.facts["decision"] == decision
    assert outcome.winners == (["yes"] if decision == "adopted" else ["no"])


def test_abstentions_and_blanks_count_for_participation_but_never_for_support() -> None:
    quorum = share(1, 2)
    assert count(3, 2, 3, 2, roll=20, minimum_participation=quorum).facts["decision"] == "adopted"
    low = count(3, 2, 3, 1, roll=20, minimum_participation=quorum)
    assert (low.facts["decision"], low.winners) == ("participation-too-low", [])
    without = count(3, 2, 3, 2, roll=20, minimum_participation=quorum, abstentions_participate=False)
    assert without.facts["decision"] == "participation-too-low"


def test_yes_quorum_and_absolute_majority() -> None:
    assert count(4, 0, 9, roll=20, minimum_participation=share(1, 4), participation="yes").winners == []
    assert count(5, 0, 9, roll=20, minimum_participation=share(1, 4), participation="yes").winners == ["yes"]
    assert count(10, 0, roll=20, support_base="electorate").winners == ["no"]
    assert count(11, 9, roll=20, support_base="electorate").winners == ["yes"]


def test_the_steps_say_the_numbers() -> None:
    notes = [step.note for step in count(3, 2, 1, roll=20, minimum_participation=share(1, 4)).steps]
    assert notes[1] == "Reached: 6 of 20 voted, abstentions and blank votes included; needed: at least 1/4."
    assert notes[2] == "Reached: 3 yes of 5 (yes and no votes); needed: more than 1/2."


def test_answers_are_one_known_choice() -> None:
    params = RULE.parse_params({})
    RULE.check_answer(OPTIONS, params, "abstain")
    for answer, reason in ((["yes"], "wrong-form"), ("maybe", "unknown-option")):
        with pytest.raises(InvalidAnswer) as caught:
            RULE.check_answer(OPTIONS, params, answer, "/q")
        assert caught.value.facts["reason"] == reason
    with pytest.raises(InvalidAnswer):
        RULE.check_answer(OPTIONS[:2], params, "abstain")


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"minimum_participation": share(3, 2)}, "/q/params/minimum_participation"),
        ({"support_threshold": share(1, 1, strict=True)}, "/q/params/support_threshold"),
    ],
)
def test_thresholds_nobody_can_reach_are_refused(params: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidDefinition) as caught:
        RULE.check_definition(OPTIONS, RULE.parse_params(params), "/q")
    assert caught.value.pointer == pointer


def test_options_are_yes_and_no() -> None:
    RULE.check_definition(OPTIONS[:2], RULE.parse_params({}))
    with pytest.raises(InvalidDefinition):
        RULE.check_definition([Option("yes"), Option("nay")], RULE.parse_params({}))
    with pytest.raises(InvalidDefinition):
        RULE.parse_params({"support_threshold": {"numerator": 1, "denominator": 0, "strict": True}})
