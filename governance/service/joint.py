"""Joint ballots on this instance: acceptances recorded, own parts read, outcomes and disputes logged.

Who fetches the other communities' parts (`federation`) comes here with what it has read and verified.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from governance.canonical import decode
from governance.errors import IntegrityFault, InvalidStatement, NotFound
from governance.replay.joint import JointRecord, LoggedOutcome
from governance.replay.joint_manifest import parse_manifest, part_origin, roll_bytes
from governance.replay.joint_parts import Pinned, ShardTally, read_tally
from governance.replay.joint_result import joint_bytes, joint_result
from governance.replay.space import SpaceState
from governance.service import submit
from governance.service.answers import Recorded
from governance.service.batch import Batch, Committed
from governance.service.core import Service
from governance.service.states import LiveBallot
from governance.statements.base import BlobRef, Statement
from governance.statements.electorate import Voter
from governance.statements.entry import Entry
from governance.statements.joint import Differing, JointAcceptance, JointDispute, JointOutcome
from governance.store import blobs, entries

_rows = msgspec.json.Decoder(list[Voter])


def accept(service: Service, space: str, body: bytes) -> tuple[Recorded, bool]:
    """Record a `joint-acceptance` and keep the frozen roll; gives also whether it is new.

    Raises:
        Malformed, Refused: why not.
    """
    now = service.clock()
    entry = service.read(body, now)
    new = entry.statement
    if not isinstance(new, JointAcceptance):
        raise InvalidStatement(f"this takes a joint-acceptance, not {new.KIND}")
    origin = service.states.space_origin(space)
    service.states.get(origin, SpaceState)
    manifest = parse_manifest(new.manifest.encode())
    if submit.recorded_index(service, origin, entry.identity) is None and now >= manifest.opens_at:
        raise InvalidStatement("a joint ballot is accepted before it opens", opens_at=manifest.opens_at)
    return submit.record(service, origin, entry, now, then=lambda batch: _keep_roll(batch, origin, entry))


def _keep_roll(batch: Batch, origin: str, entry: Entry) -> None:
    state = batch.state(origin)
    joints = state.joints.values() if isinstance(state, SpaceState) else ()
    for record in joints:
        if record.accepted == entry.identity and record.rows is not None:
            batch.put_blob(roll_bytes(record.rows))


def record_of(service: Service, space: str, manifest: str) -> JointRecord:
    """A joint ballot that the space has accepted, as stored.

    Raises:
        NotFound: it has not.
    """
    found = next((r for r in records(service, space) if r.digest == manifest), None)
    if found is None:
        raise NotFound(f"{space} has not accepted the manifest {manifest[:80]}")
    return found


def records(service: Service, space: str) -> list[JointRecord]:
    """All joint ballots that the space has accepted, in the order of its log.

    Raises:
        NotFound: no such space.
    """
    origin = service.states.space_origin(space)
    state = service.states.get(origin, SpaceState)
    found = list(state.joints.values())
    with service.store.read() as conn:
        size = entries.head(conn, origin).size
    if any(max(r.index, r.disputed_index, *(o.index for o in r.outcomes)) >= size for r in found):
        # The state runs ahead of the store.
        service.settle()
        found = list(service.states.get(origin, SpaceState).joints.values())
    return sorted(found, key=lambda record: record.index)


def frozen_roll(service: Service, record: JointRecord) -> list[Voter]:
    """The roll that an acceptance froze."""
    with service.store.read() as conn:
        return read_roll(blobs.get_blob(conn, record.acceptance.roll.digest))


def read_roll(data: bytes) -> list[Voter]:
    """The rows of a frozen roll's blob.

    Raises:
        MalformedJson, MalformedStatement: no such rows.
    """
    return decode(data, _rows)


def own_tally(service: Service, space: str, manifest: str) -> ShardTally | None:
    """This space's own part, None until it is decided.

    Raises:
        NotFound: the space has not accepted the manifest.
    """
    record = record_of(service, space, manifest)
    notice = service.states.get(service.states.space_origin(space), SpaceState).outcomes.get(
        record.manifest.ballot
    )
    if notice is None:
        return None
    state = _decided(service, part_origin(record.manifest, record.position))
    pinned = Pinned(state.open_root, notice.size, notice.root)
    return read_tally(record.manifest, record.position, frozen_roll(service, record), state, pinned)


def _decided(service: Service, origin: str) -> LiveBallot:
    """The writer's state of a decided ballot, in which no vote changes any more; it stays unpublished."""

    def op(batch: Batch) -> Callable[[Committed], object]:
        state = batch.state(origin)
        return lambda _committed: state

    state = service.submit(op).result()
    service.states.retire(origin)
    if not isinstance(state, LiveBallot):
        raise IntegrityFault(f"{origin} is not the log of a ballot")
    return state


def record_outcome(
    service: Service, space: str, manifest: str, shards: Sequence[ShardTally], now: int
) -> LoggedOutcome:
    """Log the joint result over these parts; over the same parts as the latest, that one is given.

    Args:
        service: the running one.
        space: that has accepted the manifest.
        manifest: its digest.
        shards: the parts that are decided, read and verified.
        now: Unix seconds.

    Raises:
        NotFound: the space has not accepted the manifest.
        InvalidStatement: the parts contradict each other (fact `shard`), or the fold refuses the outcome.
    """
    record = record_of(service, space, manifest)
    result = joint_result(record.manifest, shards)
    data = joint_bytes(result)
    parts = [shard.ref for shard in sorted(shards, key=lambda s: s.shard)]
    latest = record.latest
    if latest is not None and latest.statement.shards == parts:
        return latest

    def make(batch: Batch, current: JointRecord) -> Statement:
        return JointOutcome(
            space=space,
            manifest=manifest,
            shards=parts,
            missing=[missing.shard for missing in result.missing],
            result=BlobRef(batch.put_blob(data), len(data)),
            supersedes=None if current.latest is None else current.latest.digest,
            counted_at=now,
        )

    _append(service, space, manifest, make)
    found = record_of(service, space, manifest).latest
    if found is None:
        raise IntegrityFault("a joint outcome was recorded and is not there")
    return found


def record_dispute(
    service: Service, space: str, manifest: str, theirs: Sequence[Differing], now: int
) -> JointDispute:
    """Log that others have another result over the parts of our latest outcome; the one that is there if any.

    Raises:
        NotFound: the space has not accepted the manifest.
        InvalidStatement: there is no outcome, or they do not differ.
    """
    record = record_of(service, space, manifest)
    if record.dispute is not None:
        return record.dispute
    if record.latest is None:
        raise InvalidStatement("there is no joint outcome to dispute")
    ours = record.latest.statement.result.digest
    new = JointDispute(space, manifest, ours, sorted(theirs, key=lambda d: d.shard), now)
    _append(service, space, manifest, lambda _batch, _current: new)
    return new


def _append(
    service: Service, space: str, manifest: str, make: Callable[[Batch, JointRecord], Statement]
) -> None:
    origin = service.states.space_origin(space)

    def op(batch: Batch) -> Callable[[Committed], None]:
        state = batch.state(origin)
        if not isinstance(state, SpaceState) or manifest not in state.joints:
            raise NotFound(f"{space} has not accepted the manifest {manifest[:80]}")
        entry = service.sign(make(batch, state.joints[manifest]))
        index = batch.append(origin, entry.data, entry)
        return lambda _committed: service.observed(origin, index, entry.statement)

    service.sequencer.submit(op).result()


def result_of(service: Service, record: JointRecord) -> tuple[bytes, str]:
    """The canonical joint result of the latest outcome, and its digest.

    Raises:
        NotFound: there is none, or it is disputed: then nothing is decided.
    """
    if record.dispute is not None:
        raise NotFound("the joint result is disputed; there is none")
    if record.latest is None:
        raise NotFound("there is no joint result yet")
    digest = record.latest.statement.result.digest
    with service.store.read() as conn:
        return blobs.get_blob(conn, digest), digest
