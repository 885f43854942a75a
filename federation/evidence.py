"""What is done with evidence that a log was forked: verify, freeze the log, record it, tell every peer.

Nothing here ever heals: a frozen log is never cosigned again by this instance, whatever it shows later. The
format and what it proves are `governance.log.evidence`, so that anybody can check it without us.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from federation import peers, queue, seen
from federation.endpoints import Answer, Request, Route, route
from federation.node import Node
from federation.tables import evidence, told
from governance.canonical import digest
from governance.errors import NotFound
from governance.log.evidence import LIMIT, MEDIA_TYPE, Finding, parse_evidence, verify_evidence
from governance.store.rows import add_rows

# Made once: building a statement costs several times what executing it does.
_listed: Final = sa.select(evidence).order_by(evidence.c.found_at, evidence.c.digest)
_told: Final = sa.select(told.c.digest).where(told.c.peer == sa.bindparam("of"))


@dataclass(frozen=True, slots=True)
class Found:
    """Stored evidence: `source` says where it came from, `logged` whether our instance log has it."""

    digest: str
    origin: str
    data: bytes
    found_at: int
    source: str
    logged: int


def found(node: Node, data: bytes, source: str) -> str:
    """Act on evidence; gives its digest. Evidence that is known already changes nothing.

    Raises:
        Malformed, Refused: it proves nothing.
        NotFound: it is about a log, or a key of it, that this instance does not know.
    """
    finding = verify_evidence(parse_evidence(data))
    name = digest(data)
    with node.db.write() as conn:
        row = seen.get(conn, finding.origin)
        # By key as well: anybody can make a key of that name and fork a log of their own with it.
        keys = {row.vkey} if row is not None else set[str]()
        with contextlib.suppress(NotFound):
            keys.add(node.own.head(finding.origin).vkey)
        if finding.vkey not in keys:
            raise NotFound(f"this instance does not follow {finding.origin} under that key")
        known = _accusing(conn, finding)
        if known is not None:
            return known
        new = {"digest": name, "origin": finding.origin, "data": data, "source": source}
        add_rows(conn, evidence, [{**new, "found_at": node.clock(), "logged": 0}])
        if row is not None and row.frozen is None:
            seen.freeze(conn, finding.origin, name)
    publish(node)
    return name


def _accusing(conn: sa.Connection, finding: Finding) -> str | None:
    """Recorded evidence that accuses the same keys over the same log: a second proof says nothing new."""
    chosen = sa.select(evidence.c.digest, evidence.c.data).where(
        evidence.c.origin == finding.origin, evidence.c.logged == 1
    )
    for row in conn.execute(chosen):
        if verify_evidence(parse_evidence(row.data)).accused == finding.accused:
            return str(row.digest)
    return None


def publish(node: Node) -> None:
    """Record evidence that our instance log has not yet, then tell the peers; safe to repeat."""
    with node.db.read() as conn:
        waiting = [item for item in listed(conn) if not item.logged]
        known = [row.id for row in peers.everybody(conn)]
    for item in waiting:
        node.own.log_evidence(item.origin, item.data)
        with node.db.write() as conn:
            conn.execute(sa.update(evidence).where(evidence.c.digest == item.digest).values(logged=1))
    for peer in known if waiting else ():
        queue.wake(node, peer, "tell")


def listed(conn: sa.Connection) -> list[Found]:
    """All evidence, oldest first."""
    return [Found(**row) for row in conn.execute(_listed).mappings()]


def tell(node: Node, peer: str) -> int | None:
    """Errand `tell`: send a peer the evidence that it does not have from us.

    Raises:
        Unavailable, Malformed: it does not answer.
    """
    row = peers.require(node, peer)
    # What was found while nothing could be recorded (a full disk, a start that is held) is recorded now.
    publish(node)
    with node.db.read() as conn:
        has = set(conn.scalars(_told, {"of": peer}))
        waiting = [item for item in listed(conn) if item.digest not in has]
    for item in waiting:
        # Whoever does not follow that log has no use for evidence against it, and answers 404.
        with contextlib.suppress(NotFound):
            node.client.post(peers.url_of(row, "/federation/v1/evidence"), item.data, MEDIA_TYPE)
        with node.db.write() as conn:
            add_rows(conn, told, [{"peer": peer, "digest": item.digest}])
    return None


def received(node: Node, request: Request, _parts: object) -> Answer:
    """A peer sends evidence: `POST /federation/v1/evidence`; 202 once it is verified and stored."""
    sender = peers.require_sender(node, request)
    found(node, request.body, sender.id)
    return Answer(202)


ROUTES: Final[tuple[Route, ...]] = (route("POST", "/federation/v1/evidence", received, LIMIT),)
