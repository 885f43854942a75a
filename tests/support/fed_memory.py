"""What an instance keeps on its disk, in memory: copies in a dictionary, tables in one connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from federation import tables
from governance.errors import NotFound


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


class MemoryDatabase:
    """Federation's tables alone, in memory (`federation.ports.Database`): one connection, one thread.

    What `image` gives is the whole database, which `load` puts back.
    """

    _compiled: ClassVar[dict[Any, Any]] = {}

    def __init__(self) -> None:
        pool = StaticPool(_connect)
        engine = sa.Engine(pool, _dialect(), sa.make_url("sqlite://"))
        self.conn = engine.connect().execution_options(compiled_cache=self._compiled)
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
        self._raw().backup(image)
        return image

    def load(self, image: sqlite3.Connection) -> None:
        """Store what an image holds, and nothing else."""
        self.conn.rollback()
        image.backup(self._raw())

    def _raw(self) -> sqlite3.Connection:
        raw: Any = self.conn.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        return raw


def _connect() -> Any:
    return sqlite3.connect(":memory:", check_same_thread=False)


@cache
def _dialect() -> sa.Dialect:
    """One for all databases: a statement that was compiled for it is compiled for all of them."""
    return sa.create_engine("sqlite://").dialect


@cache
def _empty_tables() -> sqlite3.Connection:
    database = MemoryDatabase.__new__(MemoryDatabase)
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    tables.metadata.create_all(engine)
    database.conn = engine.connect()
    with database.write() as conn:
        # No tree that was seen may ever become a smaller one, whoever races with whom.
        conn.exec_driver_sql(
            "CREATE TRIGGER shrinks BEFORE UPDATE ON fed_seen WHEN new.size < old.size"
            " BEGIN SELECT RAISE(ABORT, 'a tree that was seen has shrunk'); END"
        )
    return database.image()
