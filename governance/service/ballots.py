"""Drafts of ballots: definitions that are checked when they are posted and wait for their opening."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from governance.errors import AlreadyExists, InvalidDefinition, InvalidStatement, NotFound, WrongBallot
from governance.replay.authority import require_role
from governance.replay.ballot import check_delegating
from governance.replay.definition import check_definition
from governance.replay.space import SpaceState
from governance.service.answers import DraftRecorded, Recorded
from governance.service.batch import Batch, Committed
from governance.service.core import Service
from governance.service.receipts import text
from governance.statements.ballot import Ballot
from governance.statements.entry import Entry, read_entry, verify_signer
from governance.statements.vote import NonceCommitment
from governance.store import blobs
from governance.store.engine import Store
from governance.store.entries import table_of
from governance.store.projected import BallotRow
from governance.store.tables import Draft

_rows = table_of(BallotRow)
_drafts = table_of(Draft)


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """A draft with its definition and the digest that names it."""

    statement: Ballot
    identity: str
    entry: Entry


def post(service: Service, space: str, body: bytes) -> DraftRecorded:
    """Keep a definition until it opens; replaces an earlier draft of the same ballot.

    Raises:
        Malformed, Refused: why not.
    """
    now = service.clock()
    entry = service.read(body, now)
    ballot = entry.statement
    if not isinstance(ballot, Ballot):
        raise InvalidStatement(f"this takes a ballot, not {ballot.KIND}")
    state = service.states.get(service.states.space_origin(space), SpaceState)
    _judge(service, space, entry, ballot, now)
    require_role(entry, ballot.signer, state)
    check_delegating(ballot, state)
    if ballot.joint is not None:
        state.shard_roll(ballot)
    service.hooks.before_record(ballot.origin, ballot, now)

    def op(batch: Batch) -> Any:
        _check_unopened(service, batch, space, ballot.ballot)
        # At once: an opening in the same batch reads what is stored.
        with service.store.write() as conn:
            _replace(conn, space, ballot.ballot, entry, now)
        return _nothing

    service.sequencer.submit(op).result()
    url = f"{service.base_url}/api/v1/spaces/{space}/ballots/{ballot.ballot}"
    return DraftRecorded(ballot.ballot, entry.identity, "draft", url)


def _judge(service: Service, space: str, entry: Entry, ballot: Ballot, now: int) -> None:
    if ballot.space != space:
        raise InvalidStatement("this definition is for another space", pointer="/space")
    origin = service.states.ballot_origin(space, ballot.ballot)
    if ballot.origin != origin:
        raise WrongBallot(f"the log of this ballot will be {origin}", pointer="/origin")
    check_definition(ballot, entry.identity)
    if ballot.closes_at <= now:
        raise InvalidDefinition("the close lies in the past", pointer="/closes_at", now=now)


def _check_unopened(service: Service, batch: Batch, space: str, ballot: str) -> None:
    members = batch.state(service.states.space_origin(space))
    if isinstance(members, SpaceState) and ballot in members.ballots:
        raise AlreadyExists(f"the ballot {ballot} was opened; it can no longer be edited")


def _replace(conn: sa.Connection, space: str, ballot: str, entry: Entry, now: int) -> None:
    if _identity(conn, space, ballot) == entry.identity:
        return  # sent again: what was promised to this very draft stays
    _remove(conn, space, ballot)
    blobs.put_draft(conn, space, ballot, entry.data, now)


def remove(conn: sa.Connection, space: str, ballot: str, identity: str) -> None:
    """Remove the draft of that identity and the nonce commitments to it; one that replaced it stays."""
    if _identity(conn, space, ballot) == identity:
        _remove(conn, space, ballot)


def _remove(conn: sa.Connection, space: str, ballot: str) -> None:
    prefix = f"{ballot} "
    mine = sa.func.substr(_drafts.c.ballot, 1, len(prefix)) == prefix
    conn.execute(sa.delete(_drafts).where(_drafts.c.space == space, mine))
    blobs.delete_draft(conn, space, ballot)


def commit_nonce(service: Service, space: str, ballot: str, entry: Entry, now: int) -> Recorded:
    """Keep a nonce commitment beside its draft; the opening logs it. It has no index and no receipt yet.

    Raises:
        Refused: the draft names no such holder, or is another one.
    """
    new = entry.statement
    draft = draft_of(service.store, space, ballot)
    if not isinstance(new, NonceCommitment) or new.definition != draft.identity:
        raise WrongBallot("this is for another version of the definition", pointer="/definition")
    key = next((h.key for h in draft.statement.nonce_holders if h.id == new.holder), None)
    if key is None:
        raise InvalidStatement("the definition names no such nonce holder", pointer="/holder")
    verify_signer(entry, new.holder, key)

    def op(batch: Batch) -> Any:
        _check_unopened(service, batch, space, ballot)
        # In the writer's thread no opening comes between, and the next one reads what is stored.
        with service.store.write() as conn:
            _check_current(conn, draft)
            blobs.put_draft(conn, space, f"{ballot} {new.holder}", entry.data, now)
        return _nothing

    service.sequencer.submit(op).result()
    return Recorded(0, entry.identity, draft.statement.origin, "", text(entry.data))


def _nothing(_committed: Committed) -> None:
    return None


def draft_of(store: Store, space: str, ballot: str) -> StoredDraft:
    """The draft of a ballot.

    Raises:
        NotFound: there is none.
    """
    with store.read() as conn:
        return _stored(blobs.get_draft(conn, space, ballot))


def drafts(store: Store, space: str) -> Iterator[StoredDraft]:
    """The drafts of a space by ballot."""
    with store.read() as conn:
        found = blobs.list_drafts(conn, space)
    for name, envelope, _updated in found:
        if " " not in name:
            yield _stored(envelope)


def nonce_commitments(store: Store, draft: StoredDraft) -> list[Entry]:
    """The commitments kept beside a draft, by holder.

    Raises:
        WrongBallot: the draft was replaced or removed.
    """
    with store.snapshot() as conn:
        _check_current(conn, draft)
        found = blobs.list_drafts(conn, draft.statement.space)
    prefix = f"{draft.statement.ballot} "
    return [read_entry(envelope) for name, envelope, _ in found if name.startswith(prefix)]


def _check_current(conn: sa.Connection, draft: StoredDraft) -> None:
    """That the draft is still the one that is stored; only what the writer's thread asks stays true."""
    if _identity(conn, draft.statement.space, draft.statement.ballot) != draft.identity:
        raise WrongBallot("the draft was replaced or removed just now", pointer="/definition")


def _identity(conn: sa.Connection, space: str, ballot: str) -> str | None:
    with contextlib.suppress(NotFound):
        return _stored(blobs.get_draft(conn, space, ballot)).identity
    return None


def _stored(envelope: bytes) -> StoredDraft:
    entry = read_entry(envelope)
    if not isinstance(entry.statement, Ballot):
        raise NotFound("the draft holds no definition")
    return StoredDraft(entry.statement, entry.identity, entry)


def row_of(store: Store, space: str, ballot: str) -> Any:
    """The projected row of a ballot that has a log, None when it has none."""
    with store.read() as conn:
        return conn.execute(sa.select(_rows).where(_rows.c.space == space, _rows.c.ballot == ballot)).first()
