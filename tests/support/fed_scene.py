"""An instance with an old backup of its data, and mirrors that hold what happened since."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from federation import guard, mirror_files
from governance.log.checkpoint import parse_checkpoint
from governance.signing.note import parse_note
from tests.support.fed_nodes import Network, VirtualClock
from tests.support.fed_service import HOST, Real, befriend, mirror_at, real, run
from tests.support.people import Community, key, recorded

Q1, Q2 = (f"{HOST}/spaces/nix/ballots/{name}" for name in ("q1", "q2"))


class Scene:
    """An instance with an old backup of its data, and mirrors that hold what happened since."""

    def __init__(self, folder: Path, mirrors: int = 2) -> None:
        self.data, self.backup = folder / "data", folder / "backup"
        self.clock, self.network = VirtualClock(), Network()
        self.mirrors = [mirror_at(f"m{i}.example", self.network, self.clock) for i in range(mirrors)]
        self.community: Community | None = None
        self.heads: dict[str, bytes] = {}

    @contextmanager
    def up(self) -> Iterator[Real]:
        """The instance runs."""
        with real(self.data, self.network, self.clock) as us:
            if self.community is None:
                self.community = us.running.community
            self.community.client = us.running.client
            us.running.community = self.community
            yield us

    def live(self) -> None:
        """Two ballots, the second begun after the backup; the mirrors have all of it."""
        with self.up() as us:
            here = us.running.community
            here.found()
            here.enrol(key(100), key(101), key(102))
            for other in self.mirrors:
                befriend(us, other)
            here.open()
            recorded(here.cast(key(102), ["c"]))
            self.exchange(us)
        shutil.copytree(self.data, self.backup)
        with self.up() as us:
            assert guard.confirm(us.service, us.node)
            here = us.running.community
            for number in (100, 101):
                recorded(here.cast(key(number), ["a"]))
            here.open(here.definition("q2"))
            recorded(here.cast(key(102), ["b"], "q2"))
            self.exchange(us)
            self.heads = us.heads()

    def exchange(self, us: Real) -> None:
        """Until every mirror has every log whole."""
        self.clock.now += 400
        run(self.clock, us.node, *(m.node for m in self.mirrors), rounds=6)
        for other in self.mirrors:
            for head in us.node.own.heads():
                copied = mirror_files.log_note(other.node, us.instance, head.origin)
                assert f"\n{head.size}\n".encode() in copied, f"{other.own.host} lacks {head.origin}"

    def lose(self, *, keys: bool = True) -> None:
        """The disk is gone; the old backup is put in its place, with today's keys or the old ones."""
        if keys:
            shutil.rmtree(self.backup / "keys")
            shutil.copytree(self.data / "keys", self.backup / "keys")
        shutil.rmtree(self.data)
        shutil.copytree(self.backup, self.data)

    def size(self, origin: str) -> int:
        """How many entries a log had at the end."""
        return parse_checkpoint(parse_note(self.heads[origin]).text).size

    def cut(self, *hosts: str) -> None:
        """Nobody reaches these."""
        self.network.drop = lambda _sender, host: host in hosts
