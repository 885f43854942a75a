"""Reads about delegations, from the projection; every answer names the entry behind it."""

from __future__ import annotations

import json
from typing import Any, Final

import sqlalchemy as sa

from governance.errors import NotFound
from governance.service.answers import DelegationPage, DelegationView, MemberDelegations
from governance.service.core import Service
from governance.service.pages import Page, select
from governance.service.queries import space_log
from governance.store.entries import table_of
from governance.store.projected import DelegationRow, MemberRow

_delegations: Final = table_of(DelegationRow)
_members: Final = table_of(MemberRow)


def delegation_page(service: Service, space: str, page: Page) -> DelegationPage:
    """The latest delegations by delegator and scope, revoked and expired ones included.

    Raises:
        NotFound: no such space here.
    """
    with service.store.read() as conn:
        head = space_log(service, conn, space)
        rows, following = select(conn, _delegations, "record", page, _delegations.c.log_id == head.id)
    return DelegationPage([_view(row) for row in rows], following)


def of_member(service: Service, space: str, member: str) -> MemberDelegations:
    """What a member has delegated, and the last sequence they used.

    Raises:
        NotFound: no such space, or nobody of that id in it.
    """
    with service.store.snapshot() as conn:
        head = space_log(service, conn, space)
        enrolled = sa.select(_members.c.idx).where(_members.c.log_id == head.id, _members.c.member == member)
        if conn.execute(enrolled).first() is None:
            raise NotFound(f"{member[:80]} is not enrolled in {space}")
        chosen = sa.select(_delegations).where(
            _delegations.c.log_id == head.id, _delegations.c.delegator == member
        )
        rows = conn.execute(chosen.order_by(_delegations.c.record)).all()
    return MemberDelegations(member, max((row.sequence for row in rows), default=0), [_view(r) for r in rows])


def _view(row: Any) -> DelegationView:
    return DelegationView(
        delegator=row.delegator,
        delegates=json.loads(row.delegates),
        scope=row.scope,
        expires=row.expires,
        sequence=row.sequence,
        delegated_at=row.delegated_at,
        digest=row.identity,
        index=row.idx,
    )
