"""Whose roadmaps are on the map: our own, and those of the instances that we copy."""

from __future__ import annotations

import sqlalchemy as sa

from federation import peers, queue
from federation.map_controllers import map_controllers
from federation.map_keeper import MapKeeper
from federation.mirror_files import CopyFiles
from federation.node import Node
from federation.roadmap_sources import Followed
from federation.tables import copies, seen


def keeper_of(node: Node) -> MapKeeper:
    """The keeper of a node's map."""
    return MapKeeper(lambda: followed(node), node.clock)


def followed(node: Node) -> list[Followed]:
    """The own instance, then every followed one of which there is a copy, by id."""
    with node.db.read() as conn:
        listed = [_copied(conn, node, row.id) for row in peers.everybody(conn) if row.follows]
        frozen = conn.scalars(sa.select(seen.c.origin).where(seen.c.frozen.is_not(None)))
        own = Followed(node.own.instance, node.own.files(), node.clock(), frozen=frozenset(frozen))
    return [own, *listed]


def _copied(conn: sa.Connection, node: Node, peer: str) -> Followed:
    joined = copies.outerjoin(seen, seen.c.origin == copies.c.origin)
    chosen = (
        sa.select(copies.c.origin, copies.c.size, copies.c.damaged, seen.c.size.label("known"), seen.c.frozen)
        .select_from(joined)
        .where(copies.c.peer == peer)
    )
    rows = conn.execute(chosen).all()
    pulled = [errand.last_ok for errand in queue.of_peer(conn, peer) if errand.kind == "pull"]
    return Followed(
        peer,
        CopyFiles(node, peer),
        max(pulled, default=0),
        behind=frozenset(r.origin for r in rows if (r.known or 0) > r.size or r.damaged is not None),
        frozen=frozenset(r.origin for r in rows if r.frozen is not None),
    )


def controllers_of(node: Node) -> list[object]:
    """The handlers of the map, for a node."""

    def name() -> str:
        document = node.own.document().statement
        return str(getattr(document, "name", node.own.base_url))

    return map_controllers(keeper_of(node), lambda: node.own.base_url, name)
