"""Whether a log's stored head is the head of its stored entries: asked before we write on."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from governance.errors import GovernanceError, IntegrityFault
from governance.log.builder import TreeBuilder
from governance.log.checkpoint import Checkpoint, open_checkpoint
from governance.log.merkle import leaf_hash
from governance.log.tiles import FULL
from governance.signing.note import Ed25519Verifier, parse_vkey
from governance.store.engine import Store
from governance.store.entries import LogHead, read_entries, read_leaves, root_at


def verify_head(conn: sa.Connection, log: LogHead) -> None:
    """Checkpoint, root and last bundle agree; at most 256 entries and 256 hashes a level are read.

    Raises:
        IntegrityFault: with the log and what contradicts what.
    """
    verifier = Ed25519Verifier(parse_vkey(log.vkey))
    try:
        signed = open_checkpoint(log.checkpoint, [verifier])
        root = root_at(conn, log, log.size)
    except GovernanceError as e:
        raise IntegrityFault(f"the head of {log.origin} cannot be verified: {e.detail}") from e
    if signed != Checkpoint(log.origin, log.size, log.root):
        raise IntegrityFault(f"the checkpoint of {log.origin} is not about its {log.size} entries")
    if root != log.root:
        raise IntegrityFault(f"the stored hashes of {log.origin} do not lead to its signed root")
    start = max(0, log.size - 1) // FULL * FULL
    stored = read_leaves(conn, log.id, start, log.size + 1)
    entries = read_entries(conn, log.id, start, log.size + 1)
    if len(entries) != log.size - start or [leaf_hash(data) for data in entries] != stored:
        raise IntegrityFault(f"the last entries of {log.origin}, from {start} on, are not the signed ones")


def verified_entries(store: Store, log: LogHead) -> Iterator[bytes]:
    """All entries of a log in order, each hashed before it is given, and at the end their root.

    Raises:
        IntegrityFault: an entry is missing or damaged, or all of them are not what the root stands for.
    """
    tree = TreeBuilder()
    for start in range(0, log.size, FULL):
        end = min(start + FULL, log.size)
        with store.read() as conn:
            entries = read_entries(conn, log.id, start, end)
            leaves = read_leaves(conn, log.id, start, end)
        hashes = [leaf_hash(data) for data in entries]
        if hashes != leaves or len(leaves) != end - start:
            damaged = next((i for i, (a, b) in enumerate(zip(hashes, leaves, strict=False)) if a != b), None)
            where = (
                f"entries from {start} on are missing"
                if damaged is None
                else f"entry {start + damaged} is damaged"
            )
            raise IntegrityFault(f"the log {log.origin} is broken: {where}")
        tree.add_leaves(b"".join(hashes))
        yield from entries
    if tree.root() != log.root:
        raise IntegrityFault(f"the entries of {log.origin} do not lead to its signed root")
