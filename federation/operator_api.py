"""`/api/v1/peers` and `/api/v1/evidence`: what the operator orders, and what anybody may know."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from litestar import Controller, Response, get, post
from litestar.params import PathParameter

from federation import peers, queue, views
from federation.node import Node
from federation.views import EvidencePage, PeerPage, PeerStatus
from governance.errors import InvalidStatement
from governance.http.common import BODY, READ, WRITE, created, repeated
from governance.http.problems import Any_Request
from governance.replay.authority import require_operator
from governance.service import submit
from governance.service.answers import Recorded
from governance.service.core import CLOCK_SKEW, Service
from governance.statements.peer import Peer, PeerSync

PeerId = Annotated[
    str, PathParameter(pattern=r"^(sha256:)?[0-9a-f]{8,64}$(?!\n)", description="Id, or its first digits")
]


def record_order(service: Service, node: Node, body: bytes) -> tuple[Recorded, bool]:
    """Record an operator's order about a peer in the instance's log, and act on it.

    Raises:
        Malformed, Refused: why not.
    """
    now = service.clock()
    entry = service.read(body, now)
    if not isinstance(entry.statement, Peer):
        raise InvalidStatement(f"this takes a peer order, not a {entry.statement.KIND}")
    recorded = submit.record(service, service.states.instance_origin, entry, now)
    peers.settle(node)
    return recorded


def sync(service: Service, node: Node, body: bytes) -> PeerStatus:
    """Do everything with a peer now that would be done later, by an operator's signed request.

    Raises:
        Malformed, Refused: not signed by an operator just now, or no such peer.
    """
    now = service.clock()
    entry = service.read(body, now)
    asked = entry.statement
    if not isinstance(asked, PeerSync):
        raise InvalidStatement(f"this takes a peer-sync, not a {asked.KIND}")
    require_operator(entry, asked.operator, service.instance.keys)
    if abs(now - asked.asked_at) > CLOCK_SKEW:
        raise InvalidStatement("this request is too old", pointer="/asked_at", now=now)
    queue.wake(node, peers.require(node, asked.peer).id)
    return views.peer_status(node, asked.peer)


def operator_controllers(service: Service, node: Node) -> list[Any]:
    """The handlers, bound to the service and its node."""

    class PeersController(Controller):
        """Other instances."""

        path = "/api/v1/peers"
        tags = ("peers",)

        @get(operation_id="listPeers", summary="All peers", responses=READ, sync_to_thread=True)
        def peers(self) -> PeerPage:
            """Every instance that this one knows, with the trust between them."""
            return views.peer_page(node)

        @get("/{peer:str}", operation_id="getPeer", summary="One peer", responses=READ, sync_to_thread=True)
        def peer(self, peer: PeerId) -> PeerStatus:
            """Lag, last contact, next tries, cosignatures and trust."""
            return views.peer_status(node, peer)

        @post(
            "/orders",
            operation_id="recordPeer",
            summary="Decide about a peer",
            responses=WRITE | repeated(Recorded),
            request_max_body_size=BODY,
        )
        async def order(self, request: Any_Request) -> Response[Recorded]:
            """Record a `peer` statement by an operator."""
            answer, new = await _thread(record_order, service, node, await request.body())
            return created(answer, new=new)

        @post(
            "/sync",
            operation_id="syncPeer",
            summary="Contact a peer now",
            status_code=200,
            responses=WRITE,
            request_max_body_size=BODY,
        )
        async def sync(self, request: Any_Request) -> PeerStatus:
            """Act on a `peer-sync` statement by an operator."""
            answer: PeerStatus = await _thread(sync, service, node, await request.body())
            return answer

    class EvidenceController(Controller):
        """Proven split views."""

        tags = ("peers",)

        @get(
            "/api/v1/evidence",
            operation_id="listEvidence",
            summary="All evidence",
            responses=READ,
            sync_to_thread=True,
        )
        def evidence(self) -> EvidencePage:
            """Logs that were proven to have told two stories."""
            return views.evidence_page(node)

    return [PeersController, EvidenceController]


async def _thread(work: Any, *args: Any) -> Any:

    return await asyncio.to_thread(work, *args)
