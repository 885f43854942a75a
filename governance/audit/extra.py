"""What else a source publishes: stale partial tiles must agree, blobs match their names, no log be hidden."""

from __future__ import annotations

from governance import limits
from governance.audit.checks import Log
from governance.audit.source import PublicFiles
from governance.canonical import sha256
from governance.errors import Malformed, Refused
from governance.log.merkle import HASH
from governance.log.tiles import Bundle, Tile, encode_bundle, parse_bundle, parse_path, tile_width

_NAMED = ("checkpoint", "cosigned", "vkey", "outcome.json")
_BLOBS = "blobs/sha256/"


def check_listing(files: PublicFiles, log: Log, sizes: dict[str, int], below: str = "logs/") -> None:
    """Judges every listed file below `logs/` and `blobs/` that the logs' own checks did not read.

    Args:
        files: the source; one that cannot list its files is skipped.
        log: where the checks are written.
        sizes: audited size by log folder, -1 for a log that failed before its size was known.
        below: where the files of logs are; `tile/` for the directory of one log.
    """
    listing = files.listing()
    if listing is None:
        log.skipped("files", "this source cannot list its files")
        return
    blobs = [path for path in listing if path.startswith(_BLOBS)]
    logs = [path for path in listing if path.startswith(below)]
    for name, paths, judge in (("files", logs, _judge_file), ("blobs", blobs, _judge_blob)):
        wrong = ((path, judge(files, path, sizes)) for path in paths)
        path, why = next(((path, why) for path, why in wrong if why is not None), ("", None))
        if why is None:
            log.passed(name, f"{len(paths)} files, all accounted for", files=len(paths))
        else:
            log.fail(name, why, file=path)


def _judge_blob(files: PublicFiles, path: str, sizes: dict[str, int]) -> str | None:
    del sizes
    try:
        data = files.read(path, limits.BLOB)
    except (Malformed, Refused) as e:
        return e.detail
    return None if sha256(data).hex() == path.removeprefix(_BLOBS) else "the bytes are not those of the name"


def _judge_file(files: PublicFiles, path: str, sizes: dict[str, int]) -> str | None:
    folder = max((f for f in sizes if path.startswith(_prefix(f))), key=len, default=None)
    if folder is None:
        return "this file belongs to no log that the instance and its spaces name"
    name = path.removeprefix(_prefix(folder))
    size = sizes[folder]
    if name in _NAMED or size < 0:
        return None
    try:
        tile = parse_path(name)
        level = 0 if isinstance(tile, Bundle) else tile.level
        width = tile_width(level, tile.n, size)
        if tile.width == width:
            return None
        if tile.width > width:
            return f"a log of {size} entries has no such tile"
        return _judge_stale(files, path, folder, tile, width)
    except (Malformed, Refused) as e:
        return e.detail


def _judge_stale(files: PublicFiles, path: str, folder: str, tile: Tile | Bundle, width: int) -> str | None:
    """A partial tile of an earlier size must be the beginning of the present one, which was verified."""
    data = files.read(path, limits.ENTRY_BUNDLE)
    if isinstance(tile, Bundle):
        present = files.read(f"{_prefix(folder)}{Bundle(tile.n, width).path}", limits.ENTRY_BUNDLE)
        expected = encode_bundle(parse_bundle(present, width)[: tile.width])
    else:
        present = files.read(f"{_prefix(folder)}{Tile(tile.level, tile.n, width).path}", limits.TILE_BYTES)
        expected = present[: tile.width * HASH]
    return None if data == expected else "this earlier state of a tile contradicts the present one"


def _prefix(folder: str) -> str:
    return f"{folder}/" if folder else ""
