"""The plugin `federation`: everything here joins the service by the public hooks."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from federation import cli, guard, http_signatures, identity, instance_cli, peers, queue, restoring, scrub
from federation.client import Client
from federation.controllers import controllers
from federation.copies import DiskCopies
from federation.errands import Runner
from federation.followed import followed
from federation.joint import JointBallots
from federation.keys import finish_rotations, load_keys
from federation.map_controllers import map_controllers
from federation.map_keeper import MapKeeper
from federation.node import Node
from federation.operator_api import operator_controllers
from federation.own import ServiceLogs
from federation.tables import MIGRATIONS
from governance.errors import SetupFault
from governance.fetch import egress
from governance.hooks import Job, hookimpl
from governance.log.policy import Policy, parse_policy
from governance.service.clock import system_clock
from governance.service.core import Service
from governance.store.engine import Store

POLICY: Final = "federation.policy"
"""In the data directory: logs and witnesses of other software (C2SP tlog-policy)."""
TICK: Final = 1.0
JOINT: Final = 5.0
SCRUB: Final = 60.0
IDENTITY: Final = 600.0


class Federation:
    """The hooks; one `Node` for each service that is composed with it."""

    def __init__(self) -> None:
        self._nodes: dict[int, Node] = {}
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
    def routes(self, service: Any) -> Sequence[Any]:
        """What other instances, the operator, and readers of the map ask."""
        node: Any = None if service is None else self.node(service)
        clock = system_clock if service is None else service.clock
        keeper = MapKeeper(lambda: followed(node), clock)
        return [
            *controllers(node),
            *operator_controllers(service, node),
            *map_controllers(keeper, lambda: node.own.base_url, lambda: node.own.document().statement.name),
        ]

    @hookimpl
    def background_jobs(self, service: Service) -> Sequence[Job]:
        """Errands, identity, scrubbing, and the guard at the start."""
        node = self.node(service)
        pulse, joints = _Pulse(service, node), JointBallots(service, node)
        return [
            Job("errands", TICK, pulse.beat),
            Job("identity", IDENTITY, lambda: _renew(service, node)),
            Job("joint", JOINT, joints.advance),
            Job("scrub", SCRUB, lambda: scrub.scrub(node)),
        ]

    @hookimpl
    def commands(self) -> Sequence[tuple[str, Any]]:
        """`althing peer`, `althing restore` and `althing instance`."""
        return [("peer", cli.group), ("restore", restoring.program), ("instance", instance_cli.group)]

    def node(self, service: Service) -> Node:
        """The node of a service, made at its first use."""
        with self._lock:
            node = self._nodes.get(id(service))
            if node is None:
                node = self._nodes[id(service)] = make_node(service)
                peers.settle(node)
            return node


def make_node(service: Service) -> Node:
    """The node of a running service.

    Raises:
        SetupFault: the operator's policy file cannot be read.
    """
    own = ServiceLogs(service)
    if service.instance.document is not None:
        finish_rotations(service.data_dir, service.instance.document)
    keys = load_keys(service.data_dir, service.states.base, post_quantum=service.options.post_quantum)

    def sign(method: str, url: str, body: bytes | None, media_type: str | None) -> dict[str, str]:
        return http_signatures.sign_request(
            method, url, body, media_type, key=keys.http, keyid=own.instance, now=service.clock()
        )

    foreign = _foreign(service.data_dir / POLICY)

    def pinned() -> frozenset[tuple[str, int]]:
        known = [decision.order.base_url for decision in own.decisions().values()]
        return egress.pins([*known, *(w.url for w in foreign.witnesses if w.url is not None)])

    return Node(
        own=own,
        db=service.store,
        copies=DiskCopies(service.data_dir / "mirrors"),
        keys=keys,
        client=Client(egress.transport(service.egress, pinned=pinned), sign),
        clock=service.clock,
        foreign=foreign,
    )


def _foreign(path: Path) -> Policy:
    try:
        return parse_policy(path.read_bytes())
    except FileNotFoundError:
        return Policy()
    except Exception as e:
        raise SetupFault(f"{path} cannot be read: {e}") from e


class _Pulse:
    """What happens every second: news of ours wake the errands that bring them to the peers."""

    def __init__(self, service: Service, node: Node) -> None:
        self._service, self._node = service, node
        self._runner = Runner(node)
        self._sizes: dict[str, int] = {}

    def beat(self) -> None:
        """Confirm our own heads first; then do what is due."""
        if self._service.held:
            if guard.REASON in self._service.held:
                guard.confirm(self._service, self._node)
            return
        sizes = {head.origin: head.size for head in self._node.own.heads()}
        if sizes != self._sizes:
            instance = self._service.states.instance_origin
            if sizes.get(instance) != self._sizes.get(instance):
                peers.settle(self._node)
            self._sizes = sizes
            _wake_followers(self._node)
        self._runner.tick()


def _wake_followers(node: Node) -> None:
    with node.db.read() as conn:
        followers = [row.id for row in peers.everybody(conn) if row.followed]
    followers += [peers.foreign_id(witness.name) for witness in node.foreign.witnesses]
    for peer in followers:
        queue.wake(node, peer, "cosign", "push")


def _renew(service: Service, node: Node) -> None:
    if not service.held:
        identity.sync_identity(service, node.keys.http, node.keys.vkeys)


plugin: Final = Federation()
"""What the entry point of the group `governance` names."""
