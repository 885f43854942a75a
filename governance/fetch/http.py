"""Public files from an instance over HTTP: capped, without redirects, a few requests ahead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import httpx

from governance.errors import EgressRefused, MalformedAnswer, NoAnswer, NotFound, SourceUnavailable
from governance.fetch import egress
from governance.fetch.ahead import read_ahead
from governance.fetch.exchange import exchange

_TRIES: Final = 3
_AGENT: Final = {"user-agent": "althing-audit"}


class Website:
    """The public files below a base URL.

    Redirects are errors: the records of an instance are where its base URL says. A file that is missing or
    too large is the instance's fault and fails a check; no answer at all ends the audit without a verdict.
    """

    def __init__(self, base: str, transport: httpx.BaseTransport | None = None) -> None:
        self.name = base
        self._base = base.rstrip("/")
        self._transport = transport or egress.transport(egress.TYPED)

    def read(self, path: str, limit: int) -> bytes:
        """The bytes of a file.

        Raises:
            NotFound, TooLarge, SourceUnavailable: as `PublicFiles.read`.
        """
        for attempt in range(_TRIES):
            try:
                return self._fetch(path, limit)
            except NoAnswer as e:
                if attempt == _TRIES - 1:
                    raise SourceUnavailable(e.detail) from e
        raise AssertionError("unreachable")

    def _fetch(self, path: str, limit: int) -> bytes:
        try:
            reply = exchange(self._transport, "GET", f"{self._base}/{path}", limit=limit, headers=_AGENT)
        except (EgressRefused, MalformedAnswer) as e:
            raise SourceUnavailable(e.detail) from e
        if reply.status in (404, 410):
            raise NotFound(f"{self._base} has no {path}")
        if reply.status != 200:
            raise SourceUnavailable(f"{self._base}/{path} answered {reply.status}")
        return reply.body

    def read_many(self, paths: Iterable[str], limit: int) -> Iterator[bytes]:
        """The bytes of the files in that order, some of them requested ahead."""
        return read_ahead(self.read, paths, limit)

    def listing(self) -> list[str] | None:
        """None: a web server does not list its files."""
        return None

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()


def read_url(url: str, limit: int) -> bytes:
    """The bytes at any URL, under the same bounds.

    Raises:
        NotFound, TooLarge, SourceUnavailable: as `PublicFiles.read`.
    """
    base, _, name = url.rpartition("/")
    source = Website(base)
    try:
        return source.read(name, limit)
    finally:
        source.close()
