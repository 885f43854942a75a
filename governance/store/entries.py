"""Logs as rows: heads, entries, tiles; and the one way to append."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import sqlalchemy as sa
from sqlmodel import SQLModel

from governance.errors import AlreadyExists, IntegrityFault, NotFound
from governance.log.builder import TileHashes
from governance.log.lineage import name_of, number_of
from governance.log.merkle import EMPTY_ROOT, TILE_HEIGHT, Frontier, Subtree, leaf_hash
from governance.log.proofs import inclusion_proof
from governance.log.tiles import FULL, encode_bundle
from governance.store.engine import Store
from governance.store.projected import PROJECTED
from governance.store.rows import insert_rows
from governance.store.tables import Log, LogEntry, TileHash


def table_of(model: type[SQLModel]) -> sa.Table:
    """The SQLAlchemy table of a SQLModel class (typed there as a mere attribute)."""
    table: sa.Table = model.__table__  # type: ignore[attr-defined]
    return table


_logs: Final = table_of(Log)
_entries: Final = table_of(LogEntry)
_hashes: Final = table_of(TileHash)

_heads: Final = sa.select(*(column for column in _logs.c if column.name != "name"))

# Made once: building a statement costs the writer five times what executing it does.
_swap: Final = (
    sa.update(_logs)
    .where(_logs.c.id == sa.bindparam("log"), _logs.c.size == sa.bindparam("old"))
    .values(size=sa.bindparam("new"))
)
_sign: Final = (
    sa.update(_logs)
    .where(_logs.c.id == sa.bindparam("log"))
    .values(root=sa.bindparam("new_root"), checkpoint=sa.bindparam("signed"))
)


def _range(column: sa.ColumnElement[bytes]) -> sa.Select[bytes]:
    index = _entries.c.idx
    inside = index >= sa.bindparam("start"), index < sa.bindparam("end")
    return sa.select(column).where(_entries.c.log_id == sa.bindparam("log"), *inside).order_by(index)


_data_range: Final = _range(_entries.c.data)
_leaf_range: Final = _range(_entries.c.leaf)


@dataclass(frozen=True, slots=True)
class LogHead:
    """A log as it stands: who it is, its size, root (32 bytes) and signed checkpoint.

    `origin` is what its signed heads say. `kind` is instance, space or ballot; `space` and `ballot` are their
    ids where they apply.
    """

    id: int
    origin: str
    kind: str
    space: str | None
    ballot: str | None
    vkey: str
    size: int = 0
    root: bytes = EMPTY_ROOT
    checkpoint: bytes = b""

    @property
    def name(self) -> str:
        """What statements call this log: its origin without the number of a successor."""
        return name_of(self.origin)


def heads(conn: sa.Connection, *, burnt: bool = False) -> list[LogHead]:
    """All logs, oldest first; with those that a successor has taken the place of only if asked for."""
    chosen = _heads if burnt else _heads.where(_logs.c.name.is_not(None))
    return [LogHead(**row) for row in conn.execute(chosen.order_by(_logs.c.id)).mappings()]


def head(conn: sa.Connection, name: str) -> LogHead:
    """The present log of this name.

    Raises:
        NotFound: we keep no such log.
    """
    return _one(conn, _logs.c.name, name)


def head_at(conn: sa.Connection, origin: str) -> LogHead:
    """The log of exactly this origin, burnt or not.

    Raises:
        NotFound: we keep no such log.
    """
    return _one(conn, _logs.c.origin, origin)


def _one(conn: sa.Connection, column: sa.Column[str], value: str) -> LogHead:
    row = conn.execute(_heads.where(column == value)).mappings().first()
    if row is None:
        raise NotFound(f"there is no log {value} here")
    return LogHead(**row)


def _named(conn: sa.Connection, new: LogHead) -> str | None:
    """The name of a new log, taken from the log that has it; None when that one is the later one."""
    present = conn.scalar(sa.select(_logs.c.origin).where(_logs.c.name == new.name))
    if present is not None:
        if number_of(present) > number_of(new.origin):
            return None
        _burn(conn, head_at(conn, present))
    return new.name


def _burn(conn: sa.Connection, old: LogHead) -> None:
    """The log stays as it is, without its name; the tables for reading will say what its successor says."""
    conn.execute(sa.update(_logs).where(_logs.c.id == old.id).values(name=None))
    for model in PROJECTED:
        table = table_of(model)
        conn.execute(sa.delete(table).where(table.c.log_id == old.id))


def is_burnt(conn: sa.Connection, log: LogHead) -> bool:
    """Whether another log has the name of this one now."""
    return head(conn, log.name).id != log.id


def create(conn: sa.Connection, new: LogHead) -> LogHead:
    """Store the head of a new, empty log, the present one of its name; its id is given here.

    Raises:
        AlreadyExists: the origin is taken.
    """
    if conn.scalar(sa.select(_logs.c.id).where(_logs.c.origin == new.origin)) is not None:
        raise AlreadyExists(f"the log {new.origin} exists")
    row = {
        name: getattr(new, name)
        for name in ("origin", "kind", "space", "ballot", "vkey", "size", "root", "checkpoint")
    } | {"name": _named(conn, new)}
    (log_id,) = conn.execute(sa.insert(_logs).values(row)).inserted_primary_key or (0,)
    return replace(new, id=log_id)


@dataclass(frozen=True, slots=True)
class Addition:
    """What is appended to a log: entries, their leaf hashes, the subtrees they complete, the new root."""

    entries: Sequence[bytes]
    leaves: Sequence[bytes]
    subtrees: Sequence[Subtree]
    root: bytes


def append(conn: sa.Connection, old: LogHead, new: Addition, sign: Callable[[int, bytes], bytes]) -> LogHead:
    """The log's head after the addition; all of it in the caller's transaction.

    The size is swapped first, and only from the size we know, so that of two writers one fails before it has
    signed. The new rows are read back and hashed again before `sign(size, root)` makes the checkpoint.

    Raises:
        IntegrityFault: somebody else appended, or the database gives back other bytes than it was given.
    """
    size = old.size + len(new.entries)
    if conn.execute(_swap, {"log": old.id, "old": old.size, "new": size}).rowcount != 1:
        raise IntegrityFault(f"{old.origin} is not at size {old.size} any more: another process writes it")
    if new.entries:
        rows = [
            {"log_id": old.id, "idx": old.size + i, "leaf": leaf, "data": data}
            for i, (leaf, data) in enumerate(zip(new.leaves, new.entries, strict=True))
        ]
        insert_rows(conn, _entries, rows)
    if new.subtrees:
        hashes = [
            {"log_id": old.id, "height": height, "position": position, "hash": node}
            for height, position, node in new.subtrees
        ]
        insert_rows(conn, _hashes, hashes)
    written = read_entries(conn, old.id, old.size, size)
    if [leaf_hash(data) for data in written] != list(new.leaves):
        raise IntegrityFault(f"the database gives back other entries of {old.origin} than it was given")
    checkpoint = sign(size, new.root)
    conn.execute(_sign, {"log": old.id, "new_root": new.root, "signed": checkpoint})
    return replace(old, size=size, root=new.root, checkpoint=checkpoint)


def read_entries(conn: sa.Connection, log_id: int, start: int, end: int) -> list[bytes]:
    """The bytes of entries start…end, in order; fewer when the log is shorter."""
    return list(conn.scalars(_data_range, {"log": log_id, "start": start, "end": end}))


def read_leaves(conn: sa.Connection, log_id: int, start: int, end: int) -> list[bytes]:
    """The leaf hashes of entries start…end, in order; fewer when the log is shorter."""
    return list(conn.scalars(_leaf_range, {"log": log_id, "start": start, "end": end}))


def stream_entries(store: Store, log_id: int, start: int, end: int) -> Iterator[bytes]:
    """Entries start…end, a bundle in memory at a time, each from a transaction of its own.

    Raises:
        IntegrityFault: an entry is missing.
    """
    for at in range(start, end, FULL):
        upto = min(at + FULL, end)
        with store.read() as conn:
            found = read_entries(conn, log_id, at, upto)
        if len(found) != upto - at:
            raise IntegrityFault(f"entries {at} to {upto - 1} of log {log_id} are not all there")
        yield from found


def tile(conn: sa.Connection, log_id: int, level: int, n: int, width: int = FULL) -> bytes:
    """The bytes of a tile, 32 for each of its width hashes (C2SP tlog-tiles).

    Raises:
        NotFound: the tree is not that large.
    """
    start, end = n * FULL, n * FULL + width
    if level == 0:
        found = read_leaves(conn, log_id, start, end)
    else:
        position = _hashes.c.position
        found = list(
            conn.scalars(
                sa.select(_hashes.c.hash)
                .where(_hashes.c.log_id == log_id, _hashes.c.height == level * TILE_HEIGHT)
                .where(position >= start, position < end)
                .order_by(position)
            )
        )
    if len(found) != width:
        raise NotFound(f"there is no tile {n} of level {level} with {width} hashes yet")
    return b"".join(found)


def entry_bundle(conn: sa.Connection, log_id: int, n: int, width: int = FULL) -> bytes:
    """The bytes of an entry bundle (C2SP tlog-tiles).

    Raises:
        NotFound: the log is not that long.
    """
    found = read_entries(conn, log_id, n * FULL, n * FULL + width)
    if len(found) != width:
        raise NotFound(f"there is no bundle {n} with {width} entries yet")
    return encode_bundle(found)


def tree_hashes(conn: sa.Connection, log: LogHead) -> TileHashes:
    """Subtree hashes of the log at its size, for proofs; good as long as the connection."""
    return TileHashes(lambda level, n, width: tile(conn, log.id, level, n, width), log.size)


def root_at(conn: sa.Connection, log: LogHead, size: int) -> bytes:
    """The root that the stored hashes give for the first `size` entries, at most all of them."""
    return Frontier.load(size, tree_hashes(conn, log).read_hash).root()


def prove_inclusion(conn: sa.Connection, log: LogHead, index: int) -> list[bytes]:
    """The inclusion proof of any entry, for the log's present size.

    Raises:
        MalformedProof: the log has no such entry.
    """
    return inclusion_proof(tree_hashes(conn, log).read_hash, index, log.size)
