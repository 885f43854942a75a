"""Comparing with a peer what both have seen of third logs: how a split view comes to light.

A log that shows two instances different histories is caught as soon as the two ask each other. The one whose
tree is the larger can prove it (`governance.log.evidence`); the other learns of it by being told.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from federation import evidence, mirror_files, peers
from federation.node import Node
from federation.tables import copies, seen, witnessed
from governance import limits
from governance.canonical import sha256
from governance.errors import GovernanceError, NotFound, Refused, Unavailable
from governance.log.checkpoint import Checkpoint, open_checkpoint
from governance.log.evidence import different_sizes, same_size
from governance.log.merkle import Frontier
from governance.signing.note import Ed25519Verifier, parse_vkey
from governance.store.rows import upsert_rows

PER_RUN: Final = 200
"""Logs compared in one errand; the others are the next one's."""
AGREED: Final = "agreed:"
"""Begins the names under which `fed_witnessed` keeps the sizes at which a peer and we had one root."""
ANEW: Final = 86_400
"""Seconds after which even what agreed is compared again: the peer may have lost its tables since."""
_turn_of: Final = (
    sa.select(copies.c.origin)
    .join(seen, seen.c.origin == copies.c.origin)
    .outerjoin(
        witnessed,
        sa.and_(
            witnessed.c.witness == sa.bindparam("agreed"),
            witnessed.c.origin == copies.c.origin,
            witnessed.c.size == copies.c.size,
            witnessed.c.at > sa.bindparam("since"),
        ),
    )
    .where(
        copies.c.peer != sa.bindparam("asked"),
        copies.c.size > 0,
        seen.c.frozen.is_(None),
        witnessed.c.origin.is_(None),
    )
    .order_by(copies.c.origin)
)


def compare(node: Node, peer: str) -> int | None:
    """Errand `compare`: ask a peer for its last cosigned checkpoint of each log that we have copied.

    An answer that cannot be used does not hide the other logs; the first one is raised after all of them.

    Raises:
        Unavailable: it does not answer.
        Malformed, Refused: what it says of a log is not signed by that log.
    """
    row = peers.require(node, peer)
    failed: list[GovernanceError] = []
    for origin in _turn(node, peer):
        url = peers.url_of(row, f"/witness/{sha256(origin.encode()).hex()}/checkpoint")
        try:
            judge(node, origin, node.client.get(url, limits.NOTE).body, peer)
        except NotFound:
            continue
        except Unavailable:
            raise
        except GovernanceError as e:
            failed.append(e)
    if failed:
        raise failed[0]
    return None


def _turn(node: Node, peer: str) -> list[str]:
    """The logs whose turn it is, of other instances than the asked one.

    Not those that both had to the same size when they were last compared: what the peer has seen since is
    beyond our copy, and it finds our smaller one when it compares.
    """
    wanted = {"asked": peer, "agreed": f"{AGREED}{peer}", "since": node.clock() - ANEW}
    with node.db.read() as conn:
        origins = list(conn.scalars(_turn_of, wanted))
    if len(origins) <= PER_RUN:
        return origins
    start = node.chance.randrange(len(origins))
    return (origins[start:] + origins[:start])[:PER_RUN]


def judge(node: Node, origin: str, note: bytes, source: str) -> bool:
    """Compare another one's checkpoint of a log with our copy; gives whether it was proven to be forked.

    A checkpoint beyond our copy says nothing yet: its holder will find our smaller one and compare.

    Raises:
        Malformed, Refused: the note is not signed by that log.
    """
    with node.db.read() as conn:
        ours = conn.execute(sa.select(copies).where(copies.c.origin == origin)).first()
        known = conn.execute(sa.select(seen).where(seen.c.origin == origin)).first()
    if ours is None or known is None:
        return False
    theirs = open_checkpoint(note, [Ed25519Verifier(parse_vkey(known.vkey))])
    if theirs.origin != origin:
        raise Refused(f"asked for {origin}, got a checkpoint of {theirs.origin}")
    if theirs.size > ours.size:
        return False
    if _root_at(node, ours, theirs) == theirs.root:
        if theirs.size == ours.size:
            _agree(node, origin, theirs.size, source)
        return False
    read_hash = mirror_files.tree_hashes(node, ours.peer, origin, ours.size)
    log_note = mirror_files.log_note(node, ours.peer, origin)
    if theirs.size == ours.size:
        proof = same_size(known.vkey, log_note, note)
    else:
        proof = different_sizes(known.vkey, note, log_note, read_hash)
    evidence.found(node, proof, source)
    return True


def _agree(node: Node, origin: str, size: int, peer: str) -> None:
    row = {"witness": f"{AGREED}{peer}", "origin": origin, "size": size, "at": node.clock()}
    with node.db.write() as conn:
        upsert_rows(conn, witnessed, [row])


def _root_at(node: Node, ours: sa.Row[tuple[object, ...]], theirs: Checkpoint) -> bytes:
    """The root of our copy at the size of their checkpoint."""
    if theirs.size == ours.size:
        return bytes(ours.root)
    read_hash = mirror_files.tree_hashes(node, ours.peer, ours.origin, ours.size)
    return Frontier.load(theirs.size, read_hash).root()
