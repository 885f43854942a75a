"""What proof functions refuse; the proofs themselves are in vectors/ and properties/."""

from __future__ import annotations

import pytest

from governance import limits
from governance.errors import BadProof, MalformedProof
from governance.log.proofs import (
    consistency_proof,
    inclusion_proof,
    root_from_inclusion,
    verify_consistency,
    verify_inclusion,
)

ZERO = bytes(32)


def no_hash(height: int, position: int) -> bytes:
    raise AssertionError(f"read ({height}, {position})")


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 5), (5, 5), (0, limits.TREE_SIZE + 1)])
def test_no_proof_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(MalformedProof):
        inclusion_proof(no_hash, index, size)
    with pytest.raises(MalformedProof):
        verify_inclusion(index, size, ZERO, [], ZERO)


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 5), (6, 5), (-1, 5)])
def test_no_consistency_from_nothing_or_backwards(old: int, new: int) -> None:
    with pytest.raises(MalformedProof):
        consistency_proof(no_hash, old, new)
    with pytest.raises(MalformedProof):
        verify_consistency(old, ZERO, new, ZERO, [])


def test_equal_sizes() -> None:
    assert consistency_proof(no_hash, 7, 7) == []
    verify_consistency(7, ZERO, 7, ZERO, [])
    with pytest.raises(BadProof):
        verify_consistency(7, ZERO, 7, b"\1" * 32, [])
    with pytest.raises(MalformedProof):
        verify_consistency(7, ZERO, 7, ZERO, [ZERO])


def test_hashes_have_32_bytes() -> None:
    with pytest.raises(MalformedProof):
        verify_inclusion(0, 2, ZERO, [ZERO[:31]], ZERO)
    with pytest.raises(MalformedProof):
        root_from_inclusion(0, 1, b"", [])
    with pytest.raises(MalformedProof):
        verify_consistency(1, b"", 2, ZERO, [ZERO])


def test_the_deepest_tree_has_proofs_too() -> None:
    size = limits.TREE_SIZE
    proof = inclusion_proof(lambda height, position: ZERO, 0, size)
    assert len(proof) == 63
    verify_inclusion(0, size, ZERO, proof, root_from_inclusion(0, size, ZERO, proof))
    assert len(consistency_proof(lambda height, position: ZERO, 1, size)) == 63
    with pytest.raises(MalformedProof):
        verify_inclusion(0, size, ZERO, [*proof, ZERO], ZERO)
