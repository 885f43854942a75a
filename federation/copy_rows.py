"""What we have copied of each log: the rows that count the files (`federation.tables.FedCopy`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import sqlalchemy as sa

from federation.tables import copies, seen
from governance.log.lineage import next_origin
from governance.log.merkle import EMPTY_ROOT
from governance.store.rows import add_rows

INSTANCE: Final = "instance"
SPACE: Final = "space"
BALLOT: Final = "ballot"
_STEPS: Final = {INSTANCE: 1, SPACE: 2, BALLOT: 4}
# Made once: building a statement costs several times what executing it does.
_by_origin: Final = sa.select(copies).where(copies.c.origin == sa.bindparam("log"))
_checked: Final = (
    sa.update(copies).where(copies.c.origin == sa.bindparam("log")).values(checked_at=sa.bindparam("now"))
)
_count: Final = sa.select(sa.func.count()).select_from(copies).where(copies.c.peer == sa.bindparam("of"))
_base: Final = sa.select(copies.c.origin).where(
    copies.c.peer == sa.bindparam("of"), copies.c.kind == INSTANCE
)
_commit: Final = (
    sa.update(copies)
    .where(copies.c.origin == sa.bindparam("log"), copies.c.size == sa.bindparam("old"))
    .values(
        size=sa.bindparam("new"),
        root=sa.bindparam("new_root"),
        cosigned=sa.bindparam("note"),
        checked_at=sa.bindparam("now"),
    )
)
_newest: Final = sa.select(sa.func.max(seen.c.seen_at)).where(seen.c.peer == sa.bindparam("of"))
_due: Final = (
    sa.select(copies.c.origin, copies.c.size, copies.c.checked_at, seen.c.size, seen.c.seen_at)
    .join(seen, seen.c.origin == copies.c.origin)
    .where(
        copies.c.peer == sa.bindparam("of"), copies.c.kind == sa.bindparam("kinds"), seen.c.frozen.is_(None)
    )
    .order_by(copies.c.checked_at, copies.c.origin)
)
_to_return: Final = (
    sa.select(copies)
    .where(copies.c.peer == sa.bindparam("of"), copies.c.size > copies.c.returned, copies.c.damaged.is_(None))
    .order_by(copies.c.origin)
    .limit(sa.bindparam("most"))
)
LONGEST: Final = 3_600
"""Seconds after which even a log that has not grown for years is looked at."""


@dataclass(frozen=True, slots=True)
class CopyRow:
    """A copy as stored; `cosigned` is empty before anything was copied, then a checkpoint of `size`."""

    origin: str
    peer: str
    kind: str
    size: int = 0
    root: bytes = EMPTY_ROOT
    cosigned: bytes = b""
    returned: int = 0
    checked_at: int = 0
    scrubbed_at: int = 0
    scrub_next: int = 0
    damaged: str | None = None

    @property
    def path(self) -> str:
        """The log's folder among its instance's public files, such as `logs/spaces/nix`."""
        return "/".join(("logs", *self.origin.split("/")[-_STEPS[self.kind] :]))

    @property
    def folder(self) -> str:
        """The log's folder among the copies."""
        return f"{home(self.peer)}/{self.path}"


def home(peer: str) -> str:
    """The folder of an instance's files among the copies: its id in hex."""
    return peer.removeprefix("sha256:")


def get(conn: sa.Connection, origin: str) -> CopyRow | None:
    """The row of an origin."""
    row = conn.execute(_by_origin, {"log": origin}).mappings().first()
    return None if row is None else CopyRow(**row)


def present(conn: sa.Connection, name: str) -> CopyRow | None:
    """The row of the last log of that name that we know of: where burnt ones go on."""
    row = found = get(conn, name)
    while found is not None:
        row, found = found, get(conn, next_origin(found.origin))
    return row


def base_of(conn: sa.Connection, peer: str) -> str | None:
    """What the origins of an instance's logs begin with; None when we have nothing of it."""
    origin = conn.scalar(_base, {"of": peer})
    return None if origin is None else str(origin).removesuffix("/instance")


def begin(conn: sa.Connection, row: CopyRow) -> None:
    """Copy a log from now on; one that is copied already stays as it is."""
    add_rows(conn, copies, [asdict(row)])


def count(conn: sa.Connection, peer: str) -> int:
    """The logs of a peer that we know."""
    return int(conn.scalar(_count, {"of": peer}) or 0)


def commit(conn: sa.Connection, old: CopyRow, *, size: int, root: bytes, note: bytes, now: int) -> bool:
    """Count the files up to that size; gives whether the row was still as it was read."""
    values = {"log": old.origin, "old": old.size, "new": size, "new_root": root, "note": note, "now": now}
    return conn.execute(_commit, values).rowcount == 1


def change(conn: sa.Connection, origin: str, size: int, **values: object) -> None:
    """Change columns of a row, as long as it is of that size."""
    conn.execute(sa.update(copies).where(copies.c.origin == origin, copies.c.size == size).values(**values))


def checked(conn: sa.Connection, origin: str, now: int) -> None:
    """A log was looked at."""
    conn.execute(_checked, {"log": origin, "now": now})


def due(conn: sa.Connection, peer: str, kind: str, now: int) -> list[str]:
    """The origins of the logs to look at now, the longest not looked at first; frozen ones never.

    The longer a log has not grown, the longer it is left alone; not so one that a hint or our own witness
    knows to be larger than our copy.
    """
    return [
        origin
        for origin, size, checked_at, known, seen_at in conn.execute(_due, {"of": peer, "kinds": kind})
        if known > size or now - checked_at >= min(LONGEST, (now - seen_at) // 8)
    ]


def newest(conn: sa.Connection, peer: str) -> int:
    """When a log of the peer was last seen to grow."""
    return int(conn.scalar(_newest, {"of": peer}) or 0)


def to_return(conn: sa.Connection, peer: str, limit: int) -> list[CopyRow]:
    """The copies whose logs have not got our cosignature of their size yet."""
    rows = conn.execute(_to_return, {"of": peer, "most": limit}).mappings()
    return [CopyRow(**row) for row in rows]
