"""Joint ballots across instances: reading the others' parts from our copies, logging what they give together.

The result is a function of manifest and parts (`governance.replay.joint_result`), so every participant that
has the same parts logs the same digest. Whoever logs another one over the same parts is in dispute with us,
and then there is no joint outcome. Which parts are waited for, and for how long, the manifest has said.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from federation import copy_rows, peers, seen
from federation.mirror_files import CopyFiles
from federation.node import Node
from governance.audit.joint import read_shard, read_space
from governance.errors import GovernanceError, InvalidStatement, NotFound, Refused, Unavailable
from governance.replay.joint import JointRecord, LoggedOutcome
from governance.replay.joint_manifest import part_origin
from governance.replay.joint_parts import ShardTally, sound_parts
from governance.service import joint
from governance.service.core import Service
from governance.statements.joint import Differing, Manifest

_log: Final = logging.getLogger("althing.federation")


class JointBallots:
    """Brings the joint ballots of a service's spaces to their end.

    A decided part never changes, so its tally is kept; a copy that gave none is read again when it has grown.
    """

    def __init__(self, service: Service, node: Node) -> None:
        self._service, self._node = service, node
        self._tallies: dict[tuple[str, int], ShardTally] = {}
        self._looked: dict[tuple[str, int, str], tuple[str, int]] = {}

    def advance(self) -> None:
        """Take every joint ballot as far as it is due."""
        now = self._service.clock()
        for space in list(self._service.instance.spaces):
            for record in joint.records(self._service, space):
                if record.dispute is None and now >= record.manifest.closes_at:
                    try:
                        self._advance(space, record, now)
                    except Unavailable as e:
                        _log.info("the joint ballot %s waits: %s", record.manifest.ballot, e.detail)
                    except GovernanceError as e:
                        _log.error("the joint ballot %s: %s", record.manifest.ballot, e.detail)

    def _advance(self, space: str, record: JointRecord, now: int) -> None:
        latest = record.latest
        if latest is None or latest.statement.missing:
            parts = self._parts(space, record)
            if self._counts(record.manifest, parts, latest, now):
                latest = joint.record_outcome(self._service, space, record.digest, parts, now)
        if latest is not None:
            self._compare(space, record, latest, now)

    @staticmethod
    def _counts(
        manifest: Manifest, parts: Sequence[ShardTally], latest: LoggedOutcome | None, now: int
    ) -> bool:
        """Whether these parts make an outcome now: all of them; or enough when the grace period is over."""
        if len(parts) == len(manifest.shards):
            return True
        if now < manifest.closes_at + manifest.grace or manifest.partial != "count":
            return False
        known = 0 if latest is None else len(latest.statement.shards)
        return len(parts) >= max(manifest.minimum, known + 1)

    def _parts(self, space: str, record: JointRecord) -> list[ShardTally]:
        """The parts that are decided, at hand and go together, in the manifest's order."""
        found = [self._part(space, record, position) for position in range(len(record.manifest.shards))]
        parts, faults = sound_parts(record.manifest, [part for part in found if part is not None])
        for position, why in faults.items():
            _log.error("part %d of %s does not count: %s", position, record.manifest.ballot, why)
        return parts

    def _part(self, space: str, record: JointRecord, position: int) -> ShardTally | None:
        key = (record.digest, position)
        if key not in self._tallies:
            if position == record.position:
                tally = joint.own_tally(self._service, space, record.digest)
            else:
                tally = self._theirs(record.manifest, position, part_origin(record.manifest, position))
            if tally is None:
                return None
            self._tallies[key] = tally
        return self._tallies[key]

    def _theirs(self, manifest: Manifest, position: int, origin: str) -> ShardTally | None:
        """The part of a partner, from our copy of it; None while there is none, or it cannot be believed."""
        instance = manifest.shards[position].instance
        if not self._grown(instance, origin, ("part", position, origin)):
            return None
        try:
            return read_shard(self._files(instance), manifest, position)
        except (NotFound, InvalidStatement) as e:
            _log.info("%s is not there yet: %s", origin, e.detail)
        except GovernanceError as e:
            _log.warning("%s cannot be counted: %s", origin, e.detail)
        return None

    def _files(self, instance: str) -> CopyFiles:
        return CopyFiles(self._node, instance)

    def _grown(self, instance: str, origin: str, what: tuple[str, int, str]) -> bool:
        """Whether our copy of a partner's log is there and larger than when it was last looked at."""
        with self._node.db.read() as conn:
            peer, copy = peers.get(conn, instance), copy_rows.present(conn, origin)
            log = None if copy is None else seen.get(conn, copy.origin)
        if (
            peer is None
            or peer.state != "partner"
            or not peer.understood
            or copy is None
            or log is None
            or log.frozen is not None
        ):
            return False
        if self._looked.get(what) == (copy.origin, copy.size):
            return False
        self._looked[what] = copy.origin, copy.size
        return True

    def _compare(self, space: str, record: JointRecord, ours: LoggedOutcome, now: int) -> None:
        """Dispute when a partner has logged another result over the same parts."""
        theirs = [
            differing
            for position in range(len(record.manifest.shards))
            if position != record.position
            and (differing := self._differing(record, position, ours)) is not None
        ]
        if theirs:
            joint.record_dispute(self._service, space, record.digest, theirs, now)
            _log.error("the result of %s is disputed; there is none", record.manifest.ballot)

    def _differing(self, record: JointRecord, position: int, ours: LoggedOutcome) -> Differing | None:
        shard = record.manifest.shards[position]
        if not self._grown(shard.instance, shard.origin, (ours.digest, position, shard.origin)):
            return None
        try:
            state = read_space(self._files(shard.instance), record.manifest, position)
        except (Refused, Unavailable):
            return None
        known = state.joints.get(record.digest)
        for outcome in () if known is None else known.outcomes:
            same = outcome.statement.shards == ours.statement.shards
            if same and outcome.statement.result.digest != ours.statement.result.digest:
                return Differing(position, outcome.statement.result.digest)
        return None
