"""The cached right edge gives the proofs and roots of the plain definition, at every size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.log.merkle import Frontier, ReadHash, leaf_hash, node_hash, root
from governance.log.proofs import inclusion_proof
from governance.service.edge import Edge

LEAVES = [leaf_hash(b"%d" % i) for i in range(1600)]


def _reader(size: int) -> ReadHash:
    levels = [LEAVES[:size]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below) // 2 * 2, 2)])
    return lambda height, position: levels[height][position]


def _check(edge: Edge, start: int) -> None:
    read = _reader(edge.size)
    assert edge.root() == root(LEAVES[: edge.size])
    for index in range(start, edge.size):
        assert edge.proof(index) == inclusion_proof(read, index, edge.size)


@given(st.integers(0, 700), st.lists(st.integers(0, 300), min_size=1, max_size=3))
def test_edge_against_definition(size: int, batches: list[int]) -> None:
    edge = Edge.load(size, _reader(size))
    frontier = Frontier.load(size, _reader(size))
    for count in batches:
        start = edge.size
        fresh = LEAVES[start : start + count]
        assert sorted(edge.extend(fresh)) == sorted(frontier.extend(fresh))
        _check(edge, start)
        edge.settle()


@pytest.mark.parametrize("size", range(20))
def test_small_trees_grown_one_by_one(size: int) -> None:
    edge = Edge()
    for index in range(size):
        edge.extend([LEAVES[index]])
    _check(edge, 0)


def test_settled_edge_is_small() -> None:
    edge = Edge()
    edge.extend(LEAVES)
    edge.settle()
    assert sum(len(level) for level in edge._levels) <= len(LEAVES).bit_length()
