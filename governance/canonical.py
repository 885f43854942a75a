"""Strict JSON in, canonical JSON out (DESIGN 4; RFC 8785; RFC 7493).

Accepted is UTF-8 JSON without duplicate keys, floats, integers beyond ±(2^53-1), lone surrogates, or nesting
deeper than `limits.JSON_DEPTH`. What is signed or hashed is always the received bytes; `encode` is only for
bytes that we are the first to write.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final, TypeVar

import msgspec
import rfc8785

from governance import limits
from governance.errors import MalformedJson, MalformedStatement

T = TypeVar("T")

_encoder: Final = msgspec.json.Encoder(order="sorted")
_structure: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_place: Final = re.compile(r" - at `(key in )?\$(.*)`$")
_step: Final = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")


def sha256(data: bytes) -> bytes:
    """SHA-256 of data, 32 bytes."""
    return hashlib.sha256(data).digest()


def digest(data: bytes) -> str:
    """`sha256:` and 64 lower-case hex digits: how statements name bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def parse_json(data: bytes) -> Any:
    """The value of strict JSON.

    Raises:
        MalformedJson: with the byte offset (syntax, depth) or the offending key or number.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as e:
        raise MalformedJson(f"byte {e.start} is not UTF-8", offset=e.start) from e
    _check_depth(data)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_no_float,
            parse_int=_integer,
            parse_constant=_no_float,
        )
    except json.JSONDecodeError as e:
        raise MalformedJson(f"{e.msg} at line {e.lineno} column {e.colno}", offset=e.pos) from e
    if "\\u" in text:
        _check_surrogates(value)
    return value


def _check_depth(data: bytes) -> None:
    depth = 0
    for token in _structure.finditer(data):
        first = token.group()[0]
        if first in b"[{":
            depth += 1
            if depth > limits.JSON_DEPTH:
                raise MalformedJson(
                    f"nested deeper than {limits.JSON_DEPTH} at byte {token.start()}", offset=token.start()
                )
        elif first in b"]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise MalformedJson(f"the key {_printable(key)} stands twice in one object")
        result[key] = value
    return result


def _check_surrogates(value: Any) -> None:
    """Half of a surrogate pair can only come from an escape; UTF-8 itself cannot hold one."""
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as e:
            raise MalformedJson(f"{_printable(value)} holds half of a surrogate pair") from e
    elif isinstance(value, list):
        for item in value:
            _check_surrogates(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_surrogates(key)
            _check_surrogates(item)


def _printable(text: str) -> str:
    return json.dumps(text[:40])


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > limits.JSON_INTEGER:
        raise MalformedJson(f"the integer {text[:24]} is beyond 2^53-1; write large amounts as strings")
    if text == "-0":
        raise MalformedJson("-0 is not an integer here; write 0")
    return int(text)


def _no_float(text: str) -> Any:
    raise MalformedJson(f"{text[:24]} is not an integer; fractions are not used in signed data")


def canonical(value: object) -> bytes:
    """RFC 8785 bytes of a JSON value (dict, list, str, int, bool, None).

    Raises:
        MalformedJson: for floats, integers beyond ±(2^53-1), lone surrogates, or other types.
    """
    try:
        return rfc8785.dumps(value)  # type: ignore[arg-type]
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as e:
        raise MalformedJson(f"no canonical form: {e}") from e


def encode(value: msgspec.Struct) -> bytes:
    """Canonical bytes of a value: keys sorted, no white space.

    Equal to RFC 8785 for the values statements can hold (integers, ASCII keys); a property test holds this.
    """
    return _encoder.encode(value)


def decode(data: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """The typed value of strict JSON.

    Bytes that equal the canonical encoding of what they decode to cannot hide duplicate keys or other
    looseness, so they need no second parse; any other layout is parsed strictly as well. For both ways to
    agree, the type must bound every integer by 2^53-1 and hold no float, `Any` or `Raw`; a test walks the
    schemas of all statements for that.

    Raises:
        MalformedJson: not strict JSON.
        MalformedStatement: JSON of another shape, with a JSON pointer to the place.
    """
    try:
        value = decoder.decode(data)
    except msgspec.ValidationError as e:
        parse_json(data)
        raise _misshapen(str(e)) from e
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        parse_json(data)
        raise MalformedJson(str(e)) from e
    if _encoder.encode(value) != data:
        parse_json(data)
    return value


def _misshapen(message: str) -> MalformedStatement:
    """The message of msgspec with its path as a JSON pointer (RFC 6901)."""
    place = _place.search(message)
    if place is None:
        return MalformedStatement(message, pointer="")
    steps = [name or index for name, index in _step.findall(place.group(2))]
    pointer = "".join("/" + s.replace("~", "~0").replace("/", "~1") for s in steps if s != "...")
    return MalformedStatement(message[: place.start()], pointer=pointer)
