"""Many rows at once, as SQL that both databases read: the writer's time for a vote is mostly spent here.

SQLite takes rows one by one within a statement. PostgreSQL gets each column as one binary array: a third of
the client's work that as many separate rows are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

Row = Mapping[str, Any]


def insert_rows(conn: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert rows that have all columns of the table."""
    _execute(conn, table, rows, "")


def add_rows(conn: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> int:
    """Insert rows; those whose primary key is there stay as they are. Gives how many are new."""
    return _execute(conn, table, rows, " ON CONFLICT DO NOTHING")


def upsert_rows(conn: sa.Connection, table: sa.Table, rows: Sequence[Row], **special: str) -> None:
    """Insert rows, or replace all columns of those whose primary key is there.

    Args:
        conn: in a writing transaction.
        table: with a primary key.
        rows: with all columns, no two of one key.
        special: SQL for columns that become something else than the new value.
    """
    keys = ", ".join(column.name for column in table.primary_key)
    others = [column.name for column in table.columns if not column.primary_key]
    changes = ", ".join(f"{name} = {special.get(name, f'excluded.{name}')}" for name in others)
    _execute(conn, table, rows, f" ON CONFLICT ({keys}) DO UPDATE SET {changes}")


def _execute(conn: sa.Connection, table: sa.Table, rows: Sequence[Row], conflict: str) -> int:
    if not rows:
        return 0
    names = [column.name for column in table.columns]
    if conn.dialect.name == "postgresql":
        arrays = tuple([row[name] for row in rows] for name in names)
        return conn.exec_driver_sql(_insert_arrays(table) + conflict, arrays).rowcount
    values = [tuple(row[name] for name in names) for row in rows]
    return conn.exec_driver_sql(_insert_values(table) + conflict, values).rowcount


@lru_cache(maxsize=64)
def _insert_values(table: sa.Table) -> str:
    names = [column.name for column in table.columns]
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608


@lru_cache(maxsize=64)
def _insert_arrays(table: sa.Table) -> str:
    # Binary parameters (%b): as text, each byte of an entry would be two hex digits.
    arrays = ", ".join(f"%b::{_array(column)}" for column in table.columns)
    names = ", ".join(column.name for column in table.columns)
    return f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays})"  # noqa: S608


def _array(column: sa.Column[Any]) -> str:
    if isinstance(column.type, sa.LargeBinary):
        return "bytea[]"
    return "bigint[]" if isinstance(column.type, sa.BigInteger) else "text[]"
