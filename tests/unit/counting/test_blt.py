"""BLT files: what is read, what is written, and what is refused with its line and column."""

from __future__ import annotations

import pytest

from governance.counting import Option
from governance.counting.files.ballot_file import BallotFile, Ballots
from governance.counting.files.blt import BltFile, format_blt, parse_blt
from governance.counting.files.blt_ballots import ballots_of, blt_of
from governance.counting.files.count import count_file
from governance.counting.files.sniff import sniff
from governance.errors import MalformedBallotFile, Refused
from tests.support.elections import MEEK, MINNEAPOLIS, SCOTTISH, load

NAMES = '"Ann"\n"Bob"\n"Cy"\n"Council"\n'


def read(papers: str, names: str = NAMES) -> BltFile:
    return parse_blt(f"3 2\n{papers}{names}".encode())


@pytest.mark.parametrize("name", [*SCOTTISH, MEEK[0], MINNEAPOLIS])
def test_real_files_are_written_as_they_were_read(name: str) -> None:
    data, _ = load(name)
    assert format_blt(parse_blt(data)).split() == data.split()


def test_the_parts() -> None:
    file = read("-2\n4 1 3 0\n2 3 0\n1 0\n0\n")
    assert file == BltFile(
        seats=2,
        names=("Ann", "Bob", "Cy"),
        papers=((4, ((1,), (3,))), (2, ((3,),)), (1, ())),
        withdrawn=frozenset({2}),
        title="Council",
    )


@pytest.mark.parametrize(
    "papers",
    [
        "4 1=2 - 3 0\n0\n",
        "4 1=2\n- 3\n0 0\n",
        "4 1=2 - 3 0 0\n",
        "# a\n4 1=2 - 3 0 # b\n\n0 # c\n",
        "/* a\n b */ 4 1=2 /* c */ - 3 0\n0\n",
        "\t4  1=2 - 3 0\r\n0\r\n",
        "[droop meek]\n0000000004 01=2 - 3 0\n0\n",
    ],
)
def test_ranks_and_layouts(papers: str) -> None:
    assert read(papers).papers == ((4, ((1, 2), (), (3,))),)


def test_paper_names_options_and_large_weights() -> None:
    file = read(f"[withdrawn 1]\n[tie 3 1 2]\n(b 17) 2 0\n(b18) 3 0\n{2**128} 3 0\n0\n")
    assert file.withdrawn == {1}
    assert file.tie == (3, 1, 2)
    assert [weight for weight, _ in file.papers] == [1, 1, 2**128]


def test_names() -> None:
    names = '# the names\n"Robert "Bob" Smith"  # him\n\n"B" "C, 2nd # 3"\nno title\n'
    file = read("0\n", names)
    assert (file.names, file.title) == (('Robert "Bob" Smith', "B", "C, 2nd # 3"), "")
    assert read("0\n", NAMES + '"source"\nanything 1 2 3').title == "Council"
    assert read("0\n", '"A" "B"\n"C"').title == ""
    old = '3 2\n0\n"J\xe9r\xf4me"\n"B"\n"C"\n'.encode("iso-8859-1")
    assert parse_blt(old).names[0] == "Jérôme"
    assert parse_blt(b"\xef\xbb\xbf" + old.decode("iso-8859-1").encode()).names[0] == "Jérôme"


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("", 1, 1),
        ("x 2\n", 1, 1),
        ("3 0\n", 1, 3),
        ("3 1001\n", 1, 3),
        ("3\n", 2, 1),
        ("3 2\n1 2 4 0\n0\n", 2, 5),
        ("3 2\n1 2=x 0\n0\n", 2, 3),
        ("3 2\n1 2= 0\n0\n", 2, 3),
        ("3 2\n-4\n", 2, 1),
        ("3 2\n1 2 0\n1.5 2 0\n0\n", 3, 1),
        (f"3 2\n  {2**128 + 1} 2 0\n0\n", 2, 3),
        ("3 2\n1 ٣ 0\n0\n", 2, 3),
        ("3 2\n1 2 0", 2, 6),
        ("3 2\n1 2 0\n0 1\n", 3, 3),
        ("3 2\n0\nAnn\n", 3, 1),
        ('3 2\n0\n"A"\n"B"\n', 5, 1),
        ('3 2\n0\n"A"\n  "B\n"C"\n', 4, 3),
        ("3 2\n[tie 1 2]\n0\n", 2, 1),
        ("3 2\n[nick a b c]\n0\n", 2, 1),
        ("3 2\n/* never closed\n0\n", 4, 1),
    ],
)
def test_a_broken_file_names_line_and_column(text: str, line: int, column: int) -> None:
    with pytest.raises(MalformedBallotFile, match=f"line {line}, column {column}: ") as caught:
        parse_blt(text.encode())
    assert (caught.value.facts["line"], caught.value.facts["column"]) == (line, column)


def test_a_blt_file_as_a_question() -> None:
    ours = ballots_of(read(f"-2\n4 2 1 3 0\n1 2=1 0\n1 - 1=3 0\n3 2 0\n1 0\n{2**60} 3 0\n0\n"))
    assert ours.options == (Option("1", "Ann"), Option("3", "Cy"))
    assert ours.ballots == (
        Ballots(["1", "3"], 1, 4),
        Ballots(["1"]),
        Ballots([[], ["1", "3"]]),
        Ballots(None, 1, 3),
        Ballots(None),
        Ballots(["3"], 2**60),
    )
    assert (ours.rule, ours.params, ours.lot) == ("scottish-stv", {"seats": 2}, ("3", "1"))


def test_the_order_of_a_file_is_its_lot_unless_another_is_asked_for() -> None:
    data = b'3 1\n1 1 0\n1 2 0\n1 3 0\n0\n"A"\n"B"\n"C"\n'
    assert count_file(data, "irv")["lot"] == ["3", "2", "1"]
    assert count_file(data.replace(b"1 1 0", b"[tie 2 1 3]\n1 1 0"), "irv")["lot"] == ["3", "1", "2"]
    lots = {tuple(count_file(data, "irv", seed=bytes([n]) * 32)["lot"]) for n in range(1, 9)}
    assert len(lots) > 1


def test_irregular_papers_are_listed_or_handled_as_asked() -> None:
    data = b'3 1\n3 1=2 3 0\n2 1 1 0\n1 1 - 2 0\n1 3 0\n0\n"A"\n"B"\n"C"\n'
    result = count_file(data)
    assert result["ballots"] == {"valid": 1, "blank": 0, "invalid": 6}
    assert [problem["reason"] for problem in result["invalid"]] == ["over-vote", "duplicate", "skipped-rank"]
    assert result["invalid"][0]["pointer"] == "/ballots/0/answer/0"
    wishes = {"over_vote": "skip", "duplicate_rank": "exhaust", "skipped_ranks": "skip"}
    handled = count_file(data, "irv", wishes)
    assert handled["ballots"]["invalid"] == 0
    assert handled["steps"][0]["totals"] == {"1": "3", "2": "0", "3": "4"}


def test_what_other_forms_are_as_rankings() -> None:
    data = b'2 1\n2 1 2 0\n0\n"A"\n"B"\n'
    assert count_file(data, "approval")["totals"] == {"1": "2", "2": "2"}
    pabulib = (
        "META\nkey;value\nbudget;30\nvote_type;{}\nPROJECTS\nproject_id;cost\n1;10\n2;20\n"
        "VOTES\nvoter_id;vote;points\na;1,2;3,5\nb;2;1\n"
    )
    marks = count_file(pabulib.format("approval").encode(), "irv")
    assert (marks["ballots"]["invalid"], marks["totals"]) == (1, {"1": "0", "2": "1"})
    points = count_file(pabulib.format("scoring").encode(), "irv")
    assert (points["ballots"]["invalid"], points["steps"][0]["totals"]) == (0, {"1": "0", "2": "2"})


def test_recognised_by_its_bytes() -> None:
    for start in (b"3 2\n", b"\xef\xbb\xbf# x\n\n 3 2 # y\r\n", b"/* a\n*/ 3\t2\n", b"3 2"):
        assert sniff(start) == "blt"
    for start in (b"3\n", b"3 2 1\n", b"3,2\n", b"# only\n", b"/* open", b"3 x\n"):
        assert sniff(start) is None


def test_our_ballots_written_as_blt() -> None:
    options = (Option("x", "Ex"), Option("y"))
    ballots = (Ballots(["y", "x"], 2, 3), Ballots(None), Ballots([["x", "y"], []]), Ballots("x"))
    file = BallotFile("irv", {}, options, ballots, lot=("x", "y"))
    assert format_blt(blt_of(file, "T")) == (
        b'2 1\n[tie 2 1]\n6 2 1 0\n1 0\n1 1=2 - 0\n1 1 0\n0\n"Ex"\n"y"\n"T"\n'
    )


@pytest.mark.parametrize("line", [Ballots({"a": 1}), Ballots(["z"]), Ballots(["a"], 0)])
def test_what_blt_cannot_say_is_refused(line: Ballots) -> None:
    with pytest.raises(Refused):
        blt_of(BallotFile("irv", {}, (Option("a"),), (line,)))


@pytest.mark.parametrize("name", ["two\nlines", 'a" "b', "\r"])
def test_names_that_cannot_be_quoted_are_refused(name: str) -> None:
    with pytest.raises(Refused):
        format_blt(BltFile(1, (name,), ()))
