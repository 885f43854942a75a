"""The sign-guard: after a start nothing is signed before somebody has said how far our logs were.

A restored backup is older than what others hold of our logs. Going on from there would sign a second history,
which is the one thing that can never be mended. So the logs are held until at least half of those who cosign
them have answered; what they have and we lack is taken back from their copies, verified like a stranger's.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from federation import comeback, discovery, peers
from federation.discovery import NamedLog
from federation.node import Node
from federation.peers import FOLLOWING, PeerRow
from federation.remote import PeerFiles
from federation.tables import peers as peer_rows
from governance import limits
from governance.audit.source import LogFiles, PublicFiles, blob_path
from governance.canonical import digest
from governance.errors import GovernanceError, IntegrityFault, NotFound, Unavailable
from governance.log.checkpoint import Checkpoint, open_checkpoint
from governance.log.lineage import place_of
from governance.log.tiles import FULL, bundles_for, parse_bundle
from governance.service.core import Service
from governance.signing.note import Ed25519Verifier, parse_vkey
from governance.statements.base import BlobRef
from governance.store import entries
from governance.store.engine import Store
from governance.store.entries import LogHead

REASON: Final = "this instance first compares its logs with the instances that cosign them"
UNGUARDED: Final = "unguarded"
"""The name of that file."""
_log: Final = logging.getLogger("althing.federation")


def holds(store: Store) -> list[str]:
    """The reason to hold the logs, if anybody is known to cosign them.

    The operator lifts it by a file in the data directory, when those who could answer are gone for good.
    """
    if (store.data_dir / UNGUARDED).exists():
        _log.warning("%s is there: nobody is asked how far our logs were", UNGUARDED)
        return []
    chosen = (
        sa.select(sa.func.count())
        .select_from(peer_rows)
        .where(peer_rows.c.theirs.in_(FOLLOWING), peer_rows.c.state.notin_(("pending", "blocked")))
    )
    with store.read() as conn:
        return [REASON] if conn.scalar(chosen) else []


def confirm(service: Service, node: Node, *, burnt: Collection[str] = ()) -> bool:
    """Ask those who cosign our logs; gives whether the logs are released now.

    Args:
        service: ours.
        node: we.
        burnt: origins of logs that are about to go on elsewhere: what others hold of them may be a thief's.

    Raises:
        IntegrityFault: somebody holds a head that we signed and that our log contradicts.
    """
    with node.db.read() as conn:
        followers = [row for row in peers.everybody(conn) if row.followed]
    shown: dict[str, list[Checkpoint]] = {}
    answered = sum(_compared(service, node, row, shown, burnt) for row in followers)
    if 2 * answered < len(followers) or not _covered(service, shown) or not _succeeded(service):
        return False
    service.release(REASON)
    _log.info("%d of %d instances have confirmed our logs", answered, len(followers))
    return True


def _covered(service: Service, shown: Mapping[str, Sequence[Checkpoint]]) -> bool:
    """Whether our logs go as far as every head of theirs that we once signed and somebody has shown.

    One that nobody has the entries for holds us as well: going on from before it would be a second history.

    Raises:
        IntegrityFault: our log contradicts one.
    """
    covered = True
    for origin, heads in shown.items():
        size = _size(service, origin)
        for head in heads:
            if head.size > size:
                _log.error("%s had %d entries, and nobody has given them back", origin, head.size)
                covered = False
            elif head.size:
                _check_past(service, _own(service, origin), head)
    return covered


def _succeeded(service: Service) -> bool:
    """Whether we have the successors that our instance log names, and so write on no burnt log."""
    missing = []
    with service.store.read() as conn:
        for name in service.instance.successors:
            present = service.instance.log_of(name)
            if entries.head(conn, name).origin != present:
                _log.error("%s goes on as %s, which nobody has given back", name, present)
                missing.append(present)
    return not missing


def _compared(
    service: Service, node: Node, row: PeerRow, shown: dict[str, list[Checkpoint]], burnt: Collection[str]
) -> bool:
    """Whether this follower answered, and all it has of our logs is ours again; adds to what was shown."""
    try:
        take_back_all(service, node, row, shown, burnt)
    except Unavailable as e:
        _log.warning("%s cannot be asked about our logs: %s", row.base_url, e.detail)
        return False
    except IntegrityFault:
        raise
    except GovernanceError as e:
        _log.error("what %s says of our logs cannot be used: %s", row.base_url, e.detail)
        return False
    return True


def mirror_of(row: PeerRow, instance: str) -> str:
    """Where a peer serves its copy of an instance."""
    return peers.url_of(row, f"/mirrors/{instance.removeprefix('sha256:')}")


def take_back_all(
    service: Service,
    node: Node,
    row: PeerRow,
    shown: dict[str, list[Checkpoint]],
    burnt: Collection[str] = (),
) -> int:
    """Bring all our logs up to what a peer's copy has of them; gives how many entries were taken back.

    When it has more than we do, our cosigners get new keys before anything is taken.

    Args:
        service: ours.
        node: we.
        row: the peer.
        shown: gains every head of ours that the copy has, by origin, taken back or not.
        burnt: origins of logs to leave alone, besides those that our instance log says go on elsewhere.

    Raises:
        Unavailable: the copy cannot be read; Malformed, Refused: it is not right, nothing of it is taken.
        IntegrityFault: it holds a head that we signed and our log contradicts.
    """
    base = service.states.base
    copied = _Copied(node, row, PeerFiles(node, mirror_of(row, node.own.instance)))
    taken = 0
    waiting = [_own(service, f"{base}/instance")]
    left = set(burnt)
    while waiting:
        log = waiting.pop(0)
        if log.origin in left:
            continue
        taken += _take_back(service, copied, log, shown)
        if log.kind != "ballot":
            named = _named_in(service, _own(service, log.origin))
            left |= {found.burnt for found in named if found.burnt is not None}
            waiting += [_head_of(service, found) for found in named]
    return taken


def _own(service: Service, origin: str) -> LogHead:
    with service.store.read() as conn:
        return entries.head_at(conn, origin)


def _size(service: Service, origin: str) -> int:
    try:
        return _own(service, origin).size
    except NotFound:
        return 0


def _named_in(service: Service, log: LogHead) -> list[NamedLog]:
    """The logs that a log of ours names."""
    stored = entries.stream_entries(service.store, log.id, 0, log.size)
    named = discovery.Named()
    discovery.scan(log.kind, log.origin, b"", list(stored), named)
    return list(named.logs.values())


def _head_of(service: Service, log: NamedLog) -> LogHead:
    """A log of ours as it is stored, or as it has to be created."""
    try:
        return _own(service, log.origin)
    except NotFound:
        return LogHead(0, log.origin, log.kind, *place_of(log.origin), log.vkey)


@dataclass(frozen=True, slots=True)
class _Copied:
    """A peer's copy of us."""

    node: Node
    peer: PeerRow
    files: PublicFiles


def _take_back(service: Service, copied: _Copied, log: LogHead, shown: dict[str, list[Checkpoint]]) -> int:
    source = LogFiles(copied.files, f"logs/{log.origin.removeprefix(service.states.base + '/')}")
    try:
        note = source.checkpoint()
    except NotFound:
        return 0
    head = open_checkpoint(note, [Ed25519Verifier(parse_vkey(log.vkey))])
    if head.origin != log.origin:
        raise NotFound(f"this copy shows {head.origin} in the place of {log.origin}")
    shown.setdefault(log.origin, []).append(head)
    if head.size <= log.size:
        _check_past(service, log, head)
        return 0
    # Before the first entry is stored: after it our logs would not look as if they were from an old backup.
    comeback.renew_cosigners(service, copied.node)
    comeback.fetch_log_key(service, copied.node, copied.peer, log)
    more = list(_entries(source, log.size, head.size))
    named = discovery.Named()
    discovery.scan(log.kind, log.origin, b"", more, named)
    blobs = [data for blob in named.blobs.values() if (data := _blob(copied.files, blob)) is not None]
    service.sequencer.take_back(log, more, note, blobs)
    _log.warning("took back %d entries of %s that were lost here", head.size - log.size, log.origin)
    return head.size - log.size


def _check_past(service: Service, log: LogHead, head: Checkpoint) -> None:
    """That a smaller head of ours is of the history that we have."""
    if head.size == 0:
        return
    with service.store.snapshot() as conn:
        stored = entries.head_at(conn, log.origin)
        root = entries.root_at(conn, stored, head.size)
    if root != head.root:
        raise IntegrityFault(
            f"{log.origin}: a head of {head.size} entries that we once signed is not of the log that is here"
        )


def _entries(source: LogFiles, start: int, end: int) -> Iterator[bytes]:
    wanted = list(bundles_for(start // FULL * FULL, end))
    at = start // FULL * FULL
    for bundle, data in zip(wanted, source.entries(wanted), strict=True):
        for entry in parse_bundle(data, bundle.width):
            if at >= start:
                yield entry
            at += 1


def _blob(files: PublicFiles, blob: BlobRef) -> bytes | None:
    try:
        data = files.read(blob_path(blob), limits.BLOB)
    except NotFound:
        return None
    return data if digest(data) == blob.digest else None
