"""Where a log goes on whose key was stolen: an entry by the root key, and a new log with what still counts.

Only for an instance that serves nobody at the moment: readers keep states of the burnt log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from governance.errors import InvalidStatement, Refused, StaleRevision
from governance.replay.authority import require_role_once
from governance.replay.space import SpaceState
from governance.service.batch import Batch, Committed
from governance.service.core import Service
from governance.service.instance import read_key, signed
from governance.statements.closing import Cancellation, Close
from governance.statements.delegation import DelegationSnapshot
from governance.statements.entry import Entry, read_entry
from governance.statements.instance import LogSuccessor
from governance.statements.vote import Dispute, Opening, Ruling
from governance.store import entries
from governance.store.entries import LogHead, table_of
from governance.store.projected import BallotRow, OutcomeNoticeRow, StatementRow

_statements: Final = table_of(StatementRow)
_ballots: Final = table_of(BallotRow)
_outcomes: Final = table_of(OutcomeNoticeRow)


@dataclass(frozen=True, slots=True)
class Dropped:
    """An entry that will not count: its index, its kind, and the digest that names it."""

    index: int
    kind: str
    digest: str


def dropped(service: Service, origin: str, size: int | None) -> tuple[int, list[Dropped]]:
    """How many entries of a log would count when it goes on from that size, and those that would not.

    None are all that we have.

    Raises:
        NotFound: there is no such log.
    """
    with service.store.read() as conn:
        head = entries.head_at(conn, origin)
    kept = head.size if size is None else size
    stored = entries.stream_entries(service.store, head.id, kept, head.size)
    found = ((index, read_entry(data)) for index, data in enumerate(stored, kept))
    return kept, [Dropped(index, entry.statement.KIND, entry.identity) for index, entry in found]


def succeed(service: Service, origin: str, size: int, reason: str, root: Path) -> LogSuccessor:
    """Record that a burnt log goes on elsewhere, and begin that log; one commit.

    Args:
        service: of an instance that serves nobody.
        origin: of the burnt log.
        size: how many of its entries still count.
        reason: why; everybody can read it.
        root: the root key file.

    Raises:
        NotFound: there is no such log.
        Refused: what is recorded elsewhere needs more of its entries, or it goes on elsewhere already.
        Unavailable: nothing can be signed or stored at the moment.
    """
    now, key = service.clock(), read_key(root)

    def op(batch: Batch) -> Callable[[Committed], LogSuccessor]:
        with service.store.snapshot() as conn:
            head = _burning(conn, origin)
            if not 0 < size <= head.size:
                raise InvalidStatement(f"{origin} has {head.size} entries; at least the first is kept")
            _check_needed(service, conn, head, size)
            held, kept = head.size, entries.root_at(conn, head, size).hex()
        new = batch.succeed(head.name, size)
        statement = LogSuccessor(origin, size, kept, held, new.origin, new.vkey, reason, now)
        entry = signed(statement, key)
        batch.append(service.states.instance_origin, entry.data, entry)
        return lambda _committed: statement

    done: LogSuccessor = service.sequencer.submit(op).result()
    # The writer has to forget the burnt log before anybody asks for its state again.
    service.settle()
    return done


def _burning(conn: sa.Connection, origin: str) -> LogHead:
    head = entries.head_at(conn, origin)
    present = entries.head(conn, head.name)
    if head.kind == "instance":
        raise InvalidStatement("an instance's own log has no successor: nobody could say so any more")
    if present.id != head.id:
        raise StaleRevision(f"{origin} goes on as {present.origin} already")
    return head


def _check_needed(service: Service, conn: sa.Connection, head: LogHead, size: int) -> None:
    """That what other logs say of this one, and is not taken back by that, is among the entries kept.

    Raises:
        Refused: it is not.
    """
    if head.kind == "ballot":
        _check_ballot(service, conn, head, size)
        return
    then = SpaceState(head.name, service.instance.keys)
    for index, data in enumerate(entries.read_entries(conn, head.id, 0, size)):
        then.admit(index, read_entry(data))
    rows = conn.execute(sa.select(_ballots).where(_ballots.c.space == head.space)).all()
    for row in rows:
        if row.ballot not in then.ballots:
            raise InvalidStatement(f"the ballot {row.ballot} was opened after entry {size - 1}")
        if row.outcome is not None and row.ballot not in then.outcomes:
            raise InvalidStatement(f"the outcome of {row.ballot} was announced after entry {size - 1}")
        for entry in _records(conn, row.log_id):
            try:
                _check_entry(entry, then, size)
            except Refused as e:
                raise InvalidStatement(f"the log of the ballot {row.ballot} needs more: {e.detail}") from e


def _check_ballot(service: Service, conn: sa.Connection, head: LogHead, size: int) -> None:
    row = conn.execute(sa.select(_ballots).where(_ballots.c.log_id == head.id)).first()
    if row is None or row.opening is None or row.opening >= size:
        raise InvalidStatement("a ballot goes on with its opening at least; cancel it instead")
    space = entries.head(conn, service.states.space_origin(row.space))
    noted = conn.scalar(
        sa.select(_outcomes.c.size).where(_outcomes.c.log_id == space.id, _outcomes.c.ballot == row.ballot)
    )
    if noted is not None and noted > size:
        raise InvalidStatement(f"the space has announced the outcome at size {noted} of this log")


def _records(conn: sa.Connection, log_id: int) -> Iterator[Entry]:
    kinds = [kind.KIND for kind in (Opening, DelegationSnapshot, Close, Cancellation, Dispute, Ruling)]
    found = sa.select(_statements.c.idx).where(_statements.c.log_id == log_id, _statements.c.kind.in_(kinds))
    for index in conn.scalars(found).all():
        (data,) = entries.read_entries(conn, log_id, index, index + 1)
        yield read_entry(data)


def _check_entry(entry: Entry, then: SpaceState, size: int) -> None:
    """That an entry of a ballot's log finds in a space of that size what it names."""
    statement = entry.statement
    if isinstance(statement, Opening | DelegationSnapshot) and statement.space.size > size:
        raise InvalidStatement(f"it names {then.origin} at size {statement.space.size}")
    order = statement.order if isinstance(statement, Opening | Close | Cancellation) else None
    if order is not None and then.order_of(order) is None:
        raise InvalidStatement(f"it follows an order that comes after entry {size - 1}")
    if isinstance(statement, Dispute | Ruling):
        require_role_once(entry, statement.signer, then)
