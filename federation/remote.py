"""The public files of another instance, or of its copy at a third one, over the node's bounded client."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import Final

from federation.node import Node

AHEAD: Final = 4
"""Requests under way; with bundles of at most 16 MB it bounds the memory, typical ones have 0.2 MB."""
FEW: Final = 16
"""Files that are not worth threads of their own."""


class PeerFiles:
    """The public files below a base URL (`governance.audit.source.PublicFiles`)."""

    def __init__(self, node: Node, base: str) -> None:
        self.name = base
        self._node = node

    def read(self, path: str, limit: int) -> bytes:
        """The bytes of a file.

        Raises:
            NotFound: the peer has no such file.
            TooLarge: more than limit bytes.
            Unavailable: it does not answer, or not in time.
        """
        return self._node.client.get(f"{self.name}/{path}", limit).body

    def read_many(self, paths: Iterable[str], limit: int) -> Iterator[bytes]:
        """The bytes of the files in that order, `AHEAD` of them requested at a time."""
        source = iter(paths)
        first = list(islice(source, FEW))
        if len(first) < FEW:
            return (self.read(path, limit) for path in first)
        return self._ahead(chain(first, source), limit)

    def _ahead(self, source: Iterator[str], limit: int) -> Iterator[bytes]:
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
