"""Fields of the C2SP line formats, read without leniency: base64, decimals, printable text.

Two readers that disagree on what a line says are a way to show two people two things, so each value has one
spelling: standard padded base64 (RFC 4648 4) without stray bits, decimals without leading zeroes.
"""

from __future__ import annotations

import binascii
import re
from typing import Final

_decimal: Final = re.compile(r"0|[1-9][0-9]*")
_control: Final = re.compile(rb"[\x00-\x09\x0b-\x1f]")


def exact_base64(text: str) -> bytes | None:
    """The bytes that standard padded base64 stands for, or None where it is not their only spelling."""
    raw = padded_base64(text)
    return None if raw is None or encode_base64(raw) != text else raw


def padded_base64(text: str) -> bytes | None:
    """The bytes of standard padded base64, or None; the bits that padding leaves over are not looked at."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return None


def encode_base64(data: bytes) -> str:
    """Standard padded base64 (RFC 4648 4)."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def exact_decimal(text: str, maximum: int) -> int | None:
    """The number that ASCII digits without leading zeroes stand for, or None; also None above maximum."""
    if len(text) > len(str(maximum)) or not _decimal.fullmatch(text):
        return None
    value = int(text)
    return value if value <= maximum else None


def printable(data: bytes) -> str | None:
    """The text of UTF-8 bytes, or None; None too for control characters below U+0020 other than LF."""
    if _control.search(data):
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None
