"""The instances whose roadmaps are on our map: ourselves, and all that we copy."""

from __future__ import annotations

import sqlalchemy as sa

from federation import peers, queue
from federation.mirror_files import CopyFiles
from federation.node import Node
from federation.roadmap_sources import Followed
from federation.tables import copies, seen


def followed(node: Node) -> list[Followed]:
    """Ourselves and every followed instance, as far as we have copied it."""
    own = Followed(node.own.instance, node.own.files(), node.clock())
    with node.db.read() as conn:
        rows = [row for row in peers.everybody(conn) if row.follows and row.document]
        return [own, *(_followed(conn, node, row.id) for row in rows)]


def _followed(conn: sa.Connection, node: Node, peer: str) -> Followed:
    known = sa.select(seen.c.origin, seen.c.size, seen.c.frozen, copies.c.size.label("copied"))
    rows = conn.execute(
        known.join(copies, copies.c.origin == seen.c.origin).where(copies.c.peer == peer)
    ).all()
    return Followed(
        instance=peer,
        files=CopyFiles(node, peer),
        checked_at=queue.last_ok(conn, peer, "pull"),
        behind=frozenset(row.origin for row in rows if row.size > row.copied),
        frozen=frozenset(row.origin for row in rows if row.frozen is not None),
    )
