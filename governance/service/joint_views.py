"""Reads about joint ballots: what this space has accepted, and how each stands."""

from __future__ import annotations

import msgspec

from governance.replay.joint import JointRecord
from governance.service import joint
from governance.service.core import Service
from governance.service.joint_answers import (
    JointBrief,
    JointDisputeView,
    JointOutcomeView,
    JointPage,
    JointView,
)
from governance.service.pages import Page, cut


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
