"""What an instance keeps on its disk, in memory: copies in a dictionary, tables in one connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from federation import tables
from governance.errors import NotFound
from tests.support.fed_sql import PlainConnection


class MemoryCopies:
    """Copies in a dictionary (`federation.copies.Copies`)."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise NotFound(path)
        return self.files[path]

    def write(self, path: str, data: bytes) -> None:
        self.files[path] = data

    def remove(self, path: str) -> None:
        self.files.pop(path, None)

    def settle(self) -> None:
        """Memory does not lose what was written."""

    def listing(self, folder: str) -> Iterator[str]:
        return iter(sorted(path for path in self.files if path.startswith(f"{folder}/")))

    def size(self, path: str) -> int:
        return len(self.files.get(path, b""))

    def used(self, folder: str) -> int:
        return sum(map(self.size, self.listing(folder)))


class MemoryDatabase:
    """Federation's tables alone, in memory (`federation.ports.Database`): one connection, one thread.

    What `image` gives is the whole database, which `load` puts back.
    """

    def __init__(self) -> None:
        self.conn: Any = PlainConnection(sqlite3.connect(":memory:", check_same_thread=False))
        self.load(_empty_tables())

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """The connection."""
        yield self.conn

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """The connection; what happens in the block is stored whole or not at all."""
        try:
            yield self.conn
        except BaseException:
            self.conn.rollback()
            raise
        self.conn.commit()

    def image(self) -> sqlite3.Connection:
        """Everything that is stored, in another database."""
        image = sqlite3.connect(":memory:", check_same_thread=False)
        self.conn.raw.backup(image)
        return image

    def load(self, image: sqlite3.Connection) -> None:
        """Store what an image holds, and nothing else."""
        self.conn.rollback()
        image.backup(self.conn.raw)


@cache
def _empty_tables() -> sqlite3.Connection:
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    tables.metadata.create_all(engine)
    image = sqlite3.connect(":memory:", check_same_thread=False)
    with engine.begin() as conn:
        # No tree that was seen may ever become a smaller one, whoever races with whom.
        conn.exec_driver_sql(
            "CREATE TRIGGER shrinks BEFORE UPDATE ON fed_seen WHEN new.size < old.size"
            " BEGIN SELECT RAISE(ABORT, 'a tree that was seen has shrunk'); END"
        )
    with engine.connect() as conn:
        raw: Any = conn.connection.dbapi_connection
        raw.backup(image)
    return image
