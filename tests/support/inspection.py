"""What must hold of a database whatever happened to the process that wrote it, judged from its rows alone."""

from __future__ import annotations

from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from federation import MIGRATIONS
from governance.log.builder import TreeBuilder
from governance.log.checkpoint import Checkpoint, open_checkpoint
from governance.log.merkle import Frontier, leaf_hash, leaf_hashes
from governance.log.proofs import verify_inclusion
from governance.log.receipt import parse_receipt
from governance.replay.ballot import BallotState
from governance.replay.instance import InstanceState
from governance.replay.space import SpaceState
from governance.signing.note import Ed25519Verifier, parse_vkey
from governance.statements.entry import read_entry
from governance.statements.vote import Opening, Vote
from governance.store import entries, rebuild
from governance.store.engine import Store, open_store
from governance.store.entries import LogHead


@dataclass(frozen=True)
class Acknowledged:
    """What a voter holds after a 201: the entry's place, its bytes, the receipt."""

    origin: str
    index: int
    entry: bytes
    receipt: bytes

    @classmethod
    def of(cls, origin: str, answer: dict[str, Any]) -> Acknowledged:
        """From the answer's JSON."""
        return cls(origin, answer["index"], b64decode(answer["entry"]), answer["receipt"].encode())


@dataclass(frozen=True)
class Inspected:
    """What was found, for a test's own questions."""

    heads: dict[str, LogHead]
    entries: dict[str, list[bytes]]
    ballots: dict[str, BallotState]


def inspect(database: str | None, data_dir: Path, acknowledged: Iterable[Acknowledged] = ()) -> Inspected:
    """Every log rebuilt from its entries and replayed, every acknowledged vote in its place.

    Fails by assertion. The database may be in use.
    """
    store = open_store(database, data_dir, read_only=True, migrations=[MIGRATIONS])
    try:
        found = _logs(store)
        assert rebuild.check(store) == []
    finally:
        store.close()
    held: dict[str, list[Acknowledged]] = defaultdict(list)
    for one in acknowledged:
        held[one.origin].append(one)
    assert set(held) <= set(found.heads), f"missing logs: {set(held) - set(found.heads)}"
    for origin, votes in held.items():
        check_acknowledged(found.heads[origin], found.entries[origin], votes)
    return found


def check_acknowledged(head: LogHead, log: list[bytes], votes: Iterable[Acknowledged]) -> None:
    """Each vote is where its receipt says, under a checkpoint that this log grew from."""
    verifier = Ed25519Verifier(parse_vkey(head.vkey))
    leaves = [leaf_hash(entry) for entry in log]
    proved: list[tuple[Checkpoint, int]] = []
    for vote in votes:
        assert vote.index < len(log), f"acknowledged entry {vote.index} is missing; the log has {len(log)}"
        assert log[vote.index] == vote.entry, f"entry {vote.index} is another one than acknowledged"
        receipt = parse_receipt(vote.receipt)
        checkpoint = open_checkpoint(receipt.checkpoint, [verifier])
        assert checkpoint.origin == head.origin
        assert receipt.index == vote.index
        verify_inclusion(vote.index, checkpoint.size, leaves[vote.index], receipt.proof, checkpoint.root)
        proved.append((checkpoint, vote.index))
    roots = _roots(leaves, {checkpoint.size for checkpoint, _ in proved})
    for checkpoint, index in proved:
        assert roots[checkpoint.size] == checkpoint.root, f"the receipt of {index} is of another history"


def _roots(leaves: list[bytes], sizes: set[int]) -> dict[int, bytes]:
    tree, roots, at = Frontier(), {}, 0
    for size in sorted(sizes):
        assert size <= len(leaves), f"a checkpoint of size {size} was handed out; the log has {len(leaves)}"
        tree.extend(leaves[at:size])
        at = size
        roots[size] = tree.root()
    return roots


def _logs(store: Store) -> Inspected:
    with store.snapshot() as conn:
        heads = {head.origin: head for head in entries.heads(conn)}
        logs = {o: entries.read_entries(conn, h.id, 0, h.size + 1) for o, h in heads.items()}
        for origin, head in heads.items():
            _structure(conn, head, logs[origin])
    return Inspected(heads, logs, _replayed(heads, logs))


def _structure(conn: sa.Connection, head: LogHead, log: list[bytes]) -> None:
    """The stored root, checkpoint and tiles are those that the entries make."""
    assert len(log) == head.size, f"{head.origin} has {len(log)} entries and size {head.size}"
    checkpoint = open_checkpoint(head.checkpoint, [Ed25519Verifier(parse_vkey(head.vkey))])
    builder = TreeBuilder()
    built = [*builder.add_leaves(leaf_hashes(log)), *builder.partial_tiles()]
    assert checkpoint == Checkpoint(head.origin, head.size, builder.root()), head.origin
    assert head.root == checkpoint.root
    for one in built:
        tile = one.tile
        assert entries.tile(conn, head.id, tile.level, tile.n, tile.width) == one.data, (head.origin, tile)


def _replayed(heads: dict[str, LogHead], logs: dict[str, list[bytes]]) -> dict[str, BallotState]:
    """The ballots, folded with every signature checked."""
    instances: dict[str, InstanceState] = {}
    for origin in _of_kind(heads, "instance"):
        state = InstanceState(origin)
        _fold(state, logs[origin])
        instances[origin] = state
    assert len(instances) == 1
    (instance,) = instances.values()
    ballots = {}
    for origin in _of_kind(heads, "space"):
        _fold(SpaceState(origin, instance.keys), logs[origin])
    for origin in _of_kind(heads, "ballot"):
        ballots[origin] = _ballot(origin, instance, logs)
    return ballots


def _of_kind(heads: dict[str, LogHead], kind: str) -> list[str]:
    return [origin for origin, head in heads.items() if head.kind == kind]


def _fold(state: Any, log: Iterable[bytes]) -> None:
    for index, data in enumerate(log):
        state.admit(index, read_entry(data))


def _ballot(origin: str, instance: InstanceState, logs: dict[str, list[bytes]]) -> BallotState:
    log = [read_entry(data) for data in logs[origin]]
    opening = next(e.statement for e in log if isinstance(e.statement, Opening))
    members = SpaceState(opening.space.origin, instance.keys)
    _fold(members, logs[opening.space.origin][: opening.space.size])
    state = BallotState(origin, instance.keys, members)
    for index, entry in enumerate(log):
        if not isinstance(entry.statement, Vote | Opening) and state.opening is not None:
            state.members = SpaceState(opening.space.origin, instance.keys)
            _fold(state.members, logs[opening.space.origin])
        state.admit(index, entry)
    return state
