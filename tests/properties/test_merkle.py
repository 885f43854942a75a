"""The tree against its definition: RFC 6962 2.1 written down recursively."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import BadProof, MalformedProof
from governance.log import merkle, proofs
from governance.log.builder import TileHashes, TreeBuilder
from governance.log.tiles import tile_width, tiles_for

LIMIT = 66
LEAVES = [merkle.leaf_hash(b"%d" % i) for i in range(70_000)]


@cache
def naive(start: int, end: int) -> bytes:
    """MTH(D[start:end])."""
    if end - start < 2:
        return LEAVES[start] if end > start else merkle.EMPTY_ROOT
    k = 1
    while 2 * k < end - start:
        k *= 2
    return merkle.node_hash(naive(start, start + k), naive(start + k, end))


def naive_path(index: int, start: int, end: int) -> list[bytes]:
    """PATH(m, D[n]) of RFC 6962 2.1.1."""
    if end - start < 2:
        return []
    k = 1
    while 2 * k < end - start:
        k *= 2
    if index < start + k:
        return [*naive_path(index, start, start + k), naive(start + k, end)]
    return [*naive_path(index, start + k, end), naive(start, start + k)]


def read_hash(height: int, position: int) -> bytes:
    return naive(position << height, (position + 1) << height)


def naive_tile(level: int, n: int, width: int) -> bytes:
    return b"".join(read_hash(8 * level, 256 * n + i) for i in range(width))


def test_every_small_root() -> None:
    frontier = merkle.Frontier()
    for size in range(600):
        assert frontier.size == size
        assert frontier.root() == merkle.root(LEAVES[:size]) == naive(0, size)
        assert merkle.Frontier.load(size, read_hash).root() == naive(0, size)
        frontier.extend([LEAVES[size]])


def test_every_small_inclusion_proof() -> None:
    for size in range(1, LIMIT):
        root = naive(0, size)
        for index in range(size):
            proof = proofs.inclusion_proof(read_hash, index, size)
            assert proof == naive_path(index, 0, size)
            proofs.verify_inclusion(index, size, LEAVES[index], proof, root)


def test_every_small_consistency_proof() -> None:
    for new in range(1, LIMIT):
        for old in range(1, new + 1):
            proof = proofs.consistency_proof(read_hash, old, new)
            proofs.verify_consistency(old, naive(0, old), new, naive(0, new), proof)
            for other in ([*proof, bytes(32)], proof[:-1]):
                if other != proof:
                    with pytest.raises(MalformedProof):
                        proofs.verify_consistency(old, naive(0, old), new, naive(0, new), other)


def test_small_inclusion_proofs_serve_no_other_place() -> None:
    for size in range(1, 18):
        for index in range(size):
            proof = naive_path(index, 0, size)
            for other_size in range(18):
                for other in range(other_size):
                    if (other, other_size) == (index, size):
                        continue
                    with pytest.raises((BadProof, MalformedProof)):
                        proofs.verify_inclusion(other, other_size, LEAVES[index], proof, naive(0, other_size))


def test_small_consistency_proofs_serve_no_other_sizes() -> None:
    for new in range(2, 18):
        for old in range(1, new):
            proof = proofs.consistency_proof(read_hash, old, new)
            for other in range(1, 18):
                if other != old:
                    with pytest.raises((BadProof, MalformedProof)):
                        proofs.verify_consistency(other, naive(0, other), new, naive(0, new), proof)
                if other != new:
                    with pytest.raises((BadProof, MalformedProof)):
                        proofs.verify_consistency(old, naive(0, old), other, naive(0, other), proof)


@given(st.integers(1, 70_000), st.data())
def test_proofs_through_tiles(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    hashes = TileHashes(naive_tile, size)
    proof = proofs.inclusion_proof(hashes.read_hash, index, size)
    assert proof == naive_path(index, 0, size)
    proof = proofs.consistency_proof(hashes.read_hash, index + 1, size)
    proofs.verify_consistency(index + 1, naive(0, index + 1), size, naive(0, size), proof)
    assert merkle.Frontier.load(size, hashes.read_hash).root() == naive(0, size)


@given(st.lists(st.integers(0, 700), max_size=8), st.integers(0, 3000))
def test_appending_in_any_batches(batches: list[int], start: int) -> None:
    frontier = merkle.Frontier.load(start, read_hash)
    builder = TreeBuilder.load(start, naive_tile)
    size = start
    completed: list[merkle.Subtree] = []
    built = []
    for batch in batches:
        completed += frontier.extend(LEAVES[size : size + batch])
        built += builder.add_leaves(b"".join(LEAVES[size : size + batch]))
        size += batch
    assert frontier.size == builder.size == size
    assert frontier.root() == builder.root() == naive(0, size)
    assert [(c.height, c.position) for c in completed] == [(8, p) for p in range(start // 256, size // 256)]
    assert all(c.hash == read_hash(c.height, c.position) for c in completed)
    tiles = {b.tile: b.data for b in [*built, *builder.partial_tiles()]}
    assert set(tiles_for(start, size)) <= set(tiles)
    assert all(data == naive_tile(t.level, t.n, t.width) for t, data in tiles.items())
    assert all(t.width == tile_width(t.level, t.n, size) for t in tiles)


@given(st.integers(1, 70_000), st.data())
def test_a_changed_hash_fails_the_proof(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = naive_path(index, 0, size)
    root = naive(0, size)
    with pytest.raises(BadProof):
        proofs.verify_inclusion(index, size, merkle.leaf_hash(b"other"), proof, root)
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        changed = [*proof[:place], bytes(32), *proof[place + 1 :]]
        with pytest.raises(BadProof):
            proofs.verify_inclusion(index, size, LEAVES[index], changed, root)
        with pytest.raises(MalformedProof):
            proofs.verify_inclusion(index, size, LEAVES[index], proof[:-1], root)
    with pytest.raises(MalformedProof):
        proofs.verify_inclusion(index, size, LEAVES[index], [*proof, bytes(32)], root)
