"""BLT files: ranked ballots as the programs for STV exchange them.

    4 2                candidates and seats
    -3                 withdrawn candidates, if any
    17 2 4=1 - 3 0     17 papers: 2 first, 4 and 1 equal, one rank left out, then 3
    0                  end of the papers
    "Ann"              one name for each candidate, then the title; what follows is not read
    "Council 2026"

White space separates numbers, so a paper may span lines. `#` begins a comment, `/* */` encloses one. A paper
may begin with a name in brackets instead of a number, `(b17)`: one paper. Of droop's option lines
`[withdrawn 3]` and `[tie 2 1 4 3]` are read, `[droop …]` is passed over. UTF-8, else ISO 8859-1 as older
programs wrote. Hill, Wichmann & Woodall, Computer Journal 30 (1987); the OpenSTV and droop manuals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from governance import limits
from governance.errors import MalformedBallotFile, Refused

Ranking = tuple[tuple[int, ...], ...]
"""Candidates (from 1) by rank; several at one rank are an over-vote, none a rank left out."""

WEIGHT: Final = 2**128
_word: Final = re.compile(r"\S+")
_comment: Final = re.compile(r"/\*|#")
_name: Final = re.compile(r'"(.*)"\s*(?:#[^"]*)?', re.DOTALL)
_between: Final = re.compile(r'"\s+"')


@dataclass(frozen=True, slots=True)
class BltFile:
    """The parts of a BLT file.

    `papers` are (weight, ranking) in the order of the file; `tie` is every candidate in the order in which
    the tied are excluded, where the file says so.
    """

    seats: int
    names: tuple[str, ...]
    papers: tuple[tuple[int, Ranking], ...]
    withdrawn: frozenset[int] = frozenset()
    title: str = ""
    tie: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    line: int
    column: int

    def wrong(self, problem: str) -> NoReturn:
        raise MalformedBallotFile(
            f"line {self.line}, column {self.column}: {problem}", line=self.line, column=self.column
        )


def parse_blt(data: bytes) -> BltFile:
    """The parts of a BLT file.

    Raises:
        MalformedBallotFile: with line and column.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("iso-8859-1")
    return _Reader(text).file()


class _Reader:
    """Reads line by line; words wait with their places only where a line is not one plain paper."""

    def __init__(self, text: str) -> None:
        self.lines = re.split(r"\r\n|\r|\n", text)
        self.number = 0
        self.waiting: list[tuple[str, _Place]] = []
        self.commented = False

    def file(self) -> BltFile:
        candidates, seats = self._header()
        withdrawn, tie = self._options(candidates)
        papers = tuple(self._papers(candidates))
        if self.waiting:
            self.waiting[0][1].wrong("nothing may follow the 0 that ends the papers on its line")
        names, title = self._names(candidates)
        return BltFile(seats, names, papers, frozenset(withdrawn), title, tie)

    def _line(self) -> str | None:
        """The next line, blanks in place of comments; None at the end."""
        if self.number == len(self.lines):
            return None
        line = self.lines[self.number]
        self.number += 1
        if not self.commented and "#" not in line and "/*" not in line:
            return line
        kept, at = [], 0
        while at < len(line):
            if self.commented:
                end = line.find("*/", at)
                stop = len(line) if end < 0 else end + 2
                self.commented = end < 0
                kept.append(" " * (stop - at))
            else:
                found = _comment.search(line, at)
                stop = len(line) if found is None else found.start()
                kept.append(line[at:stop])
                if found is not None and found.group() == "#":
                    break
                self.commented = found is not None
            at = stop
        return "".join(kept)

    def _places(self, line: str) -> list[tuple[str, _Place]]:
        return [(found.group(), _Place(self.number, found.start() + 1)) for found in _word.finditer(line)]

    def _next(self) -> tuple[str, _Place]:
        """The next word and its place."""
        while not self.waiting:
            line = self._line()
            if line is None:
                self._end().wrong("the file ends too early")
            self.waiting = self._places(line)[::-1]
        return self.waiting.pop()

    def _end(self) -> _Place:
        return _Place(len(self.lines), len(self.lines[-1]) + 1)

    def _header(self) -> tuple[int, int]:
        numbers = []
        for what in ("candidates", "seats"):
            word, place = self._next()
            number = _whole(word)
            if number is None or not 1 <= number <= limits.OPTIONS:
                place.wrong(
                    f"the number of {what} should stand here, 1 to {limits.OPTIONS}; not {word[:20]!r}"
                )
            numbers.append(number)
        return numbers[0], numbers[1]

    def _options(self, candidates: int) -> tuple[set[int], tuple[int, ...]]:
        """The withdrawn candidates and the order for ties, which stand before the papers."""
        withdrawn: set[int] = set()
        tie: tuple[int, ...] = ()
        while True:
            word, place = self._next()
            if word.startswith("-") and len(word) > 1:
                withdrawn.add(_candidate(word[1:], place, candidates))
                continue
            if not word.startswith("["):
                self.waiting.append((word, place))
                return withdrawn, tie
            name, numbers = self._option(word, place, candidates)
            if name == "withdrawn":
                withdrawn.update(numbers)
            elif name == "tie":
                if sorted(numbers) != list(range(1, candidates + 1)):
                    place.wrong("the order for ties must hold every candidate once")
                tie = tuple(numbers)

    def _option(self, word: str, place: _Place, candidates: int) -> tuple[str, list[int]]:
        """The name and the candidates of an option line of droop."""
        words = [(word[1:], place)]
        while not words[-1][0].endswith("]"):
            words.append(self._next())
        (name, _), *rest = ((text.rstrip("]"), where) for text, where in words)
        if name == "droop":
            return name, []
        if name not in ("withdrawn", "tie"):
            place.wrong(f"the option {name[:20]!r} is not known")
        return name, [_candidate(text, where, candidates) for text, where in rest if text]

    def _papers(self, candidates: int) -> Iterator[tuple[int, Ranking]]:
        """Weights and rankings, up to the 0 that ends them."""
        alone = {str(number): (number,) for number in range(1, candidates + 1)}
        while True:
            if not self.waiting:
                line = self._line()
                if line is None:
                    self._end().wrong("the papers should end with a line of 0")
                paper = _plain(line, alone)
                if paper is not None:
                    yield paper
                    continue
                self.waiting = self._places(line)[::-1]
                if not self.waiting:
                    continue
            weight = self._weight()
            if not weight:
                return
            yield weight, self._ranking(candidates)

    def _weight(self) -> int:
        word, place = self._next()
        if word.startswith("("):
            while not word.endswith(")"):
                word, _ = self._next()
            return 1
        weight = _whole(word)
        if weight is None or weight > WEIGHT:
            place.wrong(f"a number of papers should stand here, not {word[:45]!r}")
        return weight

    def _ranking(self, candidates: int) -> Ranking:
        ranking: list[tuple[int, ...]] = []
        while True:
            word, place = self._next()
            if _whole(word) == 0:
                return tuple(ranking)
            parts = [] if word == "-" else word.split("=")
            ranking.append(tuple(_candidate(part, place, candidates) for part in parts))

    def _names(self, candidates: int) -> tuple[tuple[str, ...], str]:
        names: list[str] = []
        while len(names) <= candidates and self.number < len(self.lines):
            line = self.lines[self.number]
            self.number += 1
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            found = _quoted(line)
            if not found and len(names) < candidates:
                _Place(self.number, len(line) - len(line.lstrip()) + 1).wrong(
                    f"the name of candidate {len(names) + 1} should stand here in double quotes"
                )
            names += found or [""]
        if len(names) < candidates:
            self._end().wrong(f"the file ends after {len(names)} of {candidates} names")
        return tuple(names[:candidates]), names[candidates] if len(names) > candidates else ""


def format_blt(file: BltFile) -> bytes:
    """The bytes of a BLT file: UTF-8, one paper on a line.

    Raises:
        Refused: a name that cannot stand in quotes on a line.
    """
    lines = [f"{len(file.names)} {file.seats}"]
    lines += [f"-{number}" for number in sorted(file.withdrawn)]
    if file.tie:
        lines.append(f"[tie {' '.join(map(str, file.tie))}]")
    for weight, ranking in file.papers:
        ranks = ["=".join(map(str, rank)) or "-" for rank in ranking]
        lines.append(" ".join([str(weight), *ranks, "0"]))
    lines.append("0")
    for name in (*file.names, file.title):
        line = f'"{name}"'
        if _quoted(line) != [name] or re.search(r"[\r\n]", name):
            raise Refused(f"the name {name[:60]!r} cannot be written in a BLT file")
        lines.append(line)
    return "".join(line + "\n" for line in lines).encode()


def _quoted(line: str) -> list[str]:
    """The strings in double quotes on a line; quotes within one are kept unless white space divides them."""
    match = _name.fullmatch(line.strip())
    return _between.split(match.group(1)) if match else []


def _plain(line: str, alone: Mapping[str, tuple[int, ...]]) -> tuple[int, Ranking] | None:
    """The paper on a line that holds just one with single ranks, the usual case; None for all others."""
    words = line.split()
    if len(words) < 2 or words[-1] != "0" or len(words[0]) > 15:
        return None
    weight = _whole(words[0])
    try:
        return (weight, tuple([alone[word] for word in words[1:-1]])) if weight else None
    except KeyError:
        return None


def _whole(word: str) -> int | None:
    return int(word) if word.isascii() and word.isdecimal() and len(word) <= 39 else None


def _candidate(word: str, place: _Place, candidates: int) -> int:
    number = _whole(word)
    if number is None or not 1 <= number <= candidates:
        place.wrong(f"{word[:20]!r} is not a candidate from 1 to {candidates}")
    return number
