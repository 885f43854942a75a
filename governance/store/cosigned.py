"""Cosigned checkpoints as rows: a log's newest few, and the newest that satisfies its ballot's policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from governance.store.entries import table_of
from governance.store.rows import upsert_rows
from governance.store.tables import Cosigned, Log

KEPT: Final = 8
"""Newest sizes of a log that are kept: witnesses that answer late still add to a size others have signed."""

_logs: Final = table_of(Log)
_rows: Final = table_of(Cosigned)


@dataclass(frozen=True, slots=True)
class CosignedNote:
    """A checkpoint note of ours with cosignatures; `final` when they satisfy the ballot's policy."""

    size: int
    note: bytes
    final: bool


def lock(conn: sa.Connection, log_id: int) -> None:
    """Keep others from changing this log's notes until the transaction ends; SQLite has one writer."""
    conn.execute(sa.select(_logs.c.id).where(_logs.c.id == log_id).with_for_update())


def at_size(conn: sa.Connection, log_id: int, size: int) -> bytes | None:
    """The note of exactly that size, None when nobody has cosigned it."""
    return conn.scalar(sa.select(_rows.c.note).where(_rows.c.log_id == log_id, _rows.c.size == size))


def from_size(conn: sa.Connection, log_id: int, size: int = 0) -> list[CosignedNote]:
    """The notes of at least that size: those that satisfy the policy first, the larger tree before others."""
    chosen = sa.select(_rows.c.size, _rows.c.note, _rows.c.final)
    found = conn.execute(chosen.where(_rows.c.log_id == log_id, _rows.c.size >= size))
    notes = [CosignedNote(row.size, row.note, bool(row.final)) for row in found]
    return sorted(notes, key=lambda n: (n.final, n.size), reverse=True)


def is_final(conn: sa.Connection, log_id: int, size: int) -> bool:
    """Whether a note of at least that size satisfies the ballot's policy."""
    chosen = _rows.c.log_id == log_id, _rows.c.size >= size, _rows.c.final == 1
    return conn.scalar(sa.select(_rows.c.size).where(*chosen).limit(1)) is not None


def keep(conn: sa.Connection, log_id: int, new: CosignedNote) -> None:
    """Store a note, or more lines of one, and drop what is not kept any more."""
    row = {"log_id": log_id, "size": new.size, "note": new.note, "final": int(new.final)}
    upsert_rows(conn, _rows, [row])
    sizes = sa.select(_rows.c.size).where(_rows.c.log_id == log_id).order_by(_rows.c.size.desc())
    kept = set(conn.scalars(sizes.limit(KEPT)))
    kept.update(conn.scalars(sizes.where(_rows.c.final == 1).limit(1)))
    conn.execute(sa.delete(_rows).where(_rows.c.log_id == log_id, _rows.c.size.not_in(kept)))
