"""Receipts: written, read, verified, and each way one can be wrong."""

from __future__ import annotations

import pytest

from governance import limits
from governance.errors import (
    BadProof,
    BadSignature,
    MalformedNote,
    MalformedProof,
    MalformedReceipt,
    QuorumNotMet,
    TooLarge,
)
from governance.log.builder import TileHashes
from governance.log.cosignature import Ed25519Cosigner
from governance.log.policy import Policy, PolicyLog, PolicyWitness
from governance.log.proofs import inclusion_proof
from governance.log.receipt import Receipt, parse_receipt, verify_receipt
from governance.log.tiles import Tile
from governance.signing.lines import encode_base64
from tests.support.logs import LOG, entries_of, public_files

ENTRIES = entries_of(300)
WITNESS = Ed25519Cosigner("w.example", bytes(32))
FILES = public_files(ENTRIES, [LOG, WITNESS.at(7)])
HASHES = TileHashes(lambda level, n, width: FILES[Tile(level, n, width).path], 300)
POLICY = Policy((PolicyLog(LOG.key),), (PolicyWitness("W", WITNESS.key),), (), "W")


def receipt(index: int, extra: bytes | None = None) -> Receipt:
    proof = tuple(inclusion_proof(HASHES.read_hash, index, 300))
    return Receipt(index, proof, FILES["checkpoint"], extra)


@pytest.mark.parametrize("index", [0, 1, 255, 256, 299])
def test_verifies(index: int) -> None:
    verified = verify_receipt(parse_receipt(bytes(receipt(index))), ENTRIES[index], POLICY)
    assert verified.index == index
    assert verified.cosigned.checkpoint.size == 300
    assert [c.time for c in verified.cosigned.cosignatures] == [7]


def test_layout() -> None:
    lines = bytes(receipt(299, b"\0x")).split(b"\n")
    assert lines[:3] == [b"c2sp.org/tlog-proof@v1", b"extra AHg=", b"index 299"]
    assert lines[3] == encode_base64(receipt(299).proof[0]).encode()
    assert b"\n\n" + FILES["checkpoint"] in bytes(receipt(299))


@pytest.mark.parametrize("extra", [None, b"", b"\xff" * 100])
def test_extra_data_comes_back(extra: bytes | None) -> None:
    assert parse_receipt(bytes(receipt(5, extra))).extra == extra


def test_a_log_of_one_entry_has_an_empty_proof() -> None:
    files = public_files([b"only"])
    alone = parse_receipt(b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + files["checkpoint"])
    assert alone.proof == ()
    assert verify_receipt(alone, b"only", Policy((PolicyLog(LOG.key),))).index == 0


def test_wrong_receipts() -> None:
    good = receipt(5)
    with pytest.raises(BadProof):
        verify_receipt(good, b"another entry", POLICY)
    with pytest.raises((BadProof, MalformedProof)):
        verify_receipt(Receipt(6, good.proof, good.checkpoint), ENTRIES[5], POLICY)
    with pytest.raises(MalformedProof):
        verify_receipt(Receipt(300, good.proof, good.checkpoint), ENTRIES[5], POLICY)
    with pytest.raises(MalformedProof):
        verify_receipt(Receipt(5, good.proof[1:], good.checkpoint), ENTRIES[5], POLICY)
    with pytest.raises(BadSignature):
        verify_receipt(good, ENTRIES[5], Policy())
    with pytest.raises(QuorumNotMet):
        verify_receipt(Receipt(5, good.proof, public_files(ENTRIES)["checkpoint"]), ENTRIES[5], POLICY)
    with pytest.raises(MalformedNote):
        verify_receipt(Receipt(5, good.proof, b"not a note"), ENTRIES[5], POLICY)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"@v1", b"@v2"),
        (b"@v1\n", b"@v1\r\n"),
        (b"index 5", b"index 05"),
        (b"index 5", b"index -5"),
        (b"index 5", b"index  5"),
        (b"index 5", b"index %d" % limits.TREE_SIZE),
        (b"index 5\n", b""),
        (b"index 5\n", b"extra AA==\nextra AA==\nindex 5\n"),
        (b"index 5\n", b"extra AA\nindex 5\n"),
        (b"index 5\n", b"index 5\nextra AA==\n"),
        (b"index 5\n", b"index 5\nindex 5\n"),
        (b"index 5\n", b"index 5\nAAAA\n"),
        (b"\n\n", b"\n"),
    ],
)
def test_other_spellings_are_refused(old: bytes, new: bytes) -> None:
    data = bytes(receipt(5))
    data = data.replace(old, new) if old == b"\n\n" else data.replace(old, new, 1)
    with pytest.raises(MalformedReceipt):
        parse_receipt(data)


def test_no_more_hashes_than_any_tree_has() -> None:
    assert len(parse_receipt(bytes(Receipt(0, (bytes(32),) * 63, b"x"))).proof) == 63
    with pytest.raises(MalformedReceipt):
        parse_receipt(bytes(Receipt(0, (bytes(32),) * 64, b"x")))
    with pytest.raises(TooLarge):
        parse_receipt(bytes(limits.RECEIPT + 1))
