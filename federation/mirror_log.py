"""Copying one log: look at its head, fetch, rebuild, compare, store, count in one transaction, then sign.

Nothing of a peer's tiles is believed; the tree that the signed root is compared with is built from entries.
The row of what we have seen of the log is shared with the witness: if it moved while we fetched, we fetch on.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import sqlalchemy as sa
from prometheus_client import Counter

from federation import copy_rows, evidence, seen, succession
from federation.copy_rows import CopyRow, home
from federation.discovery import NamedLog
from federation.mirror_tree import Budget, Damaged, GrowingCopy, reader
from federation.node import Node
from federation.seen import SeenRow
from governance import limits
from governance.audit.source import PublicFiles, blob_path
from governance.errors import BadProof, GovernanceError, MalformedAnswer, NotFound
from governance.log.builder import TileHashes
from governance.log.checkpoint import Checkpoint, checked
from governance.log.cosignature import cosign, verifier_for
from governance.log.evidence import different_sizes, same_size
from governance.log.merkle import Frontier, ReadHash
from governance.log.tiles import Tile
from governance.signing.note import Note, Verifier, open_note, parse_note, parse_vkey

ROUNDS: Final = 8
"""Heads fetched in a row while the witness moves the row; the later ones are a few entries apart."""
LOGS: Final = 20_000
"""Logs copied of one peer; notices of more are copied, their logs are not."""
_stale: Final = Counter("althing_mirror_stale", "Heads of other logs that were older than what we had seen")
_forked: Final = Counter("althing_mirror_forked", "Heads of other logs that contradicted what we had seen")
_damaged: Final = Counter("althing_mirror_damaged", "Times that a copy was found damaged on our disk")
_log: Final = logging.getLogger("althing.federation")


@dataclass(frozen=True)
class Head:
    """A head as its log signed it; `data` are the bytes of the file."""

    data: bytes
    note: Note
    checkpoint: Checkpoint

    @cached_property
    def signed(self) -> bytes:
        """The note with verified lines of the log alone."""
        return bytes(self.note)


def catch_up(node: Node, files: PublicFiles, origin: str, budget: Budget) -> bool:
    """Copy what a log has grown by and cosign it; gives whether the copy is of another size now.

    Args:
        node: we.
        files: the public files of the log's instance.
        origin: of a log with rows in `fed_seen` and `fed_copies`.
        budget: what this run may still fetch.

    Raises:
        Malformed, Refused: the log, or what stands for it, is not what its key has signed; nothing changed.
        Unavailable: nobody answers, or our disk fails.
        Enough: the run has to end; the next one goes on.
    """
    try:
        grown = _catch_up(node, files, origin, budget)
    except Damaged as e:
        mark_damaged(node, origin, str(e))
        return False
    copy_cosigned(node, files, origin)
    return grown


def _catch_up(node: Node, files: PublicFiles, origin: str, budget: Budget) -> bool:
    copying: GrowingCopy | None = None
    begun: int | None = None
    for _ in range(ROUNDS):
        row, copy = _rows(node, origin)
        head = read_head(files, copy, _verifiers(row))
        if not _plausible(node, row, copy, head):
            break
        if copy.cosigned and head.checkpoint.size == copy.size:
            if not _is_signed(node, copy):
                _sign(node, origin)
            break
        if copy.damaged is not None:
            break
        if copying is None or begun != copy.size or copying.size > head.checkpoint.size:
            copying, begun = GrowingCopy(node, files, copy, budget), copy.size
        if not _extends(node, files, row, copying, head):
            copying.abandon()
            break
        _write(node, copying, copy, row, head)
        if _commit(node, row, copy, head, copying):
            copying.tidy()
            _sign(node, origin)
            return True
    _checked(node, origin)
    return False


def mark_damaged(node: Node, origin: str, why: str) -> None:
    """Neither go on with a copy nor cosign it before `scrub` has repaired it."""
    _damaged.inc()
    _log.error("the copy of %s is damaged: %s", origin, why)
    _, copy = _rows(node, origin)
    with node.db.write() as conn:
        copy_rows.change(conn, origin, copy.size, damaged=why[:300])


def _rows(node: Node, origin: str) -> tuple[SeenRow, CopyRow]:
    with node.db.read() as conn:
        row, copy = seen.get(conn, origin), copy_rows.get(conn, origin)
    if row is None or copy is None:
        raise NotFound(f"the log {origin} is not copied")
    return row, copy


def _verifiers(row: SeenRow) -> list[Verifier]:
    return [verifier_for(parse_vkey(row.vkey))]


def read_head(files: PublicFiles, copy: CopyRow, verifiers: list[Verifier]) -> Head:
    """The head that a log's instance shows.

    Raises:
        NotFound, TooLarge, Unavailable: as `PublicFiles.read`.
        Malformed, Refused: it is not signed by the log's key.
    """
    data = files.read(f"{copy.path}/checkpoint", limits.NOTE)
    note = open_note(data, verifiers)
    return Head(data, note, checked(note, verifiers))


def _plausible(node: Node, row: SeenRow, copy: CopyRow, head: Head) -> bool:
    """Whether the head may be news, or what we have; a second root of the size in the row is evidence."""
    new = head.checkpoint
    if row.frozen is not None:
        return False
    if new.size < max(row.size, copy.size):
        # A cache, or a replica that lags behind: no evidence of anything by itself.
        _stale.inc()
        return False
    if row.note and new.size == row.size and new.root != row.root:
        accuse(node, row, same_size(row.vkey, row.note, head.signed))
        return False
    return True


def accuse(node: Node, row: SeenRow, proof: bytes) -> None:
    """Store evidence against a log and freeze it."""
    _forked.inc()
    _log.error("the log %s has shown two histories", row.origin)
    name = evidence.found(node, proof, row.peer or "")
    with node.db.write() as conn:
        seen.freeze(conn, row.origin, name)


def _extends(node: Node, files: PublicFiles, row: SeenRow, copying: GrowingCopy, head: Head) -> bool:
    """Whether the entries lead to the head, and the head to what we had seen before.

    Gives False when they do not and the log has signed both: then the evidence is stored.

    Raises:
        MalformedAnswer: the entries lead elsewhere, which proves nothing against the log's key.
    """
    new = head.checkpoint
    built = copying.grow(new.size)
    if built == new.root:
        if succession.is_new(row):
            _begins(node, row, copying)
            return True
        if row.size in (0, new.size) or copying.root_at(row.size) == row.root:
            return True
        accuse(node, row, different_sizes(row.vkey, row.note, head.signed, copying.read_hash))
        return False
    if 0 < row.size < new.size:
        proof = _from_their_tiles(files, copying.path, row, head)
        if proof is not None:
            accuse(node, row, proof)
            return False
    copying.abandon()
    raise MalformedAnswer(f"the entries of {row.origin} do not lead to its signed root of size {new.size}")


def _begins(node: Node, row: SeenRow, copying: GrowingCopy) -> None:
    """That a successor that we look at first begins as the root key has said, and our copy allows it.

    Raises:
        BadProof: it does not.
    """
    if copying.root_at(row.size) != row.root:
        copying.abandon()
        raise BadProof(
            f"{row.origin} does not begin with the {row.size} entries that it was said to go on from"
        )
    try:
        succession.check(node, row, copying.root_at)
    except BadProof:
        copying.abandon()
        raise


def _from_their_tiles(files: PublicFiles, folder: str, row: SeenRow, head: Head) -> bytes | None:
    """Evidence with a path from the log's own tiles; None when they do not prove anything."""
    try:
        return different_sizes(
            row.vkey, row.note, head.signed, _their_hashes(files, folder, head.checkpoint.size)
        )
    except GovernanceError:
        return None


def _their_hashes(files: PublicFiles, folder: str, size: int) -> ReadHash:
    def read_tile(level: int, n: int, width: int) -> bytes:
        try:
            return files.read(f"{folder}/{Tile(level, n, width).path}", limits.TILE_BYTES)
        except NotFound:
            return files.read(f"{folder}/{Tile(level, n).path}", limits.TILE_BYTES)[: width * 32]

    return TileHashes(read_tile, size).read_hash


def _write(node: Node, copying: GrowingCopy, copy: CopyRow, row: SeenRow, head: Head) -> None:
    """Store what belongs to a log beside its tree, and wait for the disk."""
    copying.fetch_blobs()
    named = copying.named
    copying.write("checkpoint", head.data)
    copying.write("vkey", f"{row.vkey}\n".encode())
    if named.outcome is not None:
        _copy_outcome(node, copying, copy, blob_path(named.outcome))
    if named.document is not None:
        node.copies.write(f"{home(copy.peer)}/.well-known/althing.json", named.document)
    node.copies.settle()


def _copy_outcome(node: Node, copying: GrowingCopy, copy: CopyRow, path: str) -> None:
    try:
        copying.write("outcome.json", node.copies.read(f"{home(copy.peer)}/{path}"))
    except NotFound:
        _log.warning("%s has an outcome whose result its instance does not show", copy.origin)


def _commit(node: Node, row: SeenRow, copy: CopyRow, head: Head, copying: GrowingCopy) -> bool:
    """Count what was stored; False when the row has moved on since it was read."""
    new, now = head.checkpoint, node.clock()
    with node.db.write() as conn:
        if not seen.advance(
            conn, copy.origin, row.size, size=new.size, root=new.root, note=head.signed, now=now
        ):
            return False
        if not copy_rows.commit(conn, copy, size=new.size, root=new.root, note=head.signed, now=now):
            return False
        room = LOGS - copy_rows.count(conn, copy.peer)
        for log in list(copying.named.logs.values())[: max(0, room)]:
            follow(conn, log, copy.peer)
    return True


def follow(conn: sa.Connection, log: NamedLog, peer: str) -> bool:
    """Copy a log from now on, unless somebody else's log has its origin; gives whether it is copied."""
    known = SeenRow(log.origin, log.vkey, peer)
    seen.learn(conn, known if log.begins is None else replace(known, size=log.begins[0], root=log.begins[1]))
    row = seen.get(conn, log.origin)
    if row is None or row.vkey != log.vkey or row.peer != peer:
        _log.error("%s names the log %s, which is known as another one's", peer, log.origin)
        return False
    copy_rows.begin(conn, CopyRow(log.origin, peer, log.kind))
    return True


def _is_signed(node: Node, copy: CopyRow) -> bool:
    own = {(c.key.name, c.key.key_id) for c in node.cosigning.mirror}
    return own <= {(s.name, s.key_id) for s in parse_note(copy.cosigned).signatures}


def _sign(node: Node, origin: str) -> None:
    """Cosign what is stored and counted, as mirror and as witness, unless that was done."""
    row, copy = _rows(node, origin)
    if copy.damaged or _is_signed(node, copy):
        return
    note = open_note(copy.cosigned, _verifiers(row))
    now, held = node.clock(), node.cosigning
    mirror, witness = (tuple(cosign(note.text, c, now) for c in keys) for keys in (held.mirror, held.witness))
    with node.db.write() as conn:
        current = seen.get(conn, origin)
        if current is None or current.frozen is not None:
            return
        if current.size == copy.size:
            witnessed = bytes(Note(note.text, (*note.signatures, *witness)))
            seen.advance(
                conn,
                origin,
                copy.size,
                size=copy.size,
                root=copy.root,
                note=bytes(note),
                now=current.seen_at,
                cosigned=witnessed,
            )
        cosigned = bytes(Note(note.text, (*note.signatures, *mirror, *witness)))
        copy_rows.change(conn, origin, copy.size, cosigned=cosigned, returned=0)


def copy_cosigned(node: Node, files: PublicFiles, origin: str) -> None:
    """Copy the file `cosigned`, a head that witnesses have signed, once our copy covers it.

    Raises:
        Malformed, Refused: it is not signed by the log's key.
    """
    row, copy = _rows(node, origin)
    try:
        data = files.read(f"{copy.path}/cosigned", limits.NOTE)
    except NotFound:
        return
    note = open_note(data, _verifiers(row))
    shown = checked(note, _verifiers(row))
    if row.frozen is not None or not 0 < shown.size <= copy.size:
        return
    tree = TileHashes(reader(node.copies, copy.folder), copy.size)
    if Frontier.load(shown.size, tree.read_hash).root() == shown.root:
        node.copies.write(f"{copy.folder}/cosigned", data)
    elif shown.size == copy.size:
        accuse(node, row, same_size(row.vkey, copy.cosigned, bytes(note)))
    else:
        accuse(node, row, different_sizes(row.vkey, bytes(note), copy.cosigned, tree.read_hash))


def _checked(node: Node, origin: str) -> None:
    with node.db.write() as conn:
        copy_rows.checked(conn, origin, node.clock())
