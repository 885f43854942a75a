"""The right edge of a log in memory, with proofs for the entries just appended.

`log.proofs` reads every hash it needs; a writer that proves two hundred fresh entries at one size would read
and join the same few nodes two hundred times. Here they are kept, so that a proof is about twenty look-ups.
"""

from __future__ import annotations

from collections.abc import Sequence

from governance.log.merkle import (
    EMPTY_ROOT,
    TILE_HEIGHT,
    ReadHash,
    Subtree,
    complete_subtrees,
    node_hash,
)


class Edge:
    """Complete subtrees at the right edge of a tree of `size` leaves, by height and position.

    Between batches it holds at most one hash a height, in a batch those of the batch's leaves beside.
    """

    __slots__ = ("_first", "_levels", "_open", "size")

    def __init__(self) -> None:
        self.size = 0
        self._levels: list[list[bytes]] = [[]]
        self._first = [0]
        self._open: list[bytes | None] = [None]

    @classmethod
    def load(cls, size: int, read_hash: ReadHash) -> Edge:
        """The edge of a stored tree, from at most log2(size) hashes."""
        edge = cls()
        edge.size = size
        edge._levels = [[] for _ in range(size.bit_length() + 1)]
        edge._first = [(size >> height) & ~1 for height in range(len(edge._levels))]
        for height, position in complete_subtrees(0, size):
            edge._levels[height].append(read_hash(height, position))
        edge._join()
        return edge

    def extend(self, leaves: Sequence[bytes]) -> list[Subtree]:
        """Append leaf hashes; gives the subtrees of heights 8, 16 … they complete, lowest first."""
        completed: list[Subtree] = []
        fresh = list(leaves)
        height, start = 0, self.size
        self.size += len(fresh)
        while fresh:
            if height == len(self._levels):
                self._levels.append([])
                self._first.append(0)
            level, first = self._levels[height], self._first[height]
            level += fresh
            if height and height % TILE_HEIGHT == 0:
                completed += [Subtree(height, start + i, node) for i, node in enumerate(fresh)]
            pairs = range(start & ~1, (start + len(fresh)) & ~1, 2)
            fresh = [node_hash(level[at - first], level[at - first + 1]) for at in pairs]
            height, start = height + 1, start >> 1
        self._join()
        return completed

    def _join(self) -> None:
        """For each height the root over the leaves right of the last complete subtree, None without any."""
        self._open = [None]
        for height in range(self.size.bit_length()):
            node = self._open[-1]
            position = self.size >> height
            if position & 1:
                left = self._levels[height][position - 1 - self._first[height]]
                node = left if node is None else node_hash(left, node)
            self._open.append(node)

    def root(self) -> bytes:
        """The Merkle tree hash at the present size."""
        return self._open[-1] or EMPTY_ROOT

    def proof(self, index: int) -> list[bytes]:
        """The inclusion proof (RFC 6962 2.1.1) of an entry appended since `settle`, sibling first."""
        proof = []
        position, complete = index, self.size
        for height in range(self.size.bit_length()):
            sibling = position ^ 1
            if sibling < complete:
                proof.append(self._levels[height][sibling - self._first[height]])
            elif sibling == complete and (node := self._open[height]) is not None:
                proof.append(node)
            position >>= 1
            complete >>= 1
        return proof

    def settle(self) -> None:
        """Forget what only proofs of entries so far need."""
        for height, level in enumerate(self._levels):
            first = (self.size >> height) & ~1
            del level[: first - self._first[height]]
            self._first[height] = first
