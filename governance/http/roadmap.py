"""`/api/v1/spaces/{space}/roadmap`: items and editions."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.params import QueryParameter, RawBody

from governance.http.common import BODY, READ, WRITE, Serving, created, repeated
from governance.http.params import Cursor, ItemName, Limit, SpaceName
from governance.service import roadmap_links, roadmaps
from governance.service.answers import ItemView, Recorded, RoadmapView
from governance.service.pages import page_of
from governance.service.standing import StandingView

Quarter = Annotated[str | None, QueryParameter(pattern=r"^[0-9]{4}-Q[1-4]$(?!\n)", required=False)]
Status = Annotated[
    str | None,
    QueryParameter(
        pattern=r"^(proposed|planned|committed|in-progress|done|not-planned)$(?!\n)", required=False
    ),
]


class RoadmapController(Controller):
    """What a community plans, by quarter."""

    path = "/api/v1/spaces/{space:str}/roadmap"
    tags = ("roadmap",)
    request_max_body_size = BODY

    @get(operation_id="getRoadmap", summary="Roadmap items", responses=READ, sync_to_thread=True)
    def roadmap(
        self,
        service: Serving,
        space: SpaceName,
        quarter: Quarter = None,
        status: Status = None,
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> RoadmapView:
        """Items by id at their latest revisions."""
        return roadmaps.roadmap(service, space, page_of(cursor, limit), quarter, status)

    @post(
        operation_id="recordRoadmap",
        summary="Revise, link or move an item, or publish an edition",
        responses=WRITE | repeated(Recorded),
        sync_to_thread=True,
    )
    def record(self, service: Serving, space: SpaceName, body: RawBody) -> Response[Recorded]:
        """Record a `roadmap-item`, `roadmap-edition`, `item-link` or one of the `transfer-…` statements."""
        answer, new = roadmap_links.record(service, space, body)
        return created(answer, new=new)

    @get("/{item:str}", operation_id="getItem", summary="An item", responses=READ, sync_to_thread=True)
    def item(self, service: Serving, space: SpaceName, item: ItemName) -> ItemView:
        """An item at its latest revision."""
        return roadmaps.item(service, space, item)

    @get(
        "/{item:str}/standing",
        operation_id="getItemStanding",
        summary="Whose an item is, and its links",
        responses=READ,
        sync_to_thread=True,
    )
    def standing(self, service: Serving, space: SpaceName, item: ItemName) -> StandingView:
        """Whether this space is the item's home, what it was called elsewhere, and what it is linked with."""
        return roadmap_links.standing(service, space, item)
