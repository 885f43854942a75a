"""Tables that can be thrown away: every row is derived from the entries of one log (`projections`).

A row carries the log and the index of the entry that last changed it, so a reader can always go to the proof.
Weights and other amounts are decimal text, times Unix seconds, lists and maps canonical JSON.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from governance.store.tables import (
    CLUSTERED,
    STRICT,
    Integer,
    blob_column,
    integer_column,
    key,
    log_key,
    text_column,
)


class SpaceRow(SQLModel, table=True):
    """A space's founding and its constitution's latest revision."""

    __tablename__ = "spaces"
    __table_args__ = (STRICT,)

    log_id: int = log_key()
    idx: int = integer_column()
    space: str = text_column(index=True)
    title: str = text_column()
    founded_at: int = integer_column()
    constitution: str | None = text_column(default=None, nullable=True)
    constitution_revision: int = integer_column(default=0)


class StatementRow(SQLModel, table=True):
    """Every entry but votes, by kind and by what it is about: the history of a member, an item, a ballot."""

    __tablename__ = "statements"
    __table_args__ = (
        sa.Index(None, "log_id", "kind", "subject", "idx"),
        sa.Index(None, "identity"),
        STRICT,
    )

    log_id: int = log_key()
    idx: int = key(Integer)
    kind: str = text_column()
    subject: str = text_column()
    identity: str = text_column()


class MemberRow(SQLModel, table=True):
    """A member at the latest revision; names and addresses are in no table of the core."""

    __tablename__ = "members"
    __table_args__ = (CLUSTERED,)

    log_id: int = log_key()
    member: str = key(sa.Text)
    idx: int = integer_column()
    identity: str = text_column()
    space: str = text_column()
    suite: str = text_column()
    public: str = text_column()
    roles: str = text_column()
    weight: str = text_column()
    status: str = text_column()
    enrolled_at: int = integer_column()


class ItemRow(SQLModel, table=True):
    """A roadmap item at the latest revision."""

    __tablename__ = "roadmap_items"
    __table_args__ = (sa.Index(None, "log_id", "quarter"), STRICT)

    log_id: int = log_key()
    item: str = key(sa.Text)
    idx: int = integer_column()
    identity: str = text_column()
    space: str = text_column()
    revision: int = integer_column()
    title: str = text_column()
    product: str | None = text_column(nullable=True)
    quarter: str | None = text_column(nullable=True)
    phase: str | None = text_column(nullable=True)
    theme: str | None = text_column(nullable=True)
    status: str = text_column()
    effort: str | None = text_column(nullable=True)
    effort_days: int | None = integer_column(nullable=True)
    details: str = text_column()
    source: str | None = text_column(nullable=True)
    revised_at: int = integer_column()


class BallotRow(SQLModel, table=True):
    """A ballot from definition to outcome, from the ballot's own log; `closes_at` includes the extension."""

    __tablename__ = "ballots"
    __table_args__ = (
        sa.CheckConstraint("phase IN ('defined', 'open', 'closed', 'decided', 'cancelled')", name="phase"),
        sa.Index(None, "space", "ballot"),
        STRICT,
    )

    log_id: int = Field(
        sa_type=Integer, primary_key=True, foreign_key="logs.id", sa_column_kwargs={"autoincrement": False}
    )
    idx: int = integer_column()
    definition: str = text_column()
    space: str = text_column()
    ballot: str = text_column()
    title: str = text_column()
    quarter: str | None = text_column(nullable=True)
    privacy: str = text_column()
    phase: str = text_column()
    opens_at: int = integer_column()
    closes_at: int = integer_column()
    extended: int = integer_column(default=0)
    opening: int | None = integer_column(default=None, nullable=True)
    opened_at: int | None = integer_column(default=None, nullable=True)
    voters: int | None = integer_column(default=None, nullable=True)
    weight: str | None = text_column(default=None, nullable=True)
    close: int | None = integer_column(default=None, nullable=True)
    closed_at: int | None = integer_column(default=None, nullable=True)
    votes: int | None = integer_column(default=None, nullable=True)
    outcome: str | None = text_column(default=None, nullable=True)
    result: str | None = text_column(default=None, nullable=True)
    winners: str | None = text_column(default=None, nullable=True)
    counted_at: int | None = integer_column(default=None, nullable=True)
    cancelled_at: int | None = integer_column(default=None, nullable=True)
    reason: str | None = text_column(default=None, nullable=True)


class VoteRow(SQLModel, table=True):
    """A voter's latest vote; `identity` is the SHA-256 itself, `replaced` counts the earlier ones."""

    __tablename__ = "votes"
    __table_args__ = (CLUSTERED,)

    log_id: int = log_key()
    voter: str = key(sa.Text)
    idx: int = integer_column()
    identity: bytes = blob_column()
    cast_at: int = integer_column()
    replaced: int = integer_column()


class BallotNoticeRow(SQLModel, table=True):
    """A space's word that it opened a ballot."""

    __tablename__ = "ballot_notices"
    __table_args__ = (STRICT,)

    log_id: int = log_key()
    ballot: str = key(sa.Text)
    idx: int = integer_column()
    identity: str = text_column()
    space: str = text_column()
    definition: str = text_column()
    origin: str = text_column()
    vkey: str = text_column()
    quarter: str | None = text_column(nullable=True)
    noted_at: int = integer_column()


class OutcomeNoticeRow(SQLModel, table=True):
    """A space's word on what a ballot decided."""

    __tablename__ = "outcome_notices"
    __table_args__ = (STRICT,)

    log_id: int = log_key()
    ballot: str = key(sa.Text)
    idx: int = integer_column()
    identity: str = text_column()
    space: str = text_column()
    definition: str = text_column()
    outcome: str = text_column()
    size: int = integer_column()
    root: str = text_column()
    winners: str = text_column()
    noted_at: int = integer_column()


class CommitmentRow(SQLModel, table=True):
    """Who builds a winner by when, and how it goes; `status` is `open` until the first update."""

    __tablename__ = "commitments"
    __table_args__ = (STRICT,)

    log_id: int = log_key()
    commitment: str = key(sa.Text)
    idx: int = integer_column()
    identity: str = text_column()
    space: str = text_column()
    item: str = text_column()
    ballot: str = text_column()
    outcome: str = text_column()
    owner: str = text_column()
    due: str = text_column()
    text: str = text_column()
    committed_at: int = integer_column()
    status: str = text_column()
    updates: int = integer_column()
    note: str | None = text_column(nullable=True)
    updated_at: int | None = integer_column(nullable=True)


class DelegationRow(SQLModel, table=True):
    """A member's latest delegation in a scope; `record` is both, which makes one key to page by."""

    __tablename__ = "delegations"
    __table_args__ = (sa.Index(None, "log_id", "delegator"), STRICT)

    log_id: int = log_key()
    record: str = key(sa.Text)
    idx: int = integer_column()
    identity: str = text_column()
    space: str = text_column()
    delegator: str = text_column()
    scope: str = text_column()
    delegates: str = text_column()
    expires: str | None = text_column(nullable=True)
    sequence: int = integer_column()
    delegated_at: int = integer_column()


PROJECTED: Final[tuple[type[SQLModel], ...]] = (
    SpaceRow,
    StatementRow,
    MemberRow,
    ItemRow,
    BallotRow,
    VoteRow,
    BallotNoticeRow,
    OutcomeNoticeRow,
    CommitmentRow,
    DelegationRow,
)
