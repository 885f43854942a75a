"""PrefLib files: what is read, what is written, and what is refused with line and column."""

from __future__ import annotations

import pytest

from governance.counting import Option
from governance.counting.files.ballot_file import BallotFile, Ballots
from governance.counting.files.preflib import format_preflib, parse_preflib
from governance.counting.files.preflib_ballots import ballots_of, preflib_of
from governance.counting.files.sniff import read_ballot_file
from governance.errors import MalformedBallotFile, Refused, Unsupported
from tests.support.elections import DEBIAN, load

HEAD = "# TITLE: T\n# DATA TYPE: {kind}\n# NUMBER ALTERNATIVES: 3\n# ALTERNATIVE NAME 2: Ben\n"


def parse(lines: str, kind: str = "toi") -> BallotFile:
    return ballots_of(parse_preflib((HEAD.format(kind=kind) + lines).encode()))


def test_orders_become_rankings() -> None:
    file = parse("4: 2,{1,3}\n1: 3\n\n2: { 1 , 2 } , 3\n")
    assert file.options == (Option("1", "1"), Option("2", "Ben"), Option("3", "3"))
    assert file.ballots == (
        Ballots(["2", ["1", "3"]], count=4),
        Ballots(["3"]),
        Ballots([["1", "2"], "3"], count=2),
    )
    assert (file.rule, file.foreign) == ("schulze", True)


def test_a_real_file_is_written_as_it_is_read() -> None:
    data, _ = load(DEBIAN[1])
    file = parse_preflib(data)
    assert (file.kind, len(file.orders), file.names[2]) == ("toc", 29, "Stefano Zacchiroli")
    assert parse_preflib(format_preflib(file)) == file
    assert preflib_of(ballots_of(file), file.title) == file
    # The header is ours, the orders are as they were.
    assert format_preflib(file).splitlines()[9:] == data.splitlines()[8:]


@pytest.mark.parametrize(
    ("lines", "kind", "line", "column"),
    [
        ("2, 1", "toi", 5, 1),
        ("1: 1,4", "toi", 5, 6),
        ("1: 1\n1: 2,,3", "toi", 6, 6),
        ("1: 1,{2,1}", "toi", 5, 9),
        ("1: {}", "toi", 5, 5),
        ("1: 1,", "toi", 5, 6),
        ("1: 1 2", "toi", 5, 3),
        ("1: a", "toi", 5, 3),
        ("1: {1,2", "toi", 5, 3),
        ("1: 1\n# TITLE: late", "toi", 6, 1),
        ("1: 1,2", "soc", 2, 1),
        ("1: 1,{2,3}", "soc", 2, 1),
        ("# NUMBER VOTERS: 3\n2: 1", "soi", 5, 1),
        ("# NUMBER VOTERS: many\n2: 1", "soi", 5, 1),
    ],
)
def test_broken_files_name_line_and_column(lines: str, kind: str, line: int, column: int) -> None:
    with pytest.raises(MalformedBallotFile) as caught:
        parse(lines, kind)
    assert (caught.value.facts["line"], caught.value.facts["column"]) == (line, column)
    assert f"line {line}, column {column}" in caught.value.detail


def test_headers() -> None:
    with pytest.raises(Unsupported, match="wmd"):
        parse("1: 1", "wmd")
    with pytest.raises(MalformedBallotFile, match="NUMBER ALTERNATIVES"):
        parse_preflib(b"# TITLE: x\n1: 1\n")
    with pytest.raises(MalformedBallotFile, match="alternatives can be counted"):
        parse_preflib(b"# NUMBER ALTERNATIVES: 1001\n1: 1\n")
    assert parse_preflib(
        "# NUMBER ALTERNATIVES: 1\n# ALTERNATIVE NAME 1: Zo\xeb\n1: 1".encode("latin-1")
    ).names == ("Zo\xeb",)


def file_of(*ballots: Ballots) -> BallotFile:
    return BallotFile("schulze", {}, (Option("a", "Ann"), Option("b")), ballots)


def test_the_narrowest_kind_is_written() -> None:
    strict, tied = Ballots(["b", "a"], 3, 2), Ballots([["a", "b"]])
    assert preflib_of(file_of(strict)).kind == "soc"
    assert preflib_of(file_of(strict, tied)).kind == "toc"
    assert preflib_of(file_of(strict, tied, Ballots(["a"]))).kind == "toi"
    assert preflib_of(file_of(strict, Ballots("a"))).kind == "soi"
    written = format_preflib(preflib_of(file_of(strict), "Two\nlines"))
    assert written.endswith(b"# ALTERNATIVE NAME 1: Ann\n# ALTERNATIVE NAME 2: b\n6: 2,1\n")
    assert b"# TITLE: Two lines\n" in written


@pytest.mark.parametrize(
    "ballot",
    [
        Ballots(None),
        Ballots([]),
        Ballots([[]]),
        Ballots({"a": 1}),
        Ballots(["z"]),
        Ballots(["a", "a"]),
        Ballots(["a"], 0),
    ],
)
def test_what_the_format_cannot_say_is_refused(ballot: Ballots) -> None:
    with pytest.raises(Refused):
        preflib_of(file_of(ballot))


def test_the_ending_of_the_name_tells_what_the_bytes_do_not() -> None:
    with pytest.raises(MalformedBallotFile, match="line 1"):
        read_ballot_file(b"garbage", "x.soc")
