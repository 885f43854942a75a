"""The SSH data types that keys and signatures are built of (RFC 4251 section 5)."""

from __future__ import annotations

import base64
import binascii
import struct


class WireError(ValueError):
    """The bytes end early, go on too long, or are not in their shortest form."""


class Reader:
    """Reads SSH data types from the front of bytes; every read may raise `WireError`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """The next count bytes."""
        end = self._at + count
        if end > len(self._data):
            raise WireError(f"{count} bytes expected at {self._at}, {len(self._data) - self._at} left")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def u32(self) -> int:
        """`uint32`, big-endian."""
        return int.from_bytes(self.take(4))

    def string(self) -> bytes:
        """`string`: length and bytes."""
        return self.take(self.u32())

    def text(self) -> str:
        """`string` holding printable ASCII, as names of algorithms are (RFC 4251 section 6)."""
        raw = self.string()
        try:
            name = raw.decode("ascii")
        except UnicodeDecodeError as e:
            raise WireError("a name is not ASCII") from e
        if not name.isprintable():
            raise WireError("a name holds control characters")
        return name

    def mpint(self) -> int:
        """`mpint`, positive and without superfluous leading zeros."""
        raw = self.string()
        if not raw or raw[0] >= 0x80 or (raw[0] == 0 and (len(raw) == 1 or raw[1] < 0x80)):
            raise WireError("an integer is not positive and in its shortest form")
        return int.from_bytes(raw)

    def end(self) -> None:
        """Refuses bytes left over."""
        if self._at != len(self._data):
            raise WireError(f"{len(self._data) - self._at} bytes too many")


def string(data: bytes) -> bytes:
    """`string`: length and bytes."""
    return struct.pack(">I", len(data)) + data


def mpint(number: int) -> bytes:
    """`mpint` of a positive integer."""
    return string(number.to_bytes(number.bit_length() // 8 + 1))


def decode_base64(text: str) -> bytes:
    """Standard base64 with padding and no bits left over, so that equal bytes have equal text."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as e:
        raise WireError(f"not base64: {e}") from e
    if base64.b64encode(data).decode() != text:
        raise WireError("not base64: bits are left over after the last byte")
    return data
