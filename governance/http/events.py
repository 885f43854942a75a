"""Server-sent events: a log has grown, or was cosigned.

The id is the tree size, so a client resumes exactly where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, get
from litestar.params import HeaderParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from governance.http.common import READ, Serving
from governance.http.params import BallotName, SpaceName
from governance.service import ballot_views, queries
from governance.service.core import Service
from governance.store.entries import LogHead

PING: Final = 15.0
"""Seconds after which an idle stream says that it is alive, for the proxies between."""
PAUSE: Final = 0.2
"""Seconds between two events of one stream: a thousand votes a second are five events."""
LastEvent = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID", pattern=r"^[0-9]{1,15}$(?!\n)", required=False, description="Resume here"
    ),
]


class EventsController(Controller):
    """Streams of log growth."""

    tags = ("events",)

    @get(
        "/api/v1/spaces/{space:str}/events",
        operation_id="streamSpace",
        summary="The space's log grows",
        responses=READ,
    )
    async def space(
        self, service: Serving, space: SpaceName, last_event: LastEvent = None
    ) -> ServerSentEvent:
        """`grown` for each growth, the size as event id; `cosigned`; both `{"origin", "size"}`."""
        head = await asyncio.to_thread(_space_head, service, space)
        return ServerSentEvent(_stream(service, head, last_event))

    @get(
        "/api/v1/spaces/{space:str}/ballots/{ballot:str}/events",
        operation_id="streamBallot",
        summary="The ballot's log grows",
        responses=READ,
    )
    async def ballot(
        self, service: Serving, space: SpaceName, ballot: BallotName, last_event: LastEvent = None
    ) -> ServerSentEvent:
        """`grown` for each growth, the size as event id; `cosigned`; both `{"origin", "size"}`."""
        head = await asyncio.to_thread(_ballot_head, service, space, ballot)
        return ServerSentEvent(_stream(service, head, last_event))


def _space_head(service: Service, space: str) -> LogHead:
    with service.store.read() as conn:
        return queries.space_log(service, conn, space)


def _ballot_head(service: Service, space: str, ballot: str) -> LogHead:
    with service.store.read() as conn:
        return ballot_views.ballot_log(service, conn, space, ballot)


async def _stream(service: Service, head: LogHead, last_event: str | None) -> AsyncIterator[Any]:
    loop = asyncio.get_running_loop()
    grown = asyncio.Event()

    def wake() -> None:
        loop.call_soon_threadsafe(grown.set)

    sent = int(last_event) if last_event is not None else -1
    heard = service.feed.cosignings(head.origin)
    service.feed.listen(head.origin, wake)
    try:
        while True:
            size = max(head.size, service.feed.size(head.origin))
            if size > sent:
                sent = size
                yield message(head.origin, size)
                await asyncio.sleep(PAUSE)
            now = service.feed.cosignings(head.origin)
            if now != heard:
                heard = now
                yield cosigned(head.origin, now[0])
            try:
                await asyncio.wait_for(grown.wait(), PING)
                grown.clear()
            except TimeoutError:
                yield ServerSentEventMessage(data=None, comment="ping")
    finally:
        service.feed.forget(head.origin, wake)


def message(origin: str, size: int) -> ServerSentEventMessage:
    """The event that a log has this size."""
    return ServerSentEventMessage(data=_data(origin, size), event="grown", id=str(size))


def cosigned(origin: str, size: int) -> ServerSentEventMessage:
    """The event that the checkpoint of this size has a further cosignature; no place to resume from."""
    return ServerSentEventMessage(data=_data(origin, size), event="cosigned")


def _data(origin: str, size: int) -> str:
    return msgspec.json.encode({"origin": origin, "size": size}).decode()
