"""A data directory with one open ballot, its log filled to any length without HTTP, and votes to go on with.

Vote k is voter k mod V's (k div V)th vote: signed for real, in the order in which the ballot takes them, so
that filling and load can alternate on one log.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from random import Random

from federation import MIGRATIONS
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.merkle import leaf_hash
from governance.service.edge import Edge
from governance.signing import keyfile
from governance.signing.note import Signer
from governance.statements.entry import read_entry
from governance.store import entries
from governance.store.engine import Store, open_store
from governance.store.entries import Addition, LogHead
from governance.store.projections import project
from tests.support.ballots import (
    BALLOT,
    BALLOT_ORIGIN,
    INSTANCE_ORIGIN,
    OPENS,
    SPACE,
    SPACE_ORIGIN,
    World,
    open_world,
)
from tests.support.voters import FastKey, Order, answer_of, key_of, vote_by

SEED = "bench"
CLOSES = OPENS + 20 * 365 * 86_400
VOTES_PATH = f"/api/v1/spaces/{SPACE}/ballots/{BALLOT}/votes"
_BATCH = 1_000
_CHUNK = 2_000
_AHEAD = 50_000


@lru_cache(maxsize=100_000)
def _key(i: int) -> FastKey:
    return key_of(SEED, i)


def _votes(order: Order, voters: int, start: int, stop: int) -> list[bytes]:
    made = []
    for k in range(start, stop):
        turn, i = divmod(k, voters)
        answer = answer_of(order.question, order.form, Random(k))
        made.append(vote_by(_key(i), order, answer, order.cast_at + turn))
    return made


class Votes:
    """The votes from number `at` on."""

    def __init__(self, order: Order, voters: int, processes: int) -> None:
        self.at = 0
        self._order, self._voters, self._processes = order, voters, processes

    def take(self, count: int) -> list[bytes]:
        """The next votes, signed in processes."""
        marks = [*range(self.at, self.at + count, _CHUNK), self.at + count]
        self.at += count
        context = get_context("fork")
        with ProcessPoolExecutor(self._processes, mp_context=context) as pool:
            made = [pool.submit(_votes, self._order, self._voters, *span) for span in pairwise(marks)]
            return [vote for part in made for vote in part.result()]


class Box:
    """The data directory (and database) of an instance with one open ballot on `voters` voters."""

    def __init__(self, data_dir: Path, database: str | None, voters: int, processes: int = 2) -> None:
        self.data_dir, self.database = data_dir, database
        self.world = open_world(voters, seed=SEED, closes_at=CLOSES)
        assert self.world.order is not None
        self.votes = Votes(self.world.order, voters, processes)
        self._write_keys()
        with self._store() as store:
            for origin, data in self.world.logs().items():
                kind, space, ballot = _place(origin)
                new = LogHead(0, origin, kind, space, ballot, self.world.vkey(origin))
                with store.store.write() as conn:
                    entries.create(conn, new)
                store.extend(origin, data)

    @property
    def opened(self) -> int:
        """Entries of the ballot's log before the first vote."""
        return self.world.head

    def fill(self, votes: int) -> int:
        """Append votes until the log holds that many; gives how many it holds."""
        with self._store() as store:
            with store.store.read() as conn:
                held = entries.head(conn, BALLOT_ORIGIN).size - self.opened
            for at in range(held, votes, _AHEAD):
                store.extend(BALLOT_ORIGIN, self.votes.take(min(_AHEAD, votes - at)))
        return max(held, votes)

    def log(self) -> list[bytes]:
        """All entries of the ballot's log."""
        with self._store() as store, store.store.read() as conn:
            head = entries.head(conn, BALLOT_ORIGIN)
            return entries.read_entries(conn, head.id, 0, head.size)

    def _store(self) -> _Writer:
        return _Writer(open_store(self.database, self.data_dir, migrations=[MIGRATIONS]), self.world)

    def _write_keys(self) -> None:
        folder = self.data_dir / "keys"
        (folder / "logs").mkdir(mode=0o700, parents=True)
        for name in ("root", "service", "operator"):
            seed = sha256(f"{SEED}/{name}".encode()).digest()
            _private(folder / name, keyfile.dump(keyfile.Ed25519Key(seed)))
        for origin in (INSTANCE_ORIGIN, SPACE_ORIGIN, BALLOT_ORIGIN):
            seed = sha256(f"{SEED}/log/{origin}".encode()).digest()
            key = {"althing": "log-key/v1", "origin": origin, "seed": b64encode(seed).decode()}
            _private(folder / "logs" / sha256(origin.encode()).hexdigest(), json.dumps(key).encode())


class _Writer:
    """Appends to logs as the sequencer does, in batches, without judging what it is given."""

    def __init__(self, store: Store, world: World) -> None:
        self.store, self._world = store, world

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.store.close()

    def extend(self, origin: str, data: Sequence[bytes]) -> None:
        with self.store.read() as conn:
            head = entries.head(conn, origin)
            edge = Edge.load(head.size, entries.tree_hashes(conn, head).read_hash)
        signer: Signer = self._world.log_signer(origin)
        for at in range(0, len(data), _BATCH):
            part = data[at : at + _BATCH]
            leaves = [leaf_hash(entry) for entry in part]
            addition = Addition(part, leaves, edge.extend(leaves), edge.root())
            with self.store.write() as conn:
                project(conn, head, [read_entry(entry) for entry in part])
                head = entries.append(
                    conn, head, addition,
                    lambda size, root: sign_checkpoint(Checkpoint(origin, size, root), [signer]),
                )  # fmt: skip
            edge.settle()


def _place(origin: str) -> tuple[str, str | None, str | None]:
    if origin == INSTANCE_ORIGIN:
        return "instance", None, None
    return ("space", SPACE, None) if origin == SPACE_ORIGIN else ("ballot", SPACE, BALLOT)


def _private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
