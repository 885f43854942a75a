"""Public files from an instance over HTTP: capped, without redirects, a few requests ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from time import monotonic
from typing import Final

import httpx

from governance.errors import NotFound, SourceUnavailable, TooLarge

AHEAD: Final = 6
"""Requests under way; with bundles of at most 16 MB it bounds the memory, typical ones have 0.2 MB."""
LONGEST: Final = 300
"""Seconds for one file; a server that trickles bytes cannot hold an audit for ever."""
_TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
_TRIES: Final = 3


class Website:
    """The public files below a base URL.

    Redirects are errors: the records of an instance are where its base URL says. A file that is missing or
    too large is the instance's fault and fails a check; no answer at all ends the audit without a verdict.
    """

    def __init__(self, base: str, transport: httpx.BaseTransport | None = None) -> None:
        self.name = base
        self._base = base.rstrip("/")
        agent = {"user-agent": "althing-audit", "accept-encoding": "identity"}
        self._client = httpx.Client(
            timeout=_TIMEOUT, follow_redirects=False, headers=agent, transport=transport, trust_env=True
        )

    def read(self, path: str, limit: int) -> bytes:
        """The bytes of a file.

        Raises:
            NotFound, TooLarge, SourceUnavailable: as `PublicFiles.read`.
        """
        for attempt in range(_TRIES):
            try:
                return self._fetch(path, limit)
            except httpx.TransportError as e:
                if attempt == _TRIES - 1:
                    raise SourceUnavailable(f"{self._base}/{path} cannot be fetched: {e}") from e
            except httpx.HTTPError as e:
                raise SourceUnavailable(f"{self._base}/{path} cannot be fetched: {e}") from e
            except httpx.InvalidURL as e:
                raise SourceUnavailable(f"{self._base} is not a URL: {e}") from e
        raise AssertionError("unreachable")

    def _fetch(self, path: str, limit: int) -> bytes:
        with self._client.stream("GET", f"{self._base}/{path}") as answer:
            if answer.status_code in (404, 410):
                raise NotFound(f"{self._base} has no {path}")
            if answer.status_code != 200:
                raise SourceUnavailable(f"{self._base}/{path} answered {answer.status_code}")
            data = bytearray()
            end = monotonic() + LONGEST
            for part in answer.iter_bytes():
                data += part
                if monotonic() > end:
                    raise SourceUnavailable(f"{self._base}/{path} did not end within {LONGEST} seconds")
                if len(data) > limit:
                    raise TooLarge(f"the file {path} has more than {limit} bytes")
            return bytes(data)

    def read_many(self, paths: Iterable[str], limit: int) -> Iterator[bytes]:
        """The bytes of the files in that order, `AHEAD` of them requested at a time."""
        source = iter(paths)
        with ThreadPoolExecutor(AHEAD) as pool:
            waiting: deque[Future[bytes]] = deque()
            try:
                for path in islice(source, AHEAD):
                    waiting.append(pool.submit(self.read, path, limit))
                while waiting:
                    data = waiting.popleft().result()
                    for path in islice(source, 1):
                        waiting.append(pool.submit(self.read, path, limit))
                    yield data
            finally:
                for future in waiting:
                    future.cancel()

    def listing(self) -> list[str] | None:
        """None: a web server does not list its files."""
        return None

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()
