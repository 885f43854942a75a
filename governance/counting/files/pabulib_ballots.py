"""Between Pabulib's tables and our ballots.

Vote types become answers: `approval` and `choose-1` a list of marks, `cumulative` and `scoring` points by
project, and `ordinal` points by position, `max_length` for the first (3, 2, 1 in Kraków), which is how
Pabulib's own column `score` counts them. So `approval` reproduces the column `votes` of any file, and `score`
or `greedy` the column `score`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from governance import limits
from governance.counting.files.ballot_file import BallotFile, Ballots
from governance.counting.files.pabulib import PabulibFile, Place, Row, Table, misplaced
from governance.counting.option import Option
from governance.counting.profile import Answer
from governance.errors import Refused, Unsupported

VOTE_TYPES: Final = ("approval", "choose-1", "ordinal", "cumulative", "scoring")
_AMOUNT: Final = re.compile(r"([0-9]{1,38})(?:[.,]0{1,6})?")
_POINTS: Final = re.compile(r"-?[0-9]{1,6}")


def ballots_of(file: PabulibFile) -> BallotFile:
    """The question, its rule and its ballots as a Pabulib file states them.

    Raises:
        MalformedBallotFile: amounts or points that are not whole numbers, with line and column.
        Unsupported: a vote type that Pabulib does not define.
    """
    vote_type = file.meta.get("vote_type", "")
    if vote_type not in VOTE_TYPES:
        raise Unsupported(f"the vote type {vote_type[:40]!r} is not one of {', '.join(VOTE_TYPES)}")
    options = tuple(_options(file.projects))
    ballots = tuple(Ballots(answer) for answer in _answers(file, vote_type, len(options)))
    rule, params = _rule(file)
    params |= _limits(file, vote_type)
    params["max_grade"] = _largest_grade(file, ballots)
    if vote_type == "ordinal":
        top = _whole(file, "max_length") or len(options)
        params["points"] = list(range(min(top, len(options), limits.OPTIONS), 0, -1))
    return BallotFile(rule, params, options, ballots, foreign=True)


def pabulib_of(file: BallotFile, description: Mapping[str, str]) -> PabulibFile:
    """The Pabulib tables of a budget question; `description` adds META lines (`country`, `currency` …).

    Raises:
        Refused: weighted ballots, rankings or options without cost, which the format cannot say.
    """
    if any(line.weight != 1 for line in file.ballots) or any(o.cost is None for o in file.options):
        raise Refused("a Pabulib file holds unweighted ballots and options with costs only")
    points = any(isinstance(line.answer, dict) for line in file.ballots)
    votes = [cells for line in file.ballots for cells in [_cells(line.answer, points)] * line.count]
    meta = {
        **description,
        "num_projects": str(len(file.options)),
        "num_votes": str(len(votes)),
        "budget": str(file.params.get("budget", "0")),
        "vote_type": "scoring" if points else "approval",
        "rule": _rule_name(file),
    }
    columns = ("voter_id", "vote", "points") if points else ("voter_id", "vote")
    return PabulibFile(
        Table(("key", "value"), tuple(meta.items())),
        Table(("project_id", "cost", "name"), tuple((o.id, str(o.cost), o.title) for o in file.options)),
        Table(columns, tuple((str(number), *cells) for number, cells in enumerate(votes, 1))),
    )


def _rule_name(file: BallotFile) -> str:
    """The rule in Pabulib's own names, where it has one."""
    if file.rule == "equal-shares":
        more = "u" if file.params.get("second_completion") == "greedy" else ""
        return f"equalshares/add1{more}" if file.params.get("completion") == "add1" else "equalshares"
    return "greedy-no-skip" if file.rule == "greedy" and file.params.get("skip") is False else file.rule


def _cells(answer: Answer | None, points: bool) -> Row:
    """The columns `vote` and, where the file has it, `points`."""
    marks = [mark for mark in answer or () if isinstance(mark, str)]
    whole = answer is None or (isinstance(answer, dict) if points else isinstance(answer, list))
    if not whole or len(marks) != len(answer or ()) or any("," in mark for mark in marks):
        raise Refused("a Pabulib file holds one kind of answer, marks or points, and no comma in an id")
    given = [str(number) for number in answer.values()] if isinstance(answer, dict) else []
    return (",".join(marks), ",".join(given)) if points else (",".join(marks),)


def _options(projects: Table) -> Iterator[Option]:
    ids, costs = projects.column("project_id") or [], projects.column("cost") or []
    names = projects.column("name") or [""] * len(ids)
    if len(ids) > limits.OPTIONS:
        raise misplaced(
            projects.place(limits.OPTIONS, "project_id"),
            f"{len(ids)} projects; at most {limits.OPTIONS} can be counted",
        )
    for row, (project, cost, name) in enumerate(zip(ids, costs, names, strict=True)):
        yield Option(project, name, _amount(cost, "the cost", projects.place(row, "cost")))


def _answers(file: PabulibFile, vote_type: str, projects: int) -> Iterator[Answer | None]:
    """One answer for each row; an empty vote is blank."""
    votes = file.votes
    points = votes.column("points")
    if vote_type in ("cumulative", "scoring") and points is None:
        raise misplaced(votes.place(0, "vote") if votes.rows else None, "VOTES lacks the column points")
    top = _whole(file, "max_length") or projects
    for row, vote in enumerate(votes.column("vote") or ()):
        marks = [mark.strip() for mark in vote.split(",")] if vote.strip() else []
        if not marks:
            yield None
        elif vote_type in ("approval", "choose-1"):
            yield list(marks)
        elif vote_type == "ordinal":
            yield _by_mark(
                marks, [max(top - place, 0) for place in range(len(marks))], votes.place(row, "vote")
            )
        elif points is not None:
            given = [_point(text.strip(), votes.place(row, "points")) for text in points[row].split(",")]
            yield _by_mark(marks, given, votes.place(row, "points"))


def _by_mark(marks: list[str], points: list[int], place: Place | None) -> dict[str, int]:
    answer = dict(zip(marks, points, strict=False))
    if len(answer) != len(marks) or len(points) != len(marks):
        raise misplaced(place, "projects and points of a vote do not pair up")
    return answer


def _rule(file: PabulibFile) -> tuple[str, dict[str, Any]]:
    """The rule META names, with its parameters; what Pabulib calls `unknown` is taken for greedy."""
    params: dict[str, Any] = {}
    if "budget" in file.meta:
        params["budget"] = str(_amount(file.meta["budget"], "the budget", file.place("budget")))
    name = file.meta.get("rule", "")
    if name.startswith("equalshares"):
        params["completion"] = "add1" if "add1" in name else "none"
        params["second_completion"] = "greedy" if "add1u" in name else "none"
        return "equal-shares", params
    if name == "greedy-no-skip":
        params["skip"] = False
    least = _whole(file, "min_project_score_threshold")
    if least is not None:
        params["threshold"] = str(least)
    return "greedy", params


def _limits(file: PabulibFile, vote_type: str) -> dict[str, Any]:
    """Limits of a vote, by the names our rules give them."""
    names = {"min_length": "min_marks", "max_length": "max_marks"}
    params: dict[str, Any] = {}
    if vote_type in ("approval", "choose-1"):
        params["answers"] = "approval"
    else:
        params["answers"] = "points"
        names |= {"max_points": "max_points", "max_sum_points": "max_sum"}
    for theirs, ours in names.items():
        limit = _whole(file, theirs)
        if limit is not None:
            params[ours] = limit
    if vote_type == "choose-1":
        params["max_marks"] = 1
    return params


def _largest_grade(file: PabulibFile, ballots: tuple[Ballots, ...]) -> int:
    stated = _whole(file, "max_points")
    if stated:
        return stated
    given = (max(b.answer.values(), default=0) for b in ballots if isinstance(b.answer, dict))
    return max(1, max(given, default=1))


def _whole(file: PabulibFile, name: str) -> int | None:
    """A number of META; None when it is not there."""
    text = file.meta.get(name, "")
    return _amount(text, name, file.place(name)) if text.strip() else None


def _amount(text: str, name: str, place: Place | None) -> int:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise misplaced(place, f"{name} {text[:40]!r} is not a whole number")
    return int(match.group(1))


def _point(text: str, place: Place | None) -> int:
    if _POINTS.fullmatch(text) is None:
        raise misplaced(place, f"{text[:40]!r} is not a number of points")
    return int(text)
