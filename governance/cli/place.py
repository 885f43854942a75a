"""Addresses as people give them: of an instance, a space, a ballot; and the log origins they belong to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from governance.cli.client import is_local
from governance.errors import MalformedRequest

_tail: Final = re.compile(
    r"^(?P<base>.*?)(?:/api/v1)?/spaces/(?P<space>[a-z0-9][a-z0-9-]{0,62})"
    r"(?:/ballots/(?P<ballot>[a-z0-9][a-z0-9-]{0,62}))?(?:/.*)?$"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A base URL without slash at its end, and what is named below it."""

    base_url: str
    space: str | None = None
    ballot: str | None = None

    @property
    def origin(self) -> str:
        """The log origin of the ballot or space named here (DESIGN 4)."""
        below = f"/spaces/{self.space}" if self.space else "/instance"
        ballot = f"/ballots/{self.ballot}" if self.ballot else ""
        return self.base_url.partition("://")[2] + below + ballot


def parse_place(url: str) -> Place:
    """The place that a URL names: of the web page, of the API, or of the log.

    Raises:
        MalformedRequest: not an http or https address.
    """
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise MalformedRequest(f"{url[:200]!r} is not an address; it begins with https:// (or http://)")
    root = f"{parts.scheme}://{parts.netloc}"
    path = parts.path.rstrip("/")
    found = _tail.match(path.replace("/logs/spaces/", "/spaces/", 1))
    if found is None:
        return Place(root + path.removesuffix("/api/v1"))
    return Place(root + found["base"], found["space"], found["ballot"])


def place_of(origin: str) -> Place:
    """The place of a log by its origin; https, or http when the origin is this machine.

    Raises:
        MalformedRequest: not an origin of this program.
    """
    scheme = "http" if is_local(f"http://{origin}") else "https"
    return parse_place(f"{scheme}://{origin}")
