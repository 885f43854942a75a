"""A ballot's log as state: definition, roll, opening, votes, close, outcome (DESIGN 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from governance.canonical import sha256
from governance.errors import (
    BallotClosed,
    BallotNotOpen,
    InvalidDefinition,
    InvalidStatement,
    StaleRevision,
    Unsupported,
    WrongBallot,
)
from governance.replay.authority import (
    InstanceKeys,
    Members,
    require_role,
    require_role_once,
    require_service,
)
from governance.replay.casts import Casts
from governance.replay.definition import Definition, check_definition
from governance.replay.delegation import Chosen
from governance.replay.delegation_records import choose
from governance.replay.roll import Roll
from governance.replay.vote import CheckedVote, check_vote, enrolled_key
from governance.statements.ballot import Ballot
from governance.statements.base import Statement
from governance.statements.closing import Cancellation, Close, Extension, NonceReveal, Outcome
from governance.statements.delegation import DelegationSnapshot
from governance.statements.electorate import Electorate, Voter, summarise
from governance.statements.entry import Entry, verify_signer
from governance.statements.space import BallotOrder
from governance.statements.vote import Dispute, NonceCommitment, Opening, Ruling, Vote


@dataclass(slots=True)
class BallotState:
    """Fold of a ballot's log.

    `members` is what the space's log says: at the head that the opening names while the ballot is defined and
    opened, at the head that the delegation snapshot names for that entry, at its present end otherwise.
    Whoever folds a log after the fact sets it anew at these places.
    """

    origin: str
    instance: InstanceKeys
    members: Members
    size: int = 0
    definition: Definition | None = None
    roll: Roll = field(default_factory=Roll)
    commitments: dict[str, str] = field(default_factory=dict)
    opening: Opening | None = None
    opening_index: int = -1
    casts: Casts = field(default_factory=lambda: Casts(Roll()))
    closes_at: int = 0
    extended: bool = False
    snapshot: DelegationSnapshot | None = None
    chosen: Chosen | None = None
    close: Close | None = None
    close_index: int = -1
    nonces: dict[str, bytes] = field(default_factory=dict)
    outcome: Outcome | None = None
    outcome_digest: str | None = None
    cancellation: Cancellation | None = None
    disputes: dict[str, Dispute] = field(default_factory=dict)
    rulings: dict[str, Ruling] = field(default_factory=dict)

    def admit(self, index: int, entry: Entry) -> None:
        """Fold one entry, signature included.

        Raises:
            Refused: with the rule it breaks; the state is unchanged.
        """
        statement = entry.statement
        if isinstance(statement, Vote):
            self._follows(index)
            definition = self.accepting()
            self.admit_vote(index, check_vote(entry, definition, enrolled_key(self.roll, statement.voter)))
            return
        self._follows(index)
        if self.snapshot is not None and self.close is None and not isinstance(statement, Close):
            raise InvalidStatement("the close follows a delegation snapshot at once")
        handler = _HANDLERS.get(type(statement))
        if handler is None:
            raise Unsupported(f"a ballot's log holds no {statement.KIND}")
        handler(self, statement, entry, index)
        self.size += 1

    def admit_vote(self, index: int, vote: CheckedVote) -> None:
        """Fold a vote whose content and signature `check_vote` has judged.

        Raises:
            Refused: not open, not on the roll, a duplicate, stale; the state is unchanged.
        """
        self._follows(index)
        self.accepting()
        row = self.casts.check(vote)
        self.casts.record(index, row, vote)
        self.size += 1

    def accepting(self) -> Definition:
        """The definition, while votes are accepted at the present end of the log.

        Raises:
            BallotNotOpen, BallotClosed: with the times.
        """
        definition = self.definition
        if definition is None or self.opening is None:
            opens = definition.ballot.opens_at if definition else 0
            raise BallotNotOpen("this ballot has not opened", opens_at=opens)
        if self.close is not None or self.cancellation is not None or self.snapshot is not None:
            closed = self.close.closed_at if self.close else self.closes_at
            raise BallotClosed("this ballot has closed", opened_at=self.opening.opened_at, closed_at=closed)
        return definition

    def quorum_met(self) -> bool:
        """Whether the votes so far reach the definition's quorum by themselves.

        Delegated weight is known only at the close; `replay.result` counts it.
        """
        definition = self.definition
        if definition is None or definition.ballot.quorum is None:
            return True
        quorum = definition.ballot.quorum
        blank = 0 if quorum.abstentions_count else self.casts.blank_weight
        return quorum.participation.met(self.casts.weight - blank, int(self.roll.summary().weight))

    def _follows(self, index: int) -> None:
        if index != self.size:
            raise InvalidStatement(f"entry {index} does not follow a log of {self.size} entries")


def _define(state: BallotState, ballot: Ballot, entry: Entry, index: int) -> None:
    if index != 0:
        raise InvalidStatement("a ballot's log begins with its definition, once")
    if ballot.origin != state.origin:
        raise WrongBallot(f"this log is {state.origin}", pointer="/origin")
    definition = check_definition(ballot, entry.identity)
    require_role(entry, ballot.signer, state.members)
    check_delegating(ballot, state.members)
    if ballot.joint is not None:
        state.members.shard_roll(ballot)
    state.definition = definition
    state.closes_at = ballot.closes_at


def check_delegating(ballot: Ballot, members: Members) -> None:
    """That a ballot takes delegations only where the constitution allows them.

    Raises:
        InvalidDefinition: it allows none.
    """
    if ballot.delegation_rule is not None and not members.may_delegate():
        raise InvalidDefinition("the constitution of this space allows no delegation", pointer="/delegation")


def entitled(ballot: Ballot, members: Members) -> list[Voter]:
    """The rows of everybody who may vote, ascending by id: the space's members now, or a part's frozen roll.

    Raises:
        InvalidDefinition: a part of a joint ballot that the space has not accepted like this.
    """
    if ballot.joint is not None:
        return list(members.shard_roll(ballot))
    return list(members.roll(ballot.eligibility.roles, ballot.eligibility.weights))


def _defined(state: BallotState, digest: str) -> Definition:
    if state.definition is None:
        raise InvalidStatement("the log does not begin with a definition")
    if state.definition.digest != digest:
        raise WrongBallot("this is for another version of the definition", pointer="/definition")
    return state.definition


def _before_opening(state: BallotState, digest: str) -> Definition:
    if state.opening is not None:
        raise InvalidStatement("the ballot is open; its roll and definition are frozen")
    return _defined(state, digest)


def _page(state: BallotState, page: Electorate, entry: Entry, index: int) -> None:
    _before_opening(state, page.definition)
    if state.commitments:
        raise InvalidStatement("the roll comes before the nonce commitments")
    require_service(entry, state.instance, state.origin, index)
    state.roll.add_page(page)


def _commit_nonce(state: BallotState, new: NonceCommitment, entry: Entry, index: int) -> None:
    definition = _before_opening(state, new.definition)
    _holder(definition, new.holder, entry)
    if new.holder in state.commitments:
        raise StaleRevision("this holder has committed already", pointer="/holder")
    state.commitments[new.holder] = new.commitment


def _holder(definition: Definition, holder: str, entry: Entry) -> None:
    key = next((h.key for h in definition.ballot.nonce_holders if h.id == holder), None)
    if key is None:
        raise InvalidStatement("the definition names no such nonce holder", pointer="/holder")
    verify_signer(entry, holder, key)


def _open(state: BallotState, new: Opening, entry: Entry, index: int) -> None:
    definition = _before_opening(state, new.definition)
    require_service(entry, state.instance, state.origin, index)
    ballot = definition.ballot
    if new.ballot != state.origin or new.instance != state.instance.instance:
        raise WrongBallot("the opening names another ballot or instance", pointer="/ballot")
    if new.electorate != state.roll.summary():
        raise InvalidStatement("the opening does not match the roll before it", pointer="/electorate")
    if new.electorate != summarise(entitled(ballot, state.members)):
        raise InvalidStatement("the roll is not the one the space's members make", pointer="/electorate")
    if len(state.roll) == 0:
        raise InvalidStatement("nobody is on the roll", pointer="/electorate")
    if new.order is not None:
        _ordered(state, new.order, "open")
    elif new.opened_at < ballot.opens_at:
        raise InvalidStatement("opened before its time without an order", pointer="/opened_at")
    if new.opened_at >= ballot.closes_at:
        raise InvalidStatement("opened after its planned close", pointer="/opened_at")
    state.opening, state.opening_index = new, index
    state.casts = Casts(state.roll)


def _ordered(state: BallotState, digest: str, action: str) -> BallotOrder:
    order = state.members.order_of(digest)
    definition = state.definition
    if order is None or definition is None or (order.action, order.definition) != (action, definition.digest):
        raise InvalidStatement(
            f"the space's log holds no such order to {action} this ballot", pointer="/order"
        )
    return order


def _extend(state: BallotState, new: Extension, entry: Entry, index: int) -> None:
    definition = _defined(state, new.definition)
    state.accepting()
    require_service(entry, state.instance, state.origin, index)
    ballot = definition.ballot
    if ballot.extension == 0 or state.extended:
        raise InvalidStatement("the definition allows no (further) extension")
    if new.closes_at != ballot.closes_at + ballot.extension:
        raise InvalidStatement("extended by another time than the definition says", pointer="/closes_at")
    if new.extended_at < ballot.closes_at or state.quorum_met():
        raise InvalidStatement("an extension needs the planned close to be reached without a quorum")
    state.extended, state.closes_at = True, new.closes_at


def _snapshot(state: BallotState, new: DelegationSnapshot, entry: Entry, index: int) -> None:
    definition = _defined(state, new.definition)
    state.accepting()
    require_service(entry, state.instance, state.origin, index)
    rule, opening = definition.ballot.delegation_rule, state.opening
    if rule is None or opening is None:
        raise InvalidStatement("the definition allows no delegation")
    if new.ballot != state.origin:
        raise WrongBallot("the snapshot names another ballot", pointer="/ballot")
    if new.space.origin != opening.space.origin or new.space.size < opening.space.size:
        raise InvalidStatement("the snapshot is not of this space since the opening", pointer="/space")
    delegated = state.members.delegated()
    if delegated is not None:
        chosen = choose(delegated, state.roll, definition.ballot, rule)
        if new.live != chosen.live:
            raise InvalidStatement(f"{chosen.live} delegations reach this ballot there", pointer="/live")
        state.chosen = chosen
    state.snapshot = new


def _close(state: BallotState, new: Close, entry: Entry, index: int) -> None:
    definition = _defined(state, new.definition)
    if state.snapshot is None or state.close is not None:
        state.accepting()
        if definition.ballot.delegation_rule is not None:
            raise InvalidStatement("the close of this ballot needs a delegation snapshot before it")
    require_service(entry, state.instance, state.origin, index)
    if new.order is None and new.closed_at < state.closes_at:
        raise InvalidStatement("closed before its time without an order", pointer="/closed_at")
    if new.order is not None:
        if definition.ballot.early_close != "steward":
            raise InvalidStatement("the definition forbids closing early", pointer="/order")
        _ordered(state, new.order, "close")
    if new.votes != state.casts.accepted:
        raise InvalidStatement(f"{state.casts.accepted} votes precede this close", pointer="/votes")
    state.close, state.close_index = new, index


def _reveal_nonce(state: BallotState, new: NonceReveal, entry: Entry, index: int) -> None:
    definition = _defined(state, new.definition)
    if state.close is None or state.outcome is not None:
        raise InvalidStatement("nonces are revealed between close and outcome")
    _holder(definition, new.holder, entry)
    nonce = bytes.fromhex(new.nonce) if len(new.nonce) % 2 == 0 else b""
    if sha256(nonce).hex() != state.commitments.get(new.holder):
        raise InvalidStatement("this is not the number that was committed to", pointer="/nonce")
    state.nonces[new.holder] = nonce


def _decide(state: BallotState, new: Outcome, entry: Entry, index: int) -> None:
    _defined(state, new.definition)
    require_service(entry, state.instance, state.origin, index)
    if state.close is None or state.outcome is not None or new.close != state.close_index:
        raise InvalidStatement("an outcome follows the close, once", pointer="/close")
    state.outcome, state.outcome_digest = new, entry.identity


def _cancel(state: BallotState, new: Cancellation, entry: Entry, index: int) -> None:
    _defined(state, new.definition)
    state.accepting()
    require_service(entry, state.instance, state.origin, index)
    order = _ordered(state, new.order, "cancel")
    if (new.signer, new.reason) != (order.signer, order.reason):
        raise InvalidStatement("the cancellation says something else than its order", pointer="/reason")
    state.cancellation = new


def _dispute(state: BallotState, new: Dispute, entry: Entry, index: int) -> None:
    _defined(state, new.definition)
    if state.opening is None or new.entry >= index:
        raise InvalidStatement("a dispute names an entry before it", pointer="/entry")
    require_role_once(entry, new.signer, state.members)
    if entry.identity in state.disputes:
        raise StaleRevision("this dispute is recorded already")
    state.disputes[entry.identity] = new


def _rule(state: BallotState, new: Ruling, entry: Entry, index: int) -> None:
    _defined(state, new.definition)
    if new.dispute not in state.disputes or new.dispute in state.rulings:
        raise InvalidStatement("a ruling answers an open dispute", pointer="/dispute")
    require_role_once(entry, new.signer, state.members)
    state.rulings[new.dispute] = new


_Handler = Callable[[BallotState, Any, Entry, int], None]
_HANDLERS: dict[type[Statement], _Handler] = {
    Ballot: _define,
    Electorate: _page,
    NonceCommitment: _commit_nonce,
    Opening: _open,
    Extension: _extend,
    DelegationSnapshot: _snapshot,
    Close: _close,
    NonceReveal: _reveal_nonce,
    Outcome: _decide,
    Cancellation: _cancel,
    Dispute: _dispute,
    Ruling: _rule,
}
