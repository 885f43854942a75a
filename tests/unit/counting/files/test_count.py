"""Counting a file: whose parameters hold, what a command line may say, which ballots do not count."""

from __future__ import annotations

import json
from typing import Any

import pytest

from governance.counting.files.count import LISTED, count_file
from governance.errors import InvalidDefinition, Unsupported
from tests.support.elections import SWIECIE, load


def file(rule: str, ballots: list[dict[str, Any]], **more: Any) -> bytes:
    ids = more.pop("ids", ["a", "b", "c"])
    options = [{"id": name, "cost": "10"} for name in ids]
    body = {"format": "althing/ballot-file/v1", "rule": rule, "options": options, "ballots": ballots, **more}
    return json.dumps(body).encode()


MARKS = [{"answer": ["a", "b"], "count": 3}, {"answer": ["b"], "weight": "2"}, {"answer": None, "count": 4}]


def test_the_fields_of_the_result() -> None:
    result = count_file(file("approval", MARKS, params={"seats": 2}))
    assert list(result) == [
        *("rule", "options", "winners", "ranking", "order", "totals", "steps", "lot", "facts"),
        *("params", "ballots", "invalid"),
    ]
    assert result["winners"] == ["b", "a"]
    assert result["totals"] == {"b": "5", "a": "3", "c": "0"}
    assert result["ballots"] == {"valid": 4, "blank": 4, "invalid": 0}
    assert json.loads(json.dumps(result)) == result


def test_the_lot_is_the_files_or_comes_from_the_seed() -> None:
    tie = [{"answer": ["a", "c"]}]
    assert count_file(file("approval", tie, lot=["c", "b", "a"]))["winners"] == ["c"]
    assert count_file(file("approval", tie, lot=["a", "b", "c"]))["winners"] == ["a"]
    lots = {tuple(count_file(file("approval", tie), seed=bytes([n]) * 32)["lot"]) for n in range(20)}
    assert len(lots) > 1
    assert all(sorted(lot) == ["a", "b", "c"] for lot in lots)


def test_options_replace_the_files_parameters() -> None:
    data = file("approval", MARKS, params={"seats": 2})
    assert count_file(data, options={"seats": 3})["params"]["seats"] == 3
    assert count_file(data, options={"seats": "1", "max_marks": "2"})["params"]["seats"] == 1
    with pytest.raises(InvalidDefinition):
        count_file(data, options={"seats": "many"})
    with pytest.raises(InvalidDefinition):
        count_file(data, options={"colour": "red"})
    with pytest.raises(InvalidDefinition):
        count_file(data, options={"seats": 4})


@pytest.mark.parametrize(
    ("text", "share"),
    [("2/3", (2, 3, False)), (">=2/3", (2, 3, False)), ("> 1/2", (1, 2, True))],
)
def test_shares_as_text(text: str, share: tuple[int, int, bool]) -> None:
    data = file("yes-no", [{"answer": "yes"}], ids=["yes", "no"], electorate="3")
    params = count_file(data, options={"support_threshold": text})["params"]
    assert params["support_threshold"] == dict(
        zip(("numerator", "denominator", "strict"), share, strict=True)
    )
    with pytest.raises(InvalidDefinition):
        count_file(data, options={"support_threshold": "most"})


def test_the_electorate_of_the_file_decides_participation() -> None:
    data = file("yes-no", [{"answer": "yes"}], ids=["yes", "no"], electorate="3")
    assert count_file(data, options={"minimum_participation": "1/3"})["winners"] == ["yes"]
    assert count_file(data, options={"minimum_participation": ">1/3"})["winners"] == []


def test_money_may_be_given_as_a_number() -> None:
    result = count_file(file("approval", MARKS), "greedy", {"budget": 10, "skip": "false"})
    assert (result["params"]["budget"], result["params"]["skip"]) == ("10", False)


def test_another_rule_takes_what_it_knows() -> None:
    data = file("score", [{"answer": {"a": 2, "b": 0}}, {"answer": {"c": 5}}], params={"seats": 2})
    approval = count_file(data, "approval")
    assert approval["totals"] == {"a": "1", "c": "1", "b": "0"}
    assert approval["params"]["seats"] == 2
    assert count_file(file("approval", MARKS, params={"max_marks": 2}), "score")["totals"]["b"] == "5"


def test_the_files_own_rule_reads_answers_strictly() -> None:
    result = count_file(file("approval", [{"answer": {"a": 2}}, {"answer": ["a"]}]))
    assert result["ballots"] == {"valid": 1, "blank": 0, "invalid": 1}
    assert result["invalid"][0]["pointer"] == "/ballots/0/answer"
    assert result["invalid"][0]["reason"] == "wrong-form"


def test_invalid_ballots_are_listed_up_to_a_number_and_all_counted() -> None:
    result = count_file(file("approval", [{"answer": ["z"], "count": 2}] * (LISTED + 5)))
    assert result["ballots"]["invalid"] == 2 * (LISTED + 5)
    assert len(result["invalid"]) == LISTED
    assert result["invalid"][1] == {
        "pointer": "/ballots/1/answer/0",
        "reason": "unknown-option",
        "detail": "There is no option 'z'.",
    }


def test_unknown_rules() -> None:
    with pytest.raises(Unsupported):
        count_file(file("coin-toss", []))
    assert count_file(file("coin-toss", MARKS), "approval")["totals"]["b"] == "5"
    with pytest.raises(Unsupported):
        count_file(load(SWIECIE)[0], "coin-toss")
