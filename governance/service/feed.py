"""Who waits for a log to grow: sizes after each commit, for event streams."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from governance.store.entries import LogHead

Listener = Callable[[], None]


class Feed:
    """The latest size of each log that grew since the start, and whom to wake."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sizes: dict[str, int] = {}
        self._listeners: dict[str, set[Listener]] = {}

    def publish(self, heads: Iterable[LogHead]) -> None:
        """Note new heads and wake their listeners; called in the writer thread."""
        for head in heads:
            with self._lock:
                self._sizes[head.origin] = head.size
                waiting = tuple(self._listeners.get(head.origin, ()))
            for listener in waiting:
                listener()

    def size(self, origin: str) -> int:
        """The size last published, 0 when the log has not grown since the start."""
        return self._sizes.get(origin, 0)

    def listen(self, origin: str, listener: Listener) -> None:
        """Have listener called, in the writer thread, whenever the log grows."""
        with self._lock:
            self._listeners.setdefault(origin, set()).add(listener)

    def forget(self, origin: str, listener: Listener) -> None:
        """Call listener no more."""
        with self._lock:
            listeners = self._listeners.get(origin, set())
            listeners.discard(listener)
            if not listeners:
                self._listeners.pop(origin, None)
