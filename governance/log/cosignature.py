"""Cosignatures: somebody saw this checkpoint and it extends all before it (C2SP tlog-cosignature v1.1).

Type 04 is Ed25519 over time and checkpoint text, type 06 ML-DSA-44 over a binary statement of cosigner, time,
origin and tree. Type 06 is also how a log signs its own checkpoint against quantum computers. A time of 0
makes no claim that the tree was the newest one known.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from governance import limits
from governance.errors import MalformedCheckpoint, MalformedKey, Unsupported
from governance.log.checkpoint import Checkpoint, checked, parse_checkpoint
from governance.signing import ed25519
from governance.signing.note import (
    COSIGNATURE_V1,
    ED25519,
    ML_DSA_44,
    Ed25519Verifier,
    NoteSignature,
    Signer,
    Verifier,
    VerifierKey,
    open_note,
    sign_text,
)

MAX_TIME: Final = 2**63 - 1
_LABEL: Final = b"subtree/v1\n\0"
_ML_DSA_SIGNATURE: Final = 2420


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A verified line: whose, and when (Unix seconds, 0 for no claim of freshness)."""

    key: VerifierKey
    time: int


@dataclass(frozen=True, slots=True)
class CosignedCheckpoint:
    """A checkpoint its log signed, with the verified cosignatures, one per key (the latest)."""

    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]


class Cosigner(Protocol):
    """A key that signs checkpoints at a time."""

    @property
    def key(self) -> VerifierKey:
        """The public half, as others configure it."""

    def at(self, now: int) -> Signer:
        """The signer of notes at that time (Unix seconds)."""


def cosignature_v1_message(text: bytes, time: int) -> bytes:
    """What a type 04 signature signs ("Ed25519 signed message")."""
    return b"cosignature/v1\ntime %d\n%b" % (time, text)


def subtree_message(cosigner: str, time: int, checkpoint: Checkpoint) -> bytes:
    """What a type 06 signature signs for a checkpoint: leaves 0 up to its size ("ML-DSA-44 signed message").

    Raises:
        MalformedKey: a cosigner name of more than 255 bytes.
    """
    name, origin = cosigner.encode(), checkpoint.origin.encode()
    if len(name) > limits.NAME:
        raise MalformedKey(f"a cosigner's name has at most {limits.NAME} bytes")
    return b"".join(
        (
            _LABEL,
            bytes([len(name)]) + name,
            struct.pack(">Q", time),
            bytes([len(origin)]) + origin,
            struct.pack(">QQ", 0, checkpoint.size),
            checkpoint.root,
        )
    )


def cosignature_time(signature: bytes) -> int | None:
    """The time within the bytes of a type 04 or 06 signature; None above 2^63-1 or when too short."""
    if len(signature) < 8:
        return None
    time = int.from_bytes(signature[:8], "big")
    return time if time <= MAX_TIME else None


@dataclass(frozen=True, slots=True)
class CosignatureV1Verifier:
    """Type 04. It does not bind the cosigner's name: one key per cosigner."""

    key: VerifierKey

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether time and 64-byte signature are right for the checkpoint text."""
        time = cosignature_time(signature)
        if time is None or len(signature) != 72:
            return False
        return ed25519.verify(self.key.public, cosignature_v1_message(text, time), signature[8:])


class MlDsaVerifier:
    """Type 06. It binds name, time, origin, size and root; not extension lines."""

    def __init__(self, key: VerifierKey) -> None:
        self.key = key
        try:
            self._public = MLDSA44PublicKey.from_public_bytes(key.public)
        except UnsupportedAlgorithm as e:
            raise Unsupported("this installation cannot verify ML-DSA-44 signatures") from e

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether time and 2420-byte signature are right for the checkpoint of the text."""
        time = cosignature_time(signature)
        if time is None or len(signature) != 8 + _ML_DSA_SIGNATURE:
            return False
        try:
            message = subtree_message(self.key.name, time, parse_checkpoint(text))
            self._public.verify(signature[8:], message)
        except (MalformedCheckpoint, MalformedKey, InvalidSignature):
            return False
        return True


def verifier_for(key: VerifierKey) -> Verifier:
    """The verifier of a key, by its signature type.

    Raises:
        Unsupported: ML-DSA-44 is not available in this installation.
    """
    if key.kind == ED25519:
        return Ed25519Verifier(key)
    return CosignatureV1Verifier(key) if key.kind == COSIGNATURE_V1 else MlDsaVerifier(key)


class Ed25519Cosigner:
    """Makes type 04 cosignatures from a 32-byte seed."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._seed = seed
        self.key = VerifierKey(name, COSIGNATURE_V1, ed25519.public_key(seed))

    def at(self, now: int) -> Signer:
        """The signer at that time (Unix seconds)."""
        return _AtTime(self, now)

    def raw_signature(self, text: bytes, time: int) -> bytes:
        """The 64 bytes that follow the time."""
        return ed25519.sign(self._seed, cosignature_v1_message(text, time))


class MlDsaCosigner:
    """Makes type 06 signatures from a 32-byte seed, for a witness or (named like its origin) for a log."""

    def __init__(self, name: str, seed: bytes) -> None:
        try:
            self._private = MLDSA44PrivateKey.from_seed_bytes(seed)
        except UnsupportedAlgorithm as e:
            raise Unsupported("this installation cannot make ML-DSA-44 signatures") from e
        self.key = VerifierKey(name, ML_DSA_44, self._private.public_key().public_bytes_raw())

    def at(self, now: int) -> Signer:
        """The signer at that time (Unix seconds), or at 0 without a claim of freshness."""
        return _AtTime(self, now)

    def raw_signature(self, text: bytes, time: int) -> bytes:
        """The 2420 bytes that follow the time; different each time (hedged signing).

        Raises:
            MalformedCheckpoint: the text is not a checkpoint, the only thing type 06 signs.
        """
        return self._private.sign(subtree_message(self.key.name, time, parse_checkpoint(text)))


@dataclass(frozen=True, slots=True)
class _AtTime:
    cosigner: Ed25519Cosigner | MlDsaCosigner
    time: int

    @property
    def key(self) -> VerifierKey:
        return self.cosigner.key

    def sign(self, text: bytes) -> bytes:
        return struct.pack(">Q", self.time) + self.cosigner.raw_signature(text, self.time)


def cosign(text: bytes, cosigner: Cosigner, now: int) -> NoteSignature:
    """The line a witness answers with, for the text of a checkpoint it found consistent.

    Raises:
        MalformedCheckpoint: the text is not a checkpoint.
    """
    parse_checkpoint(text)
    return sign_text(text, cosigner.at(now))


def open_cosigned(data: bytes, logs: Sequence[Verifier], witnesses: Sequence[Verifier]) -> CosignedCheckpoint:
    """The checkpoint that one of the logs signed, with the cosignatures by known witnesses.

    Whether those are enough is the trust policy's question (`policy.Policy.satisfied_by`).

    Raises:
        MalformedNote, TooLarge: not a checkpoint note.
        BadSignature: as `checkpoint.open_checkpoint`; a bad line of a known witness rejects it too.
    """
    note = open_note(data, [*logs, *witnesses])
    checkpoint = checked(note, logs)
    keys = {(v.key.name, v.key.key_id): v.key for v in witnesses if v.key.kind != ED25519}
    times: dict[VerifierKey, int] = {}
    for line in note.signatures:
        key = keys.get((line.name, line.key_id))
        if key is not None:
            times[key] = max(times.get(key, 0), cosignature_time(line.signature) or 0)
    return CosignedCheckpoint(checkpoint, tuple(Cosignature(key, time) for key, time in times.items()))
