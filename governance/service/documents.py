"""New identity documents of this instance, signed by its root key wherever that is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from governance.errors import InvalidStatement, NotFound
from governance.replay.instance import InstanceState, check_document, check_next
from governance.service import receipts, submit
from governance.service.answers import Recorded
from governance.service.batch import Batch, Committed
from governance.service.core import Service
from governance.service.instance import public
from governance.signing.envelope import parse_normal
from governance.statements.entry import Entry
from governance.statements.instance import Instance, Revocation
from governance.store import entries
from governance.store.engine import Store


def record_document(service: Service, body: bytes) -> tuple[Recorded, bool]:
    """Record a document that continues the last one; gives also whether it is new.

    Whoever holds the root key may send it: its signature is all the right that is needed.

    Raises:
        Malformed, Refused: why not.
    """
    now = service.clock()
    entry = service.read(body, now)
    document = document_in(entry)
    state = service.instance
    if entry.identity == state.document_digest:
        check_document(document, entry)
        service.settle()
        origin = service.states.instance_origin
        return receipts.recorded_before(service.store, origin, state.document_index, entry), False
    if document.federation is not None and document.federation.valid_until <= now:
        raise InvalidStatement("this document has expired already", pointer="/federation/valid_until")

    def judge(batch: Batch, entry: Entry) -> None:
        check_voids(service.store, _state(service, batch), entry)
        if document.service != public(service.key):
            # A replaced key signs nothing more: what this process signs would be refused from here on.
            raise InvalidStatement(
                "a running instance keeps its service key; stop it and use `althing instance rotate`",
                pointer="/service",
            )

    return submit.record(service, service.states.instance_origin, entry, now, judge=judge)


def append_document(service: Service, entry: Entry) -> None:
    """Record a document that we have just signed; for an instance that serves nobody meanwhile.

    Raises:
        Refused, Unavailable: why not; nothing was recorded.
    """

    def op(batch: Batch) -> Callable[[Committed], None]:
        check_voids(service.store, _state(service, batch), entry)
        batch.append(service.states.instance_origin, entry.data, entry)
        return lambda _committed: None

    service.sequencer.submit(op).result()


def document_in(entry: Entry) -> Instance:
    """The identity document of an entry.

    Raises:
        InvalidStatement: it is none.
    """
    if not isinstance(entry.statement, Instance):
        raise InvalidStatement(f"this takes an identity document, not a {entry.statement.KIND}")
    return entry.statement


def check_voids(store: Store, state: InstanceState, entry: Entry) -> None:
    """That a document's new revocations void nothing that is recorded: such a log would break its own rules.

    Raises:
        InvalidStatement, BadSignature: they do, or name no log of ours; or the document continues none.
    """
    new, old = document_in(entry), state.document
    if old is None:
        raise NotFound("this instance has no identity document yet")
    check_next(old, state.document_digest, new, entry)
    for revoked in new.revoked:
        if revoked not in old.revoked:
            _check_void(store, revoked)


def _check_void(store: Store, revoked: Revocation) -> None:
    try:
        with store.read() as conn:
            head = entries.head(conn, revoked.origin)
    except NotFound as e:
        raise InvalidStatement(f"there is no log {revoked.origin} here", pointer="/revoked") from e
    stored = entries.stream_entries(store, head.id, revoked.start, head.size)
    for index, data in enumerate(stored, revoked.start):
        if any(signature.keyid == revoked.key for signature in parse_normal(data).signatures):
            raise InvalidStatement(
                f"entry {index} of {revoked.origin} is signed with this key; revoke it from a later place",
                pointer="/revoked",
                index=index,
            )


def _state(service: Service, batch: Batch) -> InstanceState:
    state: Any = batch.state(service.states.instance_origin)
    if not isinstance(state, InstanceState):
        raise NotFound("there is no instance here")
    return state
