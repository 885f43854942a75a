"""Receipts (C2SP tlog-proof) for entries just recorded, and for any entry, cosigned where it is."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

from governance.errors import NotFound
from governance.log.receipt import Receipt
from governance.service import cosigned
from governance.service.answers import Recorded
from governance.service.batch import Committed
from governance.statements.entry import Entry
from governance.store import entries
from governance.store.engine import Store


def fresh(committed: Committed, origin: str, index: int) -> str:
    """The receipt of an entry of the batch that was just committed."""
    proof = committed.proof(origin, index)
    return bytes(Receipt(index, tuple(proof), committed.head(origin).checkpoint)).decode()


def stored(store: Store, origin: str, index: int) -> str:
    """The receipt of any entry, under the checkpoint that `cosigned.covering` finds strongest for it.

    Raises:
        NotFound: no such log or entry.
    """
    with store.snapshot() as conn:
        head = entries.head(conn, origin)
        if not 0 <= index < head.size:
            raise NotFound(f"{origin} has no entry {index}", size=head.size)
        found = cosigned.covering(conn, head, index + 1)
        proof = entries.prove_inclusion(conn, replace(head, size=found.size), index)
    return bytes(Receipt(index, tuple(proof), found.note)).decode()


def recorded(committed: Committed, origin: str, index: int, entry: Entry) -> Recorded:
    """The answer for a statement of the batch that was just committed."""
    return Recorded(index, entry.identity, origin, fresh(committed, origin, index), text(entry.data))


def recorded_before(store: Store, origin: str, index: int, entry: Entry) -> Recorded:
    """The answer for a statement that the log holds already."""
    return Recorded(index, entry.identity, origin, stored(store, origin, index), text(entry.data))


def text(data: bytes) -> str:
    """Entry bytes as answers carry them, standard base64."""
    return b64encode(data).decode()
