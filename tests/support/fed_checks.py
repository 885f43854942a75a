"""What must hold of a simulated world: when the trouble is over, and always."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import sqlalchemy as sa

from federation import copy_rows, peers, seen
from federation import evidence as proofs
from federation.copy_rows import CopyRow
from federation.mirror_files import public_file
from federation.tables import copies, errands
from federation.tables import seen as seen_rows
from governance.log.cosignature import open_cosigned
from governance.log.evidence import parse_evidence, verify_evidence
from governance.log.tiles import bundles_for, tiles_for
from governance.signing.note import Ed25519Verifier, Verifier, parse_note
from tests.support.fed_nodes import MemoryLog, SimNode

_all_copies = sa.select(copies)
_all_seen = sa.select(seen_rows)
_failed = sa.select(errands).where(errands.c.attempts > 0)

if TYPE_CHECKING:
    from tests.support.fed_world import World


def unsettled(world: World) -> Iterator[tuple[str, set[str]]]:
    """What is still to be done, of what honest instances owe each other, and whose it is."""
    for a, b in world.pairs():
        if (late := _late(world, a, b)) is not None:
            yield late, {world.hosts[a], world.hosts[b]}
    if world.liar is not None:
        yield from world.liar.hidden()
    yield from _failing(world)


def _failing(world: World) -> Iterator[tuple[str, set[str]]]:
    """Errands between honest instances that failed and were not done since."""
    honest = {node.own.instance: node.own.host for node in world.honest()}
    for node in world.honest():
        with node.node.db.read() as conn:
            for row in conn.execute(_failed):
                if row.peer in honest:
                    why = f"{row.kind} of {honest[row.peer]} fails at {node.own.host}: {row.error}"
                    yield why, {node.own.host, honest[row.peer]}


def _late(world: World, a: int, b: int) -> str | None:
    """What of b's logs a has not copied whole, or b has not back with a's lines."""
    own, witness = world.nodes[b].own, world.nodes[a].own
    with world.nodes[a].node.db.read() as conn:
        rows = {row.origin: row for row in conn.execute(_all_copies)}
    for origin, log in own.logs.items():
        row = rows.get(origin)
        if row is None or row.size != log.size:
            return f"{witness.host} has {None if row is None else row.size} of {log.size} of {origin}"
        newest = own.notes.get(origin, {}).get(log.size)
        lines = set() if newest is None else {(s.name, s.key_id) for s in parse_note(newest).signatures}
        for cosigner in () if witness.held else (*witness.keys.witness, *witness.keys.mirror):
            if (cosigner.key.name, cosigner.key.key_id) not in lines:
                return f"{origin} lacks the line of {cosigner.key.name} at {log.size}"
    return None


def check(world: World) -> None:
    """Honest logs are copied whole, cosigned and never accused; a liar is, wherever both views met."""
    for a, b in world.pairs():
        if not world.nodes[a].own.held:
            _check_cosigned(world, a, b)
    truth = {origin: log for node in world.nodes for origin, log in node.own.logs.items()}
    for node in world.nodes:
        _check_evidence(world, node)
        _check_seen(world, node, truth)
        _check_files(world, node, truth)


def _check_cosigned(world: World, a: int, b: int) -> None:
    """What b was given by a is signed by a, over b's own tree."""
    own, witness = world.nodes[b].own, world.nodes[a]
    with world.nodes[b].node.db.read() as conn:
        row = peers.get(conn, witness.own.instance)
    assert row is not None
    verifiers = peers.witness_verifiers(row)
    for origin, log in own.logs.items():
        opened = open_cosigned(own.notes[origin][log.size], [Ed25519Verifier(log.signer.key)], verifiers)
        assert opened.checkpoint.root == log.root()
        assert {c.key.name for c in opened.cosignatures} == {v.key.name for v in verifiers}


def _check_evidence(world: World, node: SimNode) -> None:
    with node.node.db.read() as conn:
        for found in proofs.listed(conn):
            accused = verify_evidence(parse_evidence(found.data))
            assert world.liar is not None, f"{accused.origin} was accused and is honest"
            assert world.liar.forks, f"{accused.origin} was accused and has one history"
            assert accused.origin == world.liar.origin, f"{accused.origin} was accused and is honest"
            assert accused.accused == (accused.vkey,), f"of {accused.accused} some are honest"
            assert found.logged or node.own.held
            frozen = conn.scalar(sa.select(seen_rows.c.frozen).where(seen_rows.c.origin == found.origin))
            assert frozen is not None or found.origin in node.own.logs, f"{node.own.host} does not freeze it"


def _check_seen(world: World, node: SimNode, truth: dict[str, MemoryLog]) -> None:
    """Whatever was accepted of a log is of its one history."""
    with node.node.db.read() as conn:
        for row in conn.execute(_all_seen):
            log = truth[row.origin]
            if not row.size or world.lost(row.origin) or world.forked(row.origin):
                continue
            assert row.size <= log.size, f"{node.own.host} has seen {row.size} of {row.origin}"
            assert row.root == log.root(row.size), f"{node.own.host} has seen another {row.origin}"
            assert row.frozen is None, f"{node.own.host} has frozen {row.origin}"


def _check_files(world: World, node: SimNode, truth: dict[str, MemoryLog]) -> None:
    """Every byte that is served of a copy is the origin's."""
    with node.node.db.read() as conn:
        rows = [CopyRow(**row) for row in conn.execute(_all_copies).mappings()]
    for row in rows:
        if not row.cosigned or world.forked(row.origin) or world.lost(row.origin):
            continue
        assert row.damaged is None, f"{node.own.host}: {row.origin}: {row.damaged}"
        log = truth[row.origin]
        for part in (*bundles_for(0, row.size), *tiles_for(0, row.size)):
            served = public_file(node.node, row.peer, f"{row.path}/{part.path}").data
            assert served == log.file(part.path), f"{node.own.host} serves another {row.origin}/{part.path}"


def check_lines(world: World, own: SimNode, origin: str, note: bytes, verifiers: list[Verifier]) -> None:
    """Whoever gave a line holds, at that moment and on its disk, what the line says."""
    opened = open_cosigned(note, [Ed25519Verifier(own.own.logs[origin].signer.key)], verifiers)
    size = opened.checkpoint.size
    for cosignature in opened.cosignatures:
        host, _, kind = cosignature.key.name.partition("/")
        with world.network.nodes[host].node.db.read() as conn:
            known = seen.get(conn, origin)
            copied = copy_rows.get(conn, origin)
        who = f"{own.own.host} has a line of {host}/{kind} for {size} entries of {origin}"
        assert known is not None, f"{who}, which has never seen it"
        assert known.size >= size, f"{who}, which has seen {known.size}"
        if kind == "mirror":
            assert copied is not None, f"{who}, which copies nothing"
            assert copied.size >= size, f"{who}, which has copied {copied.size}"
