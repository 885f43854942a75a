"""Between PrefLib files and our ballots. Option ids are the alternatives' numbers, titles their names."""

from __future__ import annotations

from governance import limits
from governance.counting.files.ballot_file import BallotFile, Ballots
from governance.counting.files.preflib import Order, PrefLibFile, kind_of
from governance.counting.option import Option
from governance.counting.profile import Answer
from governance.errors import Refused


def ballots_of(file: PrefLibFile) -> BallotFile:
    """The question of a PrefLib file; it names no rule, so `schulze` counts unless another is asked for."""
    options = tuple(Option(str(number), name) for number, name in enumerate(file.names, 1))
    ballots = tuple(_line(count, order) for count, order in file.orders if count)
    return BallotFile("schulze", {}, options, ballots, foreign=True)


def preflib_of(file: BallotFile, title: str = "") -> PrefLibFile:
    """The PrefLib file of a question with ranked answers; alternatives are numbered like the options.

    Raises:
        Refused: blank votes, answers that are not rankings, or weights of 0, which the format cannot say.
    """
    numbers = {option.id: number for number, option in enumerate(file.options, 1)}
    orders = [(line.weight * line.count, _order(line.answer, numbers)) for line in file.ballots]
    if not all(count for count, _ in orders):
        raise Refused("a PrefLib file holds no ballots of weight 0")
    names = tuple(option.title or option.id for option in file.options)
    kind = kind_of((order for _, order in orders), len(names))
    return PrefLibFile(kind, names, tuple(orders), title)


def _line(count: int, order: Order) -> Ballots:
    answer: list[str | list[str]] = [
        str(rank[0]) if len(rank) == 1 else [str(number) for number in rank] for rank in order
    ]
    # A count is a JSON integer in our own format; larger numbers are weights.
    times = count if count <= limits.JSON_INTEGER else 1
    return Ballots(answer, count // times, times)


def _order(answer: Answer | None, numbers: dict[str, int]) -> Order:
    if answer is None or isinstance(answer, dict):
        raise Refused("a PrefLib file holds rankings only, and no blank votes")
    ranks = [[item] if isinstance(item, str) else item for item in _items(answer)]
    unknown = [name for rank in ranks for name in rank if name not in numbers]
    if unknown:
        raise Refused(f"a ballot names {unknown[0][:60]!r}, which is not an option")
    order = tuple(tuple(numbers[name] for name in rank) for rank in ranks if rank)
    named = [number for rank in order for number in rank]
    if not named or len(set(named)) < len(named):
        raise Refused("a PrefLib file holds no empty rankings, and no option twice in one")
    return order


def _items(answer: str | list[str | list[str]]) -> list[str | list[str]]:
    return [answer] if isinstance(answer, str) else answer
