"""Opening a store: modes, locks, migrations, and what failures are called."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from governance.errors import (
    AnotherWriter,
    DatabaseTooNew,
    DataDirectoryUnusable,
    IntegrityFault,
    SetupFault,
    StorageUnavailable,
)
from governance.store import blobs, entries, projected
from governance.store.engine import Store, open_store
from governance.store.entries import LogHead, table_of
from governance.store.tables import Blob, Draft, Log, LogEntry, TileHash

HEAD = LogHead(0, "example.org/x", "space", "x", None, "vkey")


def test_data_directory_and_files_are_for_their_owner_only(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        store = open_store(None, tmp_path / "a" / "data")
        with store.write() as conn:
            entries.create(conn, HEAD)
        modes = {p.name: p.stat().st_mode & 0o777 for p in store.data_dir.iterdir()}
        store.close()
    finally:
        os.umask(old)
    assert (tmp_path / "a" / "data").stat().st_mode & 0o777 == 0o700
    assert set(modes.values()) == {0o600}
    assert {"althing.db", "althing.lock"} <= set(modes)


def test_data_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    with pytest.raises(DataDirectoryUnusable):
        open_store(None, tmp_path / "data")


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "sqlite:///:memory:", "nonsense"])
def test_other_databases_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(SetupFault):
        open_store(url, tmp_path)


def test_unreachable_postgres_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable):
        open_store(f"postgresql://nobody@/x?host={tmp_path}", tmp_path / "data")


def test_second_writer_is_refused_and_first_goes_on(
    store: Store, database: str | None, tmp_path: Path
) -> None:
    other = tmp_path / "data" if database is None else tmp_path / "other"
    with pytest.raises(AnotherWriter):
        open_store(database, other)
    with store.write() as conn:
        entries.create(conn, HEAD)
    store.close()
    open_store(database, other).close()


def test_one_sqlite_file_named_by_two_data_directories(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shared.db"
    first = open_store(url, tmp_path / "a")
    with pytest.raises(AnotherWriter):
        open_store(url, tmp_path / "b")
    first.close()


def test_lock_dies_with_its_process(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from governance.store.engine import open_store; "
        "open_store(None, Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, timeout=60)
    assert done.returncode == -9
    open_store(None, tmp_path).close()


def test_migrations_make_the_tables_of_the_models(store: Store) -> None:
    ours = {m.__tablename__ for m in (Log, LogEntry, TileHash, Blob, Draft, *projected.PROJECTED)}

    def mine(_item: object, name: str | None, kind: str, reflected: bool, _other: object) -> bool:
        return kind != "table" or reflected or name in ours

    with store.read() as conn:
        context = MigrationContext.configure(conn, opts={"include_object": mine})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_sqlite_tables_are_strict(tmp_path: Path) -> None:
    store = open_store(None, tmp_path)
    with store.read() as conn:
        loose = conn.exec_driver_sql(
            "SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict AND schema = 'main'"
        ).scalars()
        assert set(loose) <= {"sqlite_schema", "alembic_version"}
    store.close()


def test_revision_from_the_future(store: Store, database: str | None, tmp_path: Path) -> None:
    with store.write() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    with pytest.raises(DatabaseTooNew, match="9999"):
        open_store(database, tmp_path / "data")
    with pytest.raises(DatabaseTooNew):
        open_store(database, tmp_path / "data", read_only=True)


def test_reading_beside_the_writer(store: Store, database: str | None, tmp_path: Path) -> None:
    with store.write() as conn:
        entries.create(conn, HEAD)
    beside = open_store(database, tmp_path / "data", read_only=True)
    with beside.read() as conn:
        assert entries.head(conn, HEAD.origin).origin == HEAD.origin
    with pytest.raises(StorageUnavailable), beside.write() as conn:
        blobs.put_blob(conn, b"x")
    beside.close()


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SetupFault, match="no database"):
        open_store(None, tmp_path, read_only=True)
    sqlite3.connect(tmp_path / "althing.db").close()
    with pytest.raises(SetupFault, match="older"):
        open_store(None, tmp_path, read_only=True)


def test_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "althing.db").write_bytes(b"no database at all" * 1000)
    with pytest.raises(IntegrityFault):
        open_store(None, tmp_path)


def test_duplicate_row_is_an_integrity_fault(store: Store) -> None:
    with store.write() as conn:
        log = entries.create(conn, HEAD)
    row = {"log_id": log.id, "idx": 0, "leaf": b"", "data": b""}
    with pytest.raises(IntegrityFault), store.write() as conn:
        conn.execute(sa.insert(table_of(LogEntry)), [row, row])
    with store.read() as conn:
        assert entries.read_entries(conn, log.id, 0, 9) == []


def test_text_in_a_number_column_is_refused(store: Store) -> None:
    with pytest.raises((IntegrityFault, sa.exc.DataError)), store.write() as conn:
        conn.exec_driver_sql("INSERT INTO drafts VALUES ('a', 'b', 'c', '7x')")


def test_read_only_file_is_unavailable_and_comes_back(tmp_path: Path) -> None:
    store = open_store(None, tmp_path)
    with store.engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(StorageUnavailable), store.write() as conn:
        blobs.put_blob(conn, b"x")
    with store.engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA query_only = OFF")
    with store.write() as conn:
        blobs.put_blob(conn, b"x")
    store.close()


def test_plugin_revisions_are_applied_beside_ours(database: str | None, tmp_path: Path) -> None:
    folder = tmp_path / "revisions"
    folder.mkdir()
    (folder / "p1.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        "revision = 'p1'\ndown_revision = None\nbranch_labels = ('plugin',)\ndepends_on = '0001'\n"
        "def upgrade():\n    op.create_table('plugin_rows', sa.Column('id', sa.Integer, primary_key=True))\n"
    )
    open_store(database, tmp_path / "data").close()
    store = open_store(database, tmp_path / "data", migrations=[folder])
    with store.read() as conn:
        assert sa.inspect(conn).has_table("plugin_rows")
        assert sa.inspect(conn).has_table(str(Blob.__tablename__))
    store.close()
    with pytest.raises(DatabaseTooNew, match="plugin"):
        open_store(database, tmp_path / "data")
