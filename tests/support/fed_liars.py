"""Instances that do not tell the truth about their logs, each in its own way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from federation import evidence as proofs
from tests.support.fed_faults import shorten
from tests.support.fed_nodes import MemoryLog

if TYPE_CHECKING:
    from tests.support.fed_world import World

FOLDER = "/logs/spaces/commons/"


class Liar:
    """Node 0, which follows the rules but for the files of its log `commons`."""

    forks = False
    """Whether it signs two histories: everybody who can know is to know, for good."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.own = world.nodes[0].own
        self.log = next(log for origin, log in self.own.logs.items() if origin.endswith("/spaces/commons"))
        self.origin = self.log.origin
        followers = sorted(a for a, b in world.follows if b == 0)
        self.followers = {world.hosts[a] for a in followers}
        self.fooled = {world.hosts[a] for a in followers[::2]}
        world.nodes[0].view = self.view

    def view(self, sender: str, path: str) -> bytes | None:
        """What a sender is shown instead of a file; None for the truth."""
        lies = self.forks or self.world.failing
        if lies and sender in self.fooled and path.startswith(FOLDER) and "/ballots/" not in path:
            return self.lie(path.removeprefix(FOLDER))
        return None

    def lie(self, name: str) -> bytes | None:
        """Another file than the true one."""
        raise NotImplementedError

    def hidden(self) -> Iterator[tuple[str, set[str]]]:
        """What has not come to light yet, and from whom."""
        yield from ()


class TwoViews(Liar):
    """Keeps a second history, and shows it to every other one who asks."""

    forks = True

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.other = MemoryLog(self.origin, self.own._seed(self.origin))
        self.other.append(*self.log.entries, b"a different story")
        if world.chance.random() < 0.5:
            self.other.append(*(b"more of it %d" % i for i in range(world.chance.choice((1, 5, 300)))))
        self.log.append(b"the story")

    def lie(self, name: str) -> bytes | None:
        return self.other.file(name)

    def hidden(self) -> Iterator[tuple[str, set[str]]]:
        """Where two followers of different views know each other, both hold evidence and freeze the log."""
        world = self.world
        hosts = {host: i for i, host in enumerate(world.hosts)}
        for a in sorted(self.followers - self.fooled):
            for b in sorted(self.fooled):
                if (hosts[a], hosts[b]) not in world.follows:
                    continue
                both = a, b
                for host in both:
                    with world.nodes[hosts[host]].node.db.read() as conn:
                        if not any(found.origin == self.origin for found in proofs.listed(conn)):
                            yield f"{host} was lied to and does not know", {world.hosts[0], *both}


class ForgedFiles(Liar):
    """Signs one history, and serves entries and tiles that are not of it."""

    def lie(self, name: str) -> bytes | None:
        chance = self.world.chance
        if not name.startswith("tile/"):
            return None
        data = bytearray(self.log.file(name))
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        return bytes(data)


class Stale(Liar):
    """Shows an old head, sometimes a new one, and files that end with the old one."""

    def lie(self, name: str) -> bytes | None:
        old = MemoryLog(self.origin, self.own._seed(self.origin))
        old.append(*self.log.entries)
        shorten(old, self.world.chance.randint(1, old.size))
        return old.file(name)


class Garbage(Liar):
    """Sends anything."""

    def lie(self, name: str) -> bytes | None:
        chance = self.world.chance
        junk = chance.randbytes(chance.choice((0, 1, 32, 500)))
        true = self.log.file(name) if chance.random() < 0.5 else b""
        return chance.choice((junk, true + junk, true[: len(true) // 2] + junk, junk + true, b"x" * 70_000))


KINDS: tuple[type[Liar] | None, ...] = (None, TwoViews, None, TwoViews, ForgedFiles, TwoViews, Stale, Garbage)
"""By the seed, in turn."""
