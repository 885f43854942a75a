"""The largest consistent tree seen of each log that is not ours: one row, changed by compare-and-swap.

Pulling a log and being asked to cosign it share the row: neither can be led back behind the other. A row is
never removed and never shrinks: a log that is forgotten and met again at size 0 could show a second history.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Final
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from federation.tables import seen
from governance.log.merkle import EMPTY_ROOT
from governance.store.rows import add_rows

# Made once: building a statement costs several times what executing it does.
_by_origin: Final = sa.select(seen).where(seen.c.origin == sa.bindparam("log"))
_new: Final = sa.bindparam("new", type_=sa.BigInteger)
_advance: Final = (
    sa.update(seen)
    .where(
        seen.c.origin == sa.bindparam("log"),
        seen.c.size == sa.bindparam("old"),
        seen.c.frozen.is_(None),
        sa.or_(
            _new > seen.c.size,
            sa.and_(_new == seen.c.size, seen.c.root == sa.bindparam("new_root")),
        ),
    )
    .values(
        size=_new,
        root=sa.bindparam("new_root"),
        note=sa.bindparam("new_note"),
        seen_at=sa.bindparam("now"),
    )
)
_advance_cosigned: Final = _advance.values(cosigned=sa.bindparam("lines"))
_origins: Final[dict[str, str]] = {}
"""SHA-256 in hex -> origin; true for every instance alike."""
_listed: Final[WeakKeyDictionary[sa.Engine, int | None]] = WeakKeyDictionary()
"""How many logs of a database are among them."""


@dataclass(frozen=True, slots=True)
class SeenRow:
    """A log as stored (`federation.tables.FedSeen`); `peer` is None for a log of other software."""

    origin: str
    vkey: str
    peer: str | None
    size: int = 0
    root: bytes = EMPTY_ROOT
    note: bytes = b""
    cosigned: bytes = b""
    frozen: str | None = None
    seen_at: int = 0


def get(conn: sa.Connection, origin: str) -> SeenRow | None:
    """The row of an origin."""
    row = conn.execute(_by_origin, {"log": origin}).mappings().first()
    return None if row is None else SeenRow(**row)


def find(conn: sa.Connection, name: str) -> SeenRow | None:
    """The row of a log that we have cosigned, by the SHA-256 of its origin in hex."""
    if name not in _origins:
        _list_names(conn)
    row = get(conn, _origins.get(name, ""))
    return row if row is not None and row.cosigned else None


def _list_names(conn: sa.Connection) -> None:
    # Rows are never removed: as many as before are the same ones.
    count = conn.scalar(sa.select(sa.func.count()).select_from(seen))
    if _listed.get(conn.engine) != count:
        for origin in conn.scalars(sa.select(seen.c.origin)):
            _origins[sha256(origin.encode()).hexdigest()] = origin
        _listed[conn.engine] = count


def learn(conn: sa.Connection, new: SeenRow) -> None:
    """Know a log from now on, with no head seen of it; one that is known stays as it is."""
    add_rows(conn, seen, [asdict(new)])


def advance(
    conn: sa.Connection,
    origin: str,
    old: int,
    *,
    size: int,
    root: bytes,
    note: bytes,
    now: int,
    cosigned: bytes | None = None,
) -> bool:
    """Store a tree that was proven to extend the one of size `old`; gives whether the row was still there.

    False means that somebody else was quicker, or that the log is frozen: nothing changed, look again.

    Args:
        conn: in a writing transaction, which commits before anybody is told.
        origin: of a known log.
        old: the size in the row that the proof began from.
        size: of the new tree; the same as old only with the same root.
        root: of the new tree, 32 bytes.
        note: its checkpoint with the log's verified signature lines.
        now: Unix seconds.
        cosigned: the note with our witness lines as well; None leaves what we cosigned last.
    """
    values = {"log": origin, "old": old, "new": size, "new_root": root, "new_note": note, "now": now}
    if cosigned is None:
        return conn.execute(_advance, values).rowcount == 1
    return conn.execute(_advance_cosigned, {**values, "lines": cosigned}).rowcount == 1


def freeze(conn: sa.Connection, origin: str, evidence: str) -> None:
    """Never cosign this log again; `evidence` is the digest of what shows why. The first one stays."""
    change = sa.update(seen).where(seen.c.origin == origin, seen.c.frozen.is_(None))
    conn.execute(change.values(frozen=evidence))
