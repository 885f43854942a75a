"""What a service says no with (RFC 9457), as the error class that stands for it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import msgspec

from governance.errors import (
    GovernanceError,
    MalformedAnswer,
    NoAnswer,
    NotFound,
    RateLimited,
    Refused,
    Unavailable,
)

_BY_STATUS: Final[dict[int, type[GovernanceError]]] = {
    404: NotFound,
    429: RateLimited,
    502: NoAnswer,
    503: Unavailable,
    504: NoAnswer,
}
"""For answers without our problem code: of a proxy in between."""
_NO_FACTS: Final = frozenset({"type", "title", "status", "detail", "code", "pointer", "instance", "self"})

_object: Final = msgspec.json.Decoder(dict[str, Any])


def problem(status: int, data: bytes, headers: Mapping[str, str], url: str) -> GovernanceError:
    """The error that an answer of no stands for; another program's answer by its status alone.

    Header names are in lower case.
    """
    if 300 <= status < 400:
        target = headers.get("location", "another place")
        return MalformedAnswer(f"{url} sends you to {target[:200]}; use the address the service itself names")
    try:
        fields = _object.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        fields = {}
    kind = _known().get(str(fields.get("code")))
    detail = str(fields.get("detail") or f"{url} answers with status {status}")
    facts: dict[str, Any] = {
        name: value
        for name, value in fields.items()
        if name not in _NO_FACTS and isinstance(value, str | int | list)
    }
    pointer = fields.get("pointer")
    place = pointer if isinstance(pointer, str) else None
    if kind is None:
        kind = _BY_STATUS.get(status, Refused)
    if issubclass(kind, Unavailable):
        facts["retry_after"] = _seconds(headers.get("retry-after"), facts.get("retry_after"))
        return kind(detail, pointer=place, **facts)
    facts.pop("retry_after", None)
    return kind(detail, pointer=place, **facts)


def _seconds(header: str | None, fact: object) -> int:
    """Retry-After in seconds (RFC 9110 10.2.3); a date is answered with a second, ours never sends one."""
    text = header if header is not None else str(fact)
    return min(int(text), 3_600) if text.isascii() and text.isdigit() and len(text) < 8 else 1


@cache
def _known() -> dict[str, type[GovernanceError]]:
    found: dict[str, type[GovernanceError]] = {}
    waiting: list[type[GovernanceError]] = [GovernanceError]
    while waiting:
        kind = waiting.pop()
        found[kind.code] = kind
        waiting += kind.__subclasses__()
    return found
