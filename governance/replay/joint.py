"""Joint ballots in a space's log: acceptance with the roll frozen, outcomes, disputes (protocol 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from governance.errors import (
    AlreadyExists,
    InvalidDefinition,
    InvalidStatement,
    Malformed,
    StaleRevision,
    TooLarge,
)
from governance.replay.authority import require_role, require_service
from governance.replay.joint_manifest import (
    check_manifest,
    check_shard_ballot,
    manifest_digest,
    parse_manifest,
    part_origin,
    roll_ref,
)
from governance.statements.ballot import Ballot
from governance.statements.base import BlobRef
from governance.statements.electorate import Voter, summarise
from governance.statements.entry import Entry
from governance.statements.joint import JointAcceptance, JointDispute, JointOutcome, Manifest

if TYPE_CHECKING:
    from governance.replay.space import SpaceState


@dataclass(frozen=True, slots=True)
class LoggedOutcome:
    """A joint outcome with the digest that names it and its index in the space's log."""

    statement: JointOutcome
    digest: str
    index: int


@dataclass(frozen=True, slots=True)
class JointRecord:
    """A joint ballot that a space takes part in; `rows` is the frozen roll, None once the part has opened."""

    manifest: Manifest
    digest: str
    position: int
    acceptance: JointAcceptance
    accepted: str
    index: int
    rows: tuple[Voter, ...] | None
    outcomes: tuple[LoggedOutcome, ...] = ()
    dispute: JointDispute | None = None
    disputed_index: int = -1

    @property
    def latest(self) -> LoggedOutcome | None:
        """The outcome that supersedes all others; none counts while there is a dispute."""
        return self.outcomes[-1] if self.outcomes else None

    @property
    def state(self) -> str:
        """accepted, partial, decided or disputed."""
        if self.dispute is not None:
            return "disputed"
        if self.latest is None:
            return "accepted"
        return "partial" if self.latest.statement.missing else "decided"


def shard_roll(joints: Mapping[str, JointRecord], ballot: Ballot) -> list[Voter]:
    """The roll of a space's part: frozen at the acceptance, without those who vote in an earlier community.

    Args:
        joints: the space's, by manifest.
        ballot: a definition that says it is such a part.

    Raises:
        InvalidDefinition: no part of a joint ballot that the space has accepted, or another than it accepted.
    """
    joint = ballot.joint
    record = None if joint is None else joints.get(joint.manifest)
    if record is None:
        raise InvalidDefinition("this space has not accepted such a manifest", pointer="/joint/manifest")
    if record.rows is None:
        raise InvalidDefinition("this space's part has opened before", pointer="/joint/manifest")
    joint = check_shard_ballot(record.manifest, record.position, ballot)
    if joint.acceptances[record.position] != record.accepted:
        raise InvalidDefinition(
            "this space's acceptance is another one", pointer=f"/joint/acceptances/{record.position}"
        )
    if joint.excluded and joint.excluded[-1] >= len(record.rows):
        raise InvalidDefinition("the frozen roll has no such row", pointer="/joint/excluded")
    left_out = frozenset(joint.excluded)
    return [voter for row, voter in enumerate(record.rows) if row not in left_out]


def release_rolls(joints: dict[str, JointRecord], ballot: str) -> None:
    """Forget the frozen rolls of manifests whose part has opened under this name."""
    for digest, record in joints.items():
        if record.manifest.ballot == ballot:
            joints[digest] = replace(record, rows=None)


def accept(state: SpaceState, new: JointAcceptance, entry: Entry, index: int) -> None:
    """Fold an acceptance: the roll is the one that the members make at this entry."""
    manifest = _read_manifest(new.manifest)
    digest = manifest_digest(manifest)
    if digest in state.joints:
        raise AlreadyExists("this manifest is accepted already", index=state.joints[digest].index)
    check_manifest(manifest)
    position = _position(state, manifest)
    if manifest.ballot in state.ballots:
        raise AlreadyExists(f"the ballot {manifest.ballot} was opened before", pointer="/manifest")
    if new.accepted_at >= manifest.opens_at:
        raise InvalidStatement(
            "a joint ballot is accepted before it opens", pointer="/accepted_at", opens_at=manifest.opens_at
        )
    require_role(entry, new.signer, state, _permission(state))
    rows = state.roll(manifest.eligibility.roles, manifest.eligibility.weights)
    if not rows:
        raise InvalidStatement("nobody would be on the roll", pointer="/electorate")
    if new.electorate != summarise(rows) or new.roll != _frozen(rows):
        raise StaleRevision(
            "the roll is not the one that the space's members make now; look again and sign anew",
            pointer="/electorate",
        )
    state.joints[digest] = JointRecord(manifest, digest, position, new, entry.identity, index, tuple(rows))


def _read_manifest(text: str) -> Manifest:
    try:
        return parse_manifest(text.encode())
    except Malformed as e:
        raise InvalidStatement(f"the manifest cannot be read: {e.detail}", pointer="/manifest") from e


def _frozen(rows: list[Voter]) -> BlobRef:
    try:
        return roll_ref(rows)
    except TooLarge as e:
        raise InvalidStatement(e.detail, pointer="/roll") from e


def _position(state: SpaceState, manifest: Manifest) -> int:
    space = state.space.space if state.space is not None else ""
    for position, shard in enumerate(manifest.shards):
        if (shard.origin, shard.space, shard.instance) == (state.origin, space, state.instance.instance):
            return position
    raise InvalidStatement("this space is not among the communities of the manifest", pointer="/manifest")


def _permission(state: SpaceState) -> str:
    """A constitution older than joint ballots means whoever may record a ballot."""
    rules = state.constitution
    known = rules is not None and JointAcceptance.KIND in rules.statement.permissions
    return JointAcceptance.KIND if known else Ballot.KIND


def record_of(state: SpaceState, digest: str) -> JointRecord:
    """The joint ballot of a manifest that the space has accepted.

    Raises:
        InvalidStatement: it has not.
    """
    record = state.joints.get(digest)
    if record is None:
        raise InvalidStatement("this space has not accepted such a manifest", pointer="/manifest")
    return record


def decide(state: SpaceState, new: JointOutcome, entry: Entry, index: int) -> None:
    """Fold an outcome, the first or one that supersedes the latest with further parts."""
    require_service(entry, state.instance, state.origin, index)
    record = record_of(state, new.manifest)
    if record.dispute is not None:
        raise InvalidStatement("the joint result is disputed; no further outcome counts")
    _check_parts(record, new)
    _check_own_part(state, record, new)
    manifest = record.manifest
    if len(new.shards) < manifest.minimum:
        raise InvalidStatement(f"the manifest asks for {manifest.minimum} parts", pointer="/shards")
    due = manifest.closes_at + (manifest.grace if new.missing else 0)
    if new.counted_at < due:
        raise InvalidStatement("counted before the manifest allows it", pointer="/counted_at", due=due)
    latest = record.latest
    if new.supersedes != (None if latest is None else latest.digest):
        raise StaleRevision("an outcome supersedes the latest one", pointer="/supersedes")
    if latest is not None:
        before = latest.statement.shards
        if len(new.shards) <= len(before) or any(part not in new.shards for part in before):
            raise InvalidStatement("a later outcome only adds parts", pointer="/shards")
    outcome = LoggedOutcome(new, entry.identity, index)
    state.joints[record.digest] = replace(record, outcomes=(*record.outcomes, outcome))


def _check_parts(record: JointRecord, new: JointOutcome) -> None:
    there = [part.shard for part in new.shards]
    if there != sorted(set(there)) or new.missing != sorted(set(new.missing)):
        raise InvalidStatement("parts stand once each, in the manifest's order", pointer="/shards")
    if sorted(there + new.missing) != list(range(len(record.manifest.shards))):
        raise InvalidStatement("every part is either there or missing", pointer="/missing")
    for place, part in enumerate(new.shards):
        if part.origin != part_origin(record.manifest, part.shard):
            raise InvalidStatement("this part has another origin", pointer=f"/shards/{place}/origin")


def _check_own_part(state: SpaceState, record: JointRecord, new: JointOutcome) -> None:
    """This log announces its own part's outcome: a part that is there is pinned where the notice pins it."""
    notice = state.outcomes.get(record.manifest.ballot)
    own = next((part for part in new.shards if part.shard == record.position), None)
    if own is None and notice is not None:
        raise InvalidStatement("this space's own part is decided, not missing", pointer="/missing")
    if own is not None and (notice is None or (own.size, own.root) != (notice.size, notice.root)):
        raise InvalidStatement("this log pins its own part to another size or root", pointer="/shards")


def dispute(state: SpaceState, new: JointDispute, entry: Entry, index: int) -> None:
    """Fold a dispute over the latest outcome."""
    require_service(entry, state.instance, state.origin, index)
    record = record_of(state, new.manifest)
    if record.dispute is not None:
        raise AlreadyExists("this joint result is disputed already", index=record.disputed_index)
    latest = record.latest
    if latest is None or latest.statement.result.digest != new.ours:
        raise InvalidStatement("a dispute is over the latest outcome of this log", pointer="/ours")
    others = {part.shard for part in latest.statement.shards} | set(latest.statement.missing)
    others.discard(record.position)
    named = [differing.shard for differing in new.theirs]
    if named != sorted(set(named)) or not others.issuperset(named):
        raise InvalidStatement("other participants stand once each, ascending", pointer="/theirs")
    if any(differing.result == new.ours for differing in new.theirs):
        raise InvalidStatement("this participant has the same result", pointer="/theirs")
    state.joints[record.digest] = replace(record, dispute=new, disputed_index=index)
