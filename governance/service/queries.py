"""Reads about instance, spaces and members, from the projections; every answer names the entry behind it."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from governance import __version__
from governance.errors import NotFound
from governance.replay.schedule import KnownBallot, quarters
from governance.replay.space import SpaceState, own_items
from governance.service.answers import (
    CalendarView,
    CommitmentPage,
    CommitmentView,
    InstanceView,
    MemberPage,
    MemberView,
    QuarterView,
    SpaceBrief,
    SpacePage,
    SpaceView,
)
from governance.service.core import Service
from governance.service.pages import Page, select
from governance.signing.fingerprint import fingerprint
from governance.store import entries
from governance.store.entries import LogHead, table_of
from governance.store.projected import BallotNoticeRow, BallotRow, CommitmentRow, MemberRow, SpaceRow

_spaces: Final = table_of(SpaceRow)
_members: Final = table_of(MemberRow)
_notices: Final = table_of(BallotNoticeRow)
_ballots: Final = table_of(BallotRow)
_commitments: Final = table_of(CommitmentRow)


def instance_view(service: Service) -> InstanceView:
    """This instance and its spaces."""
    state = service.instance
    document = state.document
    if document is None:
        raise NotFound("this instance has no identity yet")
    with service.store.read() as conn:
        rows = conn.execute(sa.select(_spaces).order_by(_spaces.c.space)).all()
    return InstanceView(
        id=document.id,
        fingerprint=fingerprint(document.id),
        name=document.name,
        base_url=document.base_url,
        version=__version__,
        protocol=1,
        origin=state.origin,
        vkey=document.vkey,
        signing=not service.held,
        spaces=[_brief(service, row) for row in rows],
    )


def space_page(service: Service, page: Page) -> SpacePage:
    """Spaces by id."""
    with service.store.read() as conn:
        rows, following = select(conn, _spaces, "space", page)
    return SpacePage([_brief(service, row) for row in rows], following)


def _brief(service: Service, row: Any) -> SpaceBrief:
    url = f"{service.base_url}/api/v1/spaces/{row.space}"
    return SpaceBrief(row.space, row.title, service.states.space_origin(row.space), url)


def space_log(service: Service, conn: sa.Connection, space: str) -> LogHead:
    """The head of a space's log.

    Raises:
        NotFound: no such space here.
    """
    try:
        return entries.head(conn, service.states.space_origin(space))
    except NotFound:
        raise NotFound(f"there is no space {space} here") from None


def space_view(service: Service, space: str) -> SpaceView:
    """A space with its constitution and counts.

    Raises:
        NotFound: no such space here.
    """
    with service.store.snapshot() as conn:
        head = space_log(service, conn, space)
        row = conn.execute(sa.select(_spaces).where(_spaces.c.log_id == head.id)).one()
        counts = {
            table.name: conn.scalar(
                sa.select(sa.func.count()).select_from(table).where(table.c.log_id == head.id)
            )
            or 0
            for table in (_members, _notices, _commitments)
        }
        constitution = None
        if row.constitution is not None:
            (constitution,) = entries.read_entries(conn, head.id, row.idx, row.idx + 1)
    url = f"{service.base_url}/api/v1/spaces/{space}"
    names = (
        "constitution",
        "members",
        "roadmap",
        "ballots",
        "commitments",
        "delegations",
        "calendar",
        "events",
    )
    return SpaceView(
        space=space,
        title=row.title,
        origin=head.origin,
        vkey=head.vkey,
        founded_at=row.founded_at,
        size=head.size,
        root=head.root.hex(),
        checkpoint=head.checkpoint.decode(),
        constitution=None if constitution is None else msgspec.Raw(constitution),
        constitution_digest=row.constitution,
        constitution_revision=row.constitution_revision,
        members=counts["members"],
        items=len(own_items(service.states.get(head.name, SpaceState))),
        ballots=counts["ballot_notices"],
        commitments=counts["commitments"],
        links={name: f"{url}/{name}" for name in names},
    )


def member_page(service: Service, space: str, page: Page) -> MemberPage:
    """Members by id.

    Raises:
        NotFound: no such space here.
    """
    with service.store.read() as conn:
        head = space_log(service, conn, space)
        rows, following = select(conn, _members, "member", page, _members.c.log_id == head.id)
    return MemberPage([_member(row) for row in rows], following)


def member_view(service: Service, space: str, member: str) -> MemberView:
    """One member.

    Raises:
        NotFound: no such space, or nobody of that id in it.
    """
    with service.store.read() as conn:
        head = space_log(service, conn, space)
        chosen = sa.select(_members).where(_members.c.log_id == head.id, _members.c.member == member)
        row = conn.execute(chosen).first()
    if row is None:
        raise NotFound(f"{member[:80]} is not enrolled in {space}")
    return _member(row)


def _member(row: Any) -> MemberView:
    return MemberView(
        member=row.member,
        suite=row.suite,
        public=row.public,
        roles=json.loads(row.roles),
        weight=row.weight,
        status=row.status,
        enrolled_at=row.enrolled_at,
        digest=row.identity,
        index=row.idx,
    )


def commitment_page(service: Service, space: str, page: Page) -> CommitmentPage:
    """Commitments by id.

    Raises:
        NotFound: no such space here.
    """
    with service.store.read() as conn:
        head = space_log(service, conn, space)
        rows, following = select(conn, _commitments, "commitment", page, _commitments.c.log_id == head.id)
    return CommitmentPage([_commitment(row) for row in rows], following)


def _commitment(row: Any) -> CommitmentView:
    names = [f for f in CommitmentView.__struct_fields__ if f not in {"digest", "index"}]
    return CommitmentView(**{n: getattr(row, n) for n in names}, digest=row.identity, index=row.idx)


def calendar_view(service: Service, space: str, now: int) -> CalendarView:
    """The quarters of the constitution's calendar and how each stands.

    Raises:
        NotFound: no such space here.
    """
    state = service.states.get(service.states.space_origin(space), SpaceState)
    plan = state.constitution.statement.calendar if state.constitution else None
    if plan is None:
        return CalendarView(now, [])
    with service.store.read() as conn:
        rows = conn.execute(
            sa.select(_ballots).where(_ballots.c.space == space, _ballots.c.quarter.is_not(None))
        ).all()
    known = [
        KnownBallot(row.ballot, row.quarter, row.opened_at, row.phase in {"closed", "decided", "cancelled"})
        for row in rows
    ]
    return CalendarView(
        now,
        [
            QuarterView(q.quarter, q.opens_at, q.closes_at, q.status, q.ballot)
            for q in quarters(plan, known, now)
        ],
    )
