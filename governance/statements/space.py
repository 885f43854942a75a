"""A community: its founding, its constitution, and the notices that tie ballots to it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from governance.counting.threshold import Threshold
from governance.statements.base import (
    BoundStatement,
    Count,
    Digest,
    Hash,
    MemberId,
    Origin,
    Quarter,
    Role,
    Slug,
    Statement,
    Text,
    Time,
    Title,
    Value,
    kind,
)
from governance.statements.member import Member

VKey = Annotated[str, Meta(min_length=1, max_length=8_000)]


@kind("space")
class Space(Statement, frozen=True):
    """The first entry of a space's log: who founds it, where its log is.

    Signed by an operator of the instance and by every founder (each proves possession of the key).
    """

    space: Slug
    title: Title
    instance: Digest
    origin: Origin
    founders: Annotated[list[Member], Meta(min_length=1, max_length=20)]
    founded_at: Time


class Calendar(Value, frozen=True):
    """When a quarter's ballot runs, counted back from the quarter's first midnight UTC."""

    opens_days_before: Annotated[int, Meta(ge=1, le=90)]
    closes_days_before: Annotated[int, Meta(ge=0, le=89)]
    hour: Annotated[int, Meta(ge=0, le=23)]
    first_quarter: Quarter


class Quorum(Value, frozen=True):
    """Participation that a ballot needs: share of the electorate's weight that voted."""

    participation: Threshold
    abstentions_count: bool


class BallotDefaults(Value, frozen=True):
    """What `ballot new` fills in when the steward says nothing else."""

    rule: Annotated[str, Meta(max_length=40)]
    quorum: Quorum | None
    extension: Annotated[int, Meta(ge=0, le=90 * 86_400, description="Late-quorum extension in seconds")]
    weights: Annotated[str, Meta(pattern=r"^(equal|enrolled)$(?!\n)")]


@kind("constitution")
class Constitution(BoundStatement, frozen=True):
    """The space's own rules: which roles may record what, the calendar, the defaults.

    `delegation_quarters` is how many quarters ahead a delegation may reach; left out, there are none here.
    """

    space: Slug
    revision: Annotated[int, Meta(ge=1, le=10_000)]
    previous: Digest | None
    template: Slug
    text: Text
    permissions: dict[str, list[Role]]
    calendar: Calendar | None
    ballots: BallotDefaults
    adopted_at: Time
    delegation_quarters: Annotated[int, Meta(ge=1, le=40)] | None = None


@kind("ballot-notice")
class BallotNotice(Statement, frozen=True):
    """The space has opened this ballot; its log is at `origin`. Signed by the service key."""

    space: Slug
    ballot: Slug
    definition: Digest
    origin: Origin
    vkey: VKey
    quarter: Quarter | None
    noted_at: Time


@kind("outcome-notice")
class OutcomeNotice(Statement, frozen=True):
    """What a ballot decided, pinned to the size and root of its log. Signed by the service key."""

    space: Slug
    ballot: Slug
    definition: Digest
    outcome: Digest
    size: Count
    root: Hash
    winners: dict[str, list[str]]
    noted_at: Time


@kind("ballot-order")
class BallotOrder(Statement, frozen=True):
    """A steward's order about a ballot; what the service then does refers to it.

    `cancel` before opening removes a draft; while the ballot is open it ends it without an outcome.
    """

    space: Slug
    ballot: Slug
    definition: Digest
    action: Annotated[str, Meta(pattern=r"^(open|close|cancel)$(?!\n)")]
    reason: Text
    signer: MemberId
    ordered_at: Time
