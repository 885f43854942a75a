"""Grades as a table: a header with the options' names, one row for each voter, a whole number in each cell.

    n,Ann,Ben,Cleo
    0,5,3,
    1,6,1,4

`,` or `;` or tabs between cells. A first column called n, id, ballot or voter numbers the rows; a column
called weight or count says how many voters gave a row. An empty cell is no grade. So is 0 unless there are
grades below 0, as in the votes of Orsay (MieuxVoter); a missing grade counts as `min_grade`, so with
`--min-grade 0` zeros count as zeros.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Final

from governance import limits
from governance.counting.files.ballot_file import BallotFile, Ballots
from governance.counting.files.place import decoded, wrong
from governance.counting.option import Option
from governance.errors import MalformedBallotFile, Refused

_NUMBERING: Final = frozenset({"", "#", "n", "no", "nr", "id", "ballot", "voter", "voter_id"})
_WEIGHING: Final = frozenset({"weight", "count"})
_grade: Final = re.compile(r"-?[0-9]{1,6}")
_weight: Final = re.compile(r"[0-9]{1,39}")


def looks_like_grades(start: str) -> bool:
    """Whether a text begins with a header line and a row that holds numbers."""
    lines = [line for line in re.split(r"\r\n|\r|\n", start) if line.strip()]
    separator = _separator(lines[0]) if lines else ""
    if not separator or not re.search(r"[^\W\d]", lines[0]):
        return False
    cells = lines[1].split(separator) if len(lines) > 1 else []
    return any(re.fullmatch(r"\s*\"?-?[0-9]+\"?\s*", cell) for cell in cells)


def parse_grades(data: bytes) -> BallotFile:
    """The question and ballots of a table of grades; `majority-judgment` counts unless another is asked for.

    Raises:
        MalformedBallotFile: with line and column, in which the cell begins.
    """
    text = decoded(data)
    separator = _separator(text.lstrip().split("\n", 1)[0]) or ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows: list[tuple[int, list[str]]] = []
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as e:
        raise wrong(reader.line_num, 1, str(e)) from e
    if not rows:
        raise MalformedBallotFile("line 1, column 1: the table is empty", line=1, column=1)
    names = [cell.strip() for cell in rows[0][1]]
    columns = _columns(names, rows[0][0])
    weighing = next((i for i, name in enumerate(names) if name.lower() in _WEIGHING), None)
    graded = [_row(row, line, columns, names) for line, row in rows[1:]]
    times = [_times(row, line, weighing) for line, row in rows[1:]]
    given = {grade for answer in graded for grade in answer.values()}
    zero = min(given, default=0) < 0
    if not zero:
        graded = [{name: grade for name, grade in row.items() if grade} for row in graded]
    real = {grade for answer in graded for grade in answer.values()} or {1}
    lowest = min(real) if zero else min(1, *real)
    params = {"min_grade": lowest, "max_grade": max(*real, lowest + 1), "unmarked": "lowest"}
    options = tuple(Option(names[column]) for column in columns)
    ballots = tuple(Ballots(answer, weight) for answer, weight in zip(graded, times, strict=True))
    return BallotFile("majority-judgment", params, options, ballots, foreign=True)


def format_grades(file: BallotFile) -> bytes:
    """The bytes of a table of grades: UTF-8, `n`, one column for each option's id, and `weight`.

    Raises:
        Refused: blank votes or other answers than numbers by option, which a table cannot say.
    """
    names = [option.id for option in file.options]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["n", *names, "weight"])
    lines = [line for line in file.ballots for _ in range(line.count)]
    for number, line in enumerate(lines):
        if not isinstance(line.answer, dict):
            raise Refused("a table of grades holds numbers by option only, and no blank votes")
        grades = [line.answer.get(name, "") for name in names]
        writer.writerow([number, *grades, line.weight])
    return out.getvalue().encode()


def _separator(header: str) -> str:
    found = max(";\t,", key=header.count)
    return found if found in header else ""


def _columns(names: Sequence[str], line: int) -> list[int]:
    columns = [
        index
        for index, name in enumerate(names)
        if not (index == 0 and name.lower() in _NUMBERING) and name.lower() not in _WEIGHING
    ]
    if not 1 <= len(columns) <= limits.OPTIONS:
        raise wrong(line, 1, f"{len(columns)} options; 1 to {limits.OPTIONS} can be counted")
    for index in columns:
        if not names[index] or names[index] in names[:index]:
            raise wrong(
                line, _column(names, index), f"a column needs a name of its own: {names[index][:60]!r}"
            )
    return columns


def _row(row: Sequence[str], line: int, columns: Sequence[int], names: Sequence[str]) -> dict[str, int]:
    if len(row) != len(names):
        place = _column(row, len(names)) if len(row) > len(names) else _column(row, len(row)) - 1
        raise wrong(line, place, f"{len(row)} cells for {len(names)} columns")
    answer: dict[str, int] = {}
    for index in columns:
        cell = row[index].strip()
        if not cell:
            continue
        if _grade.fullmatch(cell) is None:
            raise wrong(line, _column(row, index), f"{cell[:40]!r} is not a grade, a whole number")
        answer[names[index]] = int(cell)
    return answer


def _times(row: Sequence[str], line: int, weighing: int | None) -> int:
    if weighing is None:
        return 1
    cell = row[weighing].strip()
    if _weight.fullmatch(cell) is None:
        raise wrong(line, _column(row, weighing), f"{cell[:40]!r} is not a weight")
    return int(cell)


def _column(row: Sequence[str], index: int) -> int:
    """Where a cell begins; quotes are not counted."""
    return 1 + sum(len(cell) + 1 for cell in row[:index])
