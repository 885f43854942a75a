"""A space's log as state: members, constitution, roadmap, ballots, commitments (DESIGN 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from governance.errors import AlreadyExists, InvalidStatement, StaleRevision, Unsupported
from governance.log.merkle import leaf_hash, root
from governance.replay import joint, ownership
from governance.replay.authority import (
    InstanceKeys,
    require_any_role,
    require_founder,
    require_member,
    require_role,
    require_service,
)
from governance.replay.delegation_records import Delegated, DelegationRecord, check_delegation
from governance.replay.enrolment import MemberRecord, authorise_enrolment
from governance.replay.ownership import Ownership
from governance.statements.ballot import Ballot
from governance.statements.base import BoundStatement, Key, Statement
from governance.statements.delegation import Delegation
from governance.statements.electorate import Voter, voter_row
from governance.statements.entry import Entry, verify_signer
from governance.statements.joint import JointAcceptance, JointDispute, JointOutcome
from governance.statements.member import Member
from governance.statements.roadmap import Commitment, CommitmentUpdate, RoadmapEdition, RoadmapItem
from governance.statements.roadmap_links import (
    ItemLink,
    TransferAccept,
    TransferClose,
    TransferDecline,
    TransferOffer,
)
from governance.statements.space import BallotNotice, BallotOrder, Constitution, OutcomeNotice, Space

T = TypeVar("T", bound=Statement)


@dataclass(frozen=True, slots=True)
class Recorded(Generic[T]):
    """A statement with the digest that names it and its index in the log."""

    statement: T
    digest: str
    index: int


@dataclass(slots=True)
class SpaceState:
    """Fold of a space's log.

    `former` keeps the earlier revisions of members who have any, `granted` the roles that any constitution
    gave for a kind. `bound` once statements have to name the instance (`BoundStatement`).
    """

    origin: str
    instance: InstanceKeys
    size: int = 0
    bound: bool = False
    space: Space | None = None
    constitution: Recorded[Constitution] | None = None
    members: dict[str, MemberRecord] = field(default_factory=dict)
    former: dict[str, list[MemberRecord]] = field(default_factory=dict)
    granted: dict[str, frozenset[str]] = field(default_factory=dict)
    items: dict[str, Recorded[RoadmapItem]] = field(default_factory=dict)
    editions: list[Recorded[RoadmapEdition]] = field(default_factory=list)
    ballots: dict[str, BallotNotice] = field(default_factory=dict)
    outcomes: dict[str, OutcomeNotice] = field(default_factory=dict)
    orders: dict[str, BallotOrder] = field(default_factory=dict)
    commitments: dict[str, Recorded[Commitment]] = field(default_factory=dict)
    updates: dict[str, list[CommitmentUpdate]] = field(default_factory=dict)
    delegations: dict[str, dict[str, DelegationRecord]] = field(default_factory=dict)
    joints: dict[str, joint.JointRecord] = field(default_factory=dict)
    ownership: Ownership = field(default_factory=Ownership)
    identities: dict[str, int] = field(default_factory=dict)

    def key_of(self, member: str) -> Key | None:
        """The member's current key; None when never enrolled."""
        record = self.members.get(member)
        return None if record is None else record.key

    def roles_of(self, member: str) -> frozenset[str]:
        """The roles of an active member; empty otherwise."""
        record = self.members.get(member)
        return frozenset(record.roles) if record is not None and record.status == "active" else frozenset()

    def permitted(self, kind: str) -> frozenset[str]:
        """The roles that may record this kind; before there is a constitution, stewards may all."""
        if self.constitution is None:
            return frozenset({"steward"})
        return frozenset(self.constitution.statement.permissions.get(kind, ()))

    def keys_once(self, member: str, kind: str) -> Iterator[Key]:
        """The keys under which the member could ever record this kind, by any constitution so far."""
        allowed = self.granted.get(kind, frozenset({"steward"}))
        for record in (*self.former.get(member, ()), self.members.get(member)):
            if record is not None and record.status == "active" and allowed & frozenset(record.roles):
                yield record.key

    def order_of(self, digest: str) -> BallotOrder | None:
        """The steward's order of that digest."""
        return self.orders.get(digest)

    def may_delegate(self) -> bool:
        """Whether the constitution allows delegation."""
        return self.constitution is not None and self.constitution.statement.delegation_quarters is not None

    def delegated(self) -> Delegated:
        """The latest delegations by delegator and scope."""
        return self.delegations

    def roll(self, roles: list[str], weights: str) -> list[Voter]:
        """The rows of everybody entitled to vote now, ascending by id; weight 0 is left out."""
        wanted = frozenset(roles)
        rows = [
            voter_row(m.id, m.key, m.weight if weights == "enrolled" else "1")
            for m in list(self.members.values())  # at once: the writer may be enrolling somebody
            if m.status == "active" and wanted & frozenset(m.roles)
        ]
        return sorted((row for row in rows if row.weight != "0"), key=lambda row: row.id)

    def shard_roll(self, ballot: Ballot) -> list[Voter]:
        """The rows of a part of a joint ballot: as frozen when this space accepted its manifest."""
        return joint.shard_roll(self.joints, ballot)

    def require_bound(self, statement: BoundStatement, *, bound: bool, pointer: str = "") -> None:
        """Refuse what was signed for a space of this name at another instance.

        Raises:
            InvalidStatement: it names another instance, or none where it has to.
        """
        if statement.instance is None and bound:
            raise InvalidStatement(
                f"this space asks for the instance's id in what is signed for it: {self.instance.instance}",
                pointer=f"{pointer}/instance",
            )
        if statement.instance not in {None, self.instance.instance}:
            raise InvalidStatement("this statement is for another instance", pointer=f"{pointer}/instance")

    def admit(self, index: int, entry: Entry) -> None:
        """Fold one entry.

        Raises:
            Refused: with the rule it breaks; the state is unchanged.
        """
        if index != self.size:
            raise InvalidStatement(f"entry {index} does not follow a log of {self.size} entries")
        known = self.identities.get(entry.identity)
        if known is not None:
            raise AlreadyExists(f"this statement is entry {known} already", index=known)
        statement = entry.statement
        handler = _HANDLERS.get(type(statement))
        if handler is None:
            raise Unsupported(f"a space's log holds no {statement.KIND}")
        if (self.space is None) != isinstance(statement, Space):
            raise InvalidStatement("a space's log begins with its founding, once")
        if self.space is not None and getattr(statement, "space", None) != self.space.space:
            raise InvalidStatement("this statement is for another space", pointer="/space")
        if isinstance(statement, BoundStatement):
            self.require_bound(statement, bound=self.bound)
        handler(self, statement, entry, index)
        self.identities[entry.identity] = index
        self.size += 1


def _found(state: SpaceState, new: Space, entry: Entry, index: int) -> None:
    if new.origin != state.origin or new.instance != state.instance.instance:
        raise InvalidStatement("the founding names another log or instance", pointer="/origin")
    require_founder(entry, state.instance.once)
    founders = {}
    bound = any(member.instance is not None for member in new.founders)
    for position, member in enumerate(new.founders):
        pointer = f"/founders/{position}"
        state.require_bound(member, bound=bound, pointer=pointer)
        if member.space != new.space or member.previous is not None or member.status != "active":
            raise InvalidStatement("a founder is a first, active enrolment in this space", pointer=pointer)
        verify_signer(entry, member.member, member.key)
        founders[member.member] = MemberRecord.of(member, entry.identity, index)
    if not any("steward" in m.roles for m in new.founders):
        raise InvalidStatement("a space needs a steward among its founders", pointer="/founders")
    state.space = new
    state.bound = bound
    state.members.update(founders)


def _constitution(state: SpaceState, new: Constitution, entry: Entry, index: int) -> None:
    old = state.constitution
    if new.previous != (old.digest if old else None) or new.revision != (
        old.statement.revision + 1 if old else 1
    ):
        raise StaleRevision("the constitution was revised since this one was written", pointer="/previous")
    if "steward" not in new.permissions.get("constitution", []):
        raise InvalidStatement(
            "nobody could ever change this constitution", pointer="/permissions/constitution"
        )
    calendar = new.calendar
    if calendar is not None and calendar.closes_days_before >= calendar.opens_days_before:
        raise InvalidStatement("the ballot would close before it opens", pointer="/calendar")
    require_any_role(entry, state)
    state.constitution = Recorded(new, entry.identity, index)
    state.bound = state.bound or new.instance is not None
    for kind, roles in new.permissions.items():
        state.granted[kind] = state.granted.get(kind, frozenset()) | frozenset(roles)


def _member(state: SpaceState, new: Member, entry: Entry, index: int) -> None:
    old = state.members.get(new.member)
    authorise_enrolment(state, old, new, entry)
    if old is not None:
        state.former.setdefault(new.member, []).append(old)
    state.members[new.member] = MemberRecord.of(new, entry.identity, index)


def _item(state: SpaceState, new: RoadmapItem, entry: Entry, index: int) -> None:
    state.ownership.require_home(new.item)
    old = state.items.get(new.item)
    if new.previous != (old.digest if old else None) or new.revision != (
        old.statement.revision + 1 if old else 1
    ):
        raise StaleRevision(
            f"the item {new.item} is at revision {old.statement.revision if old else 0}; build on that one",
            pointer="/previous",
        )
    require_any_role(entry, state)
    state.items[new.item] = Recorded(new, entry.identity, index)


def _edition(state: SpaceState, new: RoadmapEdition, entry: Entry, index: int) -> None:
    if (new.items, new.root) != edition_of(state):
        raise InvalidStatement("the edition is not the roadmap as recorded before it", pointer="/root")
    require_any_role(entry, state)
    state.editions.append(Recorded(new, entry.identity, index))


def edition_of(state: SpaceState) -> tuple[int, str]:
    """Number of items and root over their revisions, as a `roadmap-edition` states them."""
    leaves = [leaf_hash(item.digest.encode()) for item in own_items(state)]
    return len(leaves), root(leaves).hex()


def own_items(state: SpaceState) -> list[Recorded[RoadmapItem]]:
    """The roadmap: every item that has its home here, at its latest revision, ascending by id."""
    moved_to = state.ownership.moved_to
    return [state.items[item] for item in sorted(state.items) if moved_to(item) is None]


def _order(state: SpaceState, new: BallotOrder, entry: Entry, index: int) -> None:
    require_role(entry, new.signer, state)
    state.orders[entry.identity] = new


def _ballot_notice(state: SpaceState, new: BallotNotice, entry: Entry, index: int) -> None:
    require_service(entry, state.instance, state.origin, index)
    if new.ballot in state.ballots:
        raise AlreadyExists(f"the ballot {new.ballot} was opened before", pointer="/ballot")
    state.ballots[new.ballot] = new
    joint.release_rolls(state.joints, new.ballot)


def _outcome_notice(state: SpaceState, new: OutcomeNotice, entry: Entry, index: int) -> None:
    require_service(entry, state.instance, state.origin, index)
    notice = state.ballots.get(new.ballot)
    if notice is None or notice.definition != new.definition or new.ballot in state.outcomes:
        raise InvalidStatement("this outcome belongs to no open ballot of the space", pointer="/ballot")
    state.outcomes[new.ballot] = new


def _delegation(state: SpaceState, new: Delegation, entry: Entry, index: int) -> None:
    records = state.delegations.get(new.delegator, {})
    constitution = state.constitution
    reach = None if constitution is None else constitution.statement.delegation_quarters
    require_member(entry, new.delegator, state)
    check_delegation(new, records, state.members, reach)
    record = DelegationRecord(tuple(new.delegates), new.expires, new.sequence, index)
    # A new dict: an earlier head that somebody keeps stays as it was.
    state.delegations[new.delegator] = {**records, new.scope: record}


def _commitment(state: SpaceState, new: Commitment, entry: Entry, index: int) -> None:
    outcome = state.outcomes.get(new.ballot)
    if outcome is None or outcome.outcome != new.outcome:
        raise InvalidStatement("there is no such outcome in this space", pointer="/outcome")
    if new.item not in state.items:
        raise InvalidStatement(f"the roadmap has no item {new.item}", pointer="/item")
    if new.commitment in state.commitments:
        raise AlreadyExists(f"the commitment {new.commitment} exists", pointer="/commitment")
    if new.owner not in state.members:
        raise InvalidStatement("the owner is not a member of this space", pointer="/owner")
    require_any_role(entry, state)
    state.commitments[new.commitment] = Recorded(new, entry.identity, index)


def _commitment_update(state: SpaceState, new: CommitmentUpdate, entry: Entry, index: int) -> None:
    commitment = state.commitments.get(new.commitment)
    if commitment is None or commitment.digest != new.previous:
        raise StaleRevision(f"the commitment {new.commitment} is not at this revision", pointer="/previous")
    require_any_role(entry, state)
    state.updates.setdefault(new.commitment, []).append(new)
    state.commitments[new.commitment] = Recorded(commitment.statement, entry.identity, index)


_Handler = Callable[[SpaceState, Any, Entry, int], None]
_HANDLERS: dict[type[Statement], _Handler] = {
    Space: _found,
    Constitution: _constitution,
    Member: _member,
    RoadmapItem: _item,
    RoadmapEdition: _edition,
    BallotOrder: _order,
    BallotNotice: _ballot_notice,
    OutcomeNotice: _outcome_notice,
    Delegation: _delegation,
    Commitment: _commitment,
    CommitmentUpdate: _commitment_update,
    JointAcceptance: joint.accept,
    JointOutcome: joint.decide,
    JointDispute: joint.dispute,
    ItemLink: ownership.link,
    TransferOffer: ownership.offer,
    TransferAccept: ownership.accept,
    TransferDecline: ownership.decline,
    TransferClose: ownership.close,
}
