"""Taking back what we once signed and lost: entries from a copy, under our own old checkpoint.

Nothing is signed here. The checkpoint is our log's own, so what it does not lead to is not taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

import sqlalchemy as sa

from governance.errors import BadProof, InvalidStatement, NotFound
from governance.log.checkpoint import Checkpoint, open_checkpoint
from governance.log.merkle import Frontier, leaf_hash
from governance.signing.note import Ed25519Verifier, Note, open_note, parse_vkey
from governance.statements.entry import read_entry
from governance.store import entries
from governance.store.entries import Addition, LogHead, tree_hashes
from governance.store.projections import project

_CHUNK: Final = 512


def take_back(conn: sa.Connection, log: LogHead, more: Iterable[bytes], note: bytes) -> LogHead:
    """Append entries that follow log.size others, up to the size of one of the log's own checkpoints.

    Args:
        conn: in a writing transaction, which is to be rolled back if this raises.
        log: as it is stored; or a log that is not, with what its row shall say.
        more: the entries in their order, as many as the checkpoint asks for.
        note: a checkpoint that the log's own key signed, with whatever other signatures.

    Raises:
        BadSignature, Malformed: it is none.
        InvalidStatement: it is not about this log, or about a smaller one.
        BadProof: the entries do not lead to its root.
    """
    verifier = Ed25519Verifier(parse_vkey(log.vkey))
    head = open_checkpoint(note, [verifier])
    own: Note = open_note(note, [verifier])
    if head.origin != log.origin or head.size < log.size:
        raise InvalidStatement(f"this checkpoint of {head.size} entries adds nothing to {log.origin}")
    stored = _stored(conn, log)
    if stored.size != log.size:
        raise InvalidStatement(f"{log.origin} has grown meanwhile")
    tree = Frontier.load(stored.size, tree_hashes(conn, stored).read_hash)
    for chunk in _chunks(iter(more), head.size - log.size):
        stored = extend(conn, stored, tree, chunk)
    if stored.size != head.size or tree.root() != head.root:
        raise BadProof(f"these entries of {log.origin} do not lead to its signed root of size {head.size}")
    return _signed(conn, stored, head, bytes(own))


def _stored(conn: sa.Connection, log: LogHead) -> LogHead:
    try:
        return entries.head_at(conn, log.origin)
    except NotFound:
        return entries.create(conn, replace(log, size=0))


def extend(conn: sa.Connection, log: LogHead, tree: Frontier, chunk: list[bytes]) -> LogHead:
    """Append entries; the caller's transaction ends with a signed head of the log.

    They are projected unless the log is burnt.
    """
    leaves = [leaf_hash(data) for data in chunk]
    subtrees = tree.extend(leaves)
    if not entries.is_burnt(conn, log):
        project(conn, log, [read_entry(data) for data in chunk])
    # Between chunks the log has no head of its own; the transaction ends with the signed one or not at all.
    return entries.append(conn, log, Addition(chunk, leaves, subtrees, tree.root()), lambda *_: b"")


def _signed(conn: sa.Connection, log: LogHead, head: Checkpoint, own: bytes) -> LogHead:
    nothing = Addition([], [], [], head.root)
    return entries.append(conn, log, nothing, lambda *_: own)


def _chunks(more: Iterator[bytes], count: int) -> Iterator[list[bytes]]:
    while count > 0 and (chunk := list(islice(more, min(count, _CHUNK)))):
        count -= len(chunk)
        yield chunk
