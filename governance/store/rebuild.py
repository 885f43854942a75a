"""Throwing the projections away and folding them again from the logs, or asking whether that would differ."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import SQLModel

from governance.errors import GovernanceError, IntegrityFault
from governance.statements.entry import read_entry
from governance.store import entries
from governance.store.engine import Store
from governance.store.entries import LogHead, table_of
from governance.store.projected import PROJECTED
from governance.store.projections import project
from governance.store.tables import Log

_CHUNK = 512


def rebuild(store: Store) -> list[str]:
    """Replace all projections by what the logs say; gives the names of the tables that were different.

    Raises:
        IntegrityFault: a log holds an entry that cannot be read.
    """
    with store.write() as conn:
        before = fingerprints(conn)
        for model in PROJECTED:
            conn.execute(sa.delete(table_of(model)))
        _fold(conn, conn)
        after = fingerprints(conn)
    return [name for name, value in before.items() if after[name] != value]


def check(store: Store) -> list[str]:
    """The names of the projections that differ from what the logs say; beside a running instance, too.

    The fold goes to a temporary SQLite file, of about the size of the projections.

    Raises:
        IntegrityFault: a log holds an entry that cannot be read.
    """
    tables = [table_of(Log), *map(table_of, PROJECTED)]
    with tempfile.TemporaryDirectory(prefix="althing-rebuild-") as folder:
        scratch = sa.create_engine(sa.URL.create("sqlite", database=str(Path(folder) / "scratch.db")))
        try:
            with store.snapshot() as conn, scratch.begin() as copy:
                SQLModel.metadata.create_all(copy, tables=tables)
                _fold(conn, copy)
                before, after = fingerprints(conn), fingerprints(copy)
        finally:
            scratch.dispose()
    return [name for name, value in before.items() if after[name] != value]


def _fold(source: sa.Connection, target: sa.Connection) -> None:
    for log in entries.heads(source):
        for start in range(0, log.size, _CHUNK):
            at = LogHead(log.id, log.origin, log.kind, log.space, log.ballot, log.vkey, start)
            stored = entries.read_entries(source, log.id, start, min(start + _CHUNK, log.size))
            try:
                project(target, at, [read_entry(data) for data in stored])
            except GovernanceError as e:
                raise IntegrityFault(
                    f"an entry of {log.origin} from {start} on is damaged: {e.detail}"
                ) from e


def fingerprints(conn: sa.Connection) -> dict[str, str]:
    """Table name -> a digest of its rows that does not depend on their order or on the database.

    The sum of the rows' SHA-256: collations differ, so sorting would not do.
    """
    result = {}
    for model in PROJECTED:
        table = table_of(model)
        total = 0
        for row in conn.execute(sa.select(table), execution_options={"yield_per": _CHUNK}):
            total += int.from_bytes(hashlib.sha256(repr(tuple(row)).encode()).digest(), "big")
        result[table.name] = f"{total % (1 << 256):064x}"
    return result
