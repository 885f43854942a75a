"""What the service answers: frozen values, from which the OpenAPI document is generated."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Standing = Literal["final", "provisional", "unwitnessed"]
"""Whether the quorum of a ballot's witness policy has cosigned it; without a policy, unwitnessed."""


class Answer(msgspec.Struct, frozen=True):
    """A part of an answer."""


class Recorded(Answer, frozen=True):
    """A statement as recorded: its place, its digest, and the proof (`entry` is base64).

    A nonce commitment to a draft is kept until the opening logs it: its receipt is empty until then.
    """

    index: int
    digest: str
    origin: str
    receipt: str
    entry: str


class VoteRecorded(Answer, frozen=True):
    """A vote as recorded. `receipt` is a C2SP `.tlog-proof`, `entry` the log entry in base64.

    `replaces` is the index of the voter's vote that counted until now; `cosigners` are the names of the
    witnesses under whose lines it stands already.
    """

    index: int
    digest: str
    voter: str
    receipt: str
    entry: str
    vkey: str
    closes_at: int
    replaces: int | None
    checkpoint_status: Standing = "unwitnessed"
    cosigners: list[str] = []


class DraftRecorded(Answer, frozen=True):
    """A ballot definition that waits for its opening."""

    ballot: str
    definition: str
    state: str
    url: str


class InstanceView(Answer, frozen=True):
    """This instance. `signing` is false while it first has to learn how far its own logs were."""

    id: str
    fingerprint: str
    name: str
    base_url: str
    version: str
    protocol: int
    origin: str
    vkey: str
    signing: bool
    spaces: list[SpaceBrief]


class SpaceBrief(Answer, frozen=True):
    """A space in a list."""

    space: str
    title: str
    origin: str
    url: str


class SpacePage(Answer, frozen=True):
    """Spaces."""

    items: list[SpaceBrief]
    next: str | None


class SpaceView(Answer, frozen=True):
    """A space: its constitution (a DSSE envelope) and how much its log holds."""

    space: str
    title: str
    origin: str
    vkey: str
    founded_at: int
    size: int
    root: str
    checkpoint: str
    constitution: Any
    constitution_digest: str | None
    constitution_revision: int
    members: int
    items: int
    ballots: int
    commitments: int
    links: dict[str, str]


class MemberView(Answer, frozen=True):
    """A member at the latest revision; `digest` is what the next revision names as previous."""

    member: str
    suite: str
    public: str
    roles: list[str]
    weight: str
    status: str
    enrolled_at: int
    digest: str
    index: int


class MemberPage(Answer, frozen=True):
    """Members by id."""

    items: list[MemberView]
    next: str | None


class ItemView(Answer, frozen=True):
    """A roadmap item at the latest revision; `digest` is what the next revision names as previous.

    An item that has moved is no part of this roadmap any more: `moved_to` is its global name where it went.
    """

    item: str
    revision: int
    title: str
    product: str | None
    quarter: str | None
    phase: str | None
    theme: str | None
    status: str
    effort: str | None
    effort_days: int | None
    details: str
    source: str | None
    revised_at: int
    digest: str
    index: int
    moved_to: str | None


class RoadmapView(Answer, frozen=True):
    """Roadmap items by id, with the count and root that an edition of the whole roadmap states.

    Those that have moved are shown and not counted.
    """

    items: list[ItemView]
    next: str | None
    edition_items: int
    edition_root: str


class CommitmentView(Answer, frozen=True):
    """A commitment and how it goes; `digest` is what the next update names as previous."""

    commitment: str
    item: str
    ballot: str
    outcome: str
    owner: str
    due: str
    text: str
    committed_at: int
    status: str
    updates: int
    note: str | None
    updated_at: int | None
    digest: str
    index: int


class CommitmentPage(Answer, frozen=True):
    """Commitments by id."""

    items: list[CommitmentView]
    next: str | None


class DelegationView(Answer, frozen=True):
    """A delegator's latest delegation in a scope; without delegates it is revoked."""

    delegator: str
    delegates: list[str]
    scope: str
    expires: str | None
    sequence: int
    delegated_at: int
    digest: str
    index: int


class DelegationPage(Answer, frozen=True):
    """Delegations by delegator and scope."""

    items: list[DelegationView]
    next: str | None


class MemberDelegations(Answer, frozen=True):
    """What a member has delegated; `sequence` is the last one they used, 0 before the first."""

    member: str
    sequence: int
    items: list[DelegationView]


class QuarterView(Answer, frozen=True):
    """A quarter of the calendar: upcoming, due, open, late, missed or decided."""

    quarter: str
    opens_at: int
    closes_at: int
    status: str
    ballot: str | None


class CalendarView(Answer, frozen=True):
    """The quarters from the calendar's first to the next one; empty without a calendar."""

    now: int
    items: list[QuarterView]


class BallotView(Answer, frozen=True):
    """A ballot: draft, open, closed, decided or cancelled. `definition` is the DSSE envelope.

    `checkpoint_status` and `cosigners` are about the log up to the close, or up to now before it; a ballot
    with a witness policy stays closed and provisional until its quorum has cosigned the close.
    """

    ballot: str
    space: str
    title: str
    state: str
    digest: str
    definition: Any
    origin: str
    vkey: str | None
    quarter: str | None
    opens_at: int
    opened_at: int | None
    closes_at: int
    closed_at: int | None
    extended: bool
    size: int
    votes: int
    voters: int
    on_roll: int
    quorum_met: bool | None
    outcome: str | None
    result: str | None
    winners: dict[str, list[str]] | None
    reason: str | None
    checkpoint_status: Standing = "unwitnessed"
    cosigners: list[str] = []


class BallotBrief(Answer, frozen=True):
    """A ballot in a list."""

    ballot: str
    title: str
    state: str
    digest: str
    quarter: str | None
    opens_at: int
    closes_at: int
    origin: str


class BallotPage(Answer, frozen=True):
    """Ballots, drafts among them, by id."""

    items: list[BallotBrief]
    next: str | None


class OrderRecorded(Answer, frozen=True):
    """A steward's order as recorded, and the ballot as it stands after it."""

    index: int
    digest: str
    origin: str
    receipt: str
    entry: str
    state: str
    ballot: BallotView | None


class VoteBrief(Answer, frozen=True):
    """A voter's latest vote; `replaced` counts the earlier ones."""

    voter: str
    index: int
    digest: str
    cast_at: int
    replaced: int


class VotePage(Answer, frozen=True):
    """Latest votes by voter."""

    items: list[VoteBrief]
    next: str | None


class VoterView(Answer, frozen=True):
    """A voter's vote: `counts` is true for the one at `index`, `replaced` are the indices before it.

    `checkpoint_status` and `cosigners` are about the log up to `index`.
    """

    voter: str
    index: int
    digest: str
    counts: bool
    cast_at: int
    replaced: list[int]
    checkpoint_status: Standing = "unwitnessed"
    cosigners: list[str] = []


class RollRow(Answer, frozen=True):
    """A voter's row of the roll."""

    voter: str
    weight: str
    suite: str
    public: str


class Health(Answer, frozen=True):
    """Whether this instance works."""

    status: str
