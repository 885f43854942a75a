"""Debian tally sheets, tables of grades, Snapshot proposals, grouped rankings; where they break."""

from __future__ import annotations

import json
from typing import Any

import pytest

from governance.counting.files.ballot_file import BallotFile, Ballots
from governance.counting.files.count import count_file
from governance.counting.files.sniff import read_ballot_file, sniff
from governance.errors import InvalidDefinition, Malformed, MalformedBallotFile
from tests.support.elections import BURLINGTON, DEBIAN, ORSAY, SNAPSHOT, load

SHEET = (
    '\n  Tally Sheet for the votes cast.\n     "V: vote   MD5SUM"\n'
    "     Option 1------>: Ann\n   /  Option 2----->: Zo\xeb | Co\n   |/  Option 3---->: None of the above\n"
    "   |||/\n"
)


def answers(file: BallotFile) -> list[Any]:
    return [line.answer for line in file.ballots]


@pytest.mark.parametrize(
    ("name", "format_name"),
    [
        *((name, "preflib" if name.endswith("toc") else "debian") for name in DEBIAN),
        *((name, "grades") for name in ORSAY),
        *((name, "snapshot") for name in SNAPSHOT),
        (BURLINGTON, "rankings"),
    ],
)
def test_formats_are_recognised_by_their_bytes(name: str, format_name: str) -> None:
    assert sniff(load(name)[0]) == format_name


def test_what_is_no_ballot_file_is_said_to_be_none() -> None:
    for data in (b"", b"hello, world", b"<html>", b"1,2\n3,4"):
        with pytest.raises(MalformedBallotFile, match="not a ballot file"):
            read_ballot_file(data, "x.txt")


# --- Debian


def test_a_tally_sheet() -> None:
    votes = "V: 2-1  83b1\nV: ---\nV: 113\nV: 9-1\t\t0\n\nThe end\n"
    for encoding in ("utf-8", "latin-1"):
        file = read_ballot_file((SHEET + votes).encode(encoding))
        assert [(o.id, o.title) for o in file.options][1] == ("2", "Zo\xeb | Co")
        assert answers(file) == [["3", "1"], None, [["1", "2"], "3"], ["3", "1"]]


@pytest.mark.parametrize(
    ("lines", "line", "column"),
    [
        ("V: 12 x", 8, 6),
        ("V: 1234 x", 8, 7),
        ("V: 1x?", 8, 6),
        ("V:123", 8, 3),
        ("V: 123\n  Option 4-->: Late", 9, 1),
        ("  Option 5-->: Fifth", 8, 10),
    ],
)
def test_broken_sheets_name_line_and_column(lines: str, line: int, column: int) -> None:
    with pytest.raises(MalformedBallotFile) as caught:
        read_ballot_file((SHEET + lines).encode())
    assert (caught.value.facts["line"], caught.value.facts["column"]) == (line, column)


# --- grades


def test_a_table_of_grades() -> None:
    file = read_ballot_file("n;Bov\xe9;de Villiers;count\n1;5;-;2\n".replace("-", "").encode("latin-1"))
    assert [option.id for option in file.options] == ["Bov\xe9", "de Villiers"]
    assert file.ballots == (Ballots({"Bov\xe9": 5}, 2),)
    assert file.params == {"min_grade": 1, "max_grade": 5, "unmarked": "lowest"}
    assert file.rule == "majority-judgment"


def test_zero_is_no_grade_unless_grades_go_below_or_the_lowest_grade_is_zero() -> None:
    data = b"a,b\n0,3\n2,1\n"
    assert answers(read_ballot_file(data)) == [{"b": 3}, {"a": 2, "b": 1}]
    assert count_file(data, "score")["totals"] == {"b": "4", "a": "3"}
    assert count_file(data, "score", {"min_grade": "0"})["totals"] == {"b": "4", "a": "2"}
    below = read_ballot_file(b"a,b\n0,-3\n2,1\n")
    assert answers(below) == [{"a": 0, "b": -3}, {"a": 2, "b": 1}]
    assert (below.params["min_grade"], below.params["max_grade"]) == (-3, 2)


def test_a_table_with_quotes_and_without_numbering() -> None:
    file = read_ballot_file(b'"Smith, J.","Weight","Z"\r\n"3",12,4\r\n')
    assert [option.id for option in file.options] == ["Smith, J.", "Z"]
    assert file.ballots == (Ballots({"Smith, J.": 3, "Z": 4}, 12),)


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [
        ("a,b\n1,2\n1", 3, 2),
        ("a,b\n1,2\n1,2,3", 3, 5),
        ("a,b\n1,2\n1,good", 3, 3),
        ("a,b\n1,2\n10,2.5", 3, 4),
        ("a,a\n1,2", 1, 3),
        ("a,,b\n1,2,3", 1, 3),
        ("n,weight\n1,2", 1, 1),
        ("n,a,count\n1,2,-3", 2, 5),
    ],
)
def test_broken_tables_name_line_and_column(data: str, line: int, column: int) -> None:
    with pytest.raises(MalformedBallotFile) as caught:
        read_ballot_file(data.encode())
    assert (caught.value.facts["line"], caught.value.facts["column"]) == (line, column)


# --- Snapshot


def proposal(votes: list[Any], kind: str | None = None, **more: Any) -> bytes:
    body = {"choices": ["Yes", "No", "Later"], **({"type": kind} if kind else {})}
    return json.dumps({"proposal": body, "votes": votes, **more}).encode()


def test_the_type_of_a_proposal_names_the_rule() -> None:
    ranked = [{"choice": [3, 1, 2], "balance": 2}]
    assert read_ballot_file(proposal(ranked, "approval")).rule == "approval"
    assert read_ballot_file(proposal(ranked, "ranked-choice")).rule == "irv"
    assert read_ballot_file(proposal(ranked, "copeland")).rule == "copeland"
    parts = [{"choice": {"1": 1}, "vp": 2}]
    assert read_ballot_file(proposal(parts, "quadratic")).rule == "snapshot-quadratic"
    # Without a type the form of the choices tells: full lists are rankings.
    assert read_ballot_file(proposal(ranked)).rule == "irv"
    assert read_ballot_file(proposal([*ranked, {"choice": [1], "vp": 1}])).rule == "approval"
    assert read_ballot_file(proposal(parts)).rule == "snapshot-weighted"
    assert read_ballot_file(proposal([{"choice": 2, "weight": 1}])).rule == "plurality"


def test_an_answer_of_the_hub_lies_in_data() -> None:
    inner = json.loads(proposal([{"choice": 2, "vp": 7}], "basic"))
    result = count_file(json.dumps({"data": inner}).encode())
    assert result["winners"] == ["2"]
    assert result["options"] == ["1", "2", "3"]


def test_weights_with_a_fraction_are_counted_in_their_last_decimal() -> None:
    votes = [{"choice": 1, "vp": 0.5}, {"choice": 2, "vp": 12.25}, {"choice": 1, "vp": 1e3}]
    result = count_file(proposal(votes))
    assert result["totals"] == {"1": "100050", "2": "1225", "3": "0"}
    assert result["weight_decimals"] == 2
    exact = proposal([]).replace(b"[]}", b'[{"choice":1,"vp":123456789012345678901234567890.123456789}]}')
    assert count_file(exact)["totals"]["1"] == "123456789012345678901234567890123456789"
    assert "weight_decimals" not in count_file(proposal([{"choice": 1, "vp": 3}]))


def test_parts_with_a_fraction_keep_their_proportion() -> None:
    result = count_file(proposal([{"choice": {"1": 0.5, "2": 1.5}, "vp": 4}]))
    assert result["totals"] == {"2": "3", "1": "1", "3": "0"}


def test_invalid_votes_are_listed_as_snapshot_leaves_them_out() -> None:
    votes = [{"choice": {"1": 1, "9": 1}, "vp": 4}, {"choice": {}, "vp": 1}, {"choice": {"2": 2}, "vp": 3}]
    result = count_file(proposal(votes, "quadratic"))
    assert result["ballots"] == {"valid": 1, "blank": 0, "invalid": 2}
    assert result["winners"] == ["2"]


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        (b'{"proposal": 1, "votes": []}', "/proposal"),
        (b'{"proposal": {}, "votes": []}', "/proposal/choices"),
        (b'{"candidates": [], "votes": []}', "/proposal/choices"),
        (b'{"candidates": ["a"], "votes": {}}', "/votes"),
        (b'{"candidates": ["a"], "votes": [1]}', "/votes"),
        (b'{"candidates": ["a"], "votes": [{"choice": 1}]}', "/votes/0"),
        (b'{"candidates": ["a"], "votes": [{"choice": 1, "vp": -1}]}', "/votes/0/vp"),
        (b'{"candidates": ["a"], "votes": [{"choice": 1, "vp": true}]}', "/votes/0/vp"),
        (b'{"candidates": ["a"], "votes": [{"choice": "0xabc", "vp": 1}]}', "/votes/0/choice"),
        (b'{"candidates": ["a"], "votes": [{"vp": 1}]}', "/votes/0/choice"),
    ],
)
def test_broken_proposals_name_the_place(data: bytes, pointer: str) -> None:
    with pytest.raises(MalformedBallotFile) as caught:
        read_ballot_file(data)
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    "data",
    [
        b'{"votes": ' + b"[" * 100_000,
        b'{"votes": [1e999999999]}',
        b'{"votes": [NaN]}',
        b'{"votes": [' + b"9" * 5_000 + b"]}",
        b'{"votes": [], "votes": []}',
        b'{"candidates": ["\\ud800"], "votes": []}',
        b'{"votes": ["\xff"]}',
    ],
)
def test_hostile_json_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_ballot_file(data)


def test_broken_json_names_line_and_column() -> None:
    with pytest.raises(MalformedBallotFile) as caught:
        read_ballot_file(b'{"candidates": ["a"],\n "votes": [,]}')
    assert (caught.value.facts["line"], caught.value.facts["column"]) == (2, 12)


# --- grouped rankings


def test_grouped_rankings() -> None:
    data = b'{"candidates": ["a", "b", "c"], "ballots": [[3, ["b", ["a", "c"]]], [2, []]]}'
    file = read_ballot_file(data)
    assert file.ballots == (Ballots(["b", ["a", "c"]], count=3), Ballots(None, count=2))
    turned = json.dumps({key: json.loads(data)[key] for key in ("ballots", "candidates")}).encode()
    assert read_ballot_file(turned) == file


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        (b'{"candidates": "ab", "ballots": []}', "/candidates"),
        (b'{"candidates": ["a", "a"], "ballots": []}', "/candidates"),
        (b'{"candidates": ["a"], "ballots": 1}', "/ballots"),
        (b'{"candidates": ["a"], "ballots": [["a"]]}', "/ballots/0"),
        (b'{"candidates": ["a"], "ballots": [[0, ["a"]]]}', "/ballots/0"),
        (b'{"candidates": ["a"], "ballots": [[1, [["a", 1]]]]}', "/ballots/0/1"),
    ],
)
def test_broken_rankings_name_the_place(data: bytes, pointer: str) -> None:
    with pytest.raises(MalformedBallotFile) as caught:
        read_ballot_file(data)
    assert caught.value.pointer == pointer


# --- between forms


def test_first_preferences_and_single_marks_are_choices() -> None:
    ranked = b'{"candidates": ["a", "b"], "ballots": [[3, ["b", "a"]], [2, [["b"], "a"]], [1, [["a", "b"]]]]}'
    result = count_file(ranked, "plurality")
    assert result["totals"] == {"b": "5", "a": "0"}
    assert result["ballots"] == {"valid": 5, "blank": 0, "invalid": 1}
    marks = proposal([{"choice": [2], "vp": 1}, {"choice": [1, 2], "vp": 1}], "approval")
    assert count_file(marks, "plurality")["ballots"] == {"valid": 1, "blank": 0, "invalid": 1}


def test_parameters_that_are_lists_or_objects_may_be_text() -> None:
    data, _ = load(BURLINGTON)
    typed = [count_file(data, "positional", {"points": text}) for text in ("2,1", "[2,1]", [2, 1], "2, 1")]
    assert typed == [typed[0]] * 4
    assert count_file(data, "positional", {"points": "dowdall"})["params"]["points"] == "dowdall"
    ratios = '{"Wright": {"numerator": 2, "denominator": 1, "strict": true}}'
    form = {"default_option": "Kiss", "majority_ratios": ratios}
    assert count_file(data, "schulze", form)["params"]["majority_ratios"]["Wright"]["numerator"] == 2
    with pytest.raises(InvalidDefinition):
        count_file(data, "positional", {"points": "2;1"})
