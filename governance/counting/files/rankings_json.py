"""Grouped rankings as plain JSON, as results of elections are often passed on.

    {"candidates": ["Ann", "Ben", "Cleo"], "ballots": [[12, ["Ann", ["Ben", "Cleo"]]], …]}

A ballot is a number of voters and their ranking; option ids are the candidates' names.
"""

from __future__ import annotations

from typing import Any

from governance import limits
from governance.counting.files.ballot_file import BallotFile, Ballots
from governance.counting.files.foreign_json import load
from governance.counting.option import Option
from governance.counting.profile import Answer
from governance.errors import MalformedBallotFile


def parse_rankings(data: bytes) -> BallotFile:
    """The question and ballots; `schulze` counts unless another rule is asked for.

    Raises:
        MalformedBallotFile: with line and column, or with the place in the document.
    """
    document = load(data)
    names = document.get("candidates") if isinstance(document, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise MalformedBallotFile("candidates are a list of names", pointer="/candidates")
    if not 1 <= len(names) <= limits.OPTIONS or len(set(names)) < len(names):
        raise MalformedBallotFile(
            f"1 to {limits.OPTIONS} candidates, each once, can be counted", pointer="/candidates"
        )
    lines = document.get("ballots")
    if not isinstance(lines, list):
        raise MalformedBallotFile("ballots are a list", pointer="/ballots")
    ballots = tuple(_line(line, f"/ballots/{index}") for index, line in enumerate(lines))
    return BallotFile("schulze", {}, tuple(Option(name, name) for name in names), ballots, foreign=True)


def _line(line: Any, pointer: str) -> Ballots:
    if not isinstance(line, list) or len(line) != 2 or type(line[0]) is not int or line[0] < 1:
        raise MalformedBallotFile("a ballot is a number of voters and a ranking", pointer=pointer)
    count, ranking = line
    if not isinstance(ranking, list) or not all(_is_rank(rank) for rank in ranking):
        raise MalformedBallotFile("a ranking is a list of names or of lists of names", pointer=f"{pointer}/1")
    answer: Answer | None = ranking or None
    times = count if count <= limits.JSON_INTEGER else 1
    return Ballots(answer, count // times, times)


def _is_rank(rank: Any) -> bool:
    return isinstance(rank, str) or (isinstance(rank, list) and all(isinstance(name, str) for name in rank))
