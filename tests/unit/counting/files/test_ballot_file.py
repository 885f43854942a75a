"""Our own ballot file, and recognising files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from governance import limits
from governance.counting import Option
from governance.counting.files.ballot_file import BallotFile, Ballots, format_ballot_file, parse_ballot_file
from governance.counting.files.sniff import read_ballot_file, sniff
from governance.errors import MalformedBallotFile, TooLarge
from tests.support.elections import LODZ, load

FILE = BallotFile(
    rule="approval",
    params={"seats": 2},
    options=(Option("a", "Äpfel", 2**100), Option("b")),
    ballots=(
        Ballots(["a"], 2**128 - 1, 3),
        Ballots({"a": 1}),
        Ballots(None),
        Ballots("x"),
        Ballots([["a", "b"]]),
    ),
    electorate=10**30,
    lot=("b", "a"),
)
MINIMAL: dict[str, Any] = {
    "format": "althing/ballot-file/v1",
    "rule": "approval",
    "options": [{"id": "a"}, {"id": "b"}],
    "ballots": [{"answer": ["a"]}],
}


def test_written_and_read_again() -> None:
    assert parse_ballot_file(format_ballot_file(FILE)) == FILE


def test_most_may_be_left_out() -> None:
    file = parse_ballot_file(json.dumps(MINIMAL).encode())
    assert file == BallotFile("approval", {}, (Option("a"), Option("b")), (Ballots(["a"]),))
    assert not file.foreign


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"format": "althing/ballot-file/v2"}, "/format"),
        ({"ballots": [{"answer": 1.5}]}, None),
        ({"ballots": [{"answer": 3}]}, "/ballots/0/answer"),
        ({"ballots": [{"answer": ["a"], "weight": 1}]}, "/ballots/0/weight"),
        ({"ballots": [{"answer": ["a"], "weight": "01"}]}, "/ballots/0/weight"),
        ({"ballots": [{"answer": ["a"], "count": 0}]}, "/ballots/0/count"),
        ({"options": [{"id": "a", "cost": "1.5"}]}, "/options/0/cost"),
        ({"options": [{"id": "a"}, {"id": "a"}]}, "/options"),
        ({"lot": ["a"]}, "/lot"),
        ({"colour": "red"}, ""),
    ],
)
def test_another_shape_is_refused_with_its_place(change: dict[str, Any], pointer: str | None) -> None:
    with pytest.raises(MalformedBallotFile) as caught:
        parse_ballot_file(json.dumps(MINIMAL | change).encode())
    if pointer is not None:
        assert (caught.value.pointer or "").startswith(pointer)


def test_files_are_recognised_by_their_bytes() -> None:
    assert sniff(b"\xef\xbb\xbfMETA\r\nkey;value") == "pabulib"
    assert sniff(b' \n{"format"') == "althing"
    assert sniff(b"METAL\n") is None
    assert sniff(b"") is None
    assert read_ballot_file(load(LODZ)[0], "lodz.txt").foreign
    assert read_ballot_file(format_ballot_file(FILE)) == FILE
    with pytest.raises(MalformedBallotFile, match=r"notes[.]txt"):
        read_ballot_file(b"hello", "notes.txt")


def test_a_file_may_not_be_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BALLOT_FILE", 10)
    with pytest.raises(TooLarge, match="11 bytes"):
        read_ballot_file(b"{" + b" " * 10)
