"""Votes written as a ballot file count the same again, in every format that can hold them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.counting import RULES, Option, get_rule
from governance.counting.files.ballot_file import BallotFile, Ballots
from governance.counting.files.count import count_ballots
from governance.counting.files.export import FORMATS, count_arguments, export_ballots, names_in
from governance.counting.files.sniff import read_ballot_file
from governance.errors import Refused, TooLarge
from tests.support.server import Person

IDS = ["ann", "bob", "cy", "dee"]
LOT = ("cy", "dee", "bob", "ann")
NEEDED: dict[str, dict[str, Any]] = {
    "greedy": {"budget": "30"},
    "equal-shares": {"budget": "30"},
    "phragmen": {"budget": "30"},
    "quadratic": {"personhood": "checked"},
    "positional": {"points": [3, 2, 1]},
    "scottish-stv": {"seats": 2},
    "schulze": {"default_option": "dee", "quorum_electors": "1"},
}
ANSWERS: dict[str, list[Any]] = {
    "approval": [["ann", "bob"], ["bob"], ["cy"], ["dee", "ann"]],
    "ranking": [["ann", "bob", "cy"], ["bob", "ann"], ["cy", "dee", "ann"], ["dee"]],
    "score": [{"ann": 3, "bob": 1}, {"cy": 2}, {"dee": 1, "bob": 2}, {"ann": 1, "dee": 3}],
    "choice": ["ann", "bob", "cy", "ann"],
}
HOLD = {
    "approval": {"json", "pabulib"},
    "ranking": {"json", "blt", "preflib"},
    "score": {"json", "csv", "pabulib"},
    "choice": {"json", "blt", "preflib"},
}


def file_of(rule_id: str, answers: list[Any], **changes: Any) -> BallotFile:
    rule = get_rule(rule_id)
    params = rule.parse_params(changes.pop("params", NEEDED.get(rule_id, {})))
    ids = changes.pop("ids", IDS)
    lot = changes.pop("lot", LOT)
    options = tuple(Option(name, name.title(), 10 + 3 * at) for at, name in enumerate(ids))
    ballots = tuple(answer if isinstance(answer, Ballots) else Ballots(answer) for answer in answers)
    return BallotFile(
        rule_id, msgspec.to_builtins(params), options, ballots, changes.get("electorate", 9), lot
    )


def rules() -> list[Any]:
    return [rule for rule in RULES.values() if rule.id != "yes-no"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_counted_again_by_the_command_it_says(rule: Any, form: str, tmp_path: Any) -> None:
    answers = rule.form(rule.parse_params(NEEDED.get(rule.id, {})))
    file = file_of(rule.id, [Ballots(answer, 1, times) for times, answer in enumerate(ANSWERS[answers], 1)])
    if form not in HOLD[answers]:
        with pytest.raises(Refused, match=f"these are {answers} answers"):
            export_ballots(file, form)
        return
    data = export_ballots(file, form, "What first?")
    path = tmp_path / "votes"
    path.write_bytes(data)
    found = Person(tmp_path).json("count", path, *count_arguments(file, data))
    wanted = count_ballots(file, lot=LOT).outcome
    names = names_in(file, read_ballot_file(data))
    assert found["winners"] == [names[name] for name in wanted.winners]
    assert found["ranking"] == [[names[name] for name in group] for group in wanted.ranking]
    assert found["totals"] == {names[name]: total for name, total in wanted.totals.items()}
    assert found["ballots"]["invalid"] == 0
    if form == "json":
        assert found["steps"] == json.loads(json.dumps(found["steps"]))
        assert found["facts"] == wanted.facts


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([("blt", "scottish-stv"), ("preflib", "copeland"), ("csv", "score")]),
    st.lists(
        st.tuples(
            st.permutations(IDS).flatmap(lambda p: st.integers(1, 4).map(lambda n: p[:n])),
            st.lists(st.integers(0, 3), min_size=4, max_size=4),
            st.integers(1, 2**70),
            st.integers(1, 3),
        ),
        min_size=1,
        max_size=5,
    ),
    st.permutations(IDS),
)
def test_any_votes_count_the_same(pair: Any, votes: list[Any], lot: list[str]) -> None:
    form, rule = pair
    answers = [
        Ballots(dict(zip(ranks, grades, strict=False)) if form == "csv" else list(ranks), weight, count)
        for ranks, grades, weight, count in votes
    ]
    file = file_of(rule, answers, lot=tuple(lot))
    assert export_ballots(file, form)


@pytest.mark.parametrize(
    ("rule", "answers", "form", "reason"),
    [
        ("copeland", [["ann"], None], "preflib", "no blank votes"),
        ("score", [{"ann": 1}, None], "csv", "no blank votes"),
        ("greedy", [Ballots(["ann"], 2)], "pabulib", "unweighted"),
        ("copeland", [Ballots(["ann"], 0)], "blt", "weight 0"),
        ("majority-judgment", [{"ann": 0}, {"ann": 0, "bob": 1}], "csv", "answers of 0"),
    ],
)
def test_what_a_format_cannot_hold(rule: str, answers: list[Any], form: str, reason: str) -> None:
    params = {"min_grade": -1} if rule == "majority-judgment" else NEEDED.get(rule, {})
    with pytest.raises(Refused, match=reason):
        export_ballots(file_of(rule, answers, params=params), form)


def test_an_electorate_that_decides_cannot_be_left_out() -> None:
    params = {"default_option": "dee", "quorum_electors": "roll"}
    votes = [Ballots(["ann", "dee"], 1, 20)]
    assert export_ballots(file_of("schulze", votes, params=params, electorate=20), "preflib")
    large = file_of("schulze", votes, params=params, electorate=999)
    assert export_ballots(large, "json")
    with pytest.raises(Refused, match="how many could vote"):
        export_ballots(large, "preflib")


def test_a_yes_no_question_needs_its_options_by_name() -> None:
    lot = ("no", "yes")
    file = file_of("yes-no", ["yes", "no", "yes"], ids=["yes", "no"], lot=lot)
    assert b'"yes"' in export_ballots(file, "json")
    with pytest.raises(Refused, match="names of options"):
        export_ballots(file, "blt")


def test_voters_are_kept_and_read() -> None:
    file = file_of("approval", [Ballots(["ann"], 1, 1, "did:key:zA"), Ballots(["bob"], 2, 1, "did:key:zB")])
    assert read_ballot_file(export_ballots(file, "json")) == file


def test_a_column_that_would_be_taken_for_the_weight() -> None:
    file = file_of("score", [{"weight": 2, "ann": 1}], ids=["ann", "weight"], lot=("weight", "ann"))
    with pytest.raises(Refused):
        export_ballots(file, "csv")


def test_equal_votes_under_a_rule_of_roots_are_counted_one_by_one() -> None:
    answer = {"ann": 1}
    three = count_ballots(
        file_of("snapshot-quadratic", [Ballots(answer, 4, 3), Ballots({"bob": 1}, 12)]), lot=LOT
    )
    assert (
        three.outcome
        == count_ballots(
            file_of("snapshot-quadratic", [Ballots(answer, 4)] * 3 + [Ballots({"bob": 1}, 12)]), lot=LOT
        ).outcome
    )
    assert three.outcome.winners == ["ann"]
    with pytest.raises(TooLarge):
        count_ballots(file_of("snapshot-quadratic", [Ballots(answer, 1, 2**40)]), lot=LOT)
