"""From entries to tables for reading: one handler a kind, rows collected and written a table at a time.

A projection depends on the entries of its own log only, in their order; so logs may be folded in any order,
and in batches of any size, and the tables come out the same (`rebuild`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import SQLModel

from governance.canonical import canonical
from governance.statements.ballot import Ballot
from governance.statements.base import Statement
from governance.statements.closing import Cancellation, Close, Extension, Outcome
from governance.statements.delegation import Delegation
from governance.statements.entry import Entry
from governance.statements.member import Member
from governance.statements.roadmap import Commitment, CommitmentUpdate, RoadmapItem
from governance.statements.space import BallotNotice, Constitution, OutcomeNotice, Space
from governance.statements.vote import Opening, Vote
from governance.store.entries import LogHead, table_of
from governance.store.projected import (
    BallotNoticeRow,
    BallotRow,
    CommitmentRow,
    DelegationRow,
    ItemRow,
    MemberRow,
    OutcomeNoticeRow,
    SpaceRow,
    StatementRow,
    VoteRow,
)
from governance.store.rows import upsert_rows

Row = dict[str, Any]

_SUBJECT: Final = {
    "member": "member",
    "roadmap-item": "item",
    "roadmap-edition": "quarter",
    "ballot-notice": "ballot",
    "outcome-notice": "ballot",
    "ballot-order": "ballot",
    "commitment": "commitment",
    "commitment-update": "commitment",
    "delegation": "delegator",
    "space-notice": "space",
}
"""The field that says what a statement is about, where its log holds several."""

_REPLACED: Final = "votes.replaced + excluded.replaced + 1"


def project(conn: sa.Connection, log: LogHead, entries: Sequence[Entry]) -> None:
    """Bring the tables up to entries that follow log.size others in the log, in the caller's transaction."""
    fold = _Fold(conn, log.id)
    for index, entry in enumerate(entries, log.size):
        statement = entry.statement
        if isinstance(statement, Vote):
            fold.vote(statement, entry.identity, index)
            continue
        kind = statement.KIND
        subject = getattr(statement, _SUBJECT[kind]) if kind in _SUBJECT else ""
        fold.put(StatementRow, index, (index,), kind=kind, subject=subject, identity=entry.identity)
        handler = _HANDLERS.get(type(statement))
        if handler is not None:
            handler(fold, statement, entry.identity, index)
    fold.flush()


class _Fold:
    """Rows of one log on their way to the tables."""

    def __init__(self, conn: sa.Connection, log_id: int) -> None:
        self._conn = conn
        self._log_id = log_id
        self._rows: dict[type[SQLModel], dict[tuple[object, ...], Row]] = {}
        self._votes: dict[str, Row] = {}

    def put(self, model: type[SQLModel], index: int, key: tuple[object, ...], **values: Any) -> None:
        """Insert or replace a whole row; of several with one key the last is written."""
        row = {"log_id": self._log_id, "idx": index, **{name: _clean(v) for name, v in values.items()}}
        self._rows.setdefault(model, {})[key] = row

    def change(self, model: type[SQLModel], where: Row, **values: Any) -> None:
        """Change columns of a row that an earlier entry made."""
        self.flush()
        table = table_of(model)
        chosen = [table.c[name] == value for name, value in {"log_id": self._log_id, **where}.items()]
        values = {name: _clean(value) for name, value in values.items()}
        self._conn.execute(sa.update(table).where(*chosen).values(values))

    def vote(self, new: Vote, identity: str, index: int) -> None:
        """The voter's latest vote."""
        earlier = self._votes.get(new.voter)
        self._votes[new.voter] = {
            "log_id": self._log_id,
            "voter": new.voter,
            "idx": index,
            "identity": bytes.fromhex(identity.removeprefix("sha256:")),
            "cast_at": new.cast_at,
            "replaced": earlier["replaced"] + 1 if earlier else 0,
        }

    def flush(self) -> None:
        """Write what was collected."""
        for model, rows in self._rows.items():
            upsert_rows(self._conn, table_of(model), list(rows.values()))
        if self._votes:
            upsert_rows(self._conn, table_of(VoteRow), list(self._votes.values()), replaced=_REPLACED)
        self._rows.clear()
        self._votes.clear()


def _clean(value: Any) -> Any:
    """PostgreSQL's text cannot hold U+0000, which JSON can; the log keeps the original."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _json(value: Any) -> str:
    return canonical(value).decode()


def _space(fold: _Fold, new: Space, identity: str, index: int) -> None:
    fold.put(
        SpaceRow, index, (), space=new.space, title=new.title, founded_at=new.founded_at,
        constitution=None, constitution_revision=0,
    )  # fmt: skip
    for founder in new.founders:
        _member(fold, founder, identity, index)


def _constitution(fold: _Fold, new: Constitution, identity: str, index: int) -> None:
    fold.change(SpaceRow, {}, idx=index, constitution=identity, constitution_revision=new.revision)


def _member(fold: _Fold, new: Member, identity: str, index: int) -> None:
    fold.put(
        MemberRow, index, (new.member,), member=new.member, identity=identity, space=new.space,
        suite=new.key.suite, public=new.key.public, roles=_json(list(new.roles)), weight=new.weight,
        status=new.status, enrolled_at=new.enrolled_at,
    )  # fmt: skip


def _item(fold: _Fold, new: RoadmapItem, identity: str, index: int) -> None:
    fold.put(
        ItemRow, index, (new.item,), item=new.item, identity=identity, space=new.space, revision=new.revision,
        title=new.title, product=new.product, quarter=new.quarter, phase=new.phase, theme=new.theme,
        status=new.status, effort=new.effort, effort_days=new.effort_days, details=new.details,
        source=new.source, revised_at=new.revised_at,
    )  # fmt: skip


def _ballot_notice(fold: _Fold, new: BallotNotice, identity: str, index: int) -> None:
    fold.put(
        BallotNoticeRow, index, (new.ballot,), ballot=new.ballot, identity=identity, space=new.space,
        definition=new.definition, origin=new.origin, vkey=new.vkey, quarter=new.quarter,
        noted_at=new.noted_at,
    )  # fmt: skip


def _outcome_notice(fold: _Fold, new: OutcomeNotice, identity: str, index: int) -> None:
    fold.put(
        OutcomeNoticeRow, index, (new.ballot,), ballot=new.ballot, identity=identity, space=new.space,
        definition=new.definition, outcome=new.outcome, size=new.size, root=new.root,
        winners=_json(new.winners), noted_at=new.noted_at,
    )  # fmt: skip


def _commitment(fold: _Fold, new: Commitment, identity: str, index: int) -> None:
    fold.put(
        CommitmentRow, index, (new.commitment,), commitment=new.commitment, identity=identity,
        space=new.space, item=new.item, ballot=new.ballot, outcome=new.outcome, owner=new.owner, due=new.due,
        text=new.text, committed_at=new.committed_at, status="open", updates=0, note=None, updated_at=None,
    )  # fmt: skip


def _commitment_update(fold: _Fold, new: CommitmentUpdate, identity: str, index: int) -> None:
    fold.change(
        CommitmentRow, {"commitment": new.commitment}, idx=index, identity=identity, status=new.status,
        updates=table_of(CommitmentRow).c.updates + 1, note=new.text, updated_at=new.updated_at,
    )  # fmt: skip


def _delegation(fold: _Fold, new: Delegation, identity: str, index: int) -> None:
    record = f"{new.delegator} {new.scope}"
    fold.put(
        DelegationRow, index, (record,), record=record, identity=identity, space=new.space,
        delegator=new.delegator, scope=new.scope, delegates=_json(list(new.delegates)), expires=new.expires,
        sequence=new.sequence, delegated_at=new.delegated_at,
    )  # fmt: skip


def _ballot(fold: _Fold, new: Ballot, identity: str, index: int) -> None:
    row: Row = {column.name: None for column in table_of(BallotRow).columns}
    row |= {
        "definition": identity, "space": new.space, "ballot": new.ballot, "title": new.title,
        "quarter": new.quarter, "privacy": new.privacy, "phase": "defined", "opens_at": new.opens_at,
        "closes_at": new.closes_at, "extended": 0,
    }  # fmt: skip
    del row["log_id"], row["idx"]
    fold.put(BallotRow, index, (), **row)


def _opening(fold: _Fold, new: Opening, _identity: str, index: int) -> None:
    fold.change(
        BallotRow, {}, idx=index, phase="open", opening=index, opened_at=new.opened_at,
        voters=new.electorate.count, weight=new.electorate.weight,
    )  # fmt: skip


def _extension(fold: _Fold, new: Extension, _identity: str, index: int) -> None:
    fold.change(BallotRow, {}, idx=index, closes_at=new.closes_at, extended=1)


def _close(fold: _Fold, new: Close, _identity: str, index: int) -> None:
    fold.change(
        BallotRow, {}, idx=index, phase="closed", close=index, closed_at=new.closed_at, votes=new.votes
    )  # fmt: skip


def _outcome(fold: _Fold, new: Outcome, identity: str, index: int) -> None:
    fold.change(
        BallotRow, {}, idx=index, phase="decided", outcome=identity, result=new.result.digest,
        winners=_json(new.winners), counted_at=new.counted_at,
    )  # fmt: skip


def _cancellation(fold: _Fold, new: Cancellation, _identity: str, index: int) -> None:
    fold.change(
        BallotRow, {}, idx=index, phase="cancelled", cancelled_at=new.cancelled_at, reason=new.reason
    )  # fmt: skip


_Handler = Callable[[_Fold, Any, str, int], None]
_HANDLERS: Final[dict[type[Statement], _Handler]] = {
    Space: _space,
    Constitution: _constitution,
    Member: _member,
    RoadmapItem: _item,
    BallotNotice: _ballot_notice,
    OutcomeNotice: _outcome_notice,
    Commitment: _commitment,
    CommitmentUpdate: _commitment_update,
    Delegation: _delegation,
    Ballot: _ballot,
    Opening: _opening,
    Extension: _extension,
    Close: _close,
    Outcome: _outcome,
    Cancellation: _cancellation,
}
