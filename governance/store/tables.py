"""Every table of the core: the logs (truth), drafts, and the truth tables' column types.

SQLModel with `table=True` does not validate, so rows are made from domain values by `entries`, `drafts` and
`projections` only; no handler takes or returns a table. All tables are STRICT on SQLite: integers, text and
bytes, nothing is stored as another type than declared. Projections stand in `projected`.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

STRICT: Final = {"sqlite_strict": True}
CLUSTERED: Final = {"sqlite_strict": True, "sqlite_with_rowid": False}
"""Rows stored in primary key order, without a second index: for small rows that are upserted."""

Integer: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""64 bits on both; STRICT tables know no BIGINT, and only INTEGER PRIMARY KEY is a row id."""


class Bytes(sa.LargeBinary):
    """Bytes handed to the driver and taken from it as they are; both drivers want nothing else.

    The default wraps each value into a memoryview, a fifth of the writer's time for a vote.
    """

    def bind_processor(self, dialect: sa.Dialect) -> None:
        """None: no conversion."""

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> None:
        """None: no conversion."""


def integer_column(**options: Any) -> Any:
    """A 64-bit integer column."""
    return Field(sa_type=Integer, **options)


def text_column(**options: Any) -> Any:
    """A text column without a length of its own; lengths are the statements' business."""
    return Field(sa_type=sa.Text, **options)


def blob_column(**options: Any) -> Any:
    """A bytes column."""
    return Field(sa_type=Bytes, **options)


def log_key() -> Any:
    """First part of a primary key: the log that the row belongs to."""
    return Field(
        sa_type=Integer, primary_key=True, foreign_key="logs.id", sa_column_kwargs={"autoincrement": False}
    )


def key(kind: Any) -> Any:
    """A further part of a primary key."""
    return Field(sa_type=kind, primary_key=True, sa_column_kwargs={"autoincrement": False})


class Log(SQLModel, table=True):
    """One row for each log we write: its head. `size` is the column of the compare-and-swap.

    `name` is what statements call it; a burnt log has none, its successor has it now.
    """

    __tablename__ = "logs"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('instance', 'space', 'ballot')", name="kind"),
        sa.CheckConstraint("size >= 0", name="size"),
        sa.Index("ix_logs_name", "name", unique=True),
        STRICT,
    )

    id: int | None = Field(default=None, sa_type=Integer, primary_key=True)
    origin: str = text_column(unique=True)
    name: str | None = text_column(nullable=True)
    kind: str = text_column()
    space: str | None = text_column(default=None, nullable=True)
    ballot: str | None = text_column(default=None, nullable=True)
    vkey: str = text_column()
    size: int = integer_column()
    root: bytes = blob_column()
    checkpoint: bytes = blob_column()


class LogEntry(SQLModel, table=True):
    """An entry's bytes and their leaf hash (RFC 6962 2.1)."""

    __tablename__ = "entries"
    __table_args__ = (STRICT,)

    log_id: int = log_key()
    idx: int = key(Integer)
    leaf: bytes = blob_column()
    data: bytes = blob_column()


class TileHash(SQLModel, table=True):
    """The hash of a complete subtree of height 8, 16, 24 …; leaf hashes stand with their entries."""

    __tablename__ = "tile_hashes"
    __table_args__ = (CLUSTERED,)

    log_id: int = log_key()
    height: int = key(Integer)
    position: int = key(Integer)
    hash: bytes = blob_column()


class Cosigned(SQLModel, table=True):
    """A checkpoint of ours that others have cosigned: our text and signature, then their verified lines.

    `final` is 1 where those satisfy the witness policy of the log's ballot; 0 also where there is none.
    """

    __tablename__ = "cosigned"
    __table_args__ = (STRICT,)

    log_id: int = log_key()
    size: int = key(Integer)
    note: bytes = blob_column()
    final: int = integer_column()


class Blob(SQLModel, table=True):
    """Bytes that an entry names by digest (`sha256:<hex>`), at most `limits.BLOB`."""

    __tablename__ = "blobs"
    __table_args__ = (STRICT,)

    digest: str = key(sa.Text)
    data: bytes = blob_column()


class Draft(SQLModel, table=True):
    """A signed ballot definition that is not opened yet: kept here, in no log."""

    __tablename__ = "drafts"
    __table_args__ = (STRICT,)

    space: str = key(sa.Text)
    ballot: str = key(sa.Text)
    envelope: bytes = blob_column()
    updated_at: int = integer_column()
