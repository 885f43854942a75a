"""Pabulib `.pb` files: participatory budgeting elections as three tables (Faliszewski et al., IJCAI 2023).

UTF-8 text, `;` between columns, `,` within a column; sections META (key;value), PROJECTS and VOTES, each with
a header line. All columns are kept, so that a file can be written again. Source of the format:
pabulib.org/format.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from governance.counting.files.place import wrong
from governance.errors import MalformedBallotFile

SECTIONS: Final = ("META", "PROJECTS", "VOTES")
_REQUIRED: Final = (("key", "value"), ("project_id", "cost"), ("vote",))

_special: Final = frozenset(';"\r\n')

Row = tuple[str, ...]
Place = tuple[int, int]
"""Line and column, from 1."""


@dataclass(frozen=True, slots=True)
class Table:
    """One section; `lines` are the line numbers of the rows in the file that was read."""

    columns: Row
    rows: tuple[Row, ...]
    lines: tuple[int, ...] = field(default=(), compare=False)

    def column(self, name: str) -> list[str] | None:
        """The values of a column from top to bottom; None when there is no such column."""
        if name not in self.columns:
            return None
        index = self.columns.index(name)
        return [row[index] for row in self.rows]

    def place(self, row: int, name: str) -> Place | None:
        """Line and column of a row's cell, quotes not counted; None when it was not read from a file."""
        if not self.lines or name not in self.columns:
            return None
        cells = self.rows[row][: self.columns.index(name)]
        return self.lines[row], 1 + sum(len(cell) + 1 for cell in cells)


@dataclass(frozen=True, slots=True)
class PabulibFile:
    """The three tables of a file."""

    meta_table: Table
    projects: Table
    votes: Table

    @property
    def meta(self) -> dict[str, str]:
        """META by key."""
        keys, values = self.meta_table.column("key"), self.meta_table.column("value")
        return dict(zip(keys or (), values or (), strict=True))

    def place(self, key: str) -> Place | None:
        """Line and column of a value of META."""
        keys = self.meta_table.column("key") or []
        return self.meta_table.place(keys.index(key), "value") if key in keys else None


def parse_pabulib(data: bytes) -> PabulibFile:
    """The tables of a Pabulib file.

    Raises:
        MalformedBallotFile: with line and column, in which the cell begins.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise MalformedBallotFile(f"byte {e.start} is not UTF-8", offset=e.start) from e
    found: list[Table] = []
    rows = _rows(text)
    line, row = next(rows, (1, ()))
    for section, required in zip(SECTIONS, _REQUIRED, strict=True):
        if row != (section,):
            raise wrong(line, 1, f"the section {section} should begin here")
        line, header = next(rows, (line, ()))
        columns = _columns(header, required, section, line)
        following = SECTIONS[len(found) + 1 :][:1]
        body: list[Row] = []
        lines: list[int] = []
        row = ()
        for line, row in rows:
            if row == following:
                break
            if len(row) != len(columns):
                end = 1 + sum(len(cell) + 1 for cell in row[: len(columns)])
                raise wrong(line, end, f"{section} has {len(columns)} columns, this line {len(row)}")
            body.append(row)
            lines.append(line)
        found.append(Table(columns, tuple(body), tuple(lines)))
    _check_unique(found[0], "key")
    _check_unique(found[1], "project_id")
    return PabulibFile(*found)


def format_pabulib(file: PabulibFile) -> bytes:
    """The bytes of a Pabulib file: UTF-8, line feeds, quotes only where they are needed."""
    lines: list[str] = []
    for section, table in zip(SECTIONS, (file.meta_table, file.projects, file.votes), strict=True):
        lines += [section, _line(table.columns), *map(_line, table.rows)]
    return "".join(line + "\n" for line in lines).encode()


def _line(row: Row) -> str:
    # csv.writer leaves a lone carriage return bare, which its own reader takes for a line end.
    return ";".join(map(_quoted, row)) or '""'


def _quoted(cell: str) -> str:
    if _special.isdisjoint(cell):
        return cell
    return '"' + cell.replace('"', '""') + '"'


def _rows(text: str) -> Iterator[tuple[int, Row]]:
    """Line number and cells, without empty lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";")
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as e:
            raise wrong(reader.line_num, 1, str(e)) from e
        if row:
            yield reader.line_num, tuple(row)


def _columns(header: Row, required: Sequence[str], section: str, line: int) -> Row:
    columns = tuple(name.strip() for name in header)
    missing = [name for name in required if name not in columns]
    if missing:
        raise wrong(line, 1, f"{section} lacks the column {missing[0]}")
    if len(set(columns)) != len(columns):
        raise wrong(line, 1, f"{section} names a column twice")
    return columns


def _check_unique(table: Table, name: str) -> None:
    seen: set[str] = set()
    for number, value in enumerate(table.column(name) or ()):
        if value in seen:
            raise misplaced(table.place(number, name), f"{name} {value[:60]!r} stands twice")
        seen.add(value)


def misplaced(place: Place | None, problem: str) -> MalformedBallotFile:
    """The refusal of a file, with the place where it was read."""
    return MalformedBallotFile(problem) if place is None else wrong(*place, problem)
