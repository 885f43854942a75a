"""The identity of an instance, the spaces it keeps and where burnt logs go on (the instance's own log)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from governance import limits
from governance.canonical import digest
from governance.signing import did_key
from governance.statements.base import (
    Count,
    Digest,
    Hash,
    Key,
    MemberId,
    Origin,
    Slug,
    Statement,
    Text,
    Time,
    Title,
    Value,
    kind,
)

VKey = Annotated[str, Meta(min_length=1, max_length=8_000)]


class Operator(Value, frozen=True):
    """A person who runs the instance: may found spaces."""

    id: MemberId
    key: Key


class Versions(Value, frozen=True):
    """The versions of the federation protocol that an instance speaks, both included."""

    min: Annotated[int, Meta(ge=1, le=1_000)]
    max: Annotated[int, Meta(ge=1, le=1_000)]


class Federation(Value, frozen=True):
    """How other instances know this one: its keys for requests and cosignatures, and until when.

    `http_key` signs requests (RFC 9421), `witnesses` are C2SP verifier keys of its cosigners, `kinds` the
    statements that it understands.
    """

    protocol: Versions
    http_key: Key
    witnesses: Annotated[list[VKey], Meta(max_length=8)]
    kinds: Annotated[list[Annotated[str, Meta(max_length=60)]], Meta(max_length=200)]
    valid_until: Time
    contact: Annotated[str, Meta(max_length=300)]


class Revocation(Value, frozen=True):
    """Signatures by this service key on entries of that log from index `start` on are void."""

    key: MemberId
    origin: Origin
    start: Count
    reason: Text


@kind("instance")
class Instance(Statement, frozen=True, omit_defaults=True):
    """One version of `/.well-known/althing.json`, signed by the root key (DESIGN 8).

    `id` is the hash of the first root key and never changes; a new root is signed for by the old one too.
    """

    id: Digest
    name: Title
    base_url: Annotated[str, Meta(pattern=r"^https?://[^\s/]+(/[^\s]*)?$(?!\n)", max_length=255)]
    serial: Annotated[int, Meta(ge=1, le=2**31)]
    previous: Digest | None
    issued_at: Time
    root: Key
    service: Key
    operators: Annotated[list[Operator], Meta(min_length=1, max_length=50)]
    origin: Origin
    vkey: VKey
    federation: Federation | None = None
    revoked: Annotated[list[Revocation], Meta(max_length=200)] = msgspec.field(default_factory=list)


@kind("space-notice")
class SpaceNotice(Statement, frozen=True):
    """The instance keeps this space's log; signed by the service key."""

    space: Slug
    origin: Origin
    vkey: VKey
    noted_at: Time


@kind("log-successor")
class LogSuccessor(Statement, frozen=True):
    """The log `origin` is burnt and goes on as `successor`, with its first `size` entries and no others.

    Signed by the root key; `root` is that of those entries, in both logs. `held` is how many the instance had
    in the burnt log: it stays published up to there, so that everybody sees what does not count.
    """

    origin: Origin
    size: Annotated[int, Meta(ge=1, le=limits.JSON_INTEGER)]
    root: Hash
    held: Count
    successor: Origin
    vkey: VKey
    reason: Text
    succeeded_at: Time


def instance_id(root: Key) -> str:
    """`sha256:` of the root public key as multikey bytes; names the instance whatever its domain is."""
    did_key.multikey_decode(root.public)
    return digest(did_key.base58_decode(root.public[1:]))
