"""Stewards' orders about ballots: recorded and carried out in one transaction, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from governance.errors import AlreadyExists, BallotClosed, InvalidStatement, NotFound, Refused, WrongBallot
from governance.hooks import Event
from governance.replay.authority import require_role
from governance.replay.space import SpaceState
from governance.service import ballots, lifecycle, receipts
from governance.service.answers import Recorded
from governance.service.ballots import StoredDraft
from governance.service.batch import Batch, Committed
from governance.service.core import Service
from governance.service.states import LiveBallot
from governance.service.submit import recorded_index
from governance.statements.closing import Cancellation
from governance.statements.entry import Entry
from governance.statements.space import BallotOrder

Finish = Callable[[Committed], Any]


def carry_out(service: Service, space: str, body: bytes) -> tuple[Recorded, str, bool]:
    """Record an order and do what it says; gives the ballot's name and whether the order is new.

    Raises:
        Malformed, Refused: why not; neither is recorded then.
    """
    now = service.clock()
    entry = service.read(body, now)
    order = entry.statement
    if not isinstance(order, BallotOrder):
        raise InvalidStatement(f"this takes a ballot-order, not {order.KIND}")
    origin = service.states.space_origin(space)
    state = service.states.get(origin, SpaceState)
    if order.space != space:
        raise InvalidStatement("this order is for another space", pointer="/space")
    known = recorded_index(service, origin, entry.identity)
    if known is not None:
        return receipts.recorded_before(service.store, origin, known, entry), order.ballot, False
    require_role(entry, order.signer, state)
    service.hooks.before_record(origin, order, now)
    op = _operation(service, order, entry, state, now)
    answer = service.sequencer.submit(op).result()
    if order.action == "close":
        lifecycle.advance(service, service.states.ballot_origin(space, order.ballot), now)
        # The calendar may be counting it at the same time, and the state runs ahead of the store.
        service.settle()
    return answer, order.ballot, True


def _operation(
    service: Service, order: BallotOrder, entry: Entry, space: SpaceState, now: int
) -> Callable[[Batch], Finish]:
    """What the order asks for, judged beforehand as far as possible: a refusal midway costs a replay."""
    opened = order.ballot in space.ballots
    if not opened and order.action != "close":
        draft = ballots.draft_of(service.store, order.space, order.ballot)
        if draft.identity != order.definition:
            raise WrongBallot("the draft was replaced since this order was signed", pointer="/definition")
        if order.action == "cancel":
            return lambda batch: _drop(service, batch, order, entry, now)
        lifecycle.check_openable(space, draft, now)
        return lambda batch: _open(service, batch, draft, entry, now)
    if order.action == "open":
        raise AlreadyExists(f"the ballot {order.ballot} was opened before")
    if not opened:
        raise NotFound(f"the ballot {order.ballot} has not opened; cancel removes a draft")
    _check_open(service, order)
    act = _close if order.action == "close" else _cancel
    return lambda batch: act(service, batch, order, entry, now)


def _check_open(service: Service, order: BallotOrder) -> None:
    row = ballots.row_of(service.store, order.space, order.ballot)
    if row is None or row.definition != order.definition:
        raise WrongBallot("this order is for another version of the definition", pointer="/definition")
    if row.phase != "open":
        closed_at = row.closed_at or row.cancelled_at or row.closes_at
        raise BallotClosed("this ballot has closed", opened_at=row.opened_at or 0, closed_at=closed_at)
    origin = service.states.ballot_origin(order.space, order.ballot)
    definition = lifecycle.live(service, origin).accepting()
    if order.action == "close" and definition.ballot.early_close != "steward":
        raise InvalidStatement("the definition forbids closing early", pointer="/action")


def _record(service: Service, batch: Batch, entry: Entry, space: str) -> Finish:
    origin = service.states.space_origin(space)
    index = batch.append(origin, entry.data, entry)

    def finish(committed: Committed) -> Recorded:
        service.observed(origin, index, entry.statement)
        return receipts.recorded(committed, origin, index, entry)

    return finish


def _both(first: Finish, second: Finish) -> Finish:
    def finish(committed: Committed) -> Any:
        second(committed)
        return first(committed)

    return finish


def _open(service: Service, batch: Batch, draft: StoredDraft, entry: Entry, now: int) -> Finish:
    answer = _record(service, batch, entry, draft.statement.space)
    return _both(answer, lifecycle.opening(service, draft, now, entry.identity)(batch))


def _drop(service: Service, batch: Batch, order: BallotOrder, entry: Entry, now: int) -> Finish:
    answer = _record(service, batch, entry, order.space)
    batch.write(lambda conn: ballots.remove(conn, order.space, order.ballot, order.definition))
    return _both(
        answer, lambda _committed: service.notify(Event("cancelled", order.space, order.ballot, now))
    )


def _close(service: Service, batch: Batch, order: BallotOrder, entry: Entry, now: int) -> Finish:
    state = _state(service, batch, order)
    answer = _record(service, batch, entry, order.space)
    return _both(answer, lifecycle.append_close(service, batch, state, entry.identity, now))


def _cancel(service: Service, batch: Batch, order: BallotOrder, entry: Entry, now: int) -> Finish:
    state = _state(service, batch, order)
    answer = _record(service, batch, entry, order.space)
    cancellation = service.sign(
        Cancellation(state.origin, order.definition, entry.identity, order.signer, order.reason, now)
    )
    batch.append(state.origin, cancellation.data, cancellation)
    return _both(
        answer, lambda _committed: service.notify(Event("cancelled", order.space, order.ballot, now))
    )


def _state(service: Service, batch: Batch, order: BallotOrder) -> LiveBallot:
    """The ballot, open still: asked before anything is appended."""
    state = batch.state(service.states.ballot_origin(order.space, order.ballot))
    if not isinstance(state, LiveBallot):
        raise Refused("this is not the log of a ballot")
    state.accepting()
    return state
