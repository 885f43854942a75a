"""Fingerprints: an instance's id in a form that people compare."""

from __future__ import annotations

import re
from typing import Final

_LEAST: Final = 16
"""Hex digits that are too many to search for another key by trying."""
_separators: Final = re.compile(r"[\s:.-]+")


def fingerprint(instance: str) -> str:
    """The id of an instance for reading aloud: its first 16 bytes in groups of four hex digits."""
    digits = instance.removeprefix("sha256:")[:32]
    return " ".join(digits[i : i + 4] for i in range(0, 32, 4))


def matches(instance: str, expected: str) -> bool:
    """Whether an instance id begins with the expected hex digits, at least 16; separators are ignored."""
    digits = _separators.sub("", expected.lower().removeprefix("sha256:"))
    return len(digits) >= _LEAST and instance.removeprefix("sha256:").startswith(digits)
