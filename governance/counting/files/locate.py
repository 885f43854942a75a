"""Lines and columns for faults that name a place in a JSON document, or an offset."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from governance import limits
from governance.counting.checks import at
from governance.errors import MalformedBallotFile

_token: Final = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+)', re.DOTALL)
_integer: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,15})")
_number: Final = re.compile(r"-?[0-9.].*|NaN|-?Infinity")
_told: Final = re.compile(r" at (?:line [0-9]+ column [0-9]+|byte [0-9]+)$")
_escape: Final = re.compile(r'\\(["\\/])')


@dataclass(frozen=True, slots=True)
class Spot:
    """A value of a JSON document: its pointer (RFC 6901), where it begins, its first word.

    `again` when its key stood in the same object before.
    """

    pointer: str
    offset: int
    word: str
    again: bool = False


@dataclass(slots=True)
class _Open:
    """An object or array that is being read; `key` is the member or index at hand."""

    pointer: str
    is_object: bool
    key: str | int | None
    seen: set[str] = field(default_factory=set)
    again: bool = False


def spots(text: str) -> Iterator[Spot]:
    """Every value in the order of the document; ends where the document is no JSON."""
    stack: list[_Open] = []
    position = 0
    while match := _token.match(text, position):
        word, start, position = match.group(1), match.start(1), match.end()
        top = stack[-1] if stack else None
        if word in "]}":
            if not stack:
                return
            stack.pop()
        elif word == ",":
            if top is not None:
                top.key = None if top.is_object or not isinstance(top.key, int) else top.key + 1
        elif word == ":":
            continue
        elif top is not None and top.is_object and top.key is None:
            top.key = _escape.sub(r"\1", word[1:-1])
            top.again = top.key in top.seen
            top.seen.add(top.key)
        else:
            pointer = "" if top is None or top.key is None else at(top.pointer, top.key)
            yield Spot(pointer, start, word, top is not None and top.again)
            if word in "[{" and len(stack) <= limits.JSON_DEPTH:
                stack.append(_Open(pointer, word == "{", None if word == "{" else 0))
            elif word in "[{":
                return


def located(data: bytes, error: MalformedBallotFile) -> MalformedBallotFile:
    """The same error with line and column, where it names a place in the document or an offset."""
    if "line" in error.facts and "column" in error.facts:
        return error
    offset = error.facts.get("offset")
    text = data.decode("utf-8-sig" if not isinstance(offset, int) else "utf-8", "replace")
    if isinstance(offset, int):
        place = len(data[:offset].decode("utf-8", "replace"))
    else:
        found = _find(text, error.pointer)
        place = 0 if found is None else found.offset
    line, column = text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place)
    detail = _told.sub("", error.detail)
    return MalformedBallotFile(
        f"line {line}, column {column}: {detail}", pointer=error.pointer, line=line, column=column
    )


def _find(text: str, pointer: str | None) -> Spot | None:
    """The value at a pointer, or the nearest around it; without one the first that is no strict JSON."""
    best = None
    for spot in spots(text):
        if pointer is None:
            if spot.again or (_number.fullmatch(spot.word) and not _strict(spot.word)):
                return spot
        elif spot.pointer == pointer:
            return spot
        elif pointer.startswith(f"{spot.pointer}/") and (
            best is None or len(spot.pointer) > len(best.pointer)
        ):
            best = spot
    return best


def _strict(word: str) -> bool:
    return bool(_integer.fullmatch(word)) and word != "-0" and abs(int(word)) <= limits.JSON_INTEGER
