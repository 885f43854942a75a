"""Reads about joint ballots: what this space has accepted, and how each stands."""

from __future__ import annotations

from typing import Any

import msgspec

from governance.replay.joint import JointRecord
from governance.service import joint
from governance.service.answers import Answer
from governance.service.core import Service
from governance.service.pages import Page, cut
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


def joint_page(service: Service, space: str, page: Page) -> JointPage:
    """Joint ballots by manifest.

    Raises:
        NotFound: no such space here.
    """
    after = page.after or ""
    found = sorted(
        (_brief(record) for record in joint.records(service, space) if record.digest > after),
        key=lambda brief: brief.manifest,
    )
    items, following = cut(found[: page.limit + 1], page, "manifest")
    return JointPage(list(items), following)


def _brief(record: JointRecord) -> JointBrief:
    manifest = record.manifest
    return JointBrief(
        manifest=record.digest,
        ballot=manifest.ballot,
        title=manifest.title,
        state=record.state,
        position=record.position,
        communities=len(manifest.shards),
        opens_at=manifest.opens_at,
        closes_at=manifest.closes_at,
    )


def joint_view(service: Service, space: str, manifest: str) -> JointView:
    """One joint ballot.

    Raises:
        NotFound: no such space, or it has not accepted the manifest.
    """
    record = joint.record_of(service, space, manifest)
    acceptance = record.acceptance
    return JointView(
        manifest=record.digest,
        ballot=record.manifest.ballot,
        title=record.manifest.title,
        state=record.state,
        position=record.position,
        document=msgspec.Raw(acceptance.manifest.encode()),
        acceptance=record.accepted,
        index=record.index,
        accepted_at=acceptance.accepted_at,
        electorate=acceptance.electorate,
        roll=acceptance.roll,
        outcome=_outcome(record),
        dispute=_dispute(record),
    )


def _outcome(record: JointRecord) -> JointOutcomeView | None:
    latest = record.latest
    if latest is None:
        return None
    new = latest.statement
    return JointOutcomeView(
        digest=latest.digest,
        index=latest.index,
        result=new.result.digest,
        shards=new.shards,
        missing=new.missing,
        superseded=len(record.outcomes) - 1,
        counted_at=new.counted_at,
    )


def _dispute(record: JointRecord) -> JointDisputeView | None:
    new = record.dispute
    if new is None:
        return None
    return JointDisputeView(record.disputed_index, new.ours, new.theirs, new.noted_at)
