"""Statements for the instance's and the spaces' logs, and further ones for a ballot's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from governance.errors import AlreadyExists, InvalidStatement, NotFound
from governance.replay.authority import require_founder, require_role
from governance.replay.space import SpaceState
from governance.service import ballots, receipts
from governance.service.answers import Recorded
from governance.service.batch import Batch, Committed
from governance.service.core import Service
from governance.statements.entry import Entry
from governance.statements.instance import SpaceNotice
from governance.statements.space import Space
from governance.statements.vote import Dispute, NonceCommitment, Ruling

Judge = Callable[[Batch, Entry], None]

SPACE_KINDS: Final = {
    "constitution": ("constitution",),
    "members": ("member",),
    "roadmap": (
        "roadmap-item",
        "roadmap-edition",
        "item-link",
        "transfer-offer",
        "transfer-accept",
        "transfer-decline",
        "transfer-close",
    ),
    "commitments": ("commitment", "commitment-update"),
    "delegations": ("delegation",),
}
"""The kinds that each resource of a space takes."""
BALLOT_KINDS: Final = ("nonce-commitment", "nonce-reveal", "dispute", "ruling")


def found_space(service: Service, body: bytes) -> Recorded:
    """Record a founding: a new space with a log of its own, noted in the instance's log.

    Raises:
        Malformed, Refused: why not.
    """
    now = service.clock()
    entry = service.read(body, now)
    founding = entry.statement
    if not isinstance(founding, Space):
        raise InvalidStatement(f"this takes a space, not a {founding.KIND}")
    origin = service.states.space_origin(founding.space)
    require_founder(entry, service.instance.keys.operators.items())
    # On a scratch state first: key files are made for foundings that will be recorded, not for anybody's.
    SpaceState(origin, service.instance.keys).admit(0, entry)
    service.hooks.before_record(origin, founding, now)

    def op(batch: Batch) -> Callable[[Committed], Recorded]:
        vkey = batch.create_log(origin, "space", space=founding.space)
        batch.append(origin, entry.data, entry)
        notice = service.sign(SpaceNotice(founding.space, origin, vkey, now))
        batch.append(service.states.instance_origin, notice.data, notice)
        return _finish(service, origin, 0, entry)

    answer: Recorded = service.sequencer.submit(op).result()
    return answer


def to_space(
    service: Service, space: str, resource: str, body: bytes, *, judge: Judge | None = None
) -> tuple[Recorded, bool]:
    """Record a statement in a space's log; gives also whether it is new (else it was there already).

    `judge` is as for `record`.

    Raises:
        Malformed, Refused: why not.
    """
    now = service.clock()
    entry = service.read(body, now)
    origin = service.states.space_origin(space)
    service.states.get(origin, SpaceState)
    _expect(entry, SPACE_KINDS[resource])
    return record(service, origin, entry, now, judge=judge)


def to_ballot(service: Service, space: str, ballot: str, body: bytes) -> tuple[Recorded, bool]:
    """Record a nonce commitment or reveal, a dispute or a ruling in a ballot's log.

    Raises:
        Malformed, Refused: why not.
    """
    now = service.clock()
    entry = service.read(body, now)
    _expect(entry, BALLOT_KINDS)
    if isinstance(entry.statement, NonceCommitment) and ballots.row_of(service.store, space, ballot) is None:
        service.hooks.before_record(service.states.ballot_origin(space, ballot), entry.statement, now)
        return ballots.commit_nonce(service, space, ballot, entry, now), True
    return record(
        service, service.states.ballot_origin(space, ballot), entry, now, judge=_by_role(service, space)
    )


def _by_role(service: Service, space: str) -> Judge:
    """Disputes and rulings need the role now; a log by itself can only tell that it was had once."""

    def judge(batch: Batch, entry: Entry) -> None:
        statement = entry.statement
        state = batch.state(service.states.space_origin(space))
        if isinstance(statement, Dispute | Ruling) and isinstance(state, SpaceState):
            require_role(entry, statement.signer, state)

    return judge


def record(
    service: Service,
    origin: str,
    entry: Entry,
    now: int,
    *,
    judge: Judge | None = None,
    then: Callable[[Batch], None] | None = None,
) -> tuple[Recorded, bool]:
    """Append a statement of somebody else to a log that exists.

    In the writer's thread `judge` may refuse it, and `then` adds to the same transaction.
    """
    service.hooks.before_record(origin, entry.statement, now)

    def op(batch: Batch) -> Callable[[Committed], Recorded]:
        if judge is not None:
            judge(batch, entry)
        index = batch.append(origin, entry.data, entry)
        if then is not None:
            then(batch)
        return _finish(service, origin, index, entry)

    try:
        answer: Recorded = service.sequencer.submit(op).result()
    except AlreadyExists:
        known = recorded_index(service, origin, entry.identity)
        if known is None:
            raise
        return receipts.recorded_before(service.store, origin, known, entry), False
    return answer, True


def recorded_index(service: Service, origin: str, identity: str) -> int | None:
    """Where exactly this statement stands in a space's log, None when it does not."""
    try:
        known = service.states.get(origin, SpaceState).identities.get(identity)
        if known is not None:
            # The state runs ahead of the store.
            service.settle()
            known = service.states.get(origin, SpaceState).identities.get(identity)
    except NotFound:
        return None
    return known


def _finish(service: Service, origin: str, index: int, entry: Entry) -> Callable[[Committed], Recorded]:
    def finish(committed: Committed) -> Recorded:
        service.observed(origin, index, entry.statement)
        return receipts.recorded(committed, origin, index, entry)

    return finish


def _expect(entry: Entry, kinds: tuple[str, ...]) -> None:
    if entry.statement.KIND not in kinds:
        raise InvalidStatement(f"this takes {' or '.join(kinds)}, not {entry.statement.KIND}")
