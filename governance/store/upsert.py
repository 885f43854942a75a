"""INSERT … ON CONFLICT DO UPDATE, which both databases have and SQLAlchemy spells twice."""

from __future__ import annotations

from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

Insert = postgresql.Insert | sqlite.Insert


def upsert(conn: sa.Connection, table: sa.Table) -> Insert:
    """The statement that inserts a row or replaces all of it, by primary key."""
    return _replace(conn.dialect.name, table)


def insert(dialect: str, table: sa.Table) -> Insert:
    """The dialect's own INSERT, which knows ON CONFLICT."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@lru_cache(maxsize=64)
def _replace(dialect: str, table: sa.Table) -> Insert:
    statement = insert(dialect, table)
    keys = list(table.primary_key.columns)
    values = {c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key}
    return statement.on_conflict_do_update(index_elements=keys, set_=values)
