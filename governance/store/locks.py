"""One writer for one database: held from start to end of the process, released by the system if it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from governance.errors import AnotherWriter, DataDirectoryUnusable

_ADVISORY_KEY: Final = int.from_bytes(b"althing\0", "big")
"""PostgreSQL keeps advisory locks per database, so one number serves all."""


@contextmanager
def lock_file(path: Path) -> Iterator[None]:
    """Hold an exclusive flock on the file.

    Raises:
        AnotherWriter: somebody holds it.
        DataDirectoryUnusable: it cannot be created.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as e:
        raise DataDirectoryUnusable(f"{path} cannot be written: {e.strerror}") from e
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise AnotherWriter(f"process {holder} already writes here ({path})") from e
        except OSError as e:
            raise DataDirectoryUnusable(f"{path} cannot be locked: {e.strerror}") from e
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def lock_postgres(engine: sa.Engine) -> Iterator[None]:
    """Hold the session advisory lock of the database on a connection of its own.

    Should that connection break, another writer can start; then the compare-and-swap on each log's size
    decides, and the one that loses stops.

    Raises:
        AnotherWriter: another session holds it.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        if not conn.scalar(sa.select(sa.func.pg_try_advisory_lock(_ADVISORY_KEY))):
            raise AnotherWriter("another process already writes this PostgreSQL database")
        try:
            yield
        finally:
            # The session's end releases the lock; the pool must not keep it alive.
            conn.invalidate()
