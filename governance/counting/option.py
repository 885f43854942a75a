"""What is voted on, as the counting rules see it."""

from __future__ import annotations

import msgspec


class Option(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One option of a question. `cost` is in the base unit of the question's budget, or None."""

    id: str
    title: str = ""
    cost: int | None = None
