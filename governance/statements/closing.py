"""How a ballot ends: extension, close, revealed nonces, outcome; or a cancellation."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from governance.statements.base import (
    BlobRef,
    Count,
    Digest,
    Hash,
    MemberId,
    Origin,
    Statement,
    Text,
    Time,
    kind,
)


@kind("extension")
class Extension(Statement, frozen=True):
    """The quorum was not met at the planned close; once, by the definition's number of seconds."""

    ballot: Origin
    definition: Digest
    closes_at: Time
    extended_at: Time


@kind("close")
class Close(Statement, frozen=True):
    """Votes before this entry count, later ones cannot exist (DESIGN 2.5). Signed by the service key."""

    ballot: Origin
    definition: Digest
    votes: Count
    order: Digest | None
    closed_at: Time


@kind("nonce-reveal")
class NonceReveal(Statement, frozen=True):
    """The number behind a nonce commitment."""

    definition: Digest
    holder: MemberId
    nonce: Annotated[str, Meta(pattern=r"^[0-9a-f]{32,128}$(?!\n)")]
    revealed_at: Time


@kind("outcome")
class Outcome(Statement, frozen=True):
    """The result as a digest of its canonical JSON (a blob), and the lot. Signed by the service key."""

    ballot: Origin
    definition: Digest
    close: Count
    open_root: Hash
    lot_seed: Hash
    result: BlobRef
    winners: dict[str, list[str]]
    counted_at: Time


@kind("cancellation")
class Cancellation(Statement, frozen=True):
    """The ballot ends without an outcome, by a steward's order. Signed by the service key."""

    ballot: Origin
    definition: Digest
    order: Digest
    signer: MemberId
    reason: Text
    cancelled_at: Time
