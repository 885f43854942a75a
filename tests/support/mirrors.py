"""Two instances in memory of which one copies the other, and the faults that the copied one may show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from federation import copy_rows, hints, mirror, mirror_routes, peers, seen
from federation.copy_rows import CopyRow
from federation.peers import PeerRow
from federation.seen import SeenRow
from governance.errors import NotFound
from governance.log.tiles import bundles_for, tiles_for
from tests.support.fed_nodes import MemoryInstance, MemoryLog, Network, SimNode, VirtualClock, make_node

ROUTES = (*hints.ROUTES, *mirror_routes.ROUTES)
Fault = Callable[[bytes], bytes]


@dataclass
class Pair:
    """`us` copies `them`; `faults` change what they serve by path, None for a file that is missing."""

    network: Network
    clock: VirtualClock
    us: SimNode
    them: SimNode
    faults: dict[str, Fault | None]

    @property
    def peer(self) -> str:
        return self.them.own.instance

    def pull(self) -> int | None:
        return mirror.pull(self.us.node, self.peer)

    def later(self, seconds: int = 4_000) -> None:
        self.clock.now += seconds

    def copy(self, log: MemoryLog) -> CopyRow:
        with self.us.node.db.read() as conn:
            row = copy_rows.get(conn, log.origin)
        assert row is not None
        return row

    def seen(self, log: MemoryLog) -> SeenRow:
        with self.us.node.db.read() as conn:
            row = seen.get(conn, log.origin)
        assert row is not None
        return row

    def files(self) -> dict[str, bytes]:
        """Our copy as files, without the folder of the instance."""
        folder = copy_rows.home(self.peer) + "/"
        stored = self.us.node.copies.listing(copy_rows.home(self.peer))
        return {path.removeprefix(folder): self.us.node.copies.read(path) for path in stored}


def pair(*, post_quantum: bool = False) -> Pair:
    """Two instances that know each other's documents; the copied one has a space `nix`."""
    network, clock = Network(ROUTES), VirtualClock()
    us, them = (make_node(f"{name}.example", network, clock, pq=post_quantum) for name in ("us", "them"))
    acquaint(us, them)
    acquaint(them, us)
    them.own.add_space("nix")
    faults: dict[str, Fault | None] = {}
    _faulty(them.own, faults)
    return Pair(network, clock, us, them, faults)


def acquaint(one: SimNode, other: SimNode, state: str = "mirror") -> None:
    """`one` pins the document of the other and follows it."""
    document = other.own.document()
    row = PeerRow(other.own.instance, other.own.base_url, other.own.host, state, state, "", document.data, 1)
    with one.node.db.write() as conn:
        peers.add(conn, row)
    peers.change(one.node, row.id, state=state, theirs=state)


def _faulty(own: MemoryInstance, faults: dict[str, Fault | None]) -> None:
    honest = own.file

    def file(path: str) -> bytes:
        if path in faults:
            fault = faults[path]
            if fault is None:
                raise NotFound(path)
            return fault(honest(path))
        return honest(path)

    own.file = file  # type: ignore[method-assign]


def public_log(log: MemoryLog, folder: str) -> dict[str, bytes]:
    """Every public file of a log at its present size, as an export has them."""
    names = ["checkpoint", "vkey"]
    names += [tile.path for tile in tiles_for(0, log.size)]
    names += [bundle.path for bundle in bundles_for(0, log.size)]
    return {f"{folder}/{name}": log.file(name) for name in names}
