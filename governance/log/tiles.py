"""Tiles and entry bundles: which exist at a size, their paths, their bytes (C2SP tlog-tiles).

A tile of level L holds hashes of height 8*L; a full one has 256. Only the last tile of each level is partial
(`.p/<width>`), and a partial tile is never hashed upward. An entry bundle is the entries of one level-0 tile.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from governance import limits
from governance.errors import MalformedTile
from governance.log.merkle import HASH, TILE_HEIGHT

FULL: Final = limits.TILE_WIDTH
_MAX_LEVEL: Final = 63
_path: Final = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """The n-th tile of a level, `width` hashes of 32 bytes."""

    level: int
    n: int
    width: int = FULL

    @property
    def path(self) -> str:
        """Relative URL, for example `tile/0/x001/x234/067.p/8`."""
        return f"tile/{self.level}/{_elements(self.n, self.width)}"


@dataclass(frozen=True, slots=True, order=True)
class Bundle:
    """The entries of the n-th level-0 tile, `width` of them from index 256*n on."""

    n: int
    width: int = FULL

    @property
    def path(self) -> str:
        """Relative URL, for example `tile/entries/x001/000`."""
        return f"tile/entries/{_elements(self.n, self.width)}"


def _elements(n: int, width: int) -> str:
    """N in groups of three digits, all but the last marked x, and the width of a partial tile."""
    groups = [f"{n % 1000:03d}"]
    while n := n // 1000:
        groups.append(f"x{n % 1000:03d}")
    return "/".join(reversed(groups)) + ("" if width == FULL else f".p/{width}")


def parse_path(path: str) -> Tile | Bundle:
    """The tile or bundle of a relative URL, in its one spelling.

    Raises:
        MalformedTile: another spelling, a level above 63, a width outside 1…255, a number beyond any log.
    """
    match = _path.fullmatch(path)
    if match is None:
        raise MalformedTile(f"{path[:80]!r} is not the path of a tile or an entry bundle")
    level, groups, width = match.group(1), match.group(2), int(match.group(3) or FULL)
    n = int(groups.replace("x", "").replace("/", ""))
    found = Bundle(n, width) if level == "entries" else Tile(int(level), n, width)
    # Writing it again catches the rest: leading zero groups, `.p/256`, widths above.
    if found.path != path or width > FULL or n > limits.TREE_SIZE >> TILE_HEIGHT:
        raise MalformedTile(f"{path[:80]!r} is not the path of a tile or an entry bundle")
    if isinstance(found, Tile) and found.level > _MAX_LEVEL:
        raise MalformedTile(f"tile levels end at {_MAX_LEVEL}")
    return found


def tile_width(level: int, n: int, size: int) -> int:
    """How many hashes the n-th tile of a level has in a tree of that size: 0…256."""
    return max(0, min(FULL, (size >> (TILE_HEIGHT * level)) - n * FULL))


def tiles_for(old: int, new: int) -> Iterator[Tile]:
    """The tiles of a tree of size new that one of size old does not have, level by level.

    With old 0, all tiles that exist at size new.
    """
    level = 0
    while hashes := new >> (TILE_HEIGHT * level):
        before = old >> (TILE_HEIGHT * level)
        for n in range(before // FULL, hashes // FULL):
            yield Tile(level, n)
        if hashes % FULL and hashes != before:
            yield Tile(level, hashes // FULL, hashes % FULL)
        level += 1


def bundles_for(old: int, new: int) -> Iterator[Bundle]:
    """The entry bundles of a log of size new that one of size old does not have."""
    for n in range(old // FULL, new // FULL):
        yield Bundle(n)
    if new % FULL and new != old:
        yield Bundle(new // FULL, new % FULL)


def parse_tile(data: bytes, width: int) -> list[bytes]:
    """The hashes of a tile.

    Raises:
        MalformedTile: not exactly width hashes of 32 bytes.
    """
    if len(data) != width * HASH:
        raise MalformedTile(f"a tile of width {width} has {width * HASH} bytes, not {len(data)}")
    return [data[at : at + HASH] for at in range(0, len(data), HASH)]


def parse_bundle(data: bytes, count: int) -> list[bytes]:
    """The entries of a bundle: each a big-endian uint16 length and that many bytes.

    Raises:
        MalformedTile: not exactly count entries, or bytes left over; names the place in the bundle.
    """
    entries = []
    at, end = 0, len(data)
    for i in range(count):
        start = at + 2
        at = start + (data[at] << 8 | data[at + 1]) if start <= end else end + 1
        if at > end:
            raise MalformedTile(f"the bundle ends within entry {i} of {count}", entry=i)
        entries.append(data[start:at])
    if at != end:
        raise MalformedTile(f"{end - at} bytes follow the {count} entries of the bundle", entry=count)
    return entries


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """The bundle of entries.

    Raises:
        MalformedTile: an entry longer than the format can hold (65,535 bytes).
    """
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > limits.ENTRY_FORMAT:
            raise MalformedTile(f"an entry has at most {limits.ENTRY_FORMAT} bytes, not {len(entry)}")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)
