"""The merged map on the instance's web server: JSON, a page, an Atom feed, an event stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, Response, get
from litestar.params import HeaderParameter, QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from federation.map_atom import atom
from federation.map_keeper import MapKeeper, Published
from federation.map_page import POLICY, render
from federation.map_query import MapPage, Wanted, page_of_map
from governance.http.common import READ
from governance.http.events import PING
from governance.http.params import Cursor, Limit
from governance.http.problems import Any_Request
from governance.service.pages import page_of

POLL: Final = 2.0
"""Seconds between two looks for a stream; all streams share one map."""
SHOWN: Final = 300
"""Items on a page for people."""
NAMES: Final = 1_000
"""Names in one event; with more changes a client reads the map anew."""
Quarter = Annotated[str | None, QueryParameter(pattern=r"^([0-9]{4}-Q[1-4])?$(?!\n)", required=False)]
Status = Annotated[
    str | None,
    QueryParameter(
        pattern=r"^(proposed|planned|committed|in-progress|done|not-planned|unknown)?$(?!\n)", required=False
    ),
]
SpaceQuery = Annotated[
    str | None,
    QueryParameter(
        pattern=r"^((sha256:[0-9a-f]{64}/)?[a-z0-9][a-z0-9-]{0,62})?$(?!\n)",
        required=False,
        description="A space's id, or `<instance id>/<space>`",
    ),
]
Words = Annotated[str | None, QueryParameter(max_length=200, required=False, description="Words to find")]
LastVersion = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID", pattern=r"^[0-9a-f]{32}$(?!\n)", required=False, description="Resume here"
    ),
]


def map_controllers(keeper: MapKeeper, base_url: Callable[[], str], name: Callable[[], str]) -> list[Any]:
    """The handlers, bound to a keeper; `base_url` and `name` are this instance's, asked each time."""
    return [_data(keeper), _page(keeper, name), _feed(keeper, base_url, name)]


def _data(keeper: MapKeeper) -> type[Controller]:
    class MapController(Controller):
        """The roadmaps of all followed instances as one map."""

        path = "/api/v1/map"
        tags = ("map",)

        @get(operation_id="getMap", summary="The merged roadmap", responses=READ, sync_to_thread=True)
        def json(
            self,
            request: Any_Request,
            quarter: Quarter = None,
            status: Status = None,
            space: SpaceQuery = None,
            q: Words = None,
            cursor: Cursor = None,
            limit: Limit = None,
        ) -> Response[MapPage]:
            """Items by global name with homes, links and marks; circles and conflicts of the whole map."""
            page = page_of(cursor, limit)
            published = keeper.current()
            answer = page_of_map(published, _wanted(quarter, status, space, q), page)
            return _cached(request, published, answer)

        @get("/events", operation_id="streamMap", summary="The map changes", responses=READ)
        async def events(self, last_event: LastVersion = None) -> ServerSentEvent:
            """One event for each change; its id is the version.

            `{"version", "items", "conflicts", "changed"}`: `changed` are names of items; null when too much
            changed, or nobody knows since when.
            """
            return ServerSentEvent(stream(keeper, last_event))

    return MapController


def _page(keeper: MapKeeper, name: Callable[[], str]) -> Any:
    @get("/map", include_in_schema=False, sync_to_thread=True)
    def page(
        quarter: Quarter = None,
        status: Status = None,
        space: SpaceQuery = None,
        q: Words = None,
        cursor: Cursor = None,
    ) -> Response[bytes]:
        wanted = _wanted(quarter, status, space, q)
        found = page_of_map(keeper.current(), wanted, page_of(cursor, SHOWN))
        return Response(
            render(found, wanted, name()).encode(),
            media_type="text/html; charset=utf-8",
            headers={"content-security-policy": POLICY, "cache-control": "max-age=5"},
        )

    return page


def _feed(keeper: MapKeeper, base_url: Callable[[], str], name: Callable[[], str]) -> Any:
    @get("/map.atom", include_in_schema=False, sync_to_thread=True)
    def feed(
        request: Any_Request,
        quarter: Quarter = None,
        status: Status = None,
        space: SpaceQuery = None,
        q: Words = None,
    ) -> Response[Any]:
        published = keeper.current()
        wanted = _wanted(quarter, status, space, q)
        items = [item for item in published.map.items if wanted.fits(item)]
        return _cached(request, published, atom(items, base_url(), name(), published.read_at))

    return feed


def _wanted(quarter: str | None, status: str | None, space: str | None, q: str | None) -> Wanted:
    """Filters; an empty one, as forms send them, is none."""
    return Wanted(quarter or None, status or None, space or None, q or None)


def _cached(request: Any_Request, published: Published, answer: Any) -> Response[Any]:
    # Weak: `checked_at` of a source may differ under one version.
    tag = f'W/"{published.version}"'
    headers = {"etag": tag, "cache-control": "max-age=5"}
    known = request.headers.get("if-none-match", "")
    if known == "*" or published.version in {
        part.strip().removeprefix("W/").strip('"') for part in known.split(",")
    }:
        return Response(None, status_code=304, headers=headers)
    media = "application/atom+xml; charset=utf-8" if isinstance(answer, bytes) else "application/json"
    return Response(answer, media_type=media, headers=headers)


async def stream(keeper: MapKeeper, last: str | None) -> AsyncIterator[Any]:
    """Events from a version on, without end; the present one at once when it is another."""
    sent, quiet = last, 0.0
    while True:
        published = await asyncio.to_thread(keeper.current)
        if published.version != sent:
            yield message(keeper, sent, published)
            sent, quiet = published.version, 0.0
        await asyncio.sleep(POLL)
        quiet += POLL
        if quiet >= PING:
            quiet = 0.0
            yield ServerSentEventMessage(data=None, comment="ping")


def message(keeper: MapKeeper, since: str | None, published: Published) -> ServerSentEventMessage:
    """The event that the map has this version."""
    changed = None if since is None else keeper.changed(since, published)
    found = published.map
    said = {
        "version": published.version,
        "items": len(found.items),
        "conflicts": len(found.conflicts),
        "changed": changed if changed is None or len(changed) <= NAMES else None,
    }
    return ServerSentEventMessage(
        data=msgspec.json.encode(said).decode(), event="changed", id=published.version
    )
