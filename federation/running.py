"""Federation beside a running service: its node, and what happens every second."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from federation import guard, http_signatures, identity, peers, queue
from federation.client import Client
from federation.copies import DiskCopies
from federation.copy_limit import MIB, LimitedCopies
from federation.errands import Runner
from federation.keys import finish_rotations, load_keys
from federation.node import Node
from federation.own import ServiceLogs
from governance.errors import SetupFault
from governance.fetch import egress
from governance.log.policy import Policy, parse_policy
from governance.service.core import Service

POLICY: Final = "federation.policy"
"""In the data directory: logs and witnesses of other software (C2SP tlog-policy)."""


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
        copies=LimitedCopies(DiskCopies(service.data_dir / "mirrors"), service.options.mirror_limit * MIB),
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


class Pulse:
    """What happens every second: news of ours wake the errands that bring them to the peers."""

    def __init__(self, service: Service, node: Node) -> None:
        self._service, self._node = service, node
        self._runner = Runner(node)
        self._sizes: dict[str, int] = {}
        self._document: str | None = None

    def beat(self) -> None:
        """Confirm our own heads first; then do what is due."""
        if self._service.held:
            if guard.REASON in self._service.held and guard.confirm(self._service, self._node):
                renew(self._service, self._node)
            return
        sizes = {head.origin: head.size for head in self._node.own.heads()}
        if sizes != self._sizes:
            instance = self._service.states.instance_origin
            if sizes.get(instance) != self._sizes.get(instance):
                peers.settle(self._node)
                self._introduce()
            self._sizes = sizes
            _wake_followers(self._node)
        self._runner.tick()

    def _introduce(self) -> None:
        """Have everybody told of a new document: it may name other keys than they know."""
        document = self._service.instance.document_digest
        if document != self._document:
            self._document = document
            with self._node.db.read() as conn:
                known = [row.id for row in peers.everybody(conn)]
            for peer in known:
                queue.wake(self._node, peer, "greet")


def _wake_followers(node: Node) -> None:
    with node.db.read() as conn:
        followers = [row.id for row in peers.everybody(conn) if row.followed]
    followers += [peers.foreign_id(witness.name) for witness in node.foreign.witnesses]
    for peer in followers:
        queue.wake(node, peer, "cosign", "push")


def renew(service: Service, node: Node) -> None:
    """The errand of the identity document: renewed in time, and naming the keys that are here."""
    if not service.held:
        identity.sync_identity(service, node.keys.http, node.keys.vkeys)
