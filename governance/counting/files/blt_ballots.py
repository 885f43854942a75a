"""Between BLT files and our ballots. Option ids are the candidates' numbers, titles their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from governance import limits
from governance.counting.files.ballot_file import BallotFile, Ballots
from governance.counting.files.blt import BltFile, Ranking
from governance.counting.option import Option
from governance.counting.profile import Answer
from governance.errors import Refused


def ballots_of(file: BltFile) -> BallotFile:
    """The question of a BLT file; it names no rule, so `scottish-stv` counts unless another is asked for.

    Withdrawn candidates are no options: they are struck from the rankings, and a paper that names nobody else
    is blank. The order of the file, or its `[tie …]`, serves as the lot, as the reference rule of the PR
    Foundation and droop have it: of the tied the first is excluded.
    """
    ids = {number: str(number) for number in range(1, len(file.names) + 1) if number not in file.withdrawn}
    options = tuple(Option(ids[number], file.names[number - 1]) for number in ids)
    ballots = tuple(_line(weight, ranking, ids) for weight, ranking in file.papers)
    order = file.tie or tuple(ids)
    lot = tuple(ids[number] for number in order[::-1] if number in ids)
    return BallotFile("scottish-stv", {"seats": file.seats}, options, ballots, lot=lot, foreign=True)


def blt_of(file: BallotFile, title: str = "") -> BltFile:
    """The BLT file of a question with ranked answers; candidates are numbered in the order of the options.

    Raises:
        Refused: answers that are not rankings, or weights of 0, which the format cannot say.
    """
    numbers = {option.id: number for number, option in enumerate(file.options, 1)}
    papers: list[tuple[int, Ranking]] = []
    for line in file.ballots:
        weight = line.weight * line.count
        if not weight:
            raise Refused("a BLT file holds no ballots of weight 0")
        papers.append((weight, tuple(_rank(item, numbers) for item in _items(line.answer))))
    tie = tuple(numbers[name] for name in (file.lot or ())[::-1])
    names = tuple(option.title or option.id for option in file.options)
    seats = file.params.get("seats", 1)
    return BltFile(seats if isinstance(seats, int) else 1, names, tuple(papers), title=title, tie=tie)


def _line(weight: int, ranking: Ranking, ids: Mapping[int, str]) -> Ballots:
    answer: list[str | list[str]] = []
    for rank in ranking:
        left = [ids[number] for number in rank if number in ids]
        if len(left) == 1:
            answer.append(left[0])
        elif left or not rank:
            answer.append(left)
    blank = not any(answer)
    # A count is a JSON integer in our own format; larger numbers are weights.
    count = weight if weight <= limits.JSON_INTEGER else 1
    return Ballots(None if blank else answer, weight // count, count)


def _items(answer: Answer | None) -> Iterable[str | list[str]]:
    if answer is None:
        return ()
    if isinstance(answer, dict):
        raise Refused("a BLT file holds rankings only")
    return [answer] if isinstance(answer, str) else answer


def _rank(item: str | list[str], numbers: Mapping[str, int]) -> tuple[int, ...]:
    names = [item] if isinstance(item, str) else item
    unknown = [name for name in names if name not in numbers]
    if unknown:
        raise Refused(f"a ballot names {unknown[0][:60]!r}, which is not an option")
    return tuple(numbers[name] for name in names)
