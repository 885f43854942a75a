"""Rebuilding every tile of a tree from its leaves, as an auditor or a mirror does.

Tiles that agree with each other prove nothing, a forger hashes as well as we do: so the tiles come from the
entries alone, and what is published is compared with them byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from governance import limits
from governance.errors import MalformedTile
from governance.log.merkle import HASH, TILE_HEIGHT, Frontier, parents, tile_root
from governance.log.tiles import FULL, Tile, tile_width

ReadTile = Callable[[int, int, int], bytes]
"""(level, n, width) -> the bytes of that tile, width*32 of them."""


@dataclass(frozen=True, slots=True)
class BuiltTile:
    """A tile and its bytes."""

    tile: Tile
    data: bytes


class TreeBuilder:
    """Leaf hashes in, tiles of all levels out; keeps only the right edge (at most 8 kB a level).

    A full bundle costs its 256 leaf hashes (`merkle.leaf_hashes`) and 255 node hashes here. Workers that take
    whole bundles compute `merkle.tile_root` themselves, and their results go to `add_tile_root` in order.
    """

    def __init__(self) -> None:
        self.size = 0
        self._edge: list[bytearray] = [bytearray()]

    @classmethod
    def load(cls, size: int, read_tile: ReadTile) -> TreeBuilder:
        """The builder that has seen size leaves, from the partial tiles of that size.

        Whether they are right shows in `root`, to be compared with a verified checkpoint.

        Raises:
            MalformedTile: a tile of the wrong length.
        """
        builder = cls()
        builder.size = size
        builder._edge = []
        for level in range((size.bit_length() - 1) // TILE_HEIGHT + 1 if size else 1):
            n, width = divmod(size >> (TILE_HEIGHT * level), FULL)
            data = read_tile(level, n, width) if width else b""
            if len(data) != width * HASH:
                raise MalformedTile(f"a tile of width {width} has {width * HASH} bytes, not {len(data)}")
            builder._edge.append(bytearray(data))
        return builder

    def add_leaves(self, hashes: bytes) -> list[BuiltTile]:
        """Append leaf hashes (32 bytes each, joined); gives the tiles that became full, in their order."""
        built: list[BuiltTile] = []
        edge = self._edge[0]
        at = 0
        while at < len(hashes):
            part = hashes[at : at + limits.TILE_BYTES - len(edge)]
            edge += part
            at += len(part)
            self.size += len(part) // HASH
            if len(edge) == limits.TILE_BYTES:
                self._finish(0, built)
        return built

    def add_tile_root(self, root: bytes) -> list[BuiltTile]:
        """Append 256 leaves by the root of their full tile; gives the tiles above that became full."""
        if self._edge[0]:
            raise ValueError("a full tile starts at a multiple of 256")
        self.size += FULL
        built: list[BuiltTile] = []
        self._carry(1, root, built)
        return built

    def _carry(self, level: int, node: bytes, built: list[BuiltTile]) -> None:
        if level == len(self._edge):
            self._edge.append(bytearray())
        self._edge[level] += node
        if len(self._edge[level]) == limits.TILE_BYTES:
            self._finish(level, built)

    def _finish(self, level: int, built: list[BuiltTile]) -> None:
        data = bytes(self._edge[level])
        self._edge[level].clear()
        built.append(BuiltTile(Tile(level, (self.size >> (TILE_HEIGHT * (level + 1))) - 1), data))
        self._carry(level + 1, tile_root(data), built)

    def partial_tiles(self) -> list[BuiltTile]:
        """The partial tiles of the present size, lowest level first: with all given before, every tile."""
        tiles = []
        for level, edge in enumerate(self._edge):
            if edge:
                n = (self.size >> (TILE_HEIGHT * level)) // FULL
                tiles.append(BuiltTile(Tile(level, n, len(edge) // HASH), bytes(edge)))
        return tiles

    def frontier(self) -> Frontier:
        """The frontier at the present size."""
        frontier = Frontier()
        for level, edge in reversed(list(enumerate(self._edge))):
            for at in range(0, len(edge), HASH):
                frontier.append_subtree(TILE_HEIGHT * level, bytes(edge[at : at + HASH]))
        return frontier

    def root(self) -> bytes:
        """The Merkle tree hash at the present size."""
        return self.frontier().root()


class TileHashes:
    """Subtree hashes of any height read through tiles, for proofs and `Frontier.load`.

    `read_hash` is the function `proofs` asks for. The first inner hash of a tile costs its up to 255 nodes
    (about 0.1 ms), each later one a look-up; `keep` tiles of 16 kB stay in memory. A reader of strangers'
    tiles verifies the finished proof against a signed root, not the tiles.
    """

    def __init__(self, read_tile: ReadTile, size: int, keep: int = 256) -> None:
        self.size = size
        self._read_tile = read_tile
        self._keep = keep
        self._rows: dict[tuple[int, int], list[bytes]] = {}

    def grow(self, size: int) -> None:
        """The tree now has that many leaves: full tiles stay, partial ones are read anew."""
        for level, n in [at for at in self._rows if tile_width(*at, self.size) < FULL]:
            del self._rows[level, n]
        self.size = size

    def read_hash(self, height: int, position: int) -> bytes:
        """The hash of the complete subtree, 32 bytes.

        Raises:
            MalformedTile: the tile read has the wrong length, or the tree has no such subtree yet.
        """
        level, inner = divmod(height, TILE_HEIGHT)
        n, offset = divmod(position, FULL >> inner)
        rows = self._rows.get((level, n)) or self._load(level, n)
        while len(rows) <= inner:
            rows.append(_complete_parents(rows[-1]))
        found = rows[inner][HASH * offset : HASH * offset + HASH]
        if not found:
            raise MalformedTile(
                f"a tree of size {self.size} has no complete subtree {position} of height {height}"
            )
        return found

    def _load(self, level: int, n: int) -> list[bytes]:
        width = tile_width(level, n, self.size)
        data = self._read_tile(level, n, width) if width else b""
        if len(data) != width * HASH:
            raise MalformedTile(f"a tile of width {width} has {width * HASH} bytes, not {len(data)}")
        if len(self._rows) >= self._keep:
            del self._rows[next(iter(self._rows))]
        rows = self._rows[level, n] = [data]
        return rows


def _complete_parents(row: bytes) -> bytes:
    """The level above within a tile, without the last hash where it has no partner yet."""
    return parents(row[: len(row) // (2 * HASH) * (2 * HASH)])
