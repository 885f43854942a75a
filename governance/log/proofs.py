"""Inclusion and consistency proofs (RFC 6962 2.1.1, 2.1.2; verified as RFC 9162 2.1.3.2, 2.1.4.2).

Verifying returns nothing or raises, so that no caller can drop the answer: `MalformedProof` when the numbers
and the proof do not fit each other (wrong count, wrong length, index outside), `BadProof` when a proof of the
right shape leads to another root. An old size of 0 is refused here: every tree extends the empty one, and
protocols that allow it (C2SP tlog-witness, `old 0`) ask for an empty proof instead.
"""

from __future__ import annotations

from collections.abc import Sequence

from governance import limits
from governance.errors import BadProof, MalformedProof
from governance.log.merkle import HASH, ReadHash, complete_subtrees, fold_right, node_hash


def inclusion_proof(read_hash: ReadHash, index: int, size: int) -> list[bytes]:
    """The sibling hashes from the leaf at index up to the root of the tree of that size.

    Reads at most 2*log2(size) subtree hashes and computes at most log2(size) nodes (the one sibling that is
    not complete).

    Raises:
        MalformedProof: there is no such index in a tree of that size.
    """
    _check_sizes(index + 1, size)
    proof = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(_range_hash(read_hash, middle, end))
            end = middle
        else:
            proof.append(_range_hash(read_hash, start, middle))
            start = middle
    proof.reverse()
    return proof


def consistency_proof(read_hash: ReadHash, old: int, new: int) -> list[bytes]:
    """The hashes that show the tree of size new to extend the tree of size old; none when they are equal.

    Raises:
        MalformedProof: unless 1 <= old <= new.
    """
    _check_sizes(old, new)
    proof = []
    start, end = 0, new
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(_range_hash(read_hash, middle, end))
            end = middle
        else:
            proof.append(_range_hash(read_hash, start, middle))
            start = middle
    # At start 0 the old tree itself is a subtree of the new: the verifier begins with its root.
    if start:
        proof.append(_range_hash(read_hash, start, end))
    proof.reverse()
    return proof


def consistency_path(read_hash: ReadHash, old: int, new: int) -> list[bytes]:
    """As `consistency_proof`, but with its first node always there: it needs no old root to begin with.

    Raises:
        MalformedProof: unless 1 <= old <= new.
    """
    path = consistency_proof(read_hash, old, new)
    if old < new and old & (old - 1) == 0:
        path.insert(0, _range_hash(read_hash, 0, old))
    return path


def _split(count: int) -> int:
    """The largest power of two below count, for count > 1."""
    return 1 << ((count - 1).bit_length() - 1)


def _range_hash(read_hash: ReadHash, start: int, end: int) -> bytes:
    return fold_right([read_hash(height, position) for height, position in complete_subtrees(start, end)])


def _check_sizes(smaller: int, size: int) -> None:
    if not 1 <= smaller <= size <= limits.TREE_SIZE:
        raise MalformedProof(f"a tree of size {size} has no proof for this index or older size")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if len(hashes) > limits.PROOF_HASHES + 2 or any(len(h) != HASH for h in hashes):
        raise MalformedProof(f"a proof is at most {limits.PROOF_HASHES} hashes of {HASH} bytes")


def root_from_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root that the proof leads to from the leaf hash (RFC 9162 2.1.3.2).

    Raises:
        MalformedProof: the proof has not the one possible length for this index and size.
    """
    _check_sizes(index + 1, size)
    _check_hashes([leaf, *proof])
    fn, sn = index, size - 1
    result = leaf
    for sibling in proof:
        if sn == 0:
            raise MalformedProof("the inclusion proof is too long")
        if fn & 1 or fn == sn:
            result = node_hash(sibling, result)
            fn, sn = _skip_left_edges(fn, sn)
        else:
            result = node_hash(result, sibling)
        fn >>= 1
        sn >>= 1
    if sn != 0:
        raise MalformedProof("the inclusion proof is too short")
    return result


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """The leaf hash stands at index in the tree of that size and root.

    Raises:
        MalformedProof: index outside the tree, or a proof of another shape.
        BadProof: the proof leads to another root.
    """
    _check_hashes([root])
    if root_from_inclusion(index, size, leaf, proof) != root:
        raise BadProof(f"entry {index} is not under this root", index=index, size=size)


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """The tree of size new and its root extend the tree of size old and its root (RFC 9162 2.1.4.2).

    Raises:
        MalformedProof: unless 1 <= old <= new, or a proof of another shape.
        BadProof: the proof leads to other roots: one of the two trees is not the other's history.
    """
    _check_sizes(old, new)
    if old == new:
        if proof:
            raise MalformedProof("between equal sizes the consistency proof is empty")
        found = (new_root, new_root)
    else:
        _check_hashes([old_root, new_root, *proof])
        found = _roots_from_consistency(old, new, old_root, proof)
    if found != (old_root, new_root):
        raise BadProof(f"the tree of size {new} does not extend this one of size {old}", old=old, new=new)


def _roots_from_consistency(
    old: int, new: int, old_root: bytes, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    return roots_from_path(old, new, [old_root, *proof] if old & (old - 1) == 0 else proof)


def roots_from_path(old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots of sizes old and new that a path leads to, as `consistency_path` makes it; 1 <= old < new.

    Raises:
        MalformedProof: sizes, or a path, of another shape.
    """
    _check_sizes(old, new - 1)
    _check_hashes(path)
    if not path:
        raise MalformedProof("the consistency proof is too short")
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    first = second = path[0]
    for sibling in path[1:]:
        if sn == 0:
            raise MalformedProof("the consistency proof is too long")
        if fn & 1 or fn == sn:
            first = node_hash(sibling, first)
            second = node_hash(sibling, second)
            fn, sn = _skip_left_edges(fn, sn)
        else:
            second = node_hash(second, sibling)
        fn >>= 1
        sn >>= 1
    if sn != 0:
        raise MalformedProof("the consistency proof is too short")
    return first, second


def _skip_left_edges(fn: int, sn: int) -> tuple[int, int]:
    """Up past the levels where the node is the last one and has no sibling."""
    while fn and not fn & 1:
        fn >>= 1
        sn >>= 1
    return fn, sn
