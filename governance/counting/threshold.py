"""Shares as integer fractions: nothing is rounded, and `strict` is written down rather than assumed."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from governance import limits


class Threshold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A share; `strict` asks for more than the share, not just as much."""

    numerator: Annotated[int, Meta(ge=0, le=limits.JSON_INTEGER)]
    denominator: Annotated[int, Meta(ge=1, le=limits.JSON_INTEGER)]
    strict: bool

    def met(self, part: int, whole: int) -> bool:
        """Whether part of whole reaches the share."""
        left, right = part * self.denominator, whole * self.numerator
        return left > right if self.strict else left >= right

    def __str__(self) -> str:
        return f"{'more than' if self.strict else 'at least'} {self.numerator}/{self.denominator}"
