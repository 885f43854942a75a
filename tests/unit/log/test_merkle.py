"""Frontier and folding; the tree itself is proved in properties/test_merkle.py."""

from __future__ import annotations

import pytest

from governance.log import merkle

LEAVES = [merkle.leaf_hash(b"%d" % i) for i in range(1025)]


def test_complete_subtrees_of_a_range() -> None:
    assert list(merkle.complete_subtrees(0, 0)) == []
    assert list(merkle.complete_subtrees(0, 8)) == [(3, 0)]
    assert list(merkle.complete_subtrees(0, 13)) == [(3, 0), (2, 2), (0, 12)]
    assert list(merkle.complete_subtrees(8, 11)) == [(1, 4), (0, 10)]


def test_extend_names_the_tile_level_hashes_it_completes() -> None:
    frontier = merkle.Frontier()
    assert frontier.extend(LEAVES[:255]) == []
    (completed,) = frontier.extend(LEAVES[255:300])
    assert completed == merkle.Subtree(8, 0, merkle.root(LEAVES[:256]))


def test_completing_two_heights_at_once() -> None:
    frontier = merkle.Frontier()
    for position in range(255):
        assert frontier.append_subtree(8, LEAVES[position]) == []
    completed = frontier.append_subtree(8, LEAVES[255])
    assert completed == [merkle.Subtree(16, 0, merkle.root(LEAVES[:256]))]
    assert frontier.size == 65536


def test_chunks_of_parallel_workers_merge_in_order() -> None:
    roots = [merkle.tile_root(b"".join(LEAVES[at : at + 256])) for at in range(0, 1024, 256)]
    frontier = merkle.Frontier()
    for tile_root in roots:
        frontier.append_subtree(8, tile_root)
    frontier.extend(LEAVES[1024:])
    assert frontier.root() == merkle.root(LEAVES)


def test_a_subtree_is_appended_at_its_place_only() -> None:
    frontier = merkle.Frontier()
    frontier.extend(LEAVES[:1])
    with pytest.raises(ValueError, match="multiple"):
        frontier.append_subtree(8, bytes(32))
    assert frontier.size == 1


def test_a_copy_is_independent() -> None:
    frontier = merkle.Frontier()
    frontier.extend(LEAVES[:5])
    tentative = frontier.copy()
    tentative.extend(LEAVES[5:9])
    assert (frontier.size, frontier.root()) == (5, merkle.root(LEAVES[:5]))
    assert (tentative.size, tentative.root()) == (9, merkle.root(LEAVES[:9]))


@pytest.mark.parametrize("size", [0, 32, 8160, 8224])
def test_only_full_tiles_have_a_root(size: int) -> None:
    with pytest.raises(ValueError, match="full tile"):
        merkle.tile_root(bytes(size))


def test_leaf_hashes_join_to_a_tile() -> None:
    entries = [b"", b"a", b"b" * 5000]
    assert merkle.leaf_hashes(entries) == b"".join(merkle.leaf_hash(e) for e in entries)
