"""DSSE v1.0.2 envelopes: a typed payload and the signatures over it (secure-systems-lab/dsse).

What is signed is the pre-authentication encoding (PAE) of type and payload, never the JSON around them.
The JSON is malleable (base64 alphabet, extra fields, order), so a statement is identified by the SHA-256 of
its PAE and an envelope is normalised before it is logged.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from typing import Annotated, Any, Final, Protocol

import msgspec
from msgspec import Meta

from governance import limits
from governance.canonical import parse_json
from governance.errors import MalformedEnvelope, MalformedJson

_msgspec_place: Final = re.compile(r" - at `\$(.*)`$")
_url_safe: Final = str.maketrans("-_", "+/")


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One signature of an envelope.

    `keyid` is an unauthenticated hint (DSSE protocol.md, "keyid"): it may select a key, never vouch for one.
    """

    keyid: Annotated[str, Meta(max_length=limits.KEY_ID)]
    sig: Annotated[bytes, Meta(min_length=1)]


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A DSSE envelope: payload bytes, their type (ASCII), 1 to `limits.ENVELOPE_SIGNATURES` signatures."""

    payload: bytes
    payload_type: Annotated[str, Meta(min_length=1, max_length=255)] = msgspec.field(name="payloadType")
    signatures: Annotated[tuple[Signature, ...], Meta(min_length=1, max_length=limits.ENVELOPE_SIGNATURES)]


class EnvelopeSigner(Protocol):
    """What `sign_envelope` needs of a private key."""

    @property
    def member_id(self) -> str:
        """The public id of the key, written as `keyid`."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The suite's signature over message."""
        ...


_decode: Final = msgspec.json.Decoder(Envelope).decode
_encode: Final = msgspec.json.Encoder().encode


def pae(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed: `DSSEv1 len(type) type len(payload) payload`, lengths in bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def identity(envelope: Envelope) -> str:
    """`sha256:` and the hex SHA-256 of the PAE: equal for every layout of one signed statement."""
    return "sha256:" + hashlib.sha256(pae(envelope.payload_type, envelope.payload)).hexdigest()


def normalise(envelope: Envelope) -> bytes:
    """The one layout that is logged: DSSE's field order, `keyid` always, standard base64, no white space."""
    return _encode(envelope)


def parse_envelope(data: bytes) -> Envelope:
    """The envelope in JSON bytes; standard and URL-safe base64 are read, unknown fields are ignored (DSSE).

    Bytes in the normal form are recognised by encoding them again, which rules out duplicate keys and other
    looseness without a second parse.

    Raises:
        MalformedEnvelope: not strict JSON, not this shape, payload type beyond ASCII; with a JSON pointer.
    """
    try:
        envelope = _decode(data)
        if _encode(envelope) == data and envelope.payload_type.isascii():
            return envelope
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    return _parse_other_layout(data)


def parse_normal(data: bytes) -> Envelope:
    """The envelope in bytes of the normal form, the only one that logs hold.

    Raises:
        MalformedEnvelope: no envelope, or one in another layout.
    """
    try:
        envelope = _decode(data)
        if _encode(envelope) == data and envelope.payload_type.isascii():
            return envelope
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    _parse_other_layout(data)
    raise MalformedEnvelope("the envelope is not in the normal form that logs hold")


def sign_envelope(payload_type: str, payload: bytes, keys: Iterable[EnvelopeSigner]) -> Envelope:
    """The envelope of payload, signed by every key in turn; `keyid` is the key's member id.

    Raises:
        MalformedEnvelope: no key, too many keys, or a payload type beyond ASCII.
    """
    message = pae(payload_type, payload)
    signatures = [{"keyid": key.member_id, "sig": key.sign(message)} for key in keys]
    return _build({"payload": payload, "payloadType": payload_type, "signatures": signatures})


def _parse_other_layout(data: bytes) -> Envelope:
    try:
        value = parse_json(data)
    except MalformedJson as e:
        raise MalformedEnvelope(f"not JSON: {e.detail}") from e
    outer = _object(value, "")
    signatures = _member(outer, "signatures", "")
    if not isinstance(signatures, list):
        raise MalformedEnvelope("the signatures are not a list", pointer="/signatures")
    if len(signatures) > limits.ENVELOPE_SIGNATURES:
        raise MalformedEnvelope(
            f"{len(signatures)} signatures; at most {limits.ENVELOPE_SIGNATURES} are read",
            pointer="/signatures",
        )
    return _build(
        {
            "payload": _base64(_member(outer, "payload", ""), "/payload"),
            "payloadType": _member(outer, "payloadType", ""),
            "signatures": [_signature(s, f"/signatures/{i}") for i, s in enumerate(signatures)],
        }
    )


def _build(fields: dict[str, Any]) -> Envelope:
    try:
        envelope = msgspec.convert(fields, Envelope)
    except msgspec.ValidationError as e:
        message = str(e)
        place = _msgspec_place.search(message)
        pointer = "" if place is None else re.sub(r"[.\[]", "/", place.group(1)).replace("]", "")
        raise MalformedEnvelope(_msgspec_place.sub("", message), pointer=pointer) from e
    if not envelope.payload_type.isascii():
        # Implementations disagree on whether a length counts characters or bytes; ASCII makes them equal.
        raise MalformedEnvelope("the payload type holds characters beyond ASCII", pointer="/payloadType")
    return envelope


def _signature(value: object, pointer: str) -> dict[str, object]:
    fields = _object(value, pointer)
    return {
        "keyid": fields.get("keyid", ""),
        "sig": _base64(_member(fields, "sig", pointer), f"{pointer}/sig"),
    }


def _object(value: object, pointer: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedEnvelope("expected a JSON object", pointer=pointer)
    return value


def _member(fields: dict[str, Any], name: str, pointer: str) -> Any:
    if name not in fields:
        raise MalformedEnvelope(f"the field {name} is missing", pointer=pointer)
    return fields[name]


def _base64(text: object, pointer: str) -> bytes:
    """RFC 4648 section 4 or 5, padded, one alphabet at a time, no bits left over."""
    if not isinstance(text, str) or not text.isascii():
        raise MalformedEnvelope("expected a base64 string", pointer=pointer)
    standard = text.translate(_url_safe) if "-" in text or "_" in text else text
    try:
        if standard is not text and ("+" in text or "/" in text):
            raise MalformedEnvelope("standard and URL-safe base64 are mixed", pointer=pointer)
        decoded = base64.b64decode(standard, validate=True)
    except binascii.Error as e:
        raise MalformedEnvelope(f"not base64: {e}", pointer=pointer) from e
    if base64.b64encode(decoded).decode() != standard:
        raise MalformedEnvelope("not base64: bits are left over after the last byte", pointer=pointer)
    return decoded
