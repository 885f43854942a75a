"""A world of instances in memory with trouble from a seed, until all is well again."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

import msgspec
import sqlalchemy as sa

from federation import errands, guard, peers, queue, remote, scrub
from federation.keys import make_keys
from federation.remote import PeerFiles
from federation.tables import copies as copy_rows
from governance import limits
from governance.audit.source import LogFiles
from governance.canonical import sha256
from governance.errors import GovernanceError
from governance.log.checkpoint import open_checkpoint
from governance.log.tiles import bundles_for, parse_bundle
from governance.service.instance import public
from governance.signing.keyfile import Ed25519Key
from governance.signing.note import Ed25519Verifier, Verifier
from tests.support import fed_checks, fed_liars
from tests.support.fed_faults import Backup, Crash, FaultyCopies, FaultyDatabase, FaultyNetwork
from tests.support.fed_nodes import START, WEEK, MemoryInstance, MemoryLog, SimNode, make_node

ROUNDS = 3
VARIANTS = 4
"""Different ways in which the instances know each other."""
SHORTCUT = 5
STEP = 300
HEALING = 4_500
"""Seconds of the world in which everything is well again after the trouble; back-off alone may be 6 h."""
FOUND_OUT = 0.006
"""How often a process ends at a commit."""
MOST_CRASHES = 12
_damaged = sa.select(copy_rows.c.origin).where(copy_rows.c.damaged.is_not(None))


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


@cache
def _acquainted(variant: int, nodes: int) -> tuple[int, list[Backup]]:
    """Instances that have copied and cosigned each other, and when that was done."""
    world = World(variant, nodes, calm=True)
    world.loss = 0.0
    world._until_quiet()
    assert not list(fed_checks.unsettled(world))
    return world.now, [Backup.of(node) for node in world.nodes]


class World:
    """Instances that follow each other in a ring with shortcuts, and what goes wrong among them."""

    def __init__(self, seed: int, nodes: int = 50, *, calm: bool = False) -> None:
        # Files are asked for one after another: the order of requests is part of what a seed repeats.
        remote.read_ahead = lambda read, paths, limit: (read(path, limit) for path in paths)  # type: ignore[attr-defined]
        self.seed = seed
        self.chance = random.Random(seed)
        self.now = START
        self.failing = False
        self._draw()
        self.islands: dict[str, int] = {}
        self.deaf: set[tuple[str, str]] = set()
        self.off: set[str] = set()
        self.slow: dict[str, int] = {}
        self.epochs: dict[str, int] = {}
        self.crashes = 0
        self.network = FaultyNetwork(drop=self._dropped, world=self)
        self.hosts = [f"n{i}.example" for i in range(nodes)]
        self.nodes: list[SimNode] = [self._node(i) for i in range(nodes)]
        self.backups: dict[int, Backup] = {}
        self._lost: set[int] = set()
        self.follows: set[tuple[int, int]] = set()
        ways = random.Random(seed % VARIANTS)
        for i in range(nodes):
            self._befriend(i, (i + 1) % nodes)
            if i % SHORTCUT == 0:
                self._befriend(i, (i + ways.randrange(2, nodes)) % nodes)
        self.liar: fed_liars.Liar | None = None
        for node in self.nodes:
            peers.settle(node.node)
        if not calm:
            self._begin()

    def _begin(self) -> None:
        """Where the trouble begins: among strangers, or among those who have copied each other long ago."""
        if not self.strangers:
            self.now, before = _acquainted(self.seed % VARIANTS, len(self.nodes))
            for node, backup in zip(self.nodes, before, strict=True):
                backup.restore(node)
        for node in self.nodes:
            node.clock.skew = self.chance.choice(self.skews)  # type: ignore[attr-defined]
        liar = fed_liars.KINDS[self.seed % len(fed_liars.KINDS)]
        self.liar = liar and liar(self)
        self.failing = True

    def _draw(self) -> None:
        chance = self.chance
        self.loss = chance.choice((0.0, 0.05, 0.2))
        self.lost_answers = chance.choice((0.0, 0.0, 0.1))
        self.crashing = chance.choice((0.0, FOUND_OUT))
        self.races = chance.choice((0.0, 0.03))
        self.replays = chance.choice((0, 5))
        self.strangers = chance.random() < 0.15
        self.restores = chance.random() < 0.5
        self.outage = chance.random() < 0.25
        self.skews = chance.choice(((0, 0, -40, 75), (0, 0, -40, 75), (0, 0, 0, -40, 75, -700, 600)))
        self.rotations = chance.random() < 0.3

    def _node(self, i: int) -> SimNode:
        host = self.hosts[i]
        node = make_node(host, self.network, SkewedClock(self, 0), seed=self.seed)  # type: ignore[arg-type]
        node.node.copies = FaultyCopies(self)
        node.node.db = FaultyDatabase(self, host)
        node.own.add_space("commons")
        if i % 5 == 0:
            node.own.add_ballot("commons", "first")
        keep = node.own.cosigned

        def cosigned(origin: str, note: bytes, verifiers: list[Verifier]) -> None:
            keep(origin, note, verifiers)
            fed_checks.check_lines(self, node, origin, note, verifiers)

        node.own.cosigned = cosigned  # type: ignore[method-assign]
        return node

    def _befriend(self, a: int, b: int) -> None:
        if a == b or (a, b) in self.follows:
            return
        for one, other in ((a, b), (b, a)):
            self.nodes[one].own.decide(self.nodes[other].own, "mirror")
            self.follows.add((one, other))

    def _dropped(self, sender: str, host: str) -> bool:
        if host in self.off or (sender, host) in self.deaf:
            return True
        if self.islands.get(sender, 0) != self.islands.get(host, 0):
            return True
        return self.failing and self.chance.random() < self.loss

    # --- what happens ---

    def fate(self) -> str:
        """What becomes of a process that is about to commit."""
        rolls = self.failing and self.crashing and self.crashes < MOST_CRASHES and not self.network.nested
        if not rolls or self.chance.random() >= self.crashing:
            return "lives"
        self.crashes += 1
        return self.chance.choice(("before", "after"))

    def crashed(self, host: str) -> None:
        """The process of an instance has ended, and another one begins with what is on the disk."""
        node = self.network.nodes[host]
        node.node.asked.clear()
        assert isinstance(node.node.copies, FaultyCopies)
        node.node.copies.crash()

    def may_grow(self, host: str) -> bool:
        """Whether an instance may get new entries now; one that lost its last ones must not."""
        return not self.network.nodes[host].own.held

    def grow(self, own: MemoryInstance, sizes: tuple[int, ...] = (1, 3, 40, 300)) -> None:
        """New entries in one of an instance's logs."""
        log = self.chance.choice([log for origin, log in own.logs.items() if "/spaces/" in origin])
        log.append(*(self.chance.randbytes(20) for _ in range(self.chance.choice(sizes))))

    def trouble(self) -> None:
        """Some rounds in which everything goes wrong that can."""
        for at in range(ROUNDS):
            self._weather()
            for node in self.chance.sample(self.nodes, max(1, len(self.nodes) // 5)):
                if not node.own.held:
                    self.grow(node.own)
            if self.rotations and at == 1:
                for i in self._some(2):
                    self._rotate(self.nodes[i])
            if self.restores and at == 1:
                self.backups = {i: Backup.of(self.nodes[i]) for i in self._some(2)}
            if self.restores and at == 2:
                for i, backup in self.backups.items():
                    self._restore(i, backup)
            self._round(self.chance.randrange(20, 150))
        if self.outage:
            self._outage()

    def _some(self, count: int) -> list[int]:
        """Instances, the first one of all not among them, which may be a liar."""
        return self.chance.sample(range(1, len(self.nodes)), min(count, len(self.nodes) - 1))

    def _weather(self) -> None:
        chance = self.chance
        split = chance.random() < 0.5
        self.islands = {host: chance.randrange(2) for host in self.hosts} if split else {}
        ways = sorted(self.follows)
        deaf = chance.sample(ways, len(ways) // 10) if chance.random() < 0.3 else []
        self.deaf = {(self.hosts[a], self.hosts[b]) for a, b in deaf}
        self.slow = {chance.choice(self.hosts): 2} if chance.random() < 0.3 else {}

    def _rotate(self, node: SimNode) -> None:
        """Another key for signed requests, named by the next identity document."""
        key = Ed25519Key(self.chance.randbytes(32))
        node.own.keys = node.node.keys = replace(node.own.keys, http=key)
        part = node.own.document().statement.federation  # type: ignore[attr-defined]
        valid = node.clock() + WEEK
        new = msgspec.structs.replace(part, http_key=public(key), valid_until=valid)
        node.own.publish_document(federation=new)

    def _restore(self, i: int, backup: Backup) -> None:
        if self.nodes[i].own.keys.http.seed != self.nodes[i].own._seed("http"):
            return
        backup.restore(self.nodes[i], files=self.chance.random() < 0.7)
        own = self.nodes[i].own
        own.held = True
        # What the old cosigners signed since is forgotten, so new ones take their place (docs/operate.md).
        seeds = self.chance.randbytes(32), self.chance.randbytes(32)
        own.keys = make_keys(own.host, own.keys.http, seeds, post_quantum=False)
        self.nodes[i].node.keys = own.keys
        self.epochs[self.hosts[i]] = self.epochs.get(self.hosts[i], 0) + 1

    def _outage(self) -> None:
        """One instance is away for hours; those who look for it wait longer and longer."""
        (gone,) = self._some(1)
        self.off = {self.hosts[gone]}
        near = [self.nodes[a] for a, b in sorted(self.follows) if b == gone]
        lost = {self.nodes[gone].own.instance}
        for _ in range(12):
            self.now += 1_500
            for node in near:
                self._work(node, lost)

    def _round(self, seconds: int, who: set[str] | None = None) -> None:
        self.now += seconds
        order = [node for node in self.nodes if who is None or node.own.host in who]
        self.chance.shuffle(order)
        for node in order:
            self._work(node)
        if self.failing and self.network.sent:
            for _ in range(self.replays):
                self.network.replay()

    def _work(self, node: SimNode, only: set[str] | None = None) -> None:
        """Do what is due; a process that ends in the middle has the rest to do in its next life."""
        for errand in queue.due(node.node):
            if only is not None and errand.peer not in only:
                continue
            try:
                queue.run(node.node, errand, errands.KINDS[errand.kind])
            except Crash as crash:
                self.crashed(crash.host)
                return
        with node.node.db.read() as conn:
            damaged = conn.scalar(_damaged)
        if damaged and not self.failing:
            scrub.scrub(node.node)

    # --- and is over ---

    def heal(self) -> None:
        """No more trouble; time goes on until everything is well, or has had the time to be."""
        self.islands, self.deaf, self.off, self.slow, self.failing = {}, set(), set(), {}, False
        for node in self.nodes:
            node.clock.skew = 0  # type: ignore[attr-defined]
        for i in sorted(self.backups):
            if self.nodes[i].own.held:
                self._resume(i)
        self._until_quiet()

    def _until_quiet(self) -> None:
        """Time goes on, and whoever has something to do with what is not as it should be does its errands."""
        end = self.now + HEALING
        while self.now < end and (left := list(fed_checks.unsettled(self))):
            self._round(STEP, set().union(*(hosts for _, hosts in left)))

    def _resume(self, i: int) -> None:
        """A restored instance goes on with all its logs, once nothing that anybody saw of them is missing."""
        own = self.nodes[i].own
        if not self._take_back(self.nodes[i]):
            self._lost.add(i)
            return
        own.publish_document()
        for origin, log in own.logs.items():
            if "/spaces/" in origin:
                log.append(b"after the restore")

    def _take_back(self, node: SimNode) -> bool:
        """Take back what others have; gives whether nothing is missing then.

        All peers are asked: who has followed only since the backup was made is not known here as a follower.
        """
        asked = [row for row in self._rows(node) if row.state not in {"pending", "blocked"}]
        heads: dict[str, int] = {}
        for row in asked:
            files = PeerFiles(node.node, guard.mirror_of(row, node.own.instance))
            for origin, log in node.own.logs.items():
                with suppress(GovernanceError):
                    self._take_log(files, node.own, log)
                heads[origin] = max(heads.get(origin, 0), self._witnessed(node, row, log))
        node.own.held = any(size > node.own.logs[origin].size for origin, size in heads.items())
        return not node.own.held

    @staticmethod
    def _rows(node: SimNode) -> list[peers.PeerRow]:
        with node.node.db.read() as conn:
            return peers.everybody(conn)

    @staticmethod
    def _take_log(files: PeerFiles, own: MemoryInstance, log: MemoryLog) -> None:
        source = LogFiles(files, f"logs/{log.origin.removeprefix(own.host + '/')}")
        head = open_checkpoint(source.checkpoint(), [Ed25519Verifier(log.signer.key)])
        if head.size <= log.size:
            return
        wanted = list(bundles_for(0, head.size))
        entries = [
            e
            for b, data in zip(wanted, source.entries(wanted), strict=True)
            for e in parse_bundle(data, b.width)
        ]
        log.append(*entries[log.size :])
        assert log.root() == head.root, f"{files.name} gives other entries back"

    @staticmethod
    def _witnessed(node: SimNode, row: peers.PeerRow, log: MemoryLog) -> int:
        name = sha256(log.origin.encode()).hex()
        try:
            note = node.node.client.get(peers.url_of(row, f"/witness/{name}/checkpoint"), limits.NOTE).body
            return open_checkpoint(note, [Ed25519Verifier(log.signer.key)]).size
        except GovernanceError:
            return 0

    def check(self) -> None:
        """Everything that must hold, does."""
        for late, _ in fed_checks.unsettled(self):
            raise AssertionError(late)
        fed_checks.check(self)

    # --- who is who ---

    def honest(self) -> list[SimNode]:
        """Those who can do their part: no liar by two histories, and nobody whose entries are lost."""
        left_out = self._lost | ({0} if self.liar is not None and self.liar.forks else set())
        return [node for i, node in enumerate(self.nodes) if i not in left_out]

    def pairs(self) -> list[tuple[int, int]]:
        """(a, b) where a follows b, and b does its part; one that lost entries of its own may be a."""
        honest = {node.own.host for node in self.honest()}
        able = honest | {self.hosts[i] for i in self._lost}
        return [(a, b) for a, b in sorted(self.follows) if self.hosts[a] in able and self.hosts[b] in honest]

    def lost(self, origin: str) -> bool:
        """Whether cosigned entries of a log are gone: its instance signs nothing any more."""
        return any(origin in self.nodes[i].own.logs for i in self._lost)

    def forked(self, origin: str) -> bool:
        """Whether a log has two histories."""
        return self.liar is not None and self.liar.forks and origin == self.liar.origin

    def trace(self) -> str:
        """The digest of all that was asked, when it was over, and what everybody has copied."""
        return sha256(repr((self.network.asked, self.now, self.heads())).encode()).hex()

    def heads(self) -> list[tuple[str, int, bytes]]:
        """Every copy of everybody."""
        found = []
        for node in self.nodes:
            with node.node.db.read() as conn:
                chosen = sa.select(copy_rows).order_by(copy_rows.c.origin)
                found += [(row.origin, row.size, row.root) for row in conn.execute(chosen)]
        return found
