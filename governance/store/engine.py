"""Opening the database: engine and pragmas, migrations, and what kinds of failure mean.

SQLite runs in WAL mode with synchronous=FULL: a committed vote survives a power cut, which is what a receipt
promises. Writing transactions begin IMMEDIATE: a lock is waited for at their start and not met midway.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event, exc

from governance.errors import DataDirectoryUnusable, IntegrityFault, SetupFault, StorageUnavailable
from governance.store import locks, migrate

DATABASE: Final = "althing.db"
_PRAGMAS: Final = (
    "PRAGMA busy_timeout = 10000",
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",
    "PRAGMA cache_size = -16384",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA temp_store = MEMORY",
)
# The connection used last comes first: its caches are warm, and the writer stays on one.
_POOL: Final[dict[str, Any]] = {
    "pool_size": 8,
    "max_overflow": 24,
    "pool_timeout": 10,
    "pool_use_lifo": True,
}
_READ_ONLY_TRANSACTION: Final = "25006"
"""SQLSTATE of a PostgreSQL that is a standby or set read-only; psycopg files it as an internal error."""


class Store:
    """An open database: short transactions for reading from any thread, writing ones for the sequencer."""

    def __init__(self, engine: sa.Engine, data_dir: Path, held: ExitStack, *, read_only: bool) -> None:
        self.engine = engine
        self.data_dir = data_dir
        self.read_only = read_only
        self._held = held

    @property
    def postgres(self) -> bool:
        """Whether this is PostgreSQL; else it is SQLite."""
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection in a reading transaction.

        Raises:
            StorageUnavailable: the database cannot be reached.
        """
        with storage_errors(), self.engine.connect() as conn:
            yield conn

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """As `read`, but all statements see the database at one instant (SQLite does so always)."""
        level = {"isolation_level": "REPEATABLE READ"} if self.postgres else {}
        with storage_errors(), self.engine.connect().execution_options(**level) as conn:
            yield conn

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A connection in a writing transaction, committed at the end of the block, else rolled back.

        Raises:
            StorageUnavailable: full disk, read-only or unreachable database; nothing was stored.
            IntegrityFault: a row that must not exist exists, or the file is damaged.
        """
        with (
            storage_errors(),
            self.engine.connect().execution_options(althing_write=True) as conn,
            conn.begin(),
        ):
            yield conn

    def close(self) -> None:
        """Give back connections and locks."""
        self.engine.dispose()
        self._held.close()


def open_store(
    url: str | None, data_dir: Path, *, read_only: bool = False, migrations: Sequence[Path] = ()
) -> Store:
    """The store of a data directory, migrated to this version's tables, and ours alone to write.

    Args:
        url: SQLAlchemy URL of a SQLite or PostgreSQL database; None is `althing.db` in the data directory.
        data_dir: created if needed, mode 0700; keys and lock file live here.
        read_only: for tools beside a running instance: no lock, no migration, no writing.
        migrations: folders with revisions of plugins' own tables.

    Raises:
        DataDirectoryUnusable, AnotherWriter, DatabaseTooNew, SetupFault: with what to do about it.
        StorageUnavailable: the database cannot be reached.
    """
    held = ExitStack()
    try:
        address = _address(url, data_dir)
        if not read_only:
            _make_directory(data_dir)
            for path in _lock_files(address, data_dir):
                held.enter_context(locks.lock_file(path))
        engine = _engine(address, read_only=read_only)
        held.callback(engine.dispose)
        with storage_errors():
            if engine.dialect.name == "postgresql" and not read_only:
                held.enter_context(locks.lock_postgres(engine))
            migrate.check(engine, migrations) if read_only else migrate.upgrade(engine, migrations)
    except BaseException:
        held.close()
        raise
    return Store(engine, data_dir, held, read_only=read_only)


def _address(url: str | None, data_dir: Path) -> sa.URL:
    if url is None:
        return sa.URL.create("sqlite", database=str(data_dir.absolute() / DATABASE))
    try:
        address = sa.make_url(url)
    except exc.ArgumentError as e:
        raise SetupFault(f"the database URL cannot be read: {e}") from e
    backend = address.get_backend_name()
    if backend == "sqlite":
        if not address.database or address.database == ":memory:":
            raise SetupFault("an instance needs a SQLite file, not a database in memory")
        return address.set(drivername="sqlite", database=str(Path(address.database).absolute()))
    if backend in {"postgresql", "postgres"}:
        return address.set(drivername="postgresql+psycopg")
    raise SetupFault(f"the database is SQLite or PostgreSQL, not {backend}")


def _make_directory(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = data_dir.stat().st_mode
        if mode & 0o077:
            data_dir.chmod(mode & 0o700)
    except OSError as e:
        raise DataDirectoryUnusable(f"{data_dir} cannot be used as data directory: {e.strerror}") from e


def _lock_files(address: sa.URL, data_dir: Path) -> list[Path]:
    """The data directory's lock; and the database file's own, when that lies elsewhere."""
    files = [data_dir / "althing.lock"]
    if address.get_backend_name() == "sqlite" and Path(address.database or "").parent != data_dir.absolute():
        files.append(Path(f"{address.database}.lock"))
    return files


def _engine(address: sa.URL, *, read_only: bool) -> sa.Engine:
    if address.get_backend_name() == "postgresql":
        return _postgres(address, read_only=read_only)
    path = Path(address.database or "")
    if read_only:
        if not path.is_file():
            raise SetupFault(f"there is no database at {path}")
        query = {"mode": "ro", "uri": "true"}
        address = address.set(database=f"file:{path}", query=query)
    else:
        _create_file(path)
    engine = sa.create_engine(address, **_POOL)
    event.listen(engine, "connect", _on_connect if not read_only else _on_connect_reading)
    event.listen(engine, "begin", _on_begin)
    return engine


def _postgres(address: sa.URL, *, read_only: bool) -> sa.Engine:
    try:
        engine = sa.create_engine(address, **_POOL, pool_pre_ping=True)
    except ImportError as e:
        raise SetupFault("PostgreSQL needs the extra: pip install 'althing[postgres]'") from e
    if read_only:
        return engine.execution_options(postgresql_readonly=True)
    return engine


def _create_file(path: Path) -> None:
    """With mode 0600 before SQLite would create it by the umask; its -wal and -shm files follow that mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as e:
        raise DataDirectoryUnusable(f"{path} cannot be written: {e.strerror}") from e


def _on_connect(connection: Any, _record: object) -> None:
    # The driver's own implicit BEGIN comes too late; `_on_begin` says it.
    connection.isolation_level = None
    for pragma in ("PRAGMA journal_mode = WAL", *_PRAGMAS):
        connection.execute(pragma)


def _on_connect_reading(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in (*_PRAGMAS, "PRAGMA query_only = ON"):
        connection.execute(pragma)


def _on_begin(conn: sa.Connection) -> None:
    write = conn.get_execution_options().get("althing_write")
    conn.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def storage_errors() -> Iterator[None]:
    """What the database layer raises, in our own terms.

    Raises:
        StorageUnavailable: it may work again later.
        IntegrityFault: a constraint of ours or the file itself is broken.
    """
    try:
        yield
    except exc.IntegrityError as e:
        raise IntegrityFault(f"the database refused a row that contradicts it: {e.orig}") from e
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as e:
        raise StorageUnavailable(f"the database does not answer: {_reason(e)}", retry_after=5) from e
    except exc.DBAPIError as e:
        if e.connection_invalidated or getattr(e.orig, "sqlstate", None) == _READ_ONLY_TRANSACTION:
            raise StorageUnavailable(f"the database does not take this: {_reason(e)}", retry_after=5) from e
        if type(e.orig) is sqlite3.DatabaseError:
            raise IntegrityFault(f"the database file is damaged: {e.orig}") from e
        raise


def _reason(e: Exception) -> str:
    return str(getattr(e, "orig", None) or e).partition("\n")[0]
