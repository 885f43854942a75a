"""Whether two signed heads of a log are of one history, with evidence where they are not.

What a source shows of a tree is believed only as far as it leads to the signed root: a liar's server may give
other tiles to whoever asks a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial

from governance.audit.source import LogFiles
from governance.errors import BadEvidence, Malformed, NotFound, Refused, Unavailable
from governance.log.builder import TileHashes
from governance.log.checkpoint import Checkpoint
from governance.log.evidence import different_sizes, same_size
from governance.log.merkle import HASH, Frontier, ReadHash, leaf_hash
from governance.log.proofs import consistency_path, roots_from_path
from governance.log.tiles import FULL, Bundle, Tile, parse_bundle, tile_width

Head = tuple[Checkpoint, bytes]
"""A head and its note, whose signature by the log has been verified."""


def fork(files: LogFiles, vkey: str, heads: tuple[Head, Head], cosigners: Iterable[str]) -> bytes | None:
    """Evidence that two heads are of two histories; None where the larger tree contains the smaller.

    Args:
        files: the log; asked for the larger tree.
        vkey: of the log.
        heads: in any order.
        cosigners: vkeys of those who stand accused too when they have signed both.

    Raises:
        NotFound: the source does not show the tree of the larger head.
    """
    (small, one), (large, other) = sorted(heads, key=lambda head: head[0].size)
    if small.size == large.size:
        same = partial(same_size, vkey, one, other)
        return None if small.root == large.root else _accusing(same, cosigners)
    if small.size == 0:
        return None
    for read_hash in _trees(files, large.size):
        try:
            path = consistency_path(read_hash, small.size, large.size)
            first, second = roots_from_path(small.size, large.size, path)
        except (Malformed, Refused, Unavailable):
            continue
        if second == large.root:
            different = partial(different_sizes, vkey, one, other, read_hash)
            return None if first == small.root else _accusing(different, cosigners)
    raise NotFound(f"the source does not show the tree of {large.size} entries that was signed")


def _accusing(make: Callable[[str | None], bytes], cosigners: Iterable[str]) -> bytes:
    for cosigner in cosigners:
        try:
            return make(cosigner)
        except BadEvidence:
            continue
    return make(None)


def _trees(files: LogFiles, size: int) -> Iterator[ReadHash]:
    """A tree by its tiles, then, where these lead elsewhere, by its entries: many more bytes."""
    yield cache(TileHashes(partial(_read_tile, files), size).read_hash)
    yield cache(partial(_from_entries, files, size))


def _read_tile(files: LogFiles, level: int, n: int, width: int) -> bytes:
    """A tile; where its partial one is gone, the beginning of the full one."""
    try:
        return next(files.tiles([Tile(level, n, width)]))
    except NotFound:
        return next(files.tiles([Tile(level, n)]))[: width * HASH]


def _from_entries(files: LogFiles, size: int, height: int, position: int) -> bytes:
    start, end = position << height, (position + 1) << height
    numbers = range(start // FULL, -(-end // FULL))
    tree = Frontier()
    data = files.entries(Bundle(n, tile_width(0, n, size)) for n in numbers)
    for n, bundle in zip(numbers, data, strict=True):
        entries = parse_bundle(bundle, tile_width(0, n, size))
        tree.extend(leaf_hash(entry) for entry in entries[max(0, start - n * FULL) : end - n * FULL])
    return tree.root()
