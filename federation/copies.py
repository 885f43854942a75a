"""Where copies of other instances' public files are kept: exactly the files and paths of the original.

A copy is therefore a source that can be audited, and any file server can publish it. Files come first and
the database row that counts them second: what no row counts is overwritten by the next attempt.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from ctypes import CDLL, get_errno
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Final, Protocol

from governance.errors import NotFound, StorageUnavailable

MANY: Final = 64
"""Files from which on one call for the whole file system is quicker than one for each."""


class Copies(Protocol):
    """Files by path, below a folder for each instance (`<64 hex>/logs/instance/checkpoint`)."""

    def read(self, path: str) -> bytes:
        """The bytes of a file.

        Raises:
            NotFound: there is none.
        """
        ...

    def write(self, path: str, data: bytes) -> None:
        """Store a file, complete or not at all, and durable before `settle` returns.

        Raises:
            StorageUnavailable: it cannot be stored.
        """
        ...

    def remove(self, path: str) -> None:
        """Forget a file; one that is not there is forgotten already."""
        ...

    def settle(self) -> None:
        """Return when everything written before survives a power cut."""
        ...

    def listing(self, folder: str) -> Iterator[str]:
        """The paths of all files below a folder."""
        ...

    def size(self, path: str) -> int:
        """Bytes of a file, 0 when there is none."""
        ...

    def used(self, folder: str) -> int:
        """Bytes of all files below a folder."""
        ...


class DiskCopies:
    """Copies in a directory, which one process writes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names = count()
        self._unsynced: set[str] = set()
        self._lock = Lock()
        self._settling = Lock()

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        try:
            with open(self._path(path), "rb", buffering=0) as file:
                return file.readall()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as e:
            raise NotFound(f"there is no copy of {path[:200]}") from e
        except OSError as e:
            raise StorageUnavailable(f"{path[:200]} cannot be read: {e.strerror}") from e

    def write(self, path: str, data: bytes) -> None:
        """Store a file under another name first, then rename it."""
        target = self._path(path)
        folder, _, name = target.rpartition("/")
        temporary = f"{folder}/.{name}.{next(self._names)}"
        try:
            try:
                _write(temporary, data)
            except FileNotFoundError:
                os.makedirs(folder, mode=0o700, exist_ok=True)
                _write(temporary, data)
            os.rename(temporary, target)
        except OSError as e:
            with suppress(OSError):
                os.unlink(temporary)
            raise StorageUnavailable(f"{path} cannot be stored: {e.strerror}", retry_after=60) from e
        with self._lock:
            self._unsynced.add(target)

    def remove(self, path: str) -> None:
        """Delete a file."""
        try:
            os.unlink(self._path(path))
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as e:
            raise StorageUnavailable(f"{path[:200]} cannot be deleted: {e.strerror}", retry_after=60) from e

    def settle(self) -> None:
        """Sync the files written since and their folders, or the file system when there are many."""
        # One at a time: a second caller's files may be among those that the first one is syncing.
        with self._settling:
            with self._lock:
                written, self._unsynced = self._unsynced, set()
            try:
                if len(written) < MANY or not _sync_all(str(self._root)):
                    folders = {folder for path in written for folder in self._above(path)}
                    for path in (*written, *folders):
                        _sync(path)
            except OSError as e:
                with self._lock:
                    self._unsynced |= written
                raise StorageUnavailable(f"the copies cannot be stored: {e.strerror}", retry_after=60) from e

    def listing(self, folder: str) -> Iterator[str]:
        """The paths below a folder."""
        for path in sorted(Path(self._path(folder)).rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                yield path.relative_to(self._root).as_posix()

    def size(self, path: str) -> int:
        """Bytes of a file, 0 when there is none."""
        try:
            return os.stat(self._path(path)).st_size
        except OSError:
            return 0

    def used(self, folder: str) -> int:
        """Bytes below a folder."""
        return sum(map(self.size, self.listing(folder)))

    def _above(self, path: str) -> Iterator[str]:
        """The folders of a file, which may all be new."""
        root = str(self._root)
        while len(path) > len(root):
            path = path.rpartition("/")[0]
            yield path

    def _path(self, path: str) -> str:
        if "\0" in path or path.startswith("/") or ".." in path.split("/"):
            raise NotFound(f"{path[:200]!r} is no path of a copy")
        return f"{self._root}/{path}"


def _write(path: str, data: bytes) -> None:
    # Fewer system calls than a file object makes, each of which lets another thread go first.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def _sync(path: str) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_all(path: str) -> bool:
    """Sync the file system that a path is on; False where the system has no call for that."""
    syncfs = getattr(CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        return False
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if syncfs(descriptor) != 0:
            raise OSError(get_errno(), "the file system cannot be synced")
    finally:
        os.close(descriptor)
    return True
