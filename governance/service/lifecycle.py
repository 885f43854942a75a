"""When ballots open, extend, close and are counted: decisions that are pure, operations that carry them out.

`tick` is called about once a second. A ballot opens once, also after downtime; one whose close has passed
before it could open never does, and its quarter shows as missed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa

from governance.errors import AlreadyExists, GovernanceError, InvalidStatement, NotFound, Refused
from governance.hooks import Event
from governance.replay.ballot import entitled
from governance.replay.definition import Definition, witness_policy
from governance.replay.delegation_records import choose
from governance.replay.result import compute_result, result_bytes, seed_of, winners_of
from governance.replay.space import SpaceState
from governance.service import ballots
from governance.service.ballots import StoredDraft
from governance.service.batch import Batch, Committed
from governance.service.core import Service
from governance.service.states import LiveBallot
from governance.statements.ballot import Ballot
from governance.statements.base import BlobRef
from governance.statements.closing import Close, Extension, Outcome
from governance.statements.delegation import DelegationSnapshot
from governance.statements.electorate import Electorate, pages, summarise
from governance.statements.entry import Entry
from governance.statements.space import BallotNotice, OutcomeNotice
from governance.statements.vote import LogHead, Opening
from governance.store import cosigned, entries
from governance.store.entries import table_of
from governance.store.projected import BallotRow

_log: Final = logging.getLogger("althing.lifecycle")
_rows: Final = table_of(BallotRow)

REVEAL_WAIT: Final = 86_400
"""Seconds after the close for which a count waits for nonces that were committed to."""


def due_draft(ballot: Ballot, now: int) -> bool:
    """Whether a draft opens now by its own schedule."""
    return ballot.opens_at <= now < ballot.closes_at


def due_ballot(state: LiveBallot, now: int, *, witnessed: bool = True) -> str | None:
    """What an opened ballot needs now: `extend`, `close`, `count`, or nothing.

    `witnessed` is whether its witness policy, if it has one, is satisfied for its close.
    """
    definition = state.definition
    if definition is None or state.opening is None or state.cancellation or state.outcome:
        return None
    if state.close is None:
        if now < state.closes_at:
            return None
        may_extend = definition.ballot.extension > 0 and not state.extended
        return "extend" if may_extend and not state.quorum_met() else "close"
    waiting = len(state.nonces) < len(state.commitments)
    if not witnessed or (waiting and now < state.close.closed_at + REVEAL_WAIT):
        return None
    return "count"


def tick(service: Service, now: int) -> None:
    """Do what is due in all spaces; a ballot that cannot be served does not keep the others waiting."""
    for space in tuple(service.instance.spaces):
        for draft in tuple(ballots.drafts(service.store, space)):
            if due_draft(draft.statement, now):
                _attempt(draft.statement.origin, lambda d=draft: open_ballot(service, d, now))  # type: ignore[misc]
    for origin in _unfinished(service):
        _attempt(origin, lambda o=origin: advance(service, o, now))  # type: ignore[misc]


def _attempt(origin: str, step: Callable[[], object]) -> None:
    try:
        step()
    except Refused as e:
        _log.warning("%s: %s", origin, e.detail)
    except GovernanceError as e:
        _log.error("%s: %s", origin, e.detail)


def _unfinished(service: Service) -> list[str]:
    chosen = sa.select(_rows.c.space, _rows.c.ballot).where(_rows.c.phase.in_(("defined", "open", "closed")))
    with service.store.read() as conn:
        found = conn.execute(chosen).all()
    return [service.states.ballot_origin(row.space, row.ballot) for row in found]


def advance(service: Service, origin: str, now: int) -> None:
    """Extend, close and count an opened ballot as far as it is due.

    Raises:
        Refused, Unavailable: it could not be done.
    """
    state = end(service, origin, now)
    if due_ballot(state, now, witnessed=_witnessed(service, state)) == "count":
        decide(service, origin, now)


def end(service: Service, origin: str, now: int) -> LiveBallot:
    """Extend or close an opened ballot as far as it is due, without counting it; gives its state.

    Raises:
        Refused, Unavailable: it could not be done.
    """
    while True:
        state = live(service, origin)
        step = due_ballot(state, now)
        if step not in {"extend", "close"}:
            return state
        service.sequencer.submit(lambda batch, s=step: _step(service, batch, origin, s, now)).result()  # type: ignore[misc]


def _witnessed(service: Service, state: LiveBallot) -> bool:
    """Whether a closed ballot may be counted: the quorum of its policy has cosigned its close."""
    definition = state.definition
    if state.close is None or definition is None or witness_policy(definition.ballot) is None:
        return True
    with service.store.read() as conn:
        return cosigned.is_final(conn, entries.head(conn, state.origin).id, state.close_index + 1)


def live(service: Service, origin: str) -> LiveBallot:
    """The state of a ballot that has a log, loaded when it is not in memory.

    Raises:
        NotFound: no such log, or it is no ballot's.
    """
    try:
        return service.states.get(origin, LiveBallot)
    except NotFound:
        state = service.load(origin)
    if not isinstance(state, LiveBallot):
        raise NotFound(f"{origin} is not the log of a ballot")
    return state


def _step(service: Service, batch: Batch, origin: str, step: str, now: int) -> Callable[[Committed], None]:
    state = batch.state(origin)
    if not isinstance(state, LiveBallot) or due_ballot(state, now) != step or state.definition is None:
        return lambda _committed: None
    ballot = state.definition.ballot
    if step == "close":
        return append_close(service, batch, state, None, now)
    entry = service.sign(Extension(origin, state.definition.digest, ballot.closes_at + ballot.extension, now))
    batch.append(origin, entry.data, entry)
    return lambda _committed: service.notify(Event("extended", ballot.space, ballot.ballot, now))


def append_close(
    service: Service, batch: Batch, state: LiveBallot, order: str | None, now: int
) -> Callable[[Committed], None]:
    """Close a ballot in this batch, on schedule or by an order of that digest."""
    definition = state.accepting()
    if definition.ballot.delegation_rule is not None:
        taken = service.sign(_snapshot(batch, state, definition))
        batch.append(state.origin, taken.data, taken)
    close = Close(state.origin, definition.digest, state.casts.accepted, order, now)
    entry = service.sign(close)
    batch.append(state.origin, entry.data, entry)
    ballot = definition.ballot
    return lambda _committed: service.notify(Event("closed", ballot.space, ballot.ballot, now))


def _snapshot(batch: Batch, state: LiveBallot, definition: Definition) -> DelegationSnapshot:
    """The delegations as the space's log has them at this moment, before the close in the same batch."""
    ballot, rule = definition.ballot, definition.ballot.delegation_rule
    delegated = state.members.delegated()
    if rule is None or delegated is None or state.opening is None:
        raise InvalidStatement("this ballot takes no delegations")
    origin = state.opening.space.origin
    head = LogHead(origin, batch.size(origin), batch.root(origin).hex())
    live = choose(delegated, state.roll, ballot, rule).live
    return DelegationSnapshot(state.origin, definition.digest, head, live)


def open_ballot(service: Service, draft: StoredDraft, now: int) -> None:
    """Open a draft on its schedule.

    Raises:
        Refused, Unavailable: it could not be opened.
    """
    service.sequencer.submit(opening(service, draft, now)).result()


def opening(
    service: Service, draft: StoredDraft, now: int, order: str | None = None
) -> Callable[[Batch], Callable[[Committed], None]]:
    """The operation that freezes definition and roll into a new log and opens it."""

    def op(batch: Batch) -> Callable[[Committed], None]:
        ballot = draft.statement
        space = batch.state(service.states.space_origin(ballot.space))
        if not isinstance(space, SpaceState):
            raise NotFound(f"there is no space {ballot.space} here")
        check_openable(space, draft, now)
        nonces = ballots.nonce_commitments(service.store, draft)
        _freeze(service, batch, draft, space, nonces)
        _begin(service, batch, draft, space, order, now)
        batch.write(lambda conn: ballots.remove(conn, ballot.space, ballot.ballot, draft.identity))
        return lambda _committed: service.notify(Event("opened", ballot.space, ballot.ballot, now))

    return op


def check_openable(space: SpaceState, draft: StoredDraft, now: int) -> None:
    """That a draft can be opened now.

    Raises:
        AlreadyExists, InvalidStatement: why not.
    """
    ballot = draft.statement
    if ballot.ballot in space.ballots:
        raise AlreadyExists(f"the ballot {ballot.ballot} was opened before")
    if now >= ballot.closes_at:
        raise InvalidStatement(
            "the planned close has passed; post a new definition", closes_at=ballot.closes_at
        )
    if not entitled(ballot, space):
        raise InvalidStatement(
            f"nobody would be on the roll: no active member is {' or '.join(ballot.eligibility.roles)}",
            pointer="/eligibility/roles",
        )


def _freeze(
    service: Service, batch: Batch, draft: StoredDraft, space: SpaceState, nonces: list[Entry]
) -> None:
    ballot = draft.statement
    batch.create_log(ballot.origin, "ballot", space=ballot.space, ballot=ballot.ballot)
    batch.append(ballot.origin, draft.entry.data, draft.entry)
    rows = entitled(ballot, space)
    for number, page in enumerate(pages(rows)):
        entry = service.sign(Electorate(draft.identity, number, page))
        batch.append(ballot.origin, entry.data, entry)
    for nonce in nonces:
        batch.append(ballot.origin, nonce.data, nonce)


def _begin(
    service: Service, batch: Batch, draft: StoredDraft, space: SpaceState, order: str | None, now: int
) -> None:
    ballot = draft.statement
    vkey = batch.vkey(ballot.origin)
    rows = entitled(ballot, space)
    entry = service.sign(
        Opening(
            ballot=ballot.origin,
            definition=draft.identity,
            instance=space.instance.instance,
            vkey=vkey,
            space=LogHead(space.origin, batch.size(space.origin), batch.root(space.origin).hex()),
            electorate=summarise(rows),
            order=order,
            opened_at=now,
        )
    )
    batch.append(ballot.origin, entry.data, entry)
    state = batch.state(ballot.origin)
    if isinstance(state, LiveBallot):
        state.open_root = batch.root(ballot.origin)
    notice = service.sign(
        BallotNotice(ballot.space, ballot.ballot, draft.identity, ballot.origin, vkey, ballot.quarter, now)
    )
    batch.append(space.origin, notice.data, notice)


def decide(service: Service, origin: str, now: int) -> None:
    """Count a closed ballot, publish the result, note it in the space.

    The count runs outside the writer: nothing of a closed ballot changes any more.

    Raises:
        Refused, Unavailable: it could not be recorded.
    """
    state = live(service, origin)
    definition, close_index = state.definition, state.close_index
    if definition is None:
        raise InvalidStatement("this ballot has no definition")
    result = compute_result(state, state.open_root)
    data = result_bytes(result)

    def op(batch: Batch) -> Callable[[Committed], None]:
        current: Any = batch.state(origin)
        if current.outcome is not None:
            return lambda _committed: None
        winners = winners_of(result)
        outcome = Outcome(
            ballot=origin,
            definition=definition.digest,
            close=close_index,
            open_root=state.open_root.hex(),
            lot_seed=seed_of(state, state.open_root).hex(),
            result=BlobRef(batch.put_blob(data), len(data)),
            winners=winners,
            counted_at=now,
        )
        entry = service.sign(outcome)
        batch.append(origin, entry.data, entry)
        ballot = definition.ballot
        notice = OutcomeNotice(
            space=ballot.space,
            ballot=ballot.ballot,
            definition=definition.digest,
            outcome=entry.identity,
            size=batch.size(origin),
            root=batch.root(origin).hex(),
            winners=winners,
            noted_at=now,
        )
        noted = service.sign(notice)
        batch.append(service.states.space_origin(ballot.space), noted.data, noted)
        return lambda _committed: service.notify(Event("decided", ballot.space, ballot.ballot, now))

    service.sequencer.submit(op).result()
    service.states.retire(origin)
