"""What goes wrong in a simulated world: disks, crashes, lost requests and answers, replays, races, backups.

Everything is drawn from the world's one random number generator, so that a seed replays exactly.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import sqlalchemy as sa

from federation import cosigning
from federation.endpoints import Request
from governance.errors import GovernanceError, StorageUnavailable
from tests.support.fed_memory import MemoryCopies, MemoryDatabase
from tests.support.fed_nodes import MemoryLog, Network, SimNode

if TYPE_CHECKING:
    from tests.support.fed_world import World

REPLAYS = 200
"""Signed requests that an eavesdropper remembers."""


class Crash(BaseException):
    """The process ends here; what was not committed is lost. Nobody catches it but the world."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host


class FaultyDatabase(MemoryDatabase):
    """Tables of a process that may end right before or right after it commits."""

    def __init__(self, world: World, host: str) -> None:
        super().__init__()
        self._world, self._host = world, host

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        fate = self._world.fate()
        with super().write() as conn:
            yield conn
            if fate == "before":
                raise Crash(self._host)
        if fate == "after":
            raise Crash(self._host)


class FaultyCopies(MemoryCopies):
    """Copies on a disk that sometimes refuses a file, and loses some that were not synced in a crash."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self._unsettled: dict[str, bytes | None] = {}

    def write(self, path: str, data: bytes) -> None:
        if self._world.failing and self._world.chance.random() < 0.02:
            raise StorageUnavailable("the disk is full")
        self._unsettled.setdefault(path, self.files.get(path))
        super().write(path, data)

    def settle(self) -> None:
        self._unsettled.clear()

    def crash(self) -> None:
        """Some of the files since the last `settle` are what they were before."""
        for path, before in self._unsettled.items():
            if self._world.chance.random() < 0.5:
                continue
            if before is None:
                self.files.pop(path, None)
            else:
                self.files[path] = before
        self._unsettled.clear()


@dataclass
class Backup:
    """An instance as it was: tables, copies, the sizes of its logs and the cosignatures it had."""

    tables: sqlite3.Connection
    copies: dict[str, bytes]
    sizes: dict[str, int]
    notes: dict[str, dict[int, bytes]]

    @classmethod
    def of(cls, node: SimNode) -> Backup:
        own = node.own
        database, copies = node.node.db, node.node.copies
        assert isinstance(database, MemoryDatabase)
        assert isinstance(copies, MemoryCopies)
        notes = {origin: dict(known) for origin, known in own.notes.items()}
        sizes = {origin: log.size for origin, log in own.logs.items()}
        return cls(database.image(), dict(copies.files), sizes, notes)

    def restore(self, node: SimNode, *, files: bool = True) -> None:
        """Put it back. Without files the copies stay newer than the tables."""
        database, copies = node.node.db, node.node.copies
        assert isinstance(database, MemoryDatabase)
        assert isinstance(copies, FaultyCopies)
        database.load(self.tables)
        copies.settle()
        if files:
            copies.files = dict(self.copies)
        node.own.notes = {origin: dict(known) for origin, known in self.notes.items()}
        for origin, size in self.sizes.items():
            shorten(node.own.logs[origin], size)
        node.node.asked.clear()


def shorten(log: MemoryLog, size: int) -> None:
    """Forget the entries of a log from that index on."""
    del log.entries[size:], log.leaves[size:]
    log._complete = {at: known for at, known in log._complete.items() if (at[1] + 1) << at[0] <= size}


@dataclass
class Sent:
    """A signed request that was answered well, as somebody on the way could send it again."""

    host: str
    request: Request
    epoch: int


@dataclass
class FaultyNetwork(Network):
    """A network that loses requests and answers, repeats them, and has other things happen meanwhile."""

    world: World = None  # type: ignore[assignment]
    sent: list[Sent] = field(default_factory=list)
    _depth: int = 0

    def answer(self, sender: str, request: httpx.Request) -> httpx.Response:
        world, host = self.world, request.url.host
        if self._depth == 0 and world.failing and world.chance.random() < world.races:
            self._meanwhile(sender, host)
        self._depth += 1
        try:
            world.now += world.slow.get(host, 0)
            given = super().answer(sender, request)
        except Crash as crash:
            if self._depth > 1 or crash.host != host:
                raise
            world.crashed(host)
            raise httpx.ReadError("the connection broke", request=request) from crash
        finally:
            self._depth -= 1
        self._overhear(host, request, given)
        if world.failing and world.chance.random() < world.lost_answers:
            raise httpx.ReadTimeout("no answer came", request=request)
        return given

    @property
    def nested(self) -> bool:
        """Whether one request is answered within another: crashes would end both."""
        return self._depth > 1

    def _meanwhile(self, sender: str, host: str) -> None:
        """The asked instance grows and has that cosigned by the asking one, in the middle of its errand."""
        asked, asking = self.nodes.get(host), self.nodes.get(sender)
        if asked is None or asking is None or asked.own.held or not self.world.may_grow(host):
            return
        self._depth += 1
        try:
            self.world.grow(asked.own, (1, 2))
            with suppress(GovernanceError):
                cosigning.cosign(asked.node, asking.own.instance)
        except Crash as crash:
            self.world.crashed(crash.host)
        finally:
            self._depth -= 1

    def _overhear(self, host: str, request: httpx.Request, given: httpx.Response) -> None:
        if "signature-input" not in request.headers or given.status_code >= 400:
            return
        headers = {name.lower(): value for name, value in request.headers.items()}
        target = request.url.raw_path.decode()
        overheard = Request(request.method, target, headers, request.read())
        self.sent.append(Sent(host, overheard, self.world.epochs.get(host, 0)))
        del self.sent[:-REPLAYS]

    def replay(self) -> None:
        """Somebody sends a request again, to whom it was for or to another one."""
        sent = self.world.chance.choice(self.sent)
        host = sent.host if self.world.chance.random() < 0.7 else self.world.chance.choice(self.world.hosts)
        self._depth += 1
        try:
            given = self.nodes[host].respond(sent.request, self.all_routes, "replay.example")
        except Crash:
            self.world.crashed(host)
            return
        finally:
            self._depth -= 1
        # A restored backup has forgotten the nonces since; what it does again changes nothing.
        if host != sent.host or self.world.epochs.get(host, 0) == sent.epoch:
            said = f"{host} accepted a replay of {sent.request.method} {sent.request.target}"
            assert given.status_code >= 400, said
