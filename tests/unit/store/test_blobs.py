"""Blobs by digest, and drafts."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from governance import limits
from governance.canonical import digest
from governance.errors import IntegrityFault, NotFound, TooLarge
from governance.store import blobs
from governance.store.engine import Store
from governance.store.entries import table_of
from governance.store.tables import Blob


def test_blob_comes_back_by_its_digest(store: Store) -> None:
    with store.write() as conn:
        name = blobs.put_blob(conn, b"result")
        assert blobs.put_blob(conn, b"result") == name == digest(b"result")
    with store.read() as conn:
        assert blobs.get_blob(conn, name) == b"result"
        with pytest.raises(NotFound):
            blobs.get_blob(conn, digest(b"other"))


def test_blob_too_large(store: Store) -> None:
    with pytest.raises(TooLarge), store.write() as conn:
        blobs.put_blob(conn, bytes(limits.BLOB + 1))


def test_damaged_blob_is_not_given_out(store: Store) -> None:
    with store.write() as conn:
        name = blobs.put_blob(conn, b"result")
        conn.execute(sa.update(table_of(Blob)).values(data=b"resulT"))
    with store.read() as conn, pytest.raises(IntegrityFault):
        blobs.get_blob(conn, name)


def test_probe_leaves_nothing(store: Store) -> None:
    blobs.probe(store)
    with store.read() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(table_of(Blob))) == 0


def test_drafts_are_replaced_listed_and_removed(store: Store) -> None:
    with store.write() as conn:
        blobs.put_draft(conn, "nix", "q2", b"one", 5)
        blobs.put_draft(conn, "nix", "q1", b"two", 6)
        blobs.put_draft(conn, "nix", "q2", b"three", 7)
        blobs.put_draft(conn, "other", "q2", b"four", 8)
    with store.read() as conn:
        assert blobs.get_draft(conn, "nix", "q2") == b"three"
        assert blobs.list_drafts(conn, "nix") == [("q1", b"two", 6), ("q2", b"three", 7)]
    with store.write() as conn:
        blobs.delete_draft(conn, "nix", "q2")
    with store.read() as conn, pytest.raises(NotFound):
        blobs.get_draft(conn, "nix", "q2")
