"""A log of somebody else and a node that witnesses it, for tests of the witness."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from federation import MIGRATIONS, endpoints
from federation.client import Reply
from federation.endpoints import Answer, Request, Route
from federation.keys import make_keys
from federation.node import Node
from federation.ports import OwnHead
from governance.canonical import sha256
from governance.errors import NotFound
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.cosignature import open_cosigned
from governance.log.merkle import complete_subtrees, fold_right, leaf_hash, root
from governance.log.policy import Policy, PolicyLog
from governance.log.proofs import consistency_proof
from governance.signing.keyfile import Ed25519Key
from governance.signing.lines import encode_base64
from governance.signing.note import (
    Ed25519Signer,
    Ed25519Verifier,
    Signer,
    Verifier,
    add_signatures,
    parse_note,
)
from governance.store.engine import open_store

NOW = 1_800_000_000


class GrowingLog:
    """A log whose entries are numbers; `fork` changes all from that index on."""

    def __init__(self, origin: str = "other.example/log", *, fork: int | None = None) -> None:
        self.origin = origin
        self.signer = Ed25519Signer(origin, sha256(origin.encode()))
        self.leaves = [
            leaf_hash(b"%d%b" % (i, b"'" if fork is not None and i >= fork else b"")) for i in range(300)
        ]

    @property
    def vkey(self) -> str:
        return str(self.signer.key)

    def read_hash(self, height: int, position: int) -> bytes:
        return root(self.leaves[position << height : (position + 1) << height])

    def root(self, size: int) -> bytes:
        hashes = [self.read_hash(*subtree) for subtree in complete_subtrees(0, size)]
        return fold_right(hashes) if hashes else root([])

    def note(self, size: int, *signers: Signer) -> bytes:
        return sign_checkpoint(Checkpoint(self.origin, size, self.root(size)), signers or (self.signer,))

    def proof(self, old: int, new: int) -> list[bytes]:
        return consistency_proof(self.read_hash, old, new) if old else []

    def body(self, old: int, new: int, proof: list[bytes] | None = None, note: bytes | None = None) -> bytes:
        """A request to add-checkpoint."""
        hashes = self.proof(old, new) if proof is None else proof
        lines = [f"old {old}", *map(encode_base64, hashes)]
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + (note or self.note(new))


class Every(frozenset[str]):
    """All keys there are."""

    def __contains__(self, _key: object) -> bool:
        return True


class Own:
    """As much of our own instance (`federation.ports.OwnLogs`) as witnesses have to do with."""

    base_url = "https://us.example"
    instance = "sha256:" + "0" * 64

    def may_cosign(self) -> frozenset[str]:
        return Every()

    def __init__(self, *logs: GrowingLog) -> None:
        self.logs = {log.origin: log for log in logs}
        self.sizes = dict.fromkeys(self.logs, 0)
        self.notes: dict[tuple[str, int], bytes] = {}
        self.accused: list[tuple[str, bytes]] = []

    def heads(self) -> list[OwnHead]:
        return [self.head(origin) for origin in self.logs]

    def head(self, origin: str) -> OwnHead:
        if origin not in self.logs:
            raise NotFound(f"there is no log {origin} here")
        log, size = self.logs[origin], self.sizes[origin]
        return OwnHead(origin, log.vkey, size, log.root(size), log.note(size))

    def consistency(self, origin: str, old: int, new: int) -> list[bytes]:
        assert 1 <= old <= new <= self.sizes[origin]
        return consistency_proof(self.logs[origin].read_hash, old, new)

    def cosigned(self, origin: str, note: bytes, verifiers: list[Verifier]) -> None:
        log = self.logs[origin]
        opened = open_cosigned(note, [Ed25519Verifier(log.signer.key)], verifiers)
        assert opened.cosignatures
        size = opened.checkpoint.size
        known = self.notes.setdefault((origin, size), log.note(size))
        self.notes[origin, size] = add_signatures(known, parse_note(note).signatures)

    def log_evidence(self, origin: str, evidence: bytes) -> None:
        self.accused.append((origin, evidence))


class Wire:
    """A client (`federation.client.Client`) without a network: what `answers` gives, by host."""

    def __init__(self) -> None:
        self.hosts: dict[str, Callable[[Request], Answer]] = {}
        self.sent: list[Request] = []

    def send(
        self, method: str, url: str, body: bytes | None = None, media_type: str | None = None, *, limit: int
    ) -> Reply:
        host, _, path = url.removeprefix("https://").partition("/")
        request = Request(method, f"/{path}", {}, body or b"")
        self.sent.append(request)
        given = self.hosts[host](request)
        assert len(given.body) <= limit
        return Reply(given.status, given.body, given.headers)


@contextmanager
def served(node: Node, routes: tuple[Route, ...]) -> Iterator[str]:
    """The endpoints of a node behind Python's own web server, a thread for each connection."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            given = endpoints.answer(node, routes, Request(self.command, self.path, {}, body))
            self.send_response(given.status)
            headers = {"content-type": given.media_type, "content-length": str(len(given.body))}
            for name, value in {**headers, **given.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(given.body)

        do_GET = do_POST = _answer

        def log_message(self, format: str, *args: object) -> None:
            """Quietly."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def witness_node(folder: Path, *logs: GrowingLog, post_quantum: bool = False, **changes: Any) -> Node:
    """A node over a SQLite file that witnesses the logs as those of other software; `node.db.close()` it."""
    keys = make_keys("us.example", Ed25519Key(bytes(32)), (b"w" * 32, b"m" * 32), post_quantum=post_quantum)
    parts: dict[str, Any] = {
        "own": Own(),
        "db": open_store(None, folder, migrations=[MIGRATIONS]),
        "copies": None,
        "keys": keys,
        "client": None,
        "clock": lambda: NOW,
        "foreign": Policy(tuple(PolicyLog(log.signer.key) for log in logs)),
    }
    return Node(**{**parts, **changes})
