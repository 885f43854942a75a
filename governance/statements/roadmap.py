"""The roadmap: items, quarterly editions, and the commitments that ballots lead to."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from governance.statements.base import (
    BoundStatement,
    Count,
    Digest,
    Hash,
    MemberId,
    Quarter,
    Slug,
    Statement,
    Text,
    Time,
    Title,
    kind,
)

ItemStatus = Annotated[
    str, Meta(pattern=r"^(proposed|planned|committed|in-progress|done|not-planned)$(?!\n)")
]
Label = Annotated[str, Meta(max_length=200)]


@kind("roadmap-item")
class RoadmapItem(BoundStatement, frozen=True):
    """One revision of an item. `not-planned` with its reason is a status of full standing (DESIGN 1)."""

    space: Slug
    item: Slug
    revision: Annotated[int, Meta(ge=1, le=1_000_000)]
    previous: Digest | None
    title: Title
    product: Label | None
    quarter: Quarter | None
    phase: Label | None
    theme: Label | None
    status: ItemStatus
    effort: Label | None
    effort_days: Annotated[int, Meta(ge=0, le=100_000)] | None
    details: Text
    source: Label | None
    revised_at: Time


@kind("roadmap-edition")
class RoadmapEdition(BoundStatement, frozen=True):
    """The roadmap as published for a quarter: every item at its latest revision before this entry.

    `root` is the RFC 6962 root over the items' revision digests (as text), ascending by item id.
    """

    space: Slug
    quarter: Quarter
    items: Count
    root: Hash
    published_at: Time


@kind("commitment")
class Commitment(Statement, frozen=True):
    """Who builds a winner, by when."""

    space: Slug
    commitment: Slug
    item: Slug
    ballot: Slug
    outcome: Digest
    owner: MemberId
    due: Quarter
    text: Text
    committed_at: Time


@kind("commitment-update")
class CommitmentUpdate(Statement, frozen=True):
    """How a commitment goes; `previous` is the commitment or its latest update."""

    space: Slug
    commitment: Slug
    previous: Digest
    status: Annotated[str, Meta(pattern=r"^(kept|late|dropped|in-progress)$(?!\n)")]
    text: Text
    updated_at: Time
