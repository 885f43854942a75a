"""A web server that stands for an instance and lies in a chosen way, and a trap that nobody may walk into.

What it shows is what an honest instance in memory would show (`fed_nodes.MemoryInstance`), signed by real
keys, until `lie` takes the answering of a request over.
"""

from __future__ import annotations

import contextlib
import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from federation import endpoints, http_signatures, peers, tables
from federation.client import Client
from federation.controllers import ROUTES
from federation.endpoints import Request
from federation.node import Node
from federation.ports import Decision
from governance.errors import NotFound
from governance.fetch import egress
from governance.service.instance import signed
from governance.statements.peer import Peer
from governance.store.engine import Store
from tests.support.fed_nodes import MemoryCopies, MemoryInstance, MemoryLog

Lie = Callable[["Handler", str], bool]
"""(handler, path) -> whether it answered; else the truth is told."""
METADATA = "http://169.254.169.254/latest/meta-data/"


class Handler(BaseHTTPRequestHandler):
    """Answers one connection of a liar."""

    protocol_version = "HTTP/1.1"
    liar: Liar

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.liar.asked.append(self.path)
        with contextlib.suppress(OSError):
            if not self.liar.lie(self, self.path):
                self._truth(body)

    do_GET = do_POST = _answer

    def _truth(self, body: bytes) -> None:
        if self.command == "GET" and self.path.startswith(("/logs/", "/blobs/", "/.well-known/")):
            try:
                self.give(self.liar.own.file(self.path[1:]))
            except NotFound:
                self.give(b"", 404)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Request(self.command, self.path, headers, body)
        with self.liar.lock:
            given = endpoints.answer(self.liar.node, ROUTES, asked)
        self.give(given.body, given.status, {"content-type": given.media_type, **given.headers})

    def give(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """A whole answer."""
        self.begin(status, {"content-length": str(len(body)), **(headers or {})})
        self.wfile.write(body)

    def begin(self, status: int, headers: dict[str, str]) -> None:
        """The head of an answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quietly."""


@dataclass
class Liar:
    """An instance at `url`; honest while `lie` takes nothing over."""

    own: MemoryInstance
    node: Node
    url: str
    lie: Lie = lambda _handler, _path: False
    asked: list[str] = field(default_factory=list)
    lock: Any = field(default_factory=threading.RLock)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def id(self) -> str:
        return self.own.instance

    def be_honest(self) -> None:
        """Tell the truth from now on, and end what still goes on."""
        self.lie = lambda _handler, _path: False
        self.stopping.set()
        time.sleep(0.05)
        self.stopping = threading.Event()

    def befriend(self, instance: str, url: str) -> None:
        """Its operator decides to mirror that instance."""
        order = Peer(instance, url, "mirror", "", None, self.own.operator_key.member_id, int(time.time()))
        self.own.decided[instance] = Decision(order, signed(order, self.own.operator_key).identity)
        with self.lock:
            peers.settle(self.node)


@contextmanager
def liar(seed: str = "", address: str = "127.0.0.1") -> Iterator[Liar]:
    """A liar on a free port of an address of this machine; `seed` makes its keys."""

    class Own(Handler):
        pass

    with ThreadingHTTPServer((address, 0), Own) as server:
        server.daemon_threads = True
        made = Own.liar = _liar(f"{address}:{server.server_address[1]}", seed)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield made
        finally:
            made.stopping.set()
            server.shutdown()
            thread.join()


def _liar(host: str, seed: str) -> Liar:
    own = _Local(host, lambda: int(time.time()), seed)

    def sign(method: str, url: str, body: bytes | None, media_type: str | None) -> dict[str, str]:
        return http_signatures.sign_request(
            method, url, body, media_type, key=own.keys.http, keyid=own.instance, now=int(time.time())
        )

    client = Client(egress.transport(egress.LOCAL), sign)
    clock = own.clock
    node = Node(own=own, db=_database(), copies=MemoryCopies(), keys=own.keys, client=client, clock=clock)
    return Liar(own, node, own.base_url)


def _database() -> Store:
    """Federation's tables in memory, for many threads that take turns."""
    engine = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    tables.metadata.create_all(engine)
    return Store(engine, Path("/nonexistent"), ExitStack(), read_only=False)


class _Local(MemoryInstance):
    """An instance in memory that is reached by http, without a name of its own."""

    def __init__(self, host: str, clock: Callable[[], int], seed: str) -> None:
        self._by = seed
        super().__init__(host, clock)

    def _seed(self, name: str) -> bytes:
        return super()._seed(f"{self._by} {name}")

    def publish_document(self, **changes: Any) -> Any:
        """With an address of the loopback."""
        self.base_url = self.name = f"http://{self.host}"
        return super().publish_document(**changes)


# --- lies ---


def instead(suffix: str, answer: Callable[[Handler], None]) -> Lie:
    """Requests for paths with that ending get another answer."""

    def lie(handler: Handler, path: str) -> bool:
        if not path.endswith(suffix):
            return False
        answer(handler)
        return True

    return lie


def bundle_with(change: Callable[[bytes], bytes], folder: str, liar: Liar) -> Lie:
    """Entry bundles of a log are changed."""

    def lie(handler: Handler, path: str) -> bool:
        if f"/{folder}/tile/entries/" not in path:
            return False
        handler.give(change(liar.own.file(path[1:])))
        return True

    return lie


def forged(log: MemoryLog, folder: str) -> Lie:
    """Entries and tiles of another history that fit each other, below the true signed head."""
    other = MemoryLog(log.origin, b"f" * 32)
    other.append(*(b"forged " + entry for entry in log.entries))

    def lie(handler: Handler, path: str) -> bool:
        prefix = f"/{folder}/"
        if not path.startswith(f"{prefix}tile/"):
            return False
        handler.give(other.file(path.removeprefix(prefix)))
        return True

    return lie


def two_faces(hidden: MemoryLog, folder: str, fooled: str) -> Lie:
    """Whoever asks from one address is shown another history of a log."""

    def lie(handler: Handler, path: str) -> bool:
        prefix = f"/{folder}/"
        if handler.client_address[0] != fooled or not path.startswith(prefix):
            return False
        handler.give(hidden.file(path.removeprefix(prefix)))
        return True

    return lie


def endless(handler: Handler) -> None:
    """A body without an end, as fast as it goes."""
    handler.begin(200, {"connection": "close"})
    while not handler.liar.stopping.is_set():
        handler.wfile.write(bytes(65_536))


def trickling(handler: Handler) -> None:
    """A byte each half second."""
    handler.begin(200, {"content-length": "1000"})
    stopping = handler.liar.stopping
    while not stopping.wait(0.5):
        handler.wfile.write(b"x")
        handler.wfile.flush()
    handler.close_connection = True


def silent(handler: Handler) -> None:
    """No answer at all."""
    handler.liar.stopping.wait(600)
    handler.close_connection = True


def bomb(handler: Handler) -> None:
    """A gigabyte in a megabyte."""
    handler.give(_bomb(), headers={"content-encoding": "gzip"})


def _bomb() -> bytes:
    if not _made:
        block = gzip.compress(bytes(1 << 24), 9)
        _made.append(block * 64)
    return _made[0]


_made: list[bytes] = []


def redirect(target: str, status: int = 302) -> Callable[[Handler], None]:
    """To another address."""
    return lambda handler: handler.give(b"", status, {"location": target})


def oversized(size: int) -> Callable[[Handler], None]:
    """A body of that many bytes, announced."""
    return lambda handler: handler.give(bytes(size))


@contextmanager
def trap() -> Iterator[tuple[str, list[str]]]:
    """An address that nobody may ask: its URL, and who came all the same."""
    came: list[str] = []

    class Trap(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            came.append(self.path)
            self.send_error(418)

        def log_message(self, format: str, *args: object) -> None:
            """Quietly."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Trap) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", came
        finally:
            server.shutdown()
            thread.join()
