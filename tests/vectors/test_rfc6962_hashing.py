"""RFC 6962 2.1: leaf, node and all roots of the 8-leaf reference set."""

from __future__ import annotations

from governance.log import merkle
from tests.support.vectors import load

VECTOR = load("rfc6962_hashing")
LEAVES = [bytes.fromhex(leaf) for leaf in VECTOR["leaves_hex"]]


def test_single_hashes() -> None:
    assert merkle.EMPTY_ROOT.hex() == VECTOR["empty_root"]
    assert merkle.leaf_hash(b"").hex() == VECTOR["leaf_hash_of_empty"]
    assert merkle.leaf_hash(b"L123456").hex() == VECTOR["leaf_L123456"]
    assert merkle.node_hash(b"N123", b"N456").hex() == VECTOR["node_N123_N456"]


def test_roots() -> None:
    frontier = merkle.Frontier()
    hashes = [merkle.leaf_hash(leaf) for leaf in LEAVES]
    for size, expected in enumerate(VECTOR["roots_by_size"]):
        assert merkle.root(hashes[:size]).hex() == expected
        assert frontier.root().hex() == expected
        frontier.extend(hashes[size : size + 1])
    assert size == 8
