"""Where copies of other instances' public files are kept: exactly the files and paths of the original.

A copy is therefore a source that can be audited, and any file server can publish it. Files come first and
the database row that counts them second: what no row counts is overwritten by the next attempt.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Protocol

from governance.errors import NotFound, StorageUnavailable


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


class DiskCopies:
    """Copies in a directory."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._unsynced: set[Path] = set()
        self._lock = Lock()
        self._settling = Lock()

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        try:
            return self._path(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as e:
            raise NotFound(f"there is no copy of {path[:200]}") from e
        except OSError as e:
            raise StorageUnavailable(f"{path[:200]} cannot be read: {e.strerror}") from e

    def write(self, path: str, data: bytes) -> None:
        """Store a file under another name first, then rename it."""
        target = self._path(path)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.write_bytes(data)
            temporary.rename(target)
        except OSError as e:
            temporary.unlink(missing_ok=True)
            raise StorageUnavailable(f"{path} cannot be stored: {e.strerror}", retry_after=60) from e
        with self._lock:
            self._unsynced.add(target)

    def remove(self, path: str) -> None:
        """Delete a file."""
        try:
            self._path(path).unlink(missing_ok=True)
        except OSError as e:
            raise StorageUnavailable(f"{path[:200]} cannot be deleted: {e.strerror}", retry_after=60) from e

    def settle(self) -> None:
        """Sync the files written since, then their folders."""
        # One at a time: a second caller's files may be among those that the first one is syncing.
        with self._settling:
            with self._lock:
                written, self._unsynced = self._unsynced, set()
            try:
                for path in written:
                    _sync(path)
                for folder in {folder for path in written for folder in self._above(path)}:
                    _sync(folder)
            except OSError as e:
                with self._lock:
                    self._unsynced |= written
                raise StorageUnavailable(f"the copies cannot be stored: {e.strerror}", retry_after=60) from e

    def listing(self, folder: str) -> Iterator[str]:
        """The paths below a folder."""
        for path in sorted(self._path(folder).rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                yield path.relative_to(self._root).as_posix()

    def _above(self, path: Path) -> Iterator[Path]:
        """The folders of a file, which may all be new."""
        return (folder for folder in path.parents if folder.is_relative_to(self._root))

    def _path(self, path: str) -> Path:
        target = self._root / path
        if ".." in target.parts or "\0" in path or not target.is_relative_to(self._root):
            raise NotFound(f"{path[:200]!r} is no path of a copy")
        return target


def _sync(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
