"""A world of instances in memory with trouble from a seed, and what must hold when the trouble is over."""

from __future__ import annotations

import random
from dataclasses import dataclass

import sqlalchemy as sa

from federation import errands, peers, seen
from federation import evidence as proofs
from federation.tables import copies as copy_rows
from federation.tables import errands as errand_rows
from governance.errors import StorageUnavailable
from governance.log.cosignature import open_cosigned
from governance.log.evidence import parse_evidence, verify_evidence
from governance.signing.note import Ed25519Verifier
from tests.support.fed_nodes import START, MemoryCopies, MemoryInstance, Network, SimNode, make_node

ROUNDS = 3
SHORTCUT = 5
HEALING = 40


@dataclass
class SkewedClock:
    """The world's time, and how far this instance's clock is off."""

    world: World
    skew: int

    @property
    def now(self) -> int:
        return self.world.now + self.skew

    def __call__(self) -> int:
        return self.now


class FailingCopies(MemoryCopies):
    """Copies on a disk that sometimes refuses a file, in the middle of a pull."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def write(self, path: str, data: bytes) -> None:
        if self._world.failing and self._world.chance.random() < 0.02:
            raise StorageUnavailable("the disk is full")
        super().write(path, data)


class World:
    """Instances that follow each other in a ring with shortcuts; node 0 lies in every second seed."""

    def __init__(self, seed: int, nodes: int = 50) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.now = START
        self.failing = True
        self.loss = self.chance.choice((0.0, 0.1, 0.3))
        self.islands: dict[str, int] = {}
        self.network = Network(drop=self._dropped)
        self.nodes: list[SimNode] = [self._node(i) for i in range(nodes)]
        self.hosts = [n.own.host for n in self.nodes]
        self.follows: set[tuple[int, int]] = set()
        for i in range(nodes):
            self._befriend(i, (i + 1) % nodes)
            if i % SHORTCUT == 0:
                self._befriend(i, (i + self.chance.randrange(2, nodes)) % nodes)
        self.liar: Liar | None = Liar(self) if seed % 2 else None
        for node in self.nodes:
            peers.settle(node.node)

    def _node(self, i: int) -> SimNode:
        skew = self.chance.choice((0, 0, 0, -40, 75))
        node = make_node(f"n{i}.example", self.network, SkewedClock(self, skew), seed=self.seed)  # type: ignore[arg-type]
        node.node.copies = FailingCopies(self)
        node.own.add_space("commons")
        if i % 5 == 0:
            node.own.add_ballot("commons", "first")
        return node

    def _befriend(self, a: int, b: int) -> None:
        if a == b or (a, b) in self.follows:
            return
        for one, other in ((a, b), (b, a)):
            self.nodes[one].own.decide(self.nodes[other].own, "mirror")
            self.follows.add((one, other))

    def _dropped(self, sender: str, host: str) -> bool:
        if self.islands.get(sender, 0) != self.islands.get(host, 0):
            return True
        return self.failing and self.chance.random() < self.loss

    # --- what happens ---

    def trouble(self) -> None:
        """Some rounds in which everything goes wrong that can."""
        for _ in range(ROUNDS):
            if self.chance.random() < 0.5:
                self.islands = {host: self.chance.randrange(2) for host in self.hosts}
            else:
                self.islands = {}
            for node in self.chance.sample(self.nodes, max(1, len(self.nodes) // 5)):
                self._grow(node.own)
            self._round(self.chance.randrange(20, 200))

    def _grow(self, own: MemoryInstance) -> None:
        log = self.chance.choice([log for origin, log in own.logs.items() if "/spaces/" in origin])
        log.append(*(self.chance.randbytes(20) for _ in range(self.chance.choice((1, 3, 40, 300)))))

    def _round(self, seconds: int) -> None:
        self.now += seconds
        order = list(self.nodes)
        self.chance.shuffle(order)
        for node in order:
            errands.run_due(node.node)

    def heal(self) -> None:
        """No more trouble; time goes on until nobody has failed errands or anything left to fetch."""
        self.islands, self.failing = {}, False
        # A lie comes to light when the fooled compare what they saw, which all do within 900 s.
        least = 1 if self.liar is None else 4
        for done in range(1, HEALING):
            self._round(400)
            if done >= least and self._quiet():
                return

    def _quiet(self) -> bool:
        if any(self._troubled(node) for node in self.nodes):
            return False
        return all(self._behind(a, b) is None for a, b in self.follows if self._honest(b))

    def _troubled(self, node: SimNode) -> bool:
        if self.liar is not None:
            return False
        with node.node.db.read() as conn:
            return bool(conn.scalar(sa.select(sa.func.max(errand_rows.c.attempts))))

    # --- what must hold ---

    def check(self) -> None:
        """Honest logs are copied whole, cosigned and never accused; a liar is, wherever both views met."""
        for a, b in sorted(self.follows):
            if self._honest(b) and self._honest(a):
                assert (late := self._behind(a, b)) is None, f"{self.hosts[a]} lacks {late}"
                self._check_cosigned(a, b)
        for node in self.nodes:
            self._check_evidence(node)
        if self.liar is not None:
            self.liar.check()

    def _honest(self, i: int) -> bool:
        return self.liar is None or i != 0

    def _behind(self, a: int, b: int) -> str | None:
        """A log of b that a has not copied whole."""
        with self.nodes[a].node.db.read() as conn:
            rows = {row.origin: row for row in conn.execute(sa.select(copy_rows))}
        for origin, log in self.nodes[b].own.logs.items():
            row = rows.get(origin)
            if row is None or row.size != log.size:
                return f"{origin} at {log.size} (has {None if row is None else row.size})"
            assert row.root == log.root(), f"{origin}: a copy has another root"
        return None

    def _check_cosigned(self, a: int, b: int) -> None:
        """What b was given by a is signed by a, over b's own tree."""
        own, witness = self.nodes[b].own, self.nodes[a]
        with self.nodes[b].node.db.read() as conn:
            row = peers.get(conn, witness.own.instance)
        assert row is not None
        verifiers = peers.witness_verifiers(row)
        for origin, log in own.logs.items():
            newest = own.notes.get(origin, {}).get(log.size)
            assert newest is not None, f"{origin}: nobody cosigned size {log.size}"
            opened = open_cosigned(newest, [Ed25519Verifier(log.signer.key)], verifiers)
            names = {c.key.name for c in opened.cosignatures}
            assert f"{witness.own.host}/witness" in names, f"{origin}: {witness.own.host} did not witness it"
            assert f"{witness.own.host}/mirror" in names, f"{origin}: {witness.own.host} did not mirror it"

    def _check_evidence(self, node: SimNode) -> None:
        with node.node.db.read() as conn:
            for found in proofs.listed(conn):
                accused = verify_evidence(parse_evidence(found.data))
                assert self.liar is not None, f"{accused.origin} was accused and is honest"
                assert accused.origin == self.liar.origin, f"{accused.origin} was accused and is honest"
                assert found.logged
                row = seen.get(conn, found.origin)
                assert row is None or row.frozen is not None

    def heads(self) -> list[tuple[str, int, bytes]]:
        """Every copy of everybody."""
        found = []
        for node in self.nodes:
            with node.node.db.read() as conn:
                chosen = sa.select(copy_rows).order_by(copy_rows.c.origin)
                found += [(row.origin, row.size, row.root) for row in conn.execute(chosen)]
        return found


class Liar:
    """Node 0 keeps a second history of one log, and shows it to every other one who asks."""

    def __init__(self, world: World) -> None:
        self.world = world
        node = world.nodes[0]
        self.own = node.own
        self.log = next(log for origin, log in self.own.logs.items() if origin.endswith("/spaces/commons"))
        self.origin = self.log.origin
        self.other = type(self.log)(self.origin, self.own._seed(self.origin))
        self.other.append(self.log.entries[0], b"a different story")
        self.log.append(b"the story")
        followers = sorted(a for a, b in world.follows if b == 0)
        self.fooled = {world.hosts[a] for a in followers[::2]}
        self.followers = {world.hosts[a] for a in followers}
        node.view = self.view

    def view(self, sender: str, path: str) -> bytes | None:
        """Another file than the usual one, for whom the liar fools."""
        prefix = "/logs/spaces/commons/"
        if sender in self.fooled and path.startswith(prefix) and "/ballots/" not in path:
            return self.other.file(path.removeprefix(prefix))
        return None

    def check(self) -> None:
        """Where two followers of different views know each other, both hold evidence."""
        hosts = {n.own.host: i for i, n in enumerate(self.world.nodes)}
        for a in sorted(self.followers - self.fooled):
            for b in sorted(self.fooled):
                if (hosts[a], hosts[b]) in self.world.follows:
                    for host in (a, b):
                        with self.world.nodes[hosts[host]].node.db.read() as conn:
                            assert proofs.listed(conn), f"{host} was lied to and does not know"
