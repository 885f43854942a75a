"""Bytes outside the logs: blobs that entries name by digest, and drafts of ballots not opened yet."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from governance import limits
from governance.canonical import digest
from governance.errors import IntegrityFault, NotFound, TooLarge
from governance.store.engine import Store
from governance.store.entries import table_of
from governance.store.rows import upsert_rows
from governance.store.tables import Blob, Draft

_blobs: Final = table_of(Blob)
_drafts: Final = table_of(Draft)
_PROBE: Final = bytes(64 * 1024)


def check_blob(data: bytes) -> str:
    """The digest that names the bytes.

    Raises:
        TooLarge: more than `limits.BLOB`.
    """
    if len(data) > limits.BLOB:
        raise TooLarge(f"a blob has at most {limits.BLOB} bytes, not {len(data)}")
    return digest(data)


def put_blob(conn: sa.Connection, data: bytes) -> str:
    """Store bytes; gives their digest. Storing them again changes nothing.

    Raises:
        TooLarge: more than `limits.BLOB`.
    """
    name = check_blob(data)
    if not has_blob(conn, name):
        conn.execute(sa.insert(_blobs).values(digest=name, data=data))
    return name


def has_blob(conn: sa.Connection, name: str) -> bool:
    """Whether a blob of this digest is stored."""
    return conn.scalar(sa.select(sa.literal(1)).where(_blobs.c.digest == name)) is not None


def get_blob(conn: sa.Connection, name: str) -> bytes:
    """The bytes of a digest, hashed again.

    Raises:
        NotFound: no such blob.
        IntegrityFault: the stored bytes have another digest.
    """
    data: bytes | None = conn.scalar(sa.select(_blobs.c.data).where(_blobs.c.digest == name))
    if data is None:
        raise NotFound(f"there is no blob {name}")
    if digest(data) != name:
        raise IntegrityFault(f"the stored bytes of {name} are damaged")
    return data


def probe(store: Store) -> None:
    """That the database takes 64 KiB more, by storing and removing them.

    Raises:
        StorageUnavailable: it does not.
    """
    with store.write() as conn:
        name = put_blob(conn, _PROBE)
    with store.write() as conn:
        conn.execute(sa.delete(_blobs).where(_blobs.c.digest == name))


def put_draft(conn: sa.Connection, space: str, ballot: str, envelope: bytes, now: int) -> None:
    """Store or replace the draft of a ballot; now in Unix seconds."""
    row = {"space": space, "ballot": ballot, "envelope": envelope, "updated_at": now}
    upsert_rows(conn, _drafts, [row])


def get_draft(conn: sa.Connection, space: str, ballot: str) -> bytes:
    """The envelope of a draft.

    Raises:
        NotFound: no draft of this name.
    """
    data: bytes | None = conn.scalar(
        sa.select(_drafts.c.envelope).where(_drafts.c.space == space, _drafts.c.ballot == ballot)
    )
    if data is None:
        raise NotFound(f"the space {space} has no draft {ballot}")
    return data


def list_drafts(conn: sa.Connection, space: str) -> list[tuple[str, bytes, int]]:
    """(ballot, envelope, updated at) of a space's drafts, by ballot."""
    chosen = sa.select(_drafts.c.ballot, _drafts.c.envelope, _drafts.c.updated_at)
    rows = conn.execute(chosen.where(_drafts.c.space == space).order_by(_drafts.c.ballot))
    return [(row.ballot, row.envelope, row.updated_at) for row in rows]


def delete_draft(conn: sa.Connection, space: str, ballot: str) -> None:
    """Remove a draft, if there is one."""
    conn.execute(sa.delete(_drafts).where(_drafts.c.space == space, _drafts.c.ballot == ballot))
