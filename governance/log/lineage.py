"""Names and origins: a log goes on under the next origin of the same name when its key is burnt.

The first log of a space or ballot has its name as origin, the next ones the name with `.2`, `.3` and so on.
No slug holds a dot, so nothing else is called like that. Statements name the name, signed heads the origin.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_SLUG: Final = r"[a-z0-9][a-z0-9-]{0,62}"
_place: Final = re.compile(
    rf"(?P<name>.+?/spaces/(?P<space>{_SLUG})(?:/ballots/(?P<ballot>{_SLUG}))?)"
    r"(?:\.(?P<number>[2-9]|[1-9][0-9]{1,8}))?"
)


@lru_cache(4_096)
def name_of(origin: str) -> str:
    """What statements call the log of this origin."""
    found = _place.fullmatch(origin)
    return origin if found is None else found["name"]


def number_of(origin: str) -> int:
    """Which log of its name it is, from 1."""
    found = _place.fullmatch(origin)
    return int(found["number"]) if found is not None and found["number"] else 1


def place_of(origin: str) -> tuple[str | None, str | None]:
    """The ids of its space and of its ballot, as far as it is the log of one."""
    found = _place.fullmatch(origin)
    return (None, None) if found is None else (found["space"], found["ballot"])


def origin_of(name: str, number: int) -> str:
    """The origin of the log of that number, from 1."""
    return name if number == 1 else f"{name}.{number}"


def next_origin(origin: str) -> str:
    """The origin at which a log goes on."""
    return origin_of(name_of(origin), number_of(origin) + 1)
