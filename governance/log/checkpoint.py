"""Checkpoints: the signed head of a log (C2SP tlog-checkpoint v1.0.0).

Text of a signed note: origin, size, root hash in base64, then optional extension lines. A log signs with
a key named like its origin, by Ed25519 (type 01), ML-DSA-44 (type 06, `cosignature.MlDsaCosigner`), or both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from governance import limits
from governance.errors import BadSignature, MalformedCheckpoint
from governance.log.merkle import HASH
from governance.signing.lines import encode_base64, exact_base64, exact_decimal, printable
from governance.signing.note import Note, Signer, Verifier, open_note, sign_note


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Which log, how many entries, and the root over them (32 bytes).

    Extension lines are part of the text that types 01 and 04 sign; type 06 does not cover them.

    Raises:
        MalformedCheckpoint: values that no checkpoint text can hold.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= limits.TREE_SIZE or len(self.root) != HASH:
            raise MalformedCheckpoint("a checkpoint has a size of 0…2^63-1 and a root of 32 bytes")
        if len(self.origin.encode("utf-8", "surrogatepass")) > limits.NAME:
            raise MalformedCheckpoint(f"an origin has at most {limits.NAME} bytes")
        lines = (self.origin, *self.extensions)
        if any(not line or "\n" in line for line in lines) or _unprintable(lines):
            raise MalformedCheckpoint("origin and extensions are non-empty lines of printable text")

    @property
    def text(self) -> bytes:
        """The bytes that are signed, with their final newline."""
        lines = (self.origin, str(self.size), encode_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines).encode()


def _unprintable(lines: Sequence[str]) -> bool:
    return any(printable(line.encode("utf-8", "surrogatepass")) is None for line in lines)


def parse_checkpoint(text: bytes) -> Checkpoint:
    """The checkpoint of a note's text; signatures are not looked at.

    Raises:
        MalformedCheckpoint: any other line structure, size or hash spelling.
    """
    decoded = printable(text)
    if decoded is None or not decoded.endswith("\n"):
        raise MalformedCheckpoint("a checkpoint is lines of UTF-8 text, the last one ended too")
    lines = decoded[:-1].split("\n")
    if len(lines) < 3:
        raise MalformedCheckpoint("a checkpoint has at least origin, size and root hash")
    size = exact_decimal(lines[1], limits.TREE_SIZE)
    if size is None:
        raise MalformedCheckpoint("the second line is the tree size, decimal without leading zeroes")
    root = exact_base64(lines[2])
    if root is None or len(root) != HASH:
        raise MalformedCheckpoint("the third line is the root hash, 32 bytes in base64")
    return Checkpoint(lines[0], size, root, tuple(lines[3:]))


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[Signer]) -> bytes:
    """The signed note; a public log includes an Ed25519 signer (C2SP tlog-tiles)."""
    return sign_note(checkpoint.text, signers)


def open_checkpoint(data: bytes, verifiers: Sequence[Verifier]) -> Checkpoint:
    """The checkpoint of a log whose keys we hold.

    One verified line of a key named like the origin is enough; a bad line of any known key rejects it.

    Raises:
        MalformedNote: not a signed note (also TooLarge); MalformedCheckpoint: a note about something else.
        BadSignature: no known log key signed it, or a known key's line fails, or it is of another origin.
    """
    return checked(open_note(data, verifiers), verifiers)


def checked(note: Note, log_verifiers: Sequence[Verifier]) -> Checkpoint:
    """The checkpoint of an opened note, once a log key named like its origin is among the verified lines.

    Raises:
        MalformedCheckpoint: the text is not a checkpoint.
        BadSignature: no such line.
    """
    checkpoint = parse_checkpoint(note.text)
    keys = {(v.key.name, v.key.key_id) for v in log_verifiers if v.key.name == checkpoint.origin}
    if not any((line.name, line.key_id) in keys for line in note.signatures):
        raise BadSignature(f"no known key of {checkpoint.origin} signed this checkpoint")
    return checkpoint
