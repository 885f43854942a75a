"""The plugin `federation`: everything here joins the service by the public hooks.

What a hook needs is imported by the hook: a member's command loads this module, and starts no instance.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from federation import MIGRATIONS, cli, instance_cli, restoring
from governance.hooks import Job, hookimpl

if TYPE_CHECKING:
    from federation.node import Node
    from governance.service.core import Service
    from governance.store.engine import Store

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
        from federation import guard

        return guard.holds(store)

    @hookimpl
    def routes(self, service: Any) -> Sequence[Any]:
        """What other instances, the operator, and readers of the map ask."""
        from federation.controllers import controllers
        from federation.followed import followed
        from federation.map_controllers import map_controllers
        from federation.map_keeper import MapKeeper
        from federation.operator_api import operator_controllers
        from governance.service.clock import system_clock

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
        from federation import scrub
        from federation.joint import JointBallots
        from federation.running import Pulse, renew

        node = self.node(service)
        pulse, joints = Pulse(service, node), JointBallots(service, node)
        return [
            Job("errands", TICK, pulse.beat),
            Job("identity", IDENTITY, lambda: renew(service, node)),
            Job("joint", JOINT, joints.advance),
            Job("scrub", SCRUB, lambda: scrub.scrub(node)),
        ]

    @hookimpl
    def commands(self) -> Sequence[tuple[str, Any]]:
        """`althing peer`, `althing restore` and `althing instance`."""
        return [("peer", cli.group), ("restore", restoring.program), ("instance", instance_cli.group)]

    def node(self, service: Service) -> Node:
        """The node of a service, made at its first use."""
        from federation import peers
        from federation.running import make_node

        with self._lock:
            node = self._nodes.get(id(service))
            if node is None:
                node = self._nodes[id(service)] = make_node(service)
                peers.settle(node)
            return node


plugin: Final = Federation()
"""What the entry point of the group `governance` names."""
