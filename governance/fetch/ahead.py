"""Reading many files in their order, a few requests ahead, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import Final

AHEAD: Final = 4
"""Requests under way; with bundles of at most 16 MB it bounds the memory, typical ones have 0.2 MB."""
MOST, WAITING = 48, 16 * 1024 * 1024
"""Answers, and about how many bytes of them, that wait while the reader is busy with earlier ones."""
FEW: Final = 4
"""Files that are not worth threads of their own."""

Read = Callable[[str, int], bytes]
"""(path, limit) -> the bytes of a file."""


def read_ahead(read: Read, paths: Iterable[str], limit: int) -> Iterator[bytes]:
    """The bytes of the files in that order, `AHEAD` of them requested at a time.

    Raises:
        what `read` raises, at the place of the file that it concerns.
    """
    source = iter(paths)
    first = list(islice(source, FEW))
    if len(first) < FEW:
        return (read(path, limit) for path in first)
    return _ahead(read, chain(first, source), limit)


def _ahead(read: Read, source: Iterator[str], limit: int) -> Iterator[bytes]:
    with ThreadPoolExecutor(AHEAD) as pool:
        waiting: deque[Future[bytes]] = deque()
        room = AHEAD
        try:
            while True:
                for path in islice(source, max(0, room - len(waiting))):
                    waiting.append(pool.submit(read, path, limit))
                if not waiting:
                    return
                data = waiting.popleft().result()
                # Bundles of one log are about equally long; what is waiting is bounded by that.
                room = max(AHEAD, min(MOST, WAITING // (len(data) + 1)))
                yield data
        finally:
            for future in waiting:
                future.cancel()
