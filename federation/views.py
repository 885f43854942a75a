"""What people are told about peers: plain values, read in one go."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from federation import evidence, peers, queue
from federation.copy_rows import home
from federation.identity import fingerprint_words
from federation.node import Node
from federation.peers import PeerRow
from federation.tables import copies, seen, witnessed
from governance.errors import NotFound


class ErrandView(msgspec.Struct, frozen=True):
    """Something done with a peer again and again; times in Unix seconds, 0 for never."""

    kind: str
    next_at: int
    failures: int
    error: str
    last_ok: int


class CopyView(msgspec.Struct, frozen=True):
    """A log of the peer that we copy: `lag` entries are seen and not stored yet."""

    origin: str
    size: int
    lag: int
    cosigned_size: int
    frozen: str | None
    damaged: str | None


class WitnessedView(msgspec.Struct, frozen=True):
    """A log of ours that the peer has cosigned: up to which size, and when it last did."""

    origin: str
    size: int
    lag: int
    at: int


class PeerView(msgspec.Struct, frozen=True):
    """A peer. `state` is our trust in it, `theirs` its trust in us as it last said; `skew` its clock's lead.

    `order` is the identity of our operator's last order about it, which the next one names; `stored` are the
    bytes that its copies take here.
    """

    id: str
    words: str
    name: str
    base_url: str
    state: str
    order: str | None
    theirs: str | None
    reason: str
    serial: int
    valid_until: int | None
    protocol: list[int] | None
    contact_at: int
    skew: int
    quarantine: str | None
    stored: int


class PeerStatus(PeerView, frozen=True):
    """A peer with everything that goes on with it; `cosigning` as in `PeerPage`."""

    cosigning: bool
    errands: list[ErrandView]
    copies: list[CopyView]
    witnessed: list[WitnessedView]


class PeerPage(msgspec.Struct, frozen=True):
    """All peers, by id. `cosigning`: whether this instance may cosign; else no document names its keys."""

    items: list[PeerView]
    cosigning: bool


class EvidenceView(msgspec.Struct, frozen=True):
    """A proven split view; the evidence itself is the blob of that digest."""

    digest: str
    origin: str
    found_at: int
    source: str


class EvidencePage(msgspec.Struct, frozen=True):
    """All evidence, oldest first; empty is what everybody hopes for."""

    items: list[EvidenceView]


def peer_page(node: Node) -> PeerPage:
    """All peers."""
    with node.db.read() as conn:
        return PeerPage([PeerView(**_values(node, row)) for row in peers.everybody(conn)], _cosigning(node))


def peer_status(node: Node, peer: str) -> PeerStatus:
    """One peer, by its id or the beginning of it.

    Raises:
        NotFound: none, or several.
    """
    with node.db.read() as conn:
        row = find(conn, peer)
        return PeerStatus(
            **_values(node, row),
            cosigning=_cosigning(node),
            errands=[
                ErrandView(e.kind, e.due_at, e.attempts, e.error, e.last_ok)
                for e in queue.of_peer(conn, row.id)
            ],
            copies=_copies(conn, row.id),
            witnessed=_witnessed(conn, node, row.id),
        )


def find(conn: sa.Connection, peer: str) -> PeerRow:
    """The one peer whose id begins like this.

    Raises:
        NotFound: none, or several.
    """
    digits = peer.lower().removeprefix("sha256:")
    found = [row for row in peers.everybody(conn) if row.id.removeprefix("sha256:").startswith(digits)]
    if len(found) != 1:
        raise NotFound(f"{len(found) or 'no'} peers have an id that begins with {digits[:64]}")
    return found[0]


def evidence_page(node: Node) -> EvidencePage:
    """All evidence."""
    with node.db.read() as conn:
        found = evidence.listed(conn)
    return EvidencePage([EvidenceView(e.digest, e.origin, e.found_at, e.source) for e in found])


def _cosigning(node: Node) -> bool:
    held = node.cosigning
    return bool(held.witness and held.mirror)


def _values(node: Node, row: PeerRow) -> dict[str, Any]:
    decision = node.own.decisions().get(row.id)
    document = row.instance
    part = None if document is None else document.federation
    return {
        "id": row.id,
        "words": fingerprint_words(row.id),
        "name": row.name,
        "base_url": row.base_url,
        "state": row.state,
        "order": None if decision is None else decision.digest,
        "theirs": row.theirs,
        "reason": row.reason,
        "serial": row.serial,
        "valid_until": None if part is None else part.valid_until,
        "protocol": None if part is None else [part.protocol.min, part.protocol.max],
        "contact_at": row.contact_at,
        "skew": row.skew,
        "quarantine": row.quarantine,
        "stored": node.copies.used(home(row.id)),
    }


def _copies(conn: sa.Connection, peer: str) -> list[CopyView]:
    joined = copies.outerjoin(seen, seen.c.origin == copies.c.origin)
    chosen = (
        sa.select(copies, seen.c.size.label("seen_size"), seen.c.frozen)
        .select_from(joined)
        .where(copies.c.peer == peer)
        .order_by(copies.c.origin)
    )
    return [
        CopyView(
            row.origin,
            row.size,
            max(0, (row.seen_size or row.size) - row.size),
            row.size if row.cosigned else 0,
            row.frozen,
            row.damaged,
        )
        for row in conn.execute(chosen)
    ]


def _witnessed(conn: sa.Connection, node: Node, peer: str) -> list[WitnessedView]:
    sizes = {head.origin: head.size for head in node.own.heads()}
    chosen = sa.select(witnessed).where(witnessed.c.witness == peer).order_by(witnessed.c.origin)
    return [
        WitnessedView(row.origin, row.size, max(0, sizes.get(row.origin, 0) - row.size), row.at)
        for row in conn.execute(chosen)
    ]
