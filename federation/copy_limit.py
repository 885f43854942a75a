"""The room that the copies of one instance have on our disk, so that nobody fills it for all others.

It is measured where files are written, so that whatever stores something of a peer keeps to it. What is there
is counted once for each instance after a start, then kept up to date.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from typing import Final

from prometheus_client import Gauge

from federation.copies import Copies
from governance.errors import StorageUnavailable

MIB: Final = 1 << 20
ASK_AGAIN: Final = 3_600
"""Seconds until a full peer is tried again: only the operator makes room."""
_stored: Final = Gauge("althing_mirror_stored_bytes", "Bytes that the copies of an instance take", ["peer"])


class LimitedCopies:
    """Copies of which each instance's may take so many bytes; a file that does not fit changes nothing."""

    def __init__(self, copies: Copies, limit: int) -> None:
        self._copies = copies
        self.limit = limit
        self._used: dict[str, int] = {}
        self._lock = Lock()

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        return self._copies.read(path)

    def write(self, path: str, data: bytes) -> None:
        """Store a file, if there is room for it."""
        home = path.partition("/")[0]
        with self._lock:
            before, used = self._copies.size(path), self._measured(home)
            if used - before + len(data) > self.limit:
                raise StorageUnavailable(
                    f"the copies of this peer take {used / MIB:.1f} MiB, and no peer has more than "
                    f"{self.limit // MIB} MiB here (ALTHING_MIRROR_LIMIT)",
                    retry_after=ASK_AGAIN,
                )
            self._count(home, used - before + len(data))
        try:
            self._copies.write(path, data)
        except StorageUnavailable:
            with self._lock:
                self._used.pop(home, None)
            raise

    def remove(self, path: str) -> None:
        """Forget a file."""
        home = path.partition("/")[0]
        with self._lock:
            before = self._copies.size(path)
            self._copies.remove(path)
            if home in self._used:
                self._count(home, self._used[home] - before)

    def settle(self) -> None:
        """Return when everything written before survives a power cut."""
        self._copies.settle()

    def listing(self, folder: str) -> Iterator[str]:
        """The paths of all files below a folder."""
        return self._copies.listing(folder)

    def size(self, path: str) -> int:
        """Bytes of a file, 0 when there is none."""
        return self._copies.size(path)

    def used(self, folder: str) -> int:
        """Bytes that the copies of an instance take, in the folder of that instance."""
        with self._lock:
            return self._measured(folder)

    def _measured(self, home: str) -> int:
        if home not in self._used:
            self._count(home, self._copies.used(home))
        return self._used[home]

    def _count(self, home: str, used: int) -> None:
        self._used[home] = used
        _stored.labels(f"sha256:{home}").set(used)
