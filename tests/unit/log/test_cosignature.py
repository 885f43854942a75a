"""Cosignatures of types 04 and 06: what each binds, and what it leaves open."""

from __future__ import annotations

import struct

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from governance.errors import BadSignature, MalformedCheckpoint, MalformedKey
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.cosignature import (
    Cosigner,
    Ed25519Cosigner,
    MlDsaCosigner,
    cosign,
    cosignature_time,
    cosignature_v1_message,
    open_cosigned,
    subtree_message,
    verifier_for,
)
from governance.signing.note import Ed25519Signer, add_signatures

NOW = 1_700_000_000
ORIGIN = "gov.example/log"
LOG = Ed25519Signer(ORIGIN, b"\1" * 32)
CHECKPOINT = Checkpoint(ORIGIN, 300, bytes(range(32)))
SIGNED = sign_checkpoint(CHECKPOINT, [LOG])
LOGS = [verifier_for(LOG.key)]
PAIRS: list[Cosigner] = [Ed25519Cosigner("w1", b"\2" * 32), MlDsaCosigner("w2", b"\3" * 32)]


def test_messages() -> None:
    text = b"o\n1\n" + b"x\n"
    assert cosignature_v1_message(text, 7) == b"cosignature/v1\ntime 7\no\n1\nx\n"
    expected = b"subtree/v1\n\0\2w2" + struct.pack(">Q", NOW) + b"\x0fgov.example/log"
    expected += bytes(8) + struct.pack(">Q", 300) + bytes(range(32))
    assert subtree_message("w2", NOW, CHECKPOINT) == expected


@pytest.mark.parametrize("cosigner", PAIRS, ids=["04", "06"])
def test_cosign_and_open(cosigner: Cosigner) -> None:
    line = cosign(CHECKPOINT.text, cosigner, NOW)
    assert cosignature_time(line.signature) == NOW
    opened = open_cosigned(add_signatures(SIGNED, [line]), LOGS, [verifier_for(cosigner.key)])
    assert opened.checkpoint == CHECKPOINT
    assert [(c.key, c.time) for c in opened.cosignatures] == [(cosigner.key, NOW)]
    assert open_cosigned(add_signatures(SIGNED, [line]), LOGS, []).cosignatures == ()


@pytest.mark.parametrize("cosigner", PAIRS, ids=["04", "06"])
def test_what_a_cosignature_binds(cosigner: Cosigner) -> None:
    verify = verifier_for(cosigner.key).verify
    signature = cosign(CHECKPOINT.text, cosigner, NOW).signature
    assert verify(CHECKPOINT.text, signature)
    later = struct.pack(">Q", NOW + 1) + signature[8:]
    assert not verify(CHECKPOINT.text, later)
    for other in (
        Checkpoint("gov.example/lo", 300, CHECKPOINT.root),
        Checkpoint(ORIGIN, 301, CHECKPOINT.root),
        Checkpoint(ORIGIN, 300, bytes(32)),
    ):
        assert not verify(other.text, signature)
    extended = Checkpoint(ORIGIN, 300, CHECKPOINT.root, ("extension",))
    # "Note that checkpoint extension lines are not included in the signed message for ML-DSA-44".
    assert verify(extended.text, signature) is (cosigner is PAIRS[1])


@pytest.mark.parametrize("cosigner", PAIRS, ids=["04", "06"])
def test_times_beyond_63_bits_are_refused(cosigner: Cosigner) -> None:
    signature = struct.pack(">Q", 2**63) + bytes(64 if cosigner is PAIRS[0] else 2420)
    assert cosignature_time(signature) is None
    assert cosignature_time(bytes(7)) is None
    assert not verifier_for(cosigner.key).verify(CHECKPOINT.text, signature)
    assert cosignature_time(struct.pack(">Q", 2**63 - 1)) == 2**63 - 1


def test_only_checkpoints_are_cosigned() -> None:
    for cosigner in PAIRS:
        with pytest.raises(MalformedCheckpoint):
            cosign(b"hello\n", cosigner, NOW)
        assert not verifier_for(cosigner.key).verify(b"hello\n", bytes(2428))


def test_the_latest_line_of_a_key_counts_and_all_must_verify() -> None:
    lines = [cosign(CHECKPOINT.text, PAIRS[0], time) for time in (NOW + 9, NOW)]
    witnesses = [verifier_for(PAIRS[0].key)]
    data = add_signatures(SIGNED, [*lines, lines[0]])
    assert data.count(b"w1") == 2
    assert [c.time for c in open_cosigned(data, LOGS, witnesses).cosignatures] == [NOW + 9]
    bad = cosign(Checkpoint(ORIGIN, 301, bytes(32)).text, PAIRS[0], NOW)
    with pytest.raises(BadSignature):
        open_cosigned(add_signatures(data, [bad]), LOGS, witnesses)


def test_cosignatures_without_the_log_open_nothing() -> None:
    data = sign_checkpoint(CHECKPOINT, [PAIRS[0].at(NOW), PAIRS[1].at(NOW)])
    with pytest.raises(BadSignature):
        open_cosigned(data, LOGS, [verifier_for(c.key) for c in PAIRS])


def test_names_of_more_than_255_bytes_sign_nothing() -> None:
    long = MlDsaCosigner("w" * 256, bytes(32))
    with pytest.raises(MalformedKey):
        cosign(CHECKPOINT.text, long, NOW)
    assert not verifier_for(long.key).verify(CHECKPOINT.text, bytes(2428))


def test_empty_context_and_pure_ml_dsa() -> None:
    private = MLDSA44PrivateKey.from_seed_bytes(b"\3" * 32)
    message = subtree_message("w2", 0, CHECKPOINT)
    verify = verifier_for(PAIRS[1].key).verify
    assert verify(CHECKPOINT.text, bytes(8) + private.sign(message))
    assert not verify(CHECKPOINT.text, bytes(8) + private.sign(message, b"context"))
