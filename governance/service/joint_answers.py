"""What the service answers about joint ballots."""

from __future__ import annotations

from typing import Any

from governance.service.answers import Answer
from governance.statements.base import BlobRef
from governance.statements.electorate import ElectorateSummary
from governance.statements.joint import Differing, ShardRef


class JointBrief(Answer, frozen=True):
    """A joint ballot in a list; `state` is accepted, partial, decided or disputed."""

    manifest: str
    ballot: str
    title: str
    state: str
    position: int
    communities: int
    opens_at: int
    closes_at: int


class JointPage(Answer, frozen=True):
    """Joint ballots by manifest."""

    items: list[JointBrief]
    next: str | None


class JointOutcomeView(Answer, frozen=True):
    """The latest joint outcome of this space's log; `missing` are places among the communities."""

    digest: str
    index: int
    result: str
    shards: list[ShardRef]
    missing: list[int]
    superseded: int
    counted_at: int


class JointDisputeView(Answer, frozen=True):
    """Who has logged another result over the same parts."""

    index: int
    ours: str
    theirs: list[Differing]
    noted_at: int


class JointView(Answer, frozen=True):
    """A joint ballot as this space's log has it. `document` is the manifest.

    `acceptance` is the digest that every part's definition names, `position` this space's place among the
    communities.
    """

    manifest: str
    ballot: str
    title: str
    state: str
    position: int
    document: Any
    acceptance: str
    index: int
    accepted_at: int
    electorate: ElectorateSummary
    roll: BlobRef
    outcome: JointOutcomeView | None
    dispute: JointDisputeView | None
