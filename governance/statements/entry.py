"""Reading a log entry: envelope, statement and identity in one value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from governance import limits
from governance.canonical import digest
from governance.errors import BadSignature, TooLarge, WrongSuite
from governance.signing import suites
from governance.signing.envelope import Envelope, normalise, pae, parse_envelope, parse_normal
from governance.statements.base import Key, Statement, parse_statement


class Entry(msgspec.Struct, frozen=True, gc=False):
    """An envelope with its statement; a Struct because audits make one for each of a million votes.

    `identity` is `sha256:` of the DSSE PAE: what a statement is called, whatever its envelope looks like.
    `data` is the normalised envelope, the bytes that a log holds; `message` the PAE, what is signed.
    Bit i of `proved` says that signature i verifies under `assumed_key`, which needs no second look then.
    """

    statement: Statement
    envelope: Envelope
    identity: str
    data: bytes
    message: bytes
    proved: int = 0


def read_entry(data: bytes, proved: int = 0) -> Entry:
    """The entry of envelope bytes as a log holds them.

    Args:
        data: the normalised envelope.
        proved: which signatures were verified before, of bytes equal to these (see `Entry`).

    Raises:
        MalformedEnvelope: not an envelope, or not in the normal form (a second form of one vote).
        Malformed, Unsupported: the payload is no statement of a known kind.
    """
    return _entry(parse_normal(data), data, proved)


def read_envelope(data: bytes) -> Entry:
    """The entry of envelope bytes as somebody sent them; any DSSE layout, normalised here.

    Raises:
        TooLarge: the normalised envelope is beyond `limits.ENTRY`.
        Malformed, Unsupported: as `read_entry`.
    """
    envelope = parse_envelope(data)
    return _entry(envelope, normalise(envelope))


def _entry(envelope: Envelope, data: bytes, proved: int = 0) -> Entry:
    if len(data) > limits.ENTRY:
        raise TooLarge(f"the envelope has {len(data)} bytes; a log entry holds at most {limits.ENTRY}")
    statement = parse_statement(envelope.payload_type, envelope.payload)
    message = pae(envelope.payload_type, envelope.payload)
    return Entry(statement, envelope, digest(message), data, message, proved)


def key_id(key: Key) -> str:
    """The id under which a key signs when it is nobody's enrolled key (root, service, new keys)."""
    return suites.get(key.suite).member_id(key.public)


def assumed_key(signer: str, signature: bytes) -> Key | None:
    """The key inside an id, in the suite that the signature looks like; None when the id holds none.

    Only a guess to be confirmed: whoever uses it compares with the key that the roll or the space names.
    """
    suite = "ed25519" if len(signature) == 64 else "sshsig" if signature.startswith(b"SSHSIG") else None
    public = None if suite is None else suites.get(suite).derive_key(signer)
    return None if suite is None or public is None else Key(suite=suite, public=public)


_LOOKS: Final[dict[str, Callable[[bytes], bool]]] = {
    "sshsig": lambda signature: signature.startswith(b"SSHSIG"),
    "ed25519": lambda signature: len(signature) == 64,
    "hybrid": lambda signature: len(signature) == 2420 + 64,
}
"""Only to name the likely mistake in a refusal; nothing is accepted by looks."""


def verify_signer(entry: Entry, signer: str, key: Key) -> None:
    """That this signer, with this enrolled key, signed the entry.

    The key id only says which signature to try; the suite is the key's, never the message's.

    Raises:
        BadSignature: no signature carries the signer's id, or it does not verify.
    """
    candidates = [(i, s.sig) for i, s in enumerate(entry.envelope.signatures) if s.keyid == signer]
    if not candidates:
        raise BadSignature(f"no signature by {signer}", pointer="/signatures")
    position, first = candidates[0]
    if len(candidates) == 1 and entry.proved >> position & 1 and assumed_key(signer, first) == key:
        return
    if not all(suites.verify_text(key.suite, key.public, entry.message, sig) for _, sig in candidates):
        raise _why_not(key, first)


def _why_not(key: Key, signature: bytes) -> BadSignature | WrongSuite:
    other = next((name for name, begins in _LOOKS.items() if begins(signature)), key.suite)
    if other != key.suite:
        return WrongSuite(
            f"this member enrolled a key for {key.suite}, the signature looks like {other}",
            pointer="/signatures/0/sig",
        )
    return BadSignature(
        f"the signature does not match the content and the enrolled {key.suite} key",
        pointer="/signatures/0/sig",
    )
