"""The plugin `federation`: everything here joins the service by the public hooks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from federation import guard, http_signatures, identity, introductions, peers, queue, scrub
from federation.client import Client
from federation.controllers import controllers
from federation.copies import DiskCopies
from federation.errands import Runner
from federation.keys import load_keys
from federation.node import Node
from federation.operator_api import operator_controllers
from federation.own import ServiceLogs
from governance.errors import SetupFault
from governance.fetch import egress
from governance.hooks import Job, hookimpl
from governance.log.policy import Policy, parse_policy
from governance.service.core import Service
from governance.statements.base import Statement
from governance.statements.peer import Peer
from governance.store.engine import Store

MIGRATIONS: Final = Path(__file__).parent / "migrations"
POLICY: Final = "federation.policy"
"""In the data directory: logs and witnesses of other software (C2SP tlog-policy)."""
TICK: Final = 1.0
SCRUB: Final = 60.0
IDENTITY: Final = 600.0
_log: Final = logging.getLogger("althing.federation")


class Federation:
    """The hooks; one `Node` for each service that is composed with it."""

    def __init__(self) -> None:
        self._nodes: dict[int, Node] = {}
        self._runners: dict[int, Runner] = {}
        self._lock = threading.Lock()

    @hookimpl
    def tables(self) -> Sequence[Path]:
        """The tables of `federation.tables`."""
        return [MIGRATIONS]

    @hookimpl
    def holds(self, store: Store) -> Sequence[str]:
        """Nothing is signed before somebody who knows our logs has said how far they were."""
        return guard.holds(store)

    @hookimpl
    def routes(self, service: Service) -> Sequence[Any]:
        """What other instances, and the operator, ask."""
        node = self.node(service)
        return [*controllers(node), *operator_controllers(service, node)]

    @hookimpl
    def background_jobs(self, service: Service) -> Sequence[Job]:
        """Errands, identity, scrubbing, and the guard at the start."""
        node = self.node(service)
        runner = Runner(node)
        return [
            Job("errands", TICK, lambda: _tick(service, node, runner)),
            Job("identity", IDENTITY, lambda: _renew(service, node)),
            Job("scrub", SCRUB, lambda: scrub.scrub(node)),
        ]

    @hookimpl
    def after_record(self, origin: str, index: int, statement: Statement) -> None:
        """News of ours are brought to the peers at once; an order about a peer counts at once."""
        del index
        for node in self._of(origin):
            if isinstance(statement, Peer):
                peers.settle(node)
            _wake_followers(node)

    def node(self, service: Service) -> Node:
        """The node of a service, made at its first use."""
        with self._lock:
            node = self._nodes.get(id(service))
            if node is None:
                node = self._nodes[id(service)] = make_node(service)
                peers.settle(node)
            return node

    def _of(self, origin: str) -> list[Node]:
        return [node for node in self._nodes.values() if origin.startswith(base_of(node))]


def base_of(node: Node) -> str:
    """What all origins of the node's own logs begin with."""
    return node.own.base_url.partition("://")[2]


def make_node(service: Service) -> Node:
    """The node of a running service.

    Raises:
        SetupFault: the operator's policy file cannot be read.
    """
    own = ServiceLogs(service)
    keys = load_keys(service.data_dir, service.states.base, post_quantum=service.options.post_quantum)

    def sign(method: str, url: str, body: bytes | None, media_type: str | None) -> dict[str, str]:
        return http_signatures.sign_request(
            method, url, body, media_type, keys.http, own.instance, service.clock()
        )

    return Node(
        own=own,
        db=service.store,
        copies=DiskCopies(service.data_dir / "mirrors"),
        keys=keys,
        client=Client(egress.transport(service.egress), sign),
        clock=service.clock,
        foreign=_foreign(service.data_dir / POLICY),
    )


def _foreign(path: Path) -> Policy:
    try:
        return parse_policy(path.read_bytes())
    except FileNotFoundError:
        return Policy()
    except Exception as e:
        raise SetupFault(f"{path} cannot be read: {e}") from e


def _tick(service: Service, node: Node, runner: Runner) -> None:
    if service.held:
        guard.confirm(service, node)
        return
    _wake_grown(node)
    runner.tick()


def _renew(service: Service, node: Node) -> None:
    if not service.held:
        identity.sync_identity(service, node.keys.http, node.keys.vkeys)
