"""Bytes of a text file → lines, with UTF-8 that somebody once decoded as something else put right.

The common accident is reversible: UTF-8 bytes shown as windows-1252 or Mac Roman and saved as UTF-8 again. A
line that turns back into valid UTF-8 as a whole, with a character of three bytes or more, cannot be there by
chance and is restored exactly; what remains goes to ftfy. Bytes that windows-1252 leaves undefined may be
gone from the file: the status marks that lose one are recognised by what is left of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import ftfy
import ftfy.bad_codecs
from ftfy.badness import is_bad

from governance import limits
from governance.errors import MalformedRoadmap, TooLarge
from governance.roadmap.marks import STATUS_MARKS
from governance.roadmap.model import Repair

LINE: Final = 20_000
"""Characters of a line that are read; the rest is an embedded picture, not a plan."""

ftfy.bad_codecs.ok()
_CODECS: Final = {"sloppy-windows-1252": "windows-1252", "mac_roman": "Mac Roman"}


def _lossy_marks() -> dict[str, str]:
    """What is left of a mark whose undefined byte was dropped → the same with the byte kept."""
    found = {}
    for mark in STATUS_MARKS:
        data = mark.encode()
        rest = data.decode("windows-1252", errors="ignore")
        if len(rest) < len(data):
            found[rest] = data.decode("sloppy-windows-1252")
    return found


_LOSSY: Final = _lossy_marks()
_lossy: Final = re.compile("|".join(map(re.escape, sorted(_LOSSY, key=len, reverse=True))))


@dataclass(frozen=True, slots=True)
class Decoded:
    """The lines of a document, how they were encoded, what was restored, which lines were cut at `LINE`."""

    lines: tuple[str, ...]
    encoding: str
    repaired: tuple[Repair, ...]
    cut: tuple[int, ...]


def decode(data: bytes, *, name: str) -> Decoded:
    """The lines of a document.

    Raises:
        TooLarge: more than `limits.ROADMAP_FILE` bytes or `limits.ROADMAP_LINES` lines.
        MalformedRoadmap: not text in UTF-8.
    """
    if len(data) > (limit := limits.ROADMAP_FILE):
        raise TooLarge(f"{name} has {len(data)} bytes; a roadmap may have {limit}", limit=limit)
    if (zero := data.find(0)) >= 0:
        raise MalformedRoadmap(f"{name} is not a text file: byte {zero} is zero. Save it as UTF-8 Markdown")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise MalformedRoadmap(f"{name} is not UTF-8 text: byte {e.start}. Save it as UTF-8 Markdown") from e
    raw = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(raw) > (limit := limits.ROADMAP_LINES):
        raise TooLarge(f"{name} has {len(raw)} lines; a roadmap may have {limit}", limit=limit)
    cut = tuple(number for number, line in enumerate(raw, 1) if len(line) > LINE)
    return _repair([line[:LINE] for line in raw], cut)


def _repair(lines: list[str], cut: tuple[int, ...]) -> Decoded:
    repaired: list[Repair] = []
    codecs: dict[str, None] = {}
    lost = False
    for number, before in enumerate(lines, 1):
        after, codec, was_lost = repair_line(before)
        if after != before:
            repaired.append(Repair(number, before, after))
            lines[number - 1] = after
            lost = lost or was_lost
            if codec:
                codecs[codec] = None
    return Decoded(tuple(lines), _label(list(codecs), bool(repaired), lost), tuple(repaired), cut)


def _label(codecs: list[str], repaired: bool, lost: bool) -> str:
    if not repaired:
        return "utf-8"
    read_as = f" read as {' and '.join(codecs)}" if codecs else ""
    return f"utf-8{read_as}, {'partly lost, ' if lost else ''}repaired"


def repair_line(line: str) -> tuple[str, str | None, bool]:
    """The line as it was meant, the encoding it had been read as, and whether a byte had to be inferred."""
    if line.isascii():
        return line, None, False
    for codec, label in _CODECS.items():
        if (meant := _undo(line, codec)) is not None:
            return meant, label, False
    meant = _undo(_lossy.sub(lambda found: _LOSSY[found[0]], line), "sloppy-windows-1252")
    if meant is not None:
        return meant, _CODECS["sloppy-windows-1252"], True
    text, steps = ftfy.fix_encoding_and_explain(line)
    read_as = next((step.parameter for step in steps or () if step.action == "encode"), None)
    return text, _CODECS.get(read_as, read_as) if read_as else None, False


def _undo(line: str, codec: str) -> str | None:
    """The line before it was read as `codec`, when that is certain."""
    try:
        meant = line.encode(codec).decode("utf-8")
    except UnicodeError:
        return None
    certain = any(ord(character) > 0x7FF for character in meant)
    return meant if certain or is_bad(line) else None
