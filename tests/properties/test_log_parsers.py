"""Hostile bytes at every parser of the log: a value that writes itself back, or its own error."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from governance.errors import (
    BadProof,
    BadSignature,
    Malformed,
    MalformedCheckpoint,
    MalformedKey,
    MalformedNote,
    MalformedPolicy,
    MalformedProof,
    MalformedReceipt,
    MalformedTile,
    TooLarge,
)
from governance.log.checkpoint import open_checkpoint, parse_checkpoint
from governance.log.cosignature import Ed25519Cosigner, MlDsaCosigner, verifier_for
from governance.log.policy import Policy, PolicyLog, parse_policy
from governance.log.proofs import verify_consistency, verify_inclusion
from governance.log.receipt import Receipt, parse_receipt, verify_receipt
from governance.log.tiles import encode_bundle, parse_bundle, parse_path, parse_tile
from governance.signing.note import Ed25519Verifier, parse_note, parse_signatures, parse_vkey
from tests.support.logs import LOG, entries_of, public_files

CHECKPOINT = public_files(entries_of(5))["checkpoint"]
WITNESS = Ed25519Cosigner("w.example", bytes(32))
POLICY = f"# p\nlog {LOG.key} https://a\nwitness W {WITNESS.key}\ngroup G any W\nquorum G\n".encode()
RECEIPT = bytes(Receipt(3, (bytes(32), bytes(range(32))), CHECKPOINT, b"extra"))


def mutated(seed: bytes) -> st.SearchStrategy[bytes]:
    """Bytes near valid ones: a piece replaced, dropped or doubled; or any bytes at all."""
    places = st.integers(0, len(seed))
    fillers = st.one_of(
        st.binary(max_size=8), st.sampled_from([b"\n", b"\n\n", b" ", b"=", b"+", b"0", b"\xff"])
    )
    near = st.builds(lambda a, b, f: seed[: min(a, b)] + f + seed[max(a, b) :], places, places, fillers)
    one = st.builds(lambda a, f: seed[:a] + f + seed[a + 1 :], places, fillers)
    return st.one_of(one, near, st.binary(max_size=200))


@given(mutated(CHECKPOINT))
def test_notes(data: bytes) -> None:
    try:
        note = parse_note(data)
    except (MalformedNote, BadSignature, TooLarge):
        return
    assert bytes(note) == data


@given(mutated(CHECKPOINT.partition(b"\n\n")[2]))
def test_signature_lines(data: bytes) -> None:
    try:
        lines = parse_signatures(data)
    except (MalformedNote, BadSignature):
        return
    assert "".join(map(str, lines)).encode() == data


@given(mutated(CHECKPOINT.partition(b"\n\n")[0] + b"\nextension\n"))
def test_checkpoints(data: bytes) -> None:
    try:
        checkpoint = parse_checkpoint(data)
    except MalformedCheckpoint:
        return
    assert checkpoint.text == data


@given(mutated(CHECKPOINT))
def test_only_the_signed_bytes_open(data: bytes) -> None:
    try:
        checkpoint = open_checkpoint(data, [Ed25519Verifier(LOG.key)])
    except (MalformedNote, BadSignature, TooLarge):
        return
    assert checkpoint.text == CHECKPOINT.partition(b"\n\n")[0] + b"\n"


@given(st.one_of(st.text(), mutated(str(WITNESS.key).encode()).map(lambda b: b.decode("latin-1"))))
def test_vkeys(text: str) -> None:
    try:
        key = parse_vkey(text)
    except MalformedKey:
        return
    assert str(key) == text


@given(mutated(POLICY))
def test_policies(data: bytes) -> None:
    try:
        policy = parse_policy(data)
    except (MalformedPolicy, TooLarge):
        return
    assert parse_policy(str(policy).encode()) == policy


@given(mutated(RECEIPT))
@example(RECEIPT)
def test_receipts(data: bytes) -> None:
    try:
        receipt = parse_receipt(data)
    except (MalformedReceipt, TooLarge):
        return
    assert bytes(receipt) == data
    with pytest.raises((Malformed, BadSignature, BadProof)):
        verify_receipt(receipt, b"another entry", Policy(logs=(PolicyLog(LOG.key),)))


@given(st.one_of(st.text(), st.from_regex(r"\Atile/[0-9a-z/.x]{0,30}\Z")))
@example("tile/0/x001/x234/067.p/8")
@example("tile/0/000.p/256")
@example("tile/64/000")
@example("tile/00/000")
@example("tile/0/x000/000")
@example("tile/0/000.p/0")
@example("tile/0/x999/x999/x999/x999/x999/x999/999")
@example("tile/0/٠٠٠")
@example("tile/0/000\n")
def test_tile_paths(path: str) -> None:
    try:
        tile = parse_path(path)
    except MalformedTile:
        return
    assert tile.path == path
    assert 1 <= tile.width <= 256


@given(mutated(encode_bundle([b"", b"a", b"bc" * 200])), st.integers(0, 256))
def test_bundles(data: bytes, count: int) -> None:
    try:
        entries = parse_bundle(data, count)
    except MalformedTile:
        return
    assert len(entries) == count
    assert encode_bundle(entries) == data


@given(st.binary(max_size=200), st.integers(0, 256))
def test_tiles(data: bytes, width: int) -> None:
    try:
        hashes = parse_tile(data, width)
    except MalformedTile:
        return
    assert b"".join(hashes) == data
    assert len(hashes) == width


@given(
    st.integers(-1, 2**64), st.integers(-1, 2**64), st.lists(st.binary(min_size=31, max_size=32), max_size=70)
)
def test_proofs(first: int, second: int, proof: list[bytes]) -> None:
    for verify in (verify_inclusion_of_zeroes, verify_consistency_of_zeroes):
        with pytest.raises((MalformedProof, BadProof)):
            verify(first, second, proof)


def verify_inclusion_of_zeroes(index: int, size: int, proof: list[bytes]) -> None:
    verify_inclusion(index, size, bytes(32), proof, b"\1" * 32)


def verify_consistency_of_zeroes(old: int, new: int, proof: list[bytes]) -> None:
    verify_consistency(old, bytes(32), new, b"\1" * 32, proof)


@pytest.mark.parametrize("cosigner", [WITNESS.key, MlDsaCosigner("pq.example", bytes(32)).key, LOG.key])
@pytest.mark.parametrize("text", [CHECKPOINT, b"", b"a\n"])
def test_verifiers_answer_false_to_anything(cosigner: object, text: bytes) -> None:
    verify: Callable[[bytes, bytes], bool] = verifier_for(cosigner).verify  # type: ignore[arg-type]
    for size in (0, 7, 8, 63, 64, 72, 2420, 2428, 2429):
        assert verify(text, bytes(size)) is False
        assert verify(text, b"\xff" * size) is False


def test_one_spelling_of_base64() -> None:
    spelt = base64.b64encode(bytes(32)).decode()
    note = CHECKPOINT.decode().split("\n")
    for other in (
        spelt[:-1],
        spelt[:-2] + "B=",
        " " + spelt,
        spelt + "=",
        spelt.replace("A", "-"),
        spelt + "\r",
    ):
        text = "\n".join([note[0], note[1], other, ""])
        with pytest.raises(MalformedCheckpoint):
            parse_checkpoint(text.encode())
