"""Tally sheets as the Debian project publishes them (debian.org/vote).

         Option 1------>: Ann
       /  Option 2----->: Ben
       |/  Option 3---->: None of the above
       |||/
    V: 2-1  83b1…      one voter: 3 first, then 1; 2 is not ranked

Option ids are the options' numbers. The text around the votes is free and not read.
"""

from __future__ import annotations

import re
from typing import Final

from governance import limits
from governance.counting.files.ballot_file import BallotFile, Ballots
from governance.counting.files.place import decoded, wrong
from governance.counting.option import Option

_option: Final = re.compile(r"[\s|/]*Option\s+([0-9]{1,3})\s*-+>\s*:\s*(.*?)\s*")
_vote: Final = re.compile(r"V:\s+(\S+)(?:\s.*)?")
_RANKS: Final = "123456789abcdefghijklmnopqrstuvwxyz"


def parse_debian_tally(data: bytes) -> BallotFile:
    """The question and ballots of a tally sheet; `schulze` counts unless another rule is asked for.

    Raises:
        MalformedBallotFile: with line and column.
    """
    names: list[str] = []
    ballots: list[Ballots] = []
    for line, text in enumerate(re.split(r"\r\n|\r|\n", decoded(data)), 1):
        if match := _option.fullmatch(text):
            if int(match.group(1)) != len(names) + 1:
                raise wrong(line, match.start(1) + 1, f"option {len(names) + 1} should come here")
            if ballots:
                raise wrong(line, 1, "the options must come before the votes")
            names.append(match.group(2))
        elif match := _vote.fullmatch(text):
            ballots.append(Ballots(_answer(match.group(1), line, match.start(1) + 1, len(names))))
        elif text.startswith("V:"):
            raise wrong(line, 3, "a vote should stand here")
    if not 1 <= len(names) <= limits.OPTIONS:
        raise wrong(1, 1, "the tally sheet names no options, or too many")
    options = tuple(Option(str(number), name) for number, name in enumerate(names, 1))
    return BallotFile("schulze", {}, options, tuple(ballots), foreign=True)


def _answer(vote: str, line: int, column: int, options: int) -> list[str | list[str]] | None:
    """Ranks may be left out between; a vote without any rank is blank."""
    if len(vote) != options:
        raise wrong(line, column + min(len(vote), options), f"{len(vote)} ranks for {options} options")
    ranks: dict[int, list[str]] = {}
    for index, mark in enumerate(vote.lower()):
        if mark == "-":
            continue
        if mark not in _RANKS:
            raise wrong(line, column + index, f"{mark!r} is no rank")
        ranks.setdefault(_RANKS.index(mark), []).append(str(index + 1))
    order = [ranks[rank] for rank in sorted(ranks)]
    return [names[0] if len(names) == 1 else names for names in order] or None
