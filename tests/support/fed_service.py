"""A running service among instances in memory: its own plugin's node, on the network of `fed_nodes`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

from federation import endpoints, errands, identity, peers
from federation.endpoints import Request, Route
from federation.node import Node
from federation.plugin import Federation, plugin
from federation.ports import Decision
from governance.errors import NotFound
from governance.hooks import Job, hookimpl
from governance.service.core import Service
from governance.service.instance import signed
from governance.statements.base import Statement
from governance.statements.peer import Peer
from tests.support import service as services
from tests.support.fed_nodes import Network, SimNode, VirtualClock, _Wire, make_node
from tests.support.people import API, body, operator_of, recorded
from tests.support.service import Running

HOST = "us.example"
URL = f"https://{HOST}"
FILES = 20_000_000


@dataclass
class Real:
    """A service with its node; answers on the network like a `SimNode`."""

    running: Running
    node: Node

    @property
    def service(self) -> Service:
        return self.running.service

    @property
    def instance(self) -> str:
        return self.node.own.instance

    def respond(self, request: Request, routes: tuple[Route, ...], sender: str = "") -> httpx.Response:
        """A public file, or the answer of an endpoint."""
        if request.method == "GET" and request.path.startswith(("/logs/", "/blobs/", "/.well-known/")):
            try:
                return httpx.Response(200, content=self.node.own.files().read(request.path[1:], FILES))
            except NotFound:
                return httpx.Response(404)
        given = endpoints.answer(self.node, routes, request)
        headers = {"content-type": given.media_type, **given.headers}
        return httpx.Response(given.status, content=given.body, headers=headers)

    def post(self, path: str, statement: Statement, *keys: Any) -> Any:
        """POST a signed statement below the API."""
        return self.running.client.post(f"{API}{path}", content=body(statement, *keys))

    def order(self, other: SimNode, state: str = "mirror", reason: str = "") -> None:
        """Our operator decides about a peer."""
        operator = operator_of(self.running.data)
        known = self.node.own.decisions().get(other.own.instance)
        previous = None if known is None else known.digest
        now = self.running.clock.now
        order = Peer(other.own.instance, other.own.base_url, state, reason, previous, operator.member_id, now)
        recorded(self.post("/peers/orders", order, operator))

    def heads(self) -> dict[str, bytes]:
        """The checkpoint of every log, by its origin."""
        return {head.origin: head.checkpoint for head in self.node.own.heads()}


@hookimpl
def _no_jobs(_self: Federation, service: Service) -> Sequence[Job]:
    """A test says what happens when."""
    del service
    return []


@contextmanager
def real(data: Path, network: Network, clock: VirtualClock, **choices: Any) -> Iterator[Real]:
    """A service in `data` at `URL` on the network; its errands run when a test runs them."""
    wire = _Wire(network, HOST)
    with (
        mock.patch.object(Federation, "background_jobs", _no_jobs),
        mock.patch("federation.running.egress.transport", return_value=wire),
        services.running(data, url=URL, clock=clock, found=False, **choices) as started,
    ):
        node = plugin.node(started.service)
        if not started.service.held:
            identity.sync_identity(started.service, node.keys.http, node.keys.vkeys)
        started.community.base = HOST
        made = Real(started, node)
        network.nodes[HOST] = made  # type: ignore[assignment]
        try:
            yield made
        finally:
            network.nodes.pop(HOST, None)


def mirror_at(host: str, network: Network, clock: VirtualClock) -> SimNode:
    """An instance in memory."""
    return make_node(host, network, clock)


def befriend(us: Real, other: SimNode) -> None:
    """Both operators decide to mirror each other."""
    if other.own.instance not in us.node.own.decisions():
        us.order(other)
    order = Peer(us.instance, URL, "mirror", "", None, other.own.operator_key.member_id, other.clock())
    entry = signed(order, other.own.operator_key)
    other.own.decided[us.instance] = Decision(order, entry.identity)
    peers.settle(other.node)


def run(clock: VirtualClock, *nodes: Node, rounds: int = 4) -> None:
    """Everybody's errands, some seconds apart."""
    for _ in range(rounds):
        for node in nodes:
            errands.run_due(node)
        clock.now += 7
