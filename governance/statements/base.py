"""Types that all statements share, and the registry of kinds (DESIGN 4)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, TypeVar

import msgspec
from msgspec import Meta

from governance import limits
from governance.canonical import decode, encode
from governance.errors import Unsupported

PREFIX: Final = "application/vnd.althing."
SUFFIX: Final = ".v1+json"

# `$(?!\n)`: in Python a bare `$` also matches before a final line feed, which no id may end in.
Integer = Annotated[int, Meta(ge=-limits.JSON_INTEGER, le=limits.JSON_INTEGER)]
Time = Annotated[int, Meta(ge=0, le=253_402_300_799, description="Unix time in seconds, UTC")]
Count = Annotated[int, Meta(ge=0, le=limits.JSON_INTEGER)]
Amount = Annotated[
    str,
    Meta(
        pattern=r"^(0|[1-9][0-9]{0,38})$(?!\n)",
        description="Non-negative integer as a decimal string, below 2^128",
    ),
]
Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$(?!\n)")]
Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)", description="32 bytes in hex")]
Slug = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$(?!\n)")]
OptionId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)")]
MemberId = Annotated[
    str,
    Meta(
        pattern=r"^(did:key:z[1-9A-HJ-NP-Za-km-z]{1,1000}|sha256:[0-9a-f]{64})$(?!\n)",
        description="did:key, or the SHA-256 of a key that has no multicodec",
    ),
]
Origin = Annotated[str, Meta(pattern=r"^[^\s+]+$(?!\n)", min_length=1, max_length=limits.NAME)]
Quarter = Annotated[str, Meta(pattern=r"^[0-9]{4}-Q[1-4]$(?!\n)")]
Title = Annotated[str, Meta(min_length=1, max_length=300)]
Text = Annotated[str, Meta(max_length=8_000)]
Role = Annotated[str, Meta(pattern=r"^(steward|registrar|auditor|member)$(?!\n)")]


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a statement: immutable, and complete (unknown fields are refused)."""


class Statement(Value, frozen=True):
    """A payload that somebody signs."""

    KIND: ClassVar[str] = ""

    @classmethod
    def payload_type(cls) -> str:
        """The DSSE payload type of this kind."""
        return PREFIX + cls.KIND + SUFFIX

    def to_bytes(self) -> bytes:
        """The canonical payload bytes, for a statement we are the first to write."""
        return encode(self)


class BoundStatement(Statement, frozen=True, kw_only=True, omit_defaults=True):
    """What a person signs for a space and nothing else in it tells from a space of that name elsewhere.

    `instance` is the id of the space's instance; left out only where the space does not ask for it.
    """

    instance: Digest | None = None


class Key(Value, frozen=True):
    """A public key with the one suite it may be used with."""

    suite: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}$(?!\n)")]
    public: Annotated[str, Meta(min_length=1, max_length=4_096)]


class BlobRef(Value, frozen=True):
    """Bytes kept beside the log under `/blobs/sha256/<hex>`."""

    digest: Digest
    length: Annotated[int, Meta(ge=0, le=limits.BLOB)]


S = TypeVar("S", bound=Statement)

KINDS: Final[dict[str, type[Statement]]] = {}
_decoders: Final[dict[str, msgspec.json.Decoder[Statement]]] = {}


def kind(name: str) -> _Registrar:
    """Class decorator: gives a statement its kind and registers it under its payload type."""
    return _Registrar(name)


class _Registrar:
    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, cls: type[S]) -> type[S]:
        cls.KIND = self.name
        KINDS[self.name] = cls
        _decoders[cls.payload_type()] = msgspec.json.Decoder(cls)
        return cls


def parse_statement(payload_type: str, payload: bytes) -> Statement:
    """The typed statement of an envelope's payload.

    Raises:
        Unsupported: a payload type this version does not know.
        MalformedJson, MalformedStatement: with the place.
    """
    decoder = _decoders.get(payload_type)
    if decoder is None:
        raise Unsupported(f"the payload type {payload_type[:100]!r} is not known to this version")
    return decode(payload, decoder)
