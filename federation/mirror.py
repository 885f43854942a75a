"""Copying another instance by pulling: its instance log, then its spaces, then their ballots.

Pull is truth, push is a hint: what a log has grown by is found by its size, however much was missed. What is
copied is cosigned, and the cosignature is brought back to the log.
"""

from __future__ import annotations

import logging
from typing import Final

from prometheus_client import Counter

from federation import copy_rows, hints, peers, queue
from federation.discovery import NamedLog
from federation.mirror_log import catch_up, follow
from federation.mirror_tree import Budget, Enough
from federation.node import Node
from federation.peers import PeerRow
from federation.remote import PeerFiles
from governance.errors import GovernanceError, IdentityChanged, Unavailable

RUN: Final = 256 * 1024 * 1024
"""Bytes fetched in one run; a larger catch-up is several runs, between which other peers have their turn."""
AT_ONCE: Final = 1
SOON: Final = 10
SETTLING: Final = 30
"""Seconds for which a log that has just grown gains cosignatures, which belong to its copy as well."""
RECENT: Final = 3_600
"""Seconds since a peer's last news after which it is asked less and less often."""
_refused: Final = Counter(
    "althing_mirror_refused", "Logs of other instances that could not be copied", ["code"]
)
_log: Final = logging.getLogger("althing.federation")


def pull(node: Node, peer: str) -> int | None:
    """Errand `pull`: copy what the peer's logs have grown by, cosign it, and bring the cosignatures back.

    A log that cannot be copied is counted and logged; the others go on. None of the instance log's follow
    before it was copied itself.

    Raises:
        Unavailable: the peer does not answer, or our disk fails.
        Malformed, Refused: the peer's instance log is not what its key has signed.
    """
    row = peers.require(node, peer)
    if not row.follows or row.instance is None:
        return None
    files = PeerFiles(node, row.base_url)
    budget = Budget(RUN)
    known = _logs(node, peer)
    try:
        catch_up(node, files, _meet(node, row), budget)
        for kind in (copy_rows.SPACE, copy_rows.BALLOT):
            _pull_kind(node, row, kind, files, budget)
    except Enough:
        return AT_ONCE
    finally:
        hints.bring_back(node, row)
        if _logs(node, peer) != known:
            # A new log has a new key, which we keep for the day that the peer loses its disk.
            queue.wake(node, peer, "keys")
    return _pause(node, peer)


def _logs(node: Node, peer: str) -> int:
    with node.db.read() as conn:
        return copy_rows.count(conn, peer)


def _meet(node: Node, row: PeerRow) -> str:
    """The origin of the peer's instance log, which is copied from now on under the key it is pinned with."""
    document = row.instance
    assert document is not None  # noqa: S101  # `pull` has looked
    with node.db.read() as conn:
        known = copy_rows.get(conn, document.origin)
    if known is not None and known.peer == row.id:
        return document.origin
    with node.db.write() as conn:
        if not follow(conn, NamedLog(document.origin, document.vkey, copy_rows.INSTANCE), row.id):
            raise IdentityChanged(f"the log {document.origin} is known as another instance's")
    return document.origin


def _pull_kind(node: Node, row: PeerRow, kind: str, files: PeerFiles, budget: Budget) -> None:
    with node.db.read() as conn:
        origins = copy_rows.due(conn, row.id, kind, node.clock())
    for origin in origins:
        try:
            catch_up(node, files, origin, budget)
        except Unavailable:
            raise
        except GovernanceError as e:
            _refused.labels(e.code).inc()
            _log.warning("the log %s is not copied: %s", origin, e.detail)


def _pause(node: Node, peer: str) -> int | None:
    """The usual pause, and up to an hour for a peer that has had no news for a long time."""
    with node.db.read() as conn:
        idle = node.clock() - copy_rows.newest(conn, peer)
    if idle < SETTLING:
        return SOON
    if idle < RECENT:
        return None
    longest = min(copy_rows.LONGEST, 300 + idle // 24)
    return node.chance.randint(longest // 2, longest)
