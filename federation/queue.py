"""What is still to be done with other instances: one row for each peer and kind of errand, kept on disk.

A failed errand is tried again after 30 s, doubled each time up to 6 h, with full jitter; never given up. Any
valid inbound request of the peer, or news of our own, makes it due at once. Errands of one peer never wait
for those of another.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Final

import sqlalchemy as sa
from prometheus_client import Gauge

from federation.node import Node
from federation.tables import errands
from governance.errors import GovernanceError, Unavailable
from governance.store.rows import upsert_rows

FIRST: Final = 30
CAP: Final = 6 * 3600
_ERROR: Final = 500
# Made once: building a statement costs several times what executing it does.
_wake: Final = (
    sa.update(errands)
    .where(errands.c.peer == sa.bindparam("of"))
    .values(due_at=sa.bindparam("now"), attempts=0, woken=errands.c.woken + 1)
)
_wake_kind: Final = _wake.where(errands.c.kind == sa.bindparam("what"))
_has_failed: Final = (
    sa.select(sa.literal(1)).where(errands.c.peer == sa.bindparam("of"), errands.c.attempts > 0).limit(1)
)
_revive: Final = _wake.where(errands.c.attempts > 0)
_known: Final = sa.select(errands.c.peer, errands.c.kind)
_due: Final = (
    sa.select(errands)
    .where(errands.c.due_at <= sa.bindparam("now"))
    .order_by(errands.c.due_at, errands.c.peer, errands.c.kind)
)
_undisturbed: Final = errands.c.woken == sa.bindparam("seen")
_done: Final = (
    sa.update(errands)
    .where(errands.c.peer == sa.bindparam("of"), errands.c.kind == sa.bindparam("what"))
    .values(
        due_at=sa.case((_undisturbed, sa.bindparam("due")), else_=errands.c.due_at),
        attempts=sa.case((_undisturbed, sa.bindparam("tries")), else_=errands.c.attempts),
        error=sa.bindparam("why"),
        last_ok=sa.bindparam("ok"),
    )
)
_last_ok: Final = sa.select(errands.c.last_ok).where(
    errands.c.peer == sa.bindparam("of"), errands.c.kind == sa.bindparam("what")
)
_failing: Final = Gauge("althing_errand_failures", "Failures in a row of an errand", ["peer", "kind"])
_log: Final = logging.getLogger("althing.federation")

Work = Callable[[Node, str], int | None]
"""(node, peer) -> seconds until it should be done again, None for the kind's usual pause."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of errand: what is done, and the seconds (least, most) until it is done again."""

    name: str
    work: Work
    pause: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Errand:
    """An errand as stored; times in Unix seconds, `attempts` failures in a row."""

    peer: str
    kind: str
    due_at: int
    attempts: int = 0
    error: str = ""
    last_ok: int = 0
    woken: int = 0


def back_off(attempts: int, chance: random.Random) -> int:
    """Seconds until the next try after so many failures in a row: full jitter below a doubling bound."""
    bound = min(CAP, FIRST << min(attempts - 1, 16))
    return chance.randint(1, bound)


def plan(node: Node, wanted: Mapping[str, set[str]]) -> None:
    """Make the stored errands those that are wanted, by peer; new ones are due at once."""
    with node.db.read() as conn:
        known = {(row.peer, row.kind) for row in conn.execute(_known)}
    right = {(peer, kind) for peer, kinds in wanted.items() for kind in kinds}
    if known == right:
        return
    now = node.clock()
    with node.db.write() as conn:
        for peer, kind in sorted(known - right):
            conn.execute(sa.delete(errands).where(errands.c.peer == peer, errands.c.kind == kind))
            with suppress(KeyError):
                _failing.remove(peer, kind)
        upsert_rows(conn, errands, [_row(Errand(peer, kind, now)) for peer, kind in sorted(right - known)])


def wake(node: Node, peer: str, *kinds: str) -> None:
    """Make errands of a peer due now, whatever went wrong before; all of them when no kind is named."""
    values = {"of": peer, "now": node.clock()}
    with node.db.write() as conn:
        if not kinds:
            conn.execute(_wake, values)
        for kind in kinds:
            conn.execute(_wake_kind, {**values, "what": kind})


def revive(node: Node, peer: str) -> None:
    """The peer was heard of: what had failed is due again at once."""
    with node.db.read() as conn:
        if conn.scalar(_has_failed, {"of": peer}) is None:
            return
    with node.db.write() as conn:
        conn.execute(_revive, {"of": peer, "now": node.clock()})


def due(node: Node) -> list[Errand]:
    """The errands that are due, the longest waiting first."""
    with node.db.read() as conn:
        return [Errand(**row) for row in conn.execute(_due, {"now": node.clock()}).mappings()]


def of_peer(conn: sa.Connection, peer: str) -> list[Errand]:
    """All errands of a peer, by kind."""
    chosen = sa.select(errands).where(errands.c.peer == peer).order_by(errands.c.kind)
    return [Errand(**row) for row in conn.execute(chosen).mappings()]


def last_ok(conn: sa.Connection, peer: str, kind: str) -> int:
    """When an errand last went well, 0 for never."""
    return int(conn.scalar(_last_ok, {"of": peer, "what": kind}) or 0)


def run(node: Node, errand: Errand, kind: Kind) -> bool:
    """Do an errand and store when it is due again; gives whether it went well."""
    try:
        pause = kind.work(node, errand.peer)
    except GovernanceError as e:
        failed(node, errand, e)
        return False
    now = node.clock()
    wait = node.chance.randint(*kind.pause) if pause is None else pause
    _store(node, replace(errand, due_at=now + wait, attempts=0, error="", last_ok=now))
    return True


def failed(node: Node, errand: Errand, error: GovernanceError) -> None:
    """Store that an errand failed, and when it is tried again."""
    attempts = errand.attempts + 1
    wait = back_off(attempts, node.chance)
    if isinstance(error, Unavailable):
        wait = max(wait, min(error.retry_after, CAP))
    _log.info("%s of %s failed (%d): %s", errand.kind, errand.peer, attempts, error.detail)
    again = replace(errand, due_at=node.clock() + wait, attempts=attempts, error=error.detail[:_ERROR])
    _store(node, again)


def _store(node: Node, done: Errand) -> None:
    """Store how it went; one that was woken while it ran stays due."""
    _failing.labels(done.peer, done.kind).set(done.attempts)
    values = {
        "of": done.peer,
        "what": done.kind,
        "seen": done.woken,
        "due": done.due_at,
        "tries": done.attempts,
        "why": done.error,
        "ok": done.last_ok,
    }
    with node.db.write() as conn:
        conn.execute(_done, values)


def _row(errand: Errand) -> dict[str, object]:
    return asdict(errand)
