"""Who waits for a log to grow or to be cosigned: sizes, for event streams."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from governance.store.entries import LogHead

Listener = Callable[[], None]


class Feed:
    """The latest size of each log that grew or was cosigned since the start, and whom to wake."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sizes: dict[str, int] = {}
        self._cosigned: dict[str, tuple[int, int]] = {}
        self._listeners: dict[str, set[Listener]] = {}

    def publish(self, heads: Iterable[LogHead]) -> None:
        """Note new heads and wake their listeners; called in the writer thread."""
        for head in heads:
            with self._lock:
                self._sizes[head.origin] = head.size
            self._wake(head.origin)

    def cosigned(self, origin: str, size: int) -> None:
        """Note that the checkpoint of this size has a further cosignature, and wake the log's listeners."""
        with self._lock:
            self._cosigned[origin] = size, self._cosigned.get(origin, (0, 0))[1] + 1
        self._wake(origin)

    def _wake(self, origin: str) -> None:
        with self._lock:
            waiting = tuple(self._listeners.get(origin, ()))
        for listener in waiting:
            listener()

    def size(self, origin: str) -> int:
        """The size last published, 0 when the log has not grown since the start."""
        return self._sizes.get(origin, 0)

    def cosignings(self, origin: str) -> tuple[int, int]:
        """The size that was cosigned last, and how often any was, since the start."""
        return self._cosigned.get(origin, (0, 0))

    def listen(self, origin: str, listener: Listener) -> None:
        """Have listener called, in whichever thread it happens, when the log grows or is cosigned."""
        with self._lock:
            self._listeners.setdefault(origin, set()).add(listener)

    def forget(self, origin: str, listener: Listener) -> None:
        """Call listener no more."""
        with self._lock:
            listeners = self._listeners.get(origin, set())
            listeners.discard(listener)
            if not listeners:
                self._listeners.pop(origin, None)
