"""Pabulib files: what is read, what is written, and what is refused with its line."""

from __future__ import annotations

import pytest

from governance.counting import Option
from governance.counting.files.ballot_file import BallotFile, Ballots
from governance.counting.files.pabulib import format_pabulib, parse_pabulib
from governance.counting.files.pabulib_ballots import ballots_of, pabulib_of
from governance.errors import MalformedBallotFile, Refused, Unsupported
from tests.support.elections import ASSEN, KRAKOW, LODZ, SWIECIE, TOULOUSE, load

SMALL = (
    "META\nkey;value\nbudget;{budget}\nvote_type;{vote_type}\nrule;{rule}\n{meta}"
    "PROJECTS\nproject_id;cost;name\n1;10;Bench\n2;20;Tree\nVOTES\nvoter_id;vote{points}\n{votes}"
)


def small(
    votes: str, vote_type: str = "approval", rule: str = "greedy", meta: str = "", budget: str = "30"
) -> BallotFile:
    points = ";points" if vote_type in ("cumulative", "scoring") else ""
    text = SMALL.format(votes=votes, vote_type=vote_type, rule=rule, meta=meta, points=points, budget=budget)
    return ballots_of(parse_pabulib(text.encode()))


def answers(file: BallotFile) -> list[object]:
    return [line.answer for line in file.ballots]


@pytest.mark.parametrize("name", [LODZ, TOULOUSE, ASSEN, SWIECIE, KRAKOW])
def test_real_files_are_written_as_they_were_read(name: str) -> None:
    data, _ = load(name)
    file = parse_pabulib(data)
    assert format_pabulib(file) == data.replace(b"\r\n", b"\n")
    assert parse_pabulib(format_pabulib(file)) == file


def test_vote_types() -> None:
    assert answers(small("a;1,2\nb;\nc; 2 \n")) == [["1", "2"], None, ["2"]]
    assert answers(small("a;2\n", "choose-1")) == [["2"]]
    assert answers(small("a;1,2;3,0\n", "cumulative")) == [{"1": 3, "2": 0}]
    assert answers(small("a;1,2;-1,4\n", "scoring")) == [{"1": -1, "2": 4}]


def test_positions_are_points_from_max_length_down() -> None:
    assert answers(small("a;2,1\n", "ordinal", meta="max_length;3\n")) == [{"2": 3, "1": 2}]
    assert answers(small("a;2,1\n", "ordinal")) == [{"2": 2, "1": 1}]


@pytest.mark.parametrize(
    ("rule", "ours", "params"),
    [
        ("greedy", "greedy", {}),
        ("unknown", "greedy", {}),
        ("greedy-no-skip", "greedy", {"skip": False}),
        ("equalshares", "equal-shares", {"completion": "none", "second_completion": "none"}),
        ("equalshares/add1", "equal-shares", {"completion": "add1", "second_completion": "none"}),
        ("equalshares/add1u", "equal-shares", {"completion": "add1", "second_completion": "greedy"}),
    ],
)
def test_rules(rule: str, ours: str, params: dict[str, object]) -> None:
    file = small("", rule=rule)
    assert file.rule == ours
    assert params.items() <= file.params.items()


def test_limits_of_a_vote() -> None:
    meta = "min_length;1\nmax_length;2\nmin_project_score_threshold;5\n"
    params = {"min_marks": 1, "max_marks": 2, "threshold": "5", "budget": "30"}
    assert params.items() <= small("", meta=meta).params.items()
    meta = "max_points;4\nmax_sum_points;7\n"
    params = {"max_points": 4, "max_sum": 7, "max_grade": 4, "answers": "points"}
    assert params.items() <= small("", "cumulative", meta=meta).params.items()


def test_whole_amounts_may_be_written_with_decimals() -> None:
    assert small("", budget="30.00").params["budget"] == "30"
    with pytest.raises(MalformedBallotFile, match="budget"):
        small("", budget="30.50")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("META\nkey;values\n", 2),
        ("META\nkey;value\na;1\na;2\nPROJECTS\nproject_id;cost\nVOTES\nvote\n", 4),
        ("META\nkey;value\nbudget;1;2\n", 3),
        ("META\nkey;value\nbudget;1\nVOTES\nvote\n", 4),
        ("META\nkey;value\nPROJECTS\nproject_id;price\n", 4),
        ("META\nkey;value\nPROJECTS\nproject_id;cost;cost\n", 4),
        ("META\nkey;value\nPROJECTS\nproject_id;cost\n1;2\n1;3\nVOTES\nvote\n", 6),
        ("META\nkey;value\nPROJECTS\nproject_id;cost\n1;2\n", 5),
    ],
)
def test_broken_tables_name_the_line(text: str, line: int) -> None:
    with pytest.raises(MalformedBallotFile) as caught:
        parse_pabulib(text.encode())
    assert caught.value.facts["line"] == line


@pytest.mark.parametrize(
    ("votes", "vote_type"),
    [
        ("a;1,2;3\n", "cumulative"),
        ("a;1,1;3,3\n", "cumulative"),
        ("a;1;x\n", "scoring"),
        ("a;1;\n", "scoring"),
        ("a;2,2\n", "ordinal"),
    ],
)
def test_broken_votes_name_the_line(votes: str, vote_type: str) -> None:
    with pytest.raises(MalformedBallotFile) as caught:
        small(votes, vote_type)
    assert caught.value.facts["line"] == 12


def test_other_faults() -> None:
    with pytest.raises(MalformedBallotFile, match="UTF-8"):
        parse_pabulib(b"META\nkey;value\n\xff")
    with pytest.raises(Unsupported, match="telepathy"):
        small("", "telepathy")
    text = SMALL.format(votes="", vote_type="cumulative", rule="greedy", meta="", points="", budget="1")
    with pytest.raises(MalformedBallotFile, match="points"):
        ballots_of(parse_pabulib(text.encode()))
    with pytest.raises(MalformedBallotFile, match="cost"):
        ballots_of(parse_pabulib(text.replace("1;10", "1;ten").replace("cumulative", "approval").encode()))


@pytest.mark.parametrize(
    ("vote_type", "given"),
    [("approval", [["1", "2"], None, ["2"]]), ("points", [{"1": 3, "2": 0}, None, {"2": 1}])],
)
def test_our_ballots_survive_a_way_through_pabulib(vote_type: str, given: list[object]) -> None:
    options = (Option("1", "Bench", 10), Option("2", 'A "tree";', 20))
    ballots = tuple(Ballots(answer) for answer in given)  # type: ignore[arg-type]
    file = BallotFile("equal-shares", {"budget": "30"}, options, ballots)
    tables = parse_pabulib(format_pabulib(pabulib_of(file, {"country": "Nowhere"})))
    assert tables.meta["country"] == "Nowhere"
    again = ballots_of(tables)
    assert (again.rule, again.options, again.ballots) == (file.rule, file.options, file.ballots)
    assert again.params["budget"] == "30"


@pytest.mark.parametrize(
    "line",
    [
        Ballots(["1"], weight=2),
        Ballots("1"),
        Ballots([["1", "2"]]),
        Ballots(["1,2"]),
    ],
)
def test_what_pabulib_cannot_say_is_refused(line: Ballots) -> None:
    with pytest.raises(Refused):
        pabulib_of(BallotFile("greedy", {}, (Option("1", cost=1),), (line,)), {})
