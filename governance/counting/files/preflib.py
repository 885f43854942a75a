"""PrefLib files of orders: soc, soi, toc and toi (Mattei & Walsh 2013; preflib.org/format).

    # DATA TYPE: toc
    # NUMBER ALTERNATIVES: 3
    # NUMBER VOTERS: 5
    # ALTERNATIVE NAME 1: Ann
    …
    4: 2,{1,3}         four voters: 2 first, 1 and 3 equal
    1: 3

s is strict, t has ties; c is complete, i may leave alternatives out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from governance import limits
from governance.counting.files.place import decoded, wrong
from governance.errors import Unsupported

KINDS: Final = ("soc", "soi", "toc", "toi")

Order = tuple[tuple[int, ...], ...]
"""Alternatives (from 1) by rank."""

_count: Final = re.compile(r"\s*([0-9]{1,39})\s*:")
_rank: Final = re.compile(r"\s*(?:([0-9]{1,9})|\{([0-9,\s]*)\})\s*(,|$)")
_break: Final = re.compile(r"[\r\n]+")
_number: Final = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class PrefLibFile:
    """`orders` are (number of voters, order) as the file lists them; `names` of alternatives 1, 2, ….

    `title` may be empty. What else a header says (publication, dates, relations) is not kept.
    """

    kind: str
    names: tuple[str, ...]
    orders: tuple[tuple[int, Order], ...]
    title: str = ""


def parse_preflib(data: bytes) -> PrefLibFile:
    """The orders of a PrefLib file.

    Raises:
        MalformedBallotFile: with line and column.
        Unsupported: a data type that holds no orders (`wmd`, `cat`).
    """
    header: dict[str, tuple[str, int]] = {}
    orders: list[tuple[int, Order]] = []
    names: tuple[str, ...] | None = None
    for line, text in enumerate(re.split(r"\r\n|\r|\n", decoded(data)), 1):
        if not text.strip():
            continue
        if text.startswith("#"):
            if names is not None:
                raise wrong(line, 1, "the header must come before the orders")
            key, colon, value = text[1:].partition(":")
            if colon:
                header[key.strip().upper()] = (value.strip(), line)
            continue
        if names is None:
            names = _names(header)
        orders.append(_line(text, line, len(names)))
    kind = _kind(header)
    file = PrefLibFile(kind, names or _names(header), tuple(orders), header.get("TITLE", ("", 0))[0])
    _check(file, header)
    return file


def format_preflib(file: PrefLibFile) -> bytes:
    """The bytes of a PrefLib file: UTF-8, line feeds."""
    head = {
        "TITLE": file.title,
        "DATA TYPE": file.kind,
        "NUMBER ALTERNATIVES": len(file.names),
        "NUMBER VOTERS": sum(count for count, _ in file.orders),
        "NUMBER UNIQUE ORDERS": len({order for _, order in file.orders}),
        **{f"ALTERNATIVE NAME {number}": name for number, name in enumerate(file.names, 1)},
    }
    lines = [f"# {key}: {_break.sub(' ', str(value))}" for key, value in head.items()]
    lines += [f"{count}: {','.join(map(_written, order))}" for count, order in file.orders]
    return "".join(line + "\n" for line in lines).encode()


def kind_of(orders: Iterator[Order], alternatives: int) -> str:
    """The narrowest data type that holds these orders."""
    tied = complete = 0
    total = 0
    for order in orders:
        total += 1
        tied += any(len(rank) > 1 for rank in order)
        complete += sum(map(len, order)) == alternatives
    return ("t" if tied else "s") + "o" + ("c" if complete == total else "i")


def _written(rank: tuple[int, ...]) -> str:
    return str(rank[0]) if len(rank) == 1 else "{" + ",".join(map(str, rank)) + "}"


def _line(text: str, line: int, alternatives: int) -> tuple[int, Order]:
    start = _count.match(text)
    if start is None:
        raise wrong(line, 1, "an order begins with the number of its voters and a colon")
    seen: set[int] = set()
    order: list[tuple[int, ...]] = []
    position = start.end()
    comma = ","
    while comma == ",":
        match = _rank.match(text, position)
        if match is None:
            raise wrong(line, position + 1, "an alternative or a group in braces should stand here")
        group = 1 if match.group(1) else 2
        numbers = [
            (int(m.group()), m.start() + match.start(group)) for m in _number.finditer(match.group(group))
        ]
        if not numbers:
            raise wrong(line, match.start(group) + 1, "a group in braces is empty")
        for number, place in numbers:
            if not 1 <= number <= alternatives:
                raise wrong(line, place + 1, f"there are alternatives 1 to {alternatives}, not {number}")
            if number in seen:
                raise wrong(line, place + 1, f"the alternative {number} is ranked twice")
            seen.add(number)
        order.append(tuple(number for number, _ in numbers))
        position, comma = match.end(), match.group(3)
    return int(start.group(1)), tuple(order)


def _names(header: dict[str, tuple[str, int]]) -> tuple[str, ...]:
    if "NUMBER ALTERNATIVES" not in header:
        raise wrong(1, 1, "the header lacks NUMBER ALTERNATIVES")
    number = _whole(header, "NUMBER ALTERNATIVES")
    if not 1 <= number <= limits.OPTIONS:
        raise wrong(header["NUMBER ALTERNATIVES"][1], 1, f"1 to {limits.OPTIONS} alternatives can be counted")
    return tuple(header.get(f"ALTERNATIVE NAME {n}", (f"{n}", 0))[0] for n in range(1, number + 1))


def _kind(header: dict[str, tuple[str, int]]) -> str:
    kind = header.get("DATA TYPE", ("toi", 0))[0].lower()
    if kind not in KINDS:
        raise Unsupported(f"the data type {kind[:40]!r} is not one of {', '.join(KINDS)}")
    return kind


def _check(file: PrefLibFile, header: dict[str, tuple[str, int]]) -> None:
    """The header says the truth about the orders."""
    found = kind_of((order for _, order in file.orders), len(file.names))
    if (file.kind[0] == "s" and found[0] == "t") or (file.kind[2] == "c" and found[2] == "i"):
        line = header["DATA TYPE"][1]
        raise wrong(line, 1, f"the data type is {file.kind}, but the orders are {found}")
    if "NUMBER VOTERS" in header:
        stated, voters = _whole(header, "NUMBER VOTERS"), sum(count for count, _ in file.orders)
        if stated != voters:
            line = header["NUMBER VOTERS"][1]
            raise wrong(line, 1, f"{stated} voters are announced, {voters} are listed")


def _whole(header: dict[str, tuple[str, int]], key: str) -> int:
    text, line = header[key]
    if not re.fullmatch(r"[0-9]{1,39}", text):
        raise wrong(line, 1, f"{key} {text[:40]!r} is not a whole number")
    return int(text)
