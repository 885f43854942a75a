"""Rebuilding a log from its entries: bundles, tree, root, and every tile that is published.

The tree comes from the entries alone. Tiles that agree with each other and with the checkpoint prove nothing
while the entries lead elsewhere (`governance.log.builder`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field

from governance.audit.checks import AuditedHead, Log
from governance.audit.shards import SHARD_BUNDLES, SHARD_BYTES, Judged, Shard, in_order
from governance.audit.source import LogFiles
from governance.errors import GovernanceError, Malformed, Refused
from governance.log.builder import BuiltTile, TreeBuilder
from governance.log.checkpoint import Checkpoint, open_checkpoint
from governance.log.cosignature import verifier_for
from governance.log.merkle import HASH
from governance.log.tiles import FULL, Bundle, Tile, bundles_for
from governance.signing.note import parse_vkey

Progress = Callable[[str, int, int], None]
"""(origin, entries done, entries in all)."""


def _unheard(origin: str, done: int, size: int) -> None:
    del origin, done, size


@dataclass(frozen=True, slots=True)
class Workers:
    """Where shards are judged: an executor and how many shards it has waiting; inline without one.

    `progress` hears how far a log is.
    """

    executor: Executor | None = None
    ahead: int = 8
    progress: Progress = _unheard


@dataclass(slots=True)
class Rebuilt:
    """A log being rebuilt: `roots` at the sizes asked for; failures are written to `log` at the end."""

    files: LogFiles
    checkpoint: Checkpoint
    log: Log
    roots: dict[int, bytes] = field(default_factory=dict)
    complete: bool = False
    _builder: TreeBuilder = field(default_factory=TreeBuilder)
    _compared: int = 0
    _bad_tile: tuple[str, str] | None = None
    _bad_leaf: int | None = None

    def judged(
        self, workers: Workers, marks: Iterable[int], definition: bytes | None, votes_from: int
    ) -> Iterator[tuple[Shard, Judged]]:
        """The log's shards in order, each compared with its published tiles before it is handed on.

        Ends early, with the failure written, when a bundle is missing or damaged.

        Args:
            workers: where shards are judged.
            marks: tree sizes of which `roots` is to hold the root.
            definition: entry 0 of a ballot's log; None tries the signatures of all entries.
            votes_from: the first index at which a vote may stand.
        """
        sizes = sorted({size for size in marks if 0 < size <= self.checkpoint.size})
        published = _Published(self.files, _level_0(self.checkpoint.size))
        shards = self._shards(definition, votes_from)
        for shard, judged in in_order(shards, workers.executor, workers.ahead):
            first = shard.first
            for leaves, root in zip(judged.leaves, judged.roots, strict=True):
                self._mark(sizes, first, leaves)
                self._compare_leaves(published, first, leaves)
                self._grow(leaves, root)
                first += len(leaves) // HASH
            if judged.broken is not None:
                bundle, entry, why = judged.broken
                number = shard.first // FULL + bundle
                path = self.files.path(Bundle(number, shard.widths[bundle]).path)
                self.log.fail("bundles", why, number * FULL + entry, path)
                return
            yield shard, judged
        self._finish()

    def _shards(self, definition: bytes | None, votes_from: int) -> Iterator[Shard]:
        size = self.checkpoint.size
        read = self.files.entries(bundles_for(0, size))
        parts: list[bytes] = []
        widths: list[int] = []
        for bundle in bundles_for(0, size):
            try:
                parts.append(next(read))
            except (Malformed, Refused) as e:
                self.log.fail("bundles", e.detail, bundle.n * FULL, self.files.path(bundle.path))
                return
            widths.append(bundle.width)
            end = bundle.n * FULL + bundle.width
            if len(parts) == SHARD_BUNDLES or sum(map(len, parts)) > SHARD_BYTES or end == size:
                yield Shard(end - sum(widths), tuple(widths), tuple(parts), definition, votes_from)
                parts, widths = [], []
        self.complete = True

    def _mark(self, sizes: list[int], first: int, leaves: bytes) -> None:
        while sizes and sizes[0] <= first + len(leaves) // HASH:
            size = sizes.pop(0)
            tree = self._builder.frontier()
            tree.extend(leaves[at : at + HASH] for at in range(0, (size - first) * HASH, HASH))
            self.roots[size] = tree.root()

    def _compare_leaves(self, published: _Published, first: int, leaves: bytes) -> None:
        tile = Tile(0, first // FULL, len(leaves) // HASH)
        data = self._published(published, tile)
        if data is not None and data != leaves:
            index = first + _first_difference(data, leaves)
            if self._bad_leaf is None:
                self._bad_leaf = index
            self._suspect(tile, f"entry {index} has another hash than this tile says")

    def _published(self, published: _Published, tile: Tile) -> bytes | None:
        self._compared += 1
        try:
            return published.read(tile)
        except (Malformed, Refused) as e:
            self._suspect(tile, e.detail)
            return None

    def _suspect(self, tile: Tile, why: str) -> None:
        if self._bad_tile is None:
            self._bad_tile = (self.files.path(tile.path), why)

    def _grow(self, leaves: bytes, root: bytes | None) -> None:
        if root is None:
            self._builder.add_leaves(leaves)
        else:
            self._compare_built(self._builder.add_tile_root(root))

    def _compare_built(self, built: list[BuiltTile]) -> None:
        for tile in built:
            data = self._published(_Published(self.files, iter([tile.tile])), tile.tile)
            if data is not None and data != tile.data:
                self._suspect(tile.tile, "the tile is not the one that the entries make")

    def _finish(self) -> None:
        """Judges root and tiles once all entries are in."""
        if not self.complete:
            return
        self._compare_built([tile for tile in self._builder.partial_tiles() if tile.tile.level > 0])
        size = self.checkpoint.size
        text = f"{size} entries in {-(-size // FULL)} bundles, nothing cut off or left over"
        self.log.passed("bundles", text, entries=size)
        if self._builder.root() == self.checkpoint.root:
            text = f"the entries make the signed root {self.checkpoint.root.hex()}"
            self.log.passed("tree", text, entries=size)
        elif self._bad_leaf is None:
            file = self.files.path("checkpoint")
            self.log.fail("tree", "neither the entries nor the tiles make the signed root", file=file)
        else:
            text = "the entries do not make the signed root; this is the first that differs from its tile"
            self.log.fail("tree", text, self._bad_leaf, self._bundle_path(self._bad_leaf))
        if self._bad_tile is not None:
            path, why = self._bad_tile
            self.log.fail("tiles", why, self._bad_leaf, path, tiles=self._compared)
        else:
            text = f"{self._compared} tiles are the ones that the entries make"
            self.log.passed("tiles", text, tiles=self._compared)

    def _bundle_path(self, index: int) -> str:
        n = index // FULL
        return self.files.path(Bundle(n, min(FULL, self.checkpoint.size - n * FULL)).path)


class _Published:
    """Tiles read ahead in their order; after one that cannot be read, the next is asked for anew."""

    def __init__(self, files: LogFiles, tiles: Iterator[Tile]) -> None:
        self._files = files
        self._tiles = tiles
        self._reader = files.tiles(tiles)

    def read(self, tile: Tile) -> bytes:
        """The bytes of the next tile, which is this one."""
        try:
            return next(self._reader)
        except StopIteration:
            return next(self._files.tiles([tile]))
        except GovernanceError:
            self._reader = iter(())
            raise


def _first_difference(left: bytes, right: bytes) -> int:
    """The number of the first hash in which two rows differ."""
    ends = range(HASH, max(len(left), len(right)) + HASH, HASH)
    return next((end // HASH - 1 for end in ends if left[:end] != right[:end]), 0)


def _level_0(size: int) -> Iterator[Tile]:
    return (Tile(0, bundle.n, bundle.width) for bundle in bundles_for(0, size))


def read_checkpoint(
    files: LogFiles, log: Log, origin: str, vkey: str, *, burnt: bool = False
) -> Checkpoint | None:
    """The signed head of a log whose key is known; None once the failure is written.

    What witnesses have seen of a `burnt` log is not asked: two histories of it are why it is one.
    """
    try:
        verifier = verifier_for(parse_vkey(vkey))
        published = files.vkey()
    except (Malformed, Refused) as e:
        log.fail("log key", e.detail, file=files.path("vkey"))
        return None
    if verifier.key.name != origin:
        log.fail("log key", f"this log is {origin}, its key is named {verifier.key.name}")
        return None
    if published != f"{vkey}\n".encode():
        text = "the published key is not the one that the log above names"
        log.fail("log key", text, file=files.path("vkey"))
        return None
    log.passed("log key", vkey)
    try:
        data = files.checkpoint()
        checkpoint = open_checkpoint(data, [verifier])
    except (Malformed, Refused) as e:
        log.fail("checkpoint", e.detail, file=files.path("checkpoint"))
        return None
    if not burnt:
        log.of_head(AuditedHead(files, vkey, data, checkpoint))
    log.passed("checkpoint", f"size {checkpoint.size}, signed by the log's key", entries=checkpoint.size)
    return checkpoint
