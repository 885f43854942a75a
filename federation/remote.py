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
MOST, WAITING = 48, 16 * 1024 * 1024
"""Answers, and about how many bytes of them, that wait while a batch is written to the disk."""
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
            room = AHEAD
            try:
                while True:
                    for path in islice(source, max(0, room - len(waiting))):
                        waiting.append(pool.submit(self.read, path, limit))
                    if not waiting:
                        return
                    data = waiting.popleft().result()
                    # Bundles of one log are about equally long; what is waiting is bounded by that.
                    room = max(AHEAD, min(MOST, WAITING // (len(data) + 1)))
                    yield data
            finally:
                for future in waiting:
                    future.cancel()

    def listing(self) -> list[str] | None:
        """None: a web server does not list its files."""
        return None
