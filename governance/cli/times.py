"""Times as people type them: `now`, `+3d`, `2027-01-05`, `2027-01-05 18:00` (UTC)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from governance.errors import MalformedRequest

_span: Final = re.compile(r"\+([0-9]{1,5})\s*([smhdw])")
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}


def parse_time(text: str, now: int, *, end: str = "now") -> int:
    """Unix seconds of a time; a span counts from `now`.

    Raises:
        MalformedRequest: not a time.
    """
    words = text.strip()
    if words == "now":
        return now
    span = _span.fullmatch(words)
    if span is not None:
        return now + int(span[1]) * _UNITS[span[2]]
    try:
        moment = datetime.fromisoformat(words)
    except ValueError as e:
        raise MalformedRequest(
            f"{text[:40]!r} is not a time; write +3d, 2027-01-05 or '2027-01-05 18:00' (UTC), or {end}"
        ) from e
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
