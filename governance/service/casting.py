"""From the bytes of a vote to its place in the log (DESIGN 5)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from governance import limits
from governance.errors import (
    AlreadyExists,
    BallotClosed,
    BallotNotOpen,
    InvalidStatement,
    NotFound,
    TooLarge,
    WrongBallot,
)
from governance.replay.vote import check_vote, enrolled_key
from governance.service import ballots, cosigned, lifecycle, receipts
from governance.service.answers import VoteRecorded
from governance.service.batch import Batch, Committed
from governance.service.core import Service, check_time
from governance.service.states import CastVote, LiveBallot
from governance.statements.entry import read_entry, read_envelope
from governance.statements.vote import Vote
from governance.store import entries
from governance.store.entries import table_of
from governance.store.projected import BallotRow, VoteRow
from governance.store.tables import Log

_votes: Final = table_of(VoteRow)
_ballots: Final = table_of(BallotRow)
_logs: Final = table_of(Log)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Exactly this vote is entry `index` of the log already."""

    origin: str
    index: int


def cast(service: Service, space: str, ballot: str, body: bytes) -> Future[VoteRecorded | Duplicate]:
    """Judge a vote and queue it; the future answers when it is durable.

    A vote that is recorded is acknowledged again even after the close: somebody whose first answer was lost
    must not be told that they were late.

    Raises:
        Malformed, Refused, Unavailable: why not; nothing is stored then.
    """
    try:
        return queue(service, check(service, space, ballot, body))
    except BallotClosed:
        found = _recorded_before(service, body)
        if found is None:
            raise
        answered: Future[VoteRecorded | Duplicate] = Future()
        answered.set_result(found)
        return answered


def _recorded_before(service: Service, body: bytes) -> Duplicate | None:
    """Where exactly this vote is the voter's counting vote."""
    entry = read_envelope(body)
    vote = entry.statement
    if not isinstance(vote, Vote):
        return None
    with service.store.read() as conn:
        chosen = (
            sa.select(_votes.c.idx)
            .join(_logs, _logs.c.id == _votes.c.log_id)
            .where(
                _logs.c.name == vote.ballot,
                _votes.c.voter == vote.voter,
                _votes.c.identity == bytes.fromhex(entry.identity[7:]),
            )
        )
        index = conn.scalar(chosen)
    return None if index is None else Duplicate(vote.ballot, index)


def check(service: Service, space: str, ballot: str, body: bytes) -> CastVote:
    """The vote, judged by itself: form, ballot, window, roll, answers, signature.

    Raises:
        Malformed, Refused: why not.
    """
    if len(body) > limits.VOTE_BODY:
        raise TooLarge(f"a vote has at most {limits.VOTE_BODY} bytes")
    entry = read_envelope(body)
    vote = entry.statement
    if not isinstance(vote, Vote):
        raise InvalidStatement(f"this takes a vote, not a {vote.KIND}")
    now = service.clock()
    state = _open_ballot(service, space, ballot, vote, now)
    definition = state.accepting()
    check_time(vote, now)
    checked = check_vote(entry, definition, enrolled_key(state.roll, vote.voter))
    service.hooks.before_record(state.origin, vote, now)
    return CastVote(vote, entry.identity, entry.data, checked)


def _open_ballot(service: Service, space: str, ballot: str, vote: Vote, now: int) -> LiveBallot:
    origin = service.states.ballot_origin(space, ballot)
    try:
        state = service.states.get(origin, LiveBallot)
    except NotFound:
        state = _from_store(service, space, ballot, vote, now)
    if vote.ballot != origin or state.definition is None or vote.definition != state.definition.digest:
        place = "/ballot" if vote.ballot != origin else "/definition"
        raise WrongBallot("this vote is for another ballot or another version of it", pointer=place)
    if now >= state.closes_at and state.close is None:
        # The calendar counts it: a crowd that comes late would count it as many times at once.
        lifecycle.end(service, origin, now)
    if now >= state.closes_at and state.opening is not None:
        raise BallotClosed(
            "voting in this ballot has ended",
            opened_at=state.opening.opened_at,
            closed_at=state.closes_at,
        )
    return state


def _from_store(service: Service, space: str, ballot: str, vote: Vote, now: int) -> LiveBallot:
    """A ballot whose state is not in memory: open after all, finished, or a draft."""
    row = ballots.row_of(service.store, space, ballot)
    if row is None:
        draft = ballots.draft_of(service.store, space, ballot)
        if draft.identity != vote.definition:
            raise WrongBallot("this vote is for another version of the definition", pointer="/definition")
        opens_at, closes_at = draft.statement.opens_at, draft.statement.closes_at
        late = " It was due and has not opened; ask a steward." if now >= opens_at else ""
        raise BallotNotOpen(
            f"voting in this ballot has not opened.{late}", opens_at=opens_at, closes_at=closes_at, now=now
        )
    if row.definition != vote.definition:
        raise WrongBallot("this vote is for another version of the definition", pointer="/definition")
    if row.phase not in {"open", "defined"}:
        closed_at = row.closed_at or row.cancelled_at or row.closes_at
        raise BallotClosed("this ballot has closed", opened_at=row.opened_at or 0, closed_at=closed_at)
    return lifecycle.live(service, service.states.ballot_origin(space, ballot))


def queue(service: Service, vote: CastVote) -> Future[VoteRecorded | Duplicate]:
    """Queue a judged vote for the writer.

    Raises:
        QueueFull, Unavailable: nothing is stored.
    """
    origin = vote.statement.ballot

    def op(batch: Batch) -> Callable[[Committed], VoteRecorded | Duplicate]:
        state = batch.state(origin)
        if not isinstance(state, LiveBallot):
            raise WrongBallot("this is not the log of a ballot", pointer="/ballot")
        before = state.casts.counting_index(vote.statement.voter)
        try:
            index = batch.append(origin, vote.data, vote)
        except AlreadyExists as e:
            known = int(str(e.facts["index"]))
            return lambda _committed: Duplicate(origin, known)
        return _finish(service, vote, index, before, state)

    return service.sequencer.submit(op)


def _finish(
    service: Service, vote: CastVote, index: int, before: int | None, state: LiveBallot
) -> Callable[[Committed], VoteRecorded]:
    closes_at = state.closes_at
    waits = state.definition is not None and state.definition.ballot.witness_policy

    def finish(committed: Committed) -> VoteRecorded:
        origin = vote.statement.ballot
        service.observed(origin, index, vote.statement)
        return VoteRecorded(
            index=index,
            digest=vote.identity,
            voter=vote.statement.voter,
            receipt=receipts.fresh(committed, origin, index),
            entry=receipts.text(vote.data),
            vkey=committed.head(origin).vkey,
            closes_at=closes_at,
            replaces=before,
            checkpoint_status="provisional" if waits else "unwitnessed",
        )

    return finish


def duplicate(service: Service, found: Duplicate) -> VoteRecorded:
    """The answer for a vote that is recorded already, with its receipt as of now.

    The entry is the log's: the same vote sent again may carry another valid signature.
    """
    with service.store.snapshot() as conn:
        head = entries.head(conn, found.origin)
        (data,) = entries.read_entries(conn, head.id, found.index, found.index + 1)
        closes_at = conn.scalar(sa.select(_ballots.c.closes_at).where(_ballots.c.log_id == head.id))
        status, cosigners = cosigned.standing(conn, head, found.index + 1)
    entry = read_entry(data)
    vote = entry.statement
    assert isinstance(vote, Vote)  # noqa: S101  # `found` names a vote
    return VoteRecorded(
        index=found.index,
        digest=entry.identity,
        voter=vote.voter,
        receipt=receipts.stored(service.store, found.origin, found.index),
        entry=receipts.text(data),
        vkey=head.vkey,
        closes_at=closes_at or 0,
        replaces=None,
        checkpoint_status=status,
        cosigners=cosigners,
    )
