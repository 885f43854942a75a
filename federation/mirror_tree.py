"""Fetching a log's entries and rebuilding its tree from them alone, file by file.

What is written here lies beyond what the database row counts: it is overwritten by the next attempt, read by
nobody, and removed when it does not lead to a signed root. Full bundles that an interrupted run has stored
are read again instead of being fetched again, and hashed like everything else.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import Counter

from federation import discovery
from federation.copies import Copies
from federation.copy_rows import CopyRow, home
from federation.discovery import Named
from federation.node import Node
from governance import limits
from governance.audit.source import PublicFiles, blob_path
from governance.canonical import digest
from governance.errors import MalformedTile, NotFound, TooLarge
from governance.log.builder import BuiltTile, ReadTile, TileHashes, TreeBuilder
from governance.log.merkle import TILE_HEIGHT, Frontier, ReadHash, leaf_hashes, tile_root
from governance.log.tiles import (
    FULL,
    Bundle,
    Tile,
    bundles_for,
    encode_bundle,
    parse_bundle,
    tiles_for,
)
from governance.statements.base import BlobRef

_bytes: Final = Counter("althing_mirror_bytes", "Bytes of entries and blobs fetched from other instances")
_entries: Final = Counter("althing_mirror_entries", "Entries of other instances hashed")


class Enough(Exception):
    """This run has fetched as many bytes as one run may; the next one goes on from here."""


class Damaged(Exception):
    """What a row counts is not what lies on the disk; `scrub` repairs it."""


class Budget:
    """How many bytes a run may still fetch."""

    def __init__(self, left: int) -> None:
        self._left = left

    def spend(self, fetched: int) -> None:
        """Take down what was fetched.

        Raises:
            Enough: that was it.
        """
        _bytes.inc(fetched)
        self._left -= fetched
        if self._left < 0:
            raise Enough


class GrowingCopy:
    """A copy of one log on its way from what the row counts to a larger size.

    Raises:
        Damaged: the stored tiles do not lead to the counted root.
    """

    def __init__(self, node: Node, files: PublicFiles, row: CopyRow, budget: Budget) -> None:
        self._copies: Copies = node.copies
        self._files = files
        self._row = row
        self._budget = budget
        self.named = Named()
        self.size = row.size
        self._sizes = [row.size]
        self._whole = _stored(node.copies, row)

    def grow(self, size: int) -> bytes:
        """Fetch, check and store all entries up to that size; gives the root that they lead to.

        Raises:
            MalformedTile: a bundle that is not exactly the entries it should hold.
            Enough: the run has to end here.
            NotFound, TooLarge, Unavailable: as `PublicFiles.read`.
        """
        for whole, data in self._bundles(size):
            leaves = self._store(whole, data)
            self._write_tiles(self._whole.add_tile_root(tile_root(leaves)))
        tree = self._whole
        if size % FULL:
            tree = copy.deepcopy(tree)
            last = Bundle(size // FULL, size % FULL)
            tree.add_leaves(self._store(last, self._last(last)))
        self._write_tiles([tile for tile in tree.partial_tiles() if tile.tile.level])
        self.size = size
        self._sizes.append(size)
        return tree.root()

    def root_at(self, size: int) -> bytes:
        """The root at an earlier size, from the tiles that were just built."""
        return tree_of(self._copies, self._row.folder, self.size)(size)

    @property
    def path(self) -> str:
        """The log's folder among its instance's public files."""
        return self._row.path

    @property
    def read_hash(self) -> ReadHash:
        """Subtree hashes of the tree that was built."""
        return TileHashes(reader(self._copies, self._row.folder), self.size).read_hash

    def fetch_blobs(self) -> None:
        """Store the blobs that the new entries name; one that its instance does not have is left out.

        A blob that is missing makes the copy no worse than the original; `scrub` asks for it again.
        """
        for blob in self.named.blobs.values():
            fetch_blob(self._copies, self._files, self._row.peer, blob, self._budget)

    def write(self, name: str, data: bytes) -> None:
        """Store a file of the log that is no part of its tree."""
        self._copies.write(f"{self._row.folder}/{name}", data)

    def tidy(self) -> None:
        """Remove the partial files that the present size has replaced, once it is counted."""
        self._remove(self._partial() - _partial_files(self._row.folder, self.size))

    def abandon(self) -> None:
        """Remove everything that the row does not count."""
        folder, old = self._row.folder, self._row.size
        self._remove(self._partial() - _partial_files(folder, old))
        self._remove({f"{folder}/{bundle.path}" for bundle in bundles_for(old, self.size)})
        self._remove({f"{folder}/{tile.path}" for tile in tiles_for(old, self.size)})

    def _partial(self) -> set[str]:
        return set().union(*(_partial_files(self._row.folder, size) for size in self._sizes))

    def _remove(self, paths: set[str]) -> None:
        for path in paths:
            self._copies.remove(path)

    def _bundles(self, size: int) -> Iterator[tuple[Bundle, bytes]]:
        """The full bundles from where the tree ends, first those on the disk."""
        wanted = iter(range(self._whole.size // FULL, size // FULL))
        missing: list[Bundle] = []
        for n in wanted:
            try:
                data = self._copies.read(f"{self._row.folder}/{Bundle(n).path}")
                parse_bundle(data, FULL)
            except (NotFound, MalformedTile):
                missing = [Bundle(n), *map(Bundle, wanted)]
                break
            yield Bundle(n), data
        paths = (f"{self._row.path}/{bundle.path}" for bundle in missing)
        read = self._files.read_many(paths, limits.ENTRY_BUNDLE)
        for bundle, data in zip(missing, read, strict=True):
            yield bundle, data
            self._budget.spend(len(data))

    def _last(self, bundle: Bundle) -> bytes:
        """The partial bundle at the end; cut from the full one when the log has grown past it."""
        try:
            data = self._files.read(f"{self._row.path}/{bundle.path}", limits.ENTRY_BUNDLE)
        except NotFound:
            data = self._files.read(f"{self._row.path}/{Bundle(bundle.n).path}", limits.ENTRY_BUNDLE)
            data = encode_bundle(parse_bundle(data, FULL)[: bundle.width])
        _bytes.inc(len(data))
        return data

    def _store(self, bundle: Bundle, data: bytes) -> bytes:
        """Check a bundle, look what it names, write it with its tile; gives its leaf hashes."""
        entries = parse_bundle(data, bundle.width)
        leaves = leaf_hashes(entries)
        discovery.scan(self._row.kind, self._row.origin, data, entries, self.named)
        self.size = max(self.size, bundle.n * FULL + bundle.width)
        self._copies.write(f"{self._row.folder}/{bundle.path}", data)
        self._copies.write(f"{self._row.folder}/{Tile(0, bundle.n, bundle.width).path}", leaves)
        _entries.inc(len(entries))
        return leaves

    def _write_tiles(self, built: list[BuiltTile]) -> None:
        for tile in built:
            self._copies.write(f"{self._row.folder}/{tile.tile.path}", tile.data)


def _stored(copies: Copies, row: CopyRow) -> TreeBuilder:
    """The builder of a copy's full bundles, once its tiles were seen to lead to the counted root."""
    try:
        root = tree_of(copies, row.folder, row.size)(row.size)
        builder = TreeBuilder.load(row.size // FULL * FULL, reader(copies, row.folder))
    except (NotFound, MalformedTile) as e:
        raise Damaged(e.detail) from e
    if root != row.root:
        raise Damaged("the stored tiles do not lead to the root")
    return builder


def reader(copies: Copies, folder: str) -> ReadTile:
    """A reader of stored tiles."""
    return lambda level, n, width: copies.read(f"{folder}/{Tile(level, n, width).path}")


def tree_of(copies: Copies, folder: str, size: int) -> Callable[[int], bytes]:
    """Roots at earlier sizes of a stored tree."""
    hashes = TileHashes(reader(copies, folder), size)
    return lambda at: Frontier.load(at, hashes.read_hash).root()


def fetch_blob(
    copies: Copies, files: PublicFiles, peer: str, blob: BlobRef, budget: Budget | None = None
) -> bool:
    """Store a blob unless we have it; gives whether we have it now.

    Raises:
        Enough: it was fetched, and the run has to end.
        Unavailable: as `PublicFiles.read`.
    """
    path = blob_path(blob)
    target = f"{home(peer)}/{path}"
    try:
        if digest(copies.read(target)) == blob.digest:
            return True
    except NotFound:
        pass
    try:
        data = files.read(path, blob.length)
    except (NotFound, TooLarge):
        return False
    if digest(data) != blob.digest:
        return False
    copies.write(target, data)
    if budget is not None:
        budget.spend(len(data))
    return True


def _partial_files(folder: str, size: int) -> set[str]:
    """The partial files of a log of that size, at most one bundle and a tile of each level."""
    parts: list[Tile | Bundle] = [Bundle(size // FULL, size % FULL)] if size % FULL else []
    level = 0
    while hashes := size >> (TILE_HEIGHT * level):
        if hashes % FULL:
            parts.append(Tile(level, hashes // FULL, hashes % FULL))
        level += 1
    return {f"{folder}/{part.path}" for part in parts}
