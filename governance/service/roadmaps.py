"""Reads about a space's roadmap."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from governance.errors import NotFound
from governance.replay.space import SpaceState, edition_of
from governance.service.answers import ItemView, RoadmapView
from governance.service.core import Service
from governance.service.pages import Page, select
from governance.service.queries import space_log
from governance.store.entries import table_of
from governance.store.projected import ItemRow

_items: Final = table_of(ItemRow)


def roadmap(service: Service, space: str, page: Page, quarter: str | None, status: str | None) -> RoadmapView:
    """Items by id, of a quarter and a status if given, and what an edition of the whole roadmap would state.

    Raises:
        NotFound: no such space here.
    """
    state = service.states.get(service.states.space_origin(space), SpaceState)
    with service.store.read() as conn:
        where = [_items.c.log_id == space_log(service, conn, space).id]
        where += [_items.c.quarter == quarter] if quarter is not None else []
        where += [_items.c.status == status] if status is not None else []
        rows, following = select(conn, _items, "item", page, *where)
    count, root = edition_of(state)
    return RoadmapView([_item(state, row) for row in rows], following, count, root)


def item(service: Service, space: str, name: str) -> ItemView:
    """One item.

    Raises:
        NotFound: no such space, or no such item in it.
    """
    state = service.states.get(service.states.space_origin(space), SpaceState)
    with service.store.read() as conn:
        log_id = space_log(service, conn, space).id
        chosen = sa.select(_items).where(_items.c.log_id == log_id, _items.c.item == name)
        row = conn.execute(chosen).first()
    if row is None:
        raise NotFound(f"the roadmap of {space} has no item {name[:80]}")
    return _item(state, row)


def _item(state: SpaceState, row: Any) -> ItemView:
    names = [f for f in ItemView.__struct_fields__ if f not in {"digest", "index", "moved_to"}]
    return ItemView(
        **{n: getattr(row, n) for n in names},
        digest=row.identity,
        index=row.idx,
        moved_to=state.ownership.moved_to(row.item),
    )
