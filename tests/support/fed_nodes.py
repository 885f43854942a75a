"""Instances without processes: federation's own code over logs in memory, a virtual clock, a faulty network.

Names and keys are made from a seed, so a run can be repeated exactly. All keys are test keys.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx

from federation import endpoints, http_signatures
from federation.backup import seal
from federation.client import Client
from federation.endpoints import Request, Route
from federation.keys import Keys, make_keys
from federation.node import Node
from federation.ports import Decision, OwnHead
from governance.canonical import digest, sha256
from governance.errors import GovernanceError, InvalidStatement, NotFound, StorageUnavailable, TooLarge
from governance.log.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from governance.log.cosignature import open_cosigned
from governance.log.merkle import EMPTY_ROOT, complete_subtrees, fold_right, leaf_hash, node_hash
from governance.log.policy import Policy
from governance.log.proofs import consistency_proof
from governance.log.tiles import FULL, Bundle, encode_bundle, parse_path
from governance.service.instance import public, signed
from governance.signing.keyfile import Ed25519Key
from governance.signing.note import Ed25519Signer, Ed25519Verifier, Verifier, add_signatures, parse_note
from governance.statements.base import BlobRef
from governance.statements.entry import Entry
from governance.statements.instance import Federation, Instance, Operator, SpaceNotice, Versions, instance_id
from governance.statements.peer import Evidence, Peer
from governance.statements.space import BallotNotice
from tests.support.fed_memory import MemoryCopies, MemoryDatabase

START = 1_800_000_000
WEEK = 7 * 86_400


@dataclass
class VirtualClock:
    """A clock that goes on only when it is told to; `skew` seconds beside the network's time."""

    now: int = START

    def __call__(self) -> int:
        return self.now


class MemoryLog:
    """A log in memory: entries, their leaf hashes, and subtree hashes once somebody asked."""

    def __init__(self, origin: str, seed: bytes) -> None:
        self.origin = origin
        self.signer = Ed25519Signer(origin, seed)
        self.entries: list[bytes] = []
        self.leaves: list[bytes] = []
        self._complete: dict[tuple[int, int], bytes] = {}
        self.signed: dict[Checkpoint, bytes] = {}

    @property
    def vkey(self) -> str:
        return str(self.signer.key)

    @property
    def size(self) -> int:
        return len(self.entries)

    def append(self, *entries: bytes) -> None:
        self.entries += entries
        self.leaves += [leaf_hash(e) for e in entries]

    def read_hash(self, height: int, position: int) -> bytes:
        if height == 0:
            return self.leaves[position]
        known = self._complete.get((height, position))
        if known is None:
            left, right = (self.read_hash(height - 1, 2 * position + i) for i in (0, 1))
            known = self._complete[height, position] = node_hash(left, right)
        return known

    def root(self, size: int | None = None) -> bytes:
        size = self.size if size is None else size
        if size == 0:
            return EMPTY_ROOT
        return fold_right([self.read_hash(*subtree) for subtree in complete_subtrees(0, size)])

    def checkpoint(self, size: int | None = None) -> bytes:
        """Our signed head of that size; Ed25519 gives the same bytes again."""
        size = self.size if size is None else size
        head = Checkpoint(self.origin, size, self.root(size))
        if head not in self.signed:
            self.signed[head] = sign_checkpoint(head, [self.signer])
        return self.signed[head]

    def head(self) -> OwnHead:
        return OwnHead(self.origin, self.vkey, self.size, self.root(), self.checkpoint())

    def file(self, name: str) -> bytes:
        if name == "checkpoint":
            return self.checkpoint()
        if name == "vkey":
            return f"{self.vkey}\n".encode()
        try:
            part = parse_path(name)
        except GovernanceError as e:
            raise NotFound(name) from e
        start, end = part.n * FULL, part.n * FULL + part.width
        if isinstance(part, Bundle):
            if end > self.size:
                raise NotFound(name)
            return encode_bundle(self.entries[start:end])
        if end << (8 * part.level) > self.size:
            raise NotFound(name)
        return b"".join(self.read_hash(8 * part.level, i) for i in range(start, end))


class MemoryInstance:
    """The own instance of a node (`federation.ports.OwnLogs`), and its public files."""

    def __init__(self, host: str, clock: Callable[[], int], *, post_quantum: bool = False) -> None:
        self.host, self.clock = host, clock
        self.base_url = f"https://{host}"
        self.name = self.base_url
        self.root_key = self._key("root")
        self.service_key = self._key("service")
        self.operator_key = self._key("operator")
        self.instance = instance_id(public(self.root_key))
        self.keys: Keys = make_keys(
            host, self._key("http"), (self._seed("witness"), self._seed("mirror")), post_quantum=post_quantum
        )
        self.logs: dict[str, MemoryLog] = {}
        self.blobs: dict[str, bytes] = {}
        self.decided: dict[str, Decision] = {}
        self.notes: dict[str, dict[int, bytes]] = {}
        self.held = False
        self._document: Entry | None = None
        self.new_log("instance")
        self.publish_document()

    def _seed(self, name: str) -> bytes:
        return sha256(f"test key {self.host} {name}".encode())

    def _key(self, name: str) -> Ed25519Key:
        return Ed25519Key(self._seed(name))

    @property
    def instance_log(self) -> MemoryLog:
        return self.logs[f"{self.host}/instance"]

    def new_log(self, path: str) -> MemoryLog:
        origin = f"{self.host}/{path}"
        self.logs[origin] = MemoryLog(origin, self._seed(origin))
        return self.logs[origin]

    def publish_document(self, **changes: Any) -> Entry:
        """The next identity document, recorded in the instance log."""
        old = self._document
        now = self.clock()
        values: dict[str, Any] = {
            "id": self.instance,
            "name": self.host,
            "base_url": self.base_url,
            "serial": 1 if old is None else old.statement.serial + 1,  # type: ignore[attr-defined]
            "previous": None if old is None else old.identity,
            "issued_at": now,
            "root": public(self.root_key),
            "service": public(self.service_key),
            "operators": [Operator(self.operator_key.member_id, public(self.operator_key))],
            "origin": self.instance_log.origin,
            "vkey": self.instance_log.vkey,
            "federation": Federation(
                protocol=Versions(1, 1),
                http_key=public(self.keys.http),
                witnesses=self.keys.vkeys,
                kinds=[],
                valid_until=now + WEEK,
                contact="",
            ),
        }
        self._document = signed(Instance(**{**values, **changes}), self.root_key)
        self.instance_log.append(self._document.data)
        return self._document

    def add_space(self, space: str) -> MemoryLog:
        log = self.new_log(f"spaces/{space}")
        log.append(f"founding of {space}".encode())
        notice = SpaceNotice(space, log.origin, log.vkey, self.clock())
        self.instance_log.append(signed(notice, self.service_key).data)
        return log

    def add_ballot(self, space: str, ballot: str) -> MemoryLog:
        log = self.new_log(f"spaces/{space}/ballots/{ballot}")
        log.append(f"definition of {ballot}".encode())
        notice = BallotNotice(space, ballot, digest(log.entries[0]), log.origin, log.vkey, None, self.clock())
        self.logs[f"{self.host}/spaces/{space}"].append(signed(notice, self.service_key).data)
        return log

    def decide(self, other: MemoryInstance, state: str, reason: str = "") -> None:
        """The operator's order about another instance."""
        old = self.decided.get(other.instance)
        order = Peer(
            other.instance,
            other.base_url,
            state,
            reason,
            None if old is None else old.digest,
            self.operator_key.member_id,
            self.clock(),
        )
        self.decided[other.instance] = Decision(order, signed(order, self.operator_key).identity)

    # --- ports.OwnLogs ---

    def document(self) -> Entry:
        assert self._document is not None
        return self._document

    def may_cosign(self) -> frozenset[str]:
        part = self.document().statement.federation  # type: ignore[attr-defined]
        return frozenset() if self.held or part is None else frozenset(part.witnesses)

    def decisions(self) -> Mapping[str, Decision]:
        return self.decided

    def heads(self) -> list[OwnHead]:
        return [log.head() for log in self.logs.values()]

    def head(self, origin: str) -> OwnHead:
        if origin not in self.logs:
            raise NotFound(f"there is no log {origin} here")
        return self.logs[origin].head()

    def consistency(self, origin: str, old: int, new: int) -> list[bytes]:
        return consistency_proof(self.logs[origin].read_hash, old, new)

    def files(self) -> MemoryInstance:
        return self

    def cosigned(self, origin: str, note: bytes, verifiers: list[Verifier]) -> None:
        log = self.logs[origin]
        opened = open_checkpoint(note, [Ed25519Verifier(log.signer.key)])
        if opened.size > log.size or opened.root != log.root(opened.size):
            raise InvalidStatement("our own log was forked")
        open_cosigned(note, [Ed25519Verifier(log.signer.key)], verifiers)
        names = {(v.key.name, v.key.key_id) for v in verifiers}
        lines = [s for s in parse_note(note).signatures if (s.name, s.key_id) in names]
        known = self.notes.setdefault(origin, {})
        known[opened.size] = add_signatures(known.get(opened.size) or log.checkpoint(opened.size), lines)

    def log_evidence(self, origin: str, evidence: bytes) -> None:
        if self.held:
            raise StorageUnavailable("this instance first compares its logs with others")
        name = digest(evidence)
        if name not in self.blobs:
            self.blobs[name] = evidence
            said = Evidence(origin, BlobRef(name, len(evidence)), self.clock())
            self.instance_log.append(signed(said, self.service_key).data)

    def sealed_keys(self) -> bytes:
        return seal({"service": self.service_key.dump()}, self.instance, public(self.root_key))

    # --- governance.audit.source.PublicFiles ---

    def read(self, path: str, limit: int) -> bytes:
        data = self.file(path)
        if len(data) > limit:
            raise TooLarge(path)
        return data

    def read_many(self, paths: Iterable[str], limit: int) -> Iterator[bytes]:
        return (self.read(path, limit) for path in paths)

    def listing(self) -> list[str] | None:
        return None

    def file(self, path: str) -> bytes:
        """A public file.

        Raises:
            NotFound: there is none.
        """
        if path == ".well-known/althing.json":
            return self.document().data
        if path.startswith("blobs/sha256/"):
            found = self.blobs.get(f"sha256:{path.removeprefix('blobs/sha256/')}")
            if found is None:
                raise NotFound(path)
            return found
        for origin, log in self.logs.items():
            folder = f"logs/{origin.removeprefix(self.host + '/')}/"
            if path.startswith(folder) and not path.removeprefix(folder).startswith(("spaces/", "ballots/")):
                return log.file(path.removeprefix(folder))
        raise NotFound(path)


@dataclass
class Network:
    """Who reaches whom; `drop(sender, host)` says whether a request is lost, `routes` what is answered."""

    routes: tuple[Route, ...] = ()
    nodes: dict[str, SimNode] = field(default_factory=dict)
    drop: Callable[[str, str], bool] = lambda _sender, _host: False
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    @cached_property
    def all_routes(self) -> tuple[Route, ...]:
        if self.routes:
            return self.routes
        from federation.controllers import ROUTES

        return ROUTES

    def answer(self, sender: str, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        self.asked.append((sender, request.method, str(request.url)))
        if host not in self.nodes or self.drop(sender, host):
            raise httpx.ConnectError("nobody answers", request=request)
        target = request.url.raw_path.decode()
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Request(request.method, target, headers, request.read())
        return self.nodes[host].respond(asked, self.all_routes, sender)


class _Wire(httpx.BaseTransport):
    def __init__(self, network: Network, sender: str) -> None:
        self._network, self._sender = network, sender

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._network.answer(self._sender, request)


@dataclass
class SimNode:
    """An instance in memory with its node; `view` may show a sender another file than the true one."""

    own: MemoryInstance
    node: Node
    clock: VirtualClock
    view: Callable[[str, str], bytes | None] = lambda _sender, _path: None

    def respond(self, request: Request, routes: tuple[Route, ...], sender: str = "") -> httpx.Response:
        """The answer to a request: a public file, or one of the endpoints."""
        if request.method == "GET" and request.path.startswith(("/logs/", "/blobs/", "/.well-known/")):
            try:
                shown = self.view(sender, request.path)
                return httpx.Response(200, content=shown or self.own.file(request.path[1:]))
            except NotFound:
                return httpx.Response(404)
        given = endpoints.answer(self.node, routes, request)
        headers = {"content-type": given.media_type, **given.headers}
        return httpx.Response(given.status, content=given.body, headers=headers)


def make_node(
    host: str,
    network: Network,
    clock: VirtualClock,
    *,
    seed: int = 0,
    foreign: Policy | None = None,
    pq: bool = False,
) -> SimNode:
    """A node reachable at `https://<host>` in the network."""
    own = MemoryInstance(host, clock, post_quantum=pq)
    chance = random.Random(f"{seed} {host}")

    def sign(method: str, url: str, body: bytes | None, media_type: str | None) -> dict[str, str]:
        nonce = chance.randbytes(16)
        return http_signatures.sign_request(
            method, url, body, media_type, key=own.keys.http, keyid=own.instance, now=clock(), nonce=nonce
        )

    node = Node(
        own=own,
        db=MemoryDatabase(),
        copies=MemoryCopies(),
        keys=own.keys,
        client=Client(_Wire(network, host), sign),
        clock=clock,
        chance=chance,
        foreign=foreign or Policy(),
    )
    made = SimNode(own, node, clock)
    network.nodes[host] = made
    return made
