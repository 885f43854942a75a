"""All kinds of errands, and doing those that are due."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from federation import backup, compare, cosigning, evidence, hints, introductions, mirror, queue
from federation.node import Node
from federation.queue import Errand, Kind
from governance.errors import GovernanceError

KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("identity", introductions.fetch_identity, (3_000, 4_200)),
        Kind("greet", introductions.greet, (3_000, 4_200)),
        Kind("pull", mirror.pull, (60, 300)),
        Kind("cosign", cosigning.cosign, (60, 300)),
        Kind("push", hints.push, (3_000, 4_200)),
        Kind("tell", evidence.tell, (3_000, 4_200)),
        Kind("keys", backup.fetch, (3_000, 4_200)),
        Kind("compare", compare.compare, (300, 900)),
    )
}
THREADS: Final = 16
PER_PEER: Final = 2
_log: Final = logging.getLogger("althing.federation")


def run_due(node: Node) -> int:
    """Do everything that is due, one after another; gives how many errands that were."""
    waiting = queue.due(node)
    for errand in waiting:
        queue.run(node, errand, KINDS[errand.kind])
    return len(waiting)


class Runner:
    """Does errands in threads: `THREADS` in all, `PER_PEER` for a peer, so a slow one holds up no other."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="errands")
        self._lock = threading.Lock()
        self._busy: set[tuple[str, str]] = set()

    def tick(self) -> None:
        """Begin what is due and has room; returns at once."""
        with self._lock:
            before = set(self._busy)
        for errand in queue.due(self._node):
            with self._lock:
                # One that ended since the rows were read may be due no more.
                if (errand.peer, errand.kind) in before or not self._room(errand):
                    continue
                self._busy.add((errand.peer, errand.kind))
            self._pool.submit(self._run, errand)

    def _room(self, errand: Errand) -> bool:
        of_peer = sum(peer == errand.peer for peer, _ in self._busy)
        return (
            len(self._busy) < THREADS and of_peer < PER_PEER and (errand.peer, errand.kind) not in self._busy
        )

    def _run(self, errand: Errand) -> None:
        try:
            queue.run(self._node, errand, KINDS[errand.kind])
        except Exception:
            _log.exception("the errand %s of %s failed by a fault of ours", errand.kind, errand.peer)
            queue.failed(self._node, errand, GovernanceError("a fault of ours; the operator's log says more"))
        finally:
            with self._lock:
                self._busy.discard((errand.peer, errand.kind))

    def close(self) -> None:
        """Begin nothing more; what runs ends by its own deadlines."""
        self._pool.shutdown(wait=True, cancel_futures=True)
