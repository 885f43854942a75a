"""The identity of an instance, and the spaces it keeps (kept in the instance's own log)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from governance.canonical import digest
from governance.signing import did_key
from governance.statements.base import (
    Digest,
    Key,
    MemberId,
    Origin,
    Slug,
    Statement,
    Time,
    Title,
    Value,
    kind,
)


class Operator(Value, frozen=True):
    """A person who runs the instance: may found spaces."""

    id: MemberId
    key: Key


@kind("instance")
class Instance(Statement, frozen=True):
    """One version of `/.well-known/althing.json`, signed by the root key (DESIGN 8)."""

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
    vkey: Annotated[str, Meta(max_length=8_000)]


@kind("space-notice")
class SpaceNotice(Statement, frozen=True):
    """The instance keeps this space's log; signed by the service key."""

    space: Slug
    origin: Origin
    vkey: Annotated[str, Meta(max_length=8_000)]
    noted_at: Time


def instance_id(root: Key) -> str:
    """`sha256:` of the root public key as multikey bytes; names the instance whatever its domain is."""
    did_key.multikey_decode(root.public)
    return digest(did_key.base58_decode(root.public[1:]))
