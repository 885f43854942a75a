"""Clients that misbehave: slow, gone, too large, not speaking HTTP, too many. The others never notice."""

from __future__ import annotations

import random
import resource
import signal
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from pathlib import Path

import pytest

from tests.support.clients import GONE, Answered, Client, Voter
from tests.support.community import SPACE, origin_of
from tests.support.inspection import Acknowledged
from tests.support.nursery import Nursery
from tests.support.siege import Siege

VOTES = f"/api/v1/spaces/{SPACE}/ballots/q1/votes"


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as started:
        yield started


@pytest.fixture(scope="module")
def shared(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    """A server with an open ballot for all who only disturb it; in the end all that was promised is there."""
    started = Siege(nursery, None, tmp_path_factory.mktemp("clients"))
    started.place.open("q1")
    yield started
    started.finish()


@pytest.fixture
def siege(shared: Siege) -> Iterator[Siege]:
    """The shared server; afterwards it still works and has met nothing unexpected."""
    shared.log.write_text("")
    shared.connect()
    yield shared
    shared.connect()
    assert shared.client.get("/healthz")["status"] == "ok"
    shared.cast("q1")
    assert "Traceback" not in shared.log.read_text()


@contextmanager
def connected(siege: Siege, data: bytes = b"") -> Iterator[socket.socket]:
    """A raw connection on which data was sent."""
    with socket.create_connection(("127.0.0.1", siege.port), timeout=10) as connection:
        connection.sendall(data)
        yield connection


def head(length: int | None, path: str = VOTES) -> bytes:
    """The head of a POST."""
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"POST {path} HTTP/1.1\r\nHost: a\r\n{size}\r\n\r\n".encode()


def answer_of(connection: socket.socket) -> bytes:
    """Whatever comes back before the connection is closed or silent."""
    received = b""
    with suppress(OSError):
        while part := connection.recv(65_536):
            received += part
            if b"\r\n\r\n" in received:
                break
    return received


def quick(siege: Siege) -> float:
    """Seconds that a vote takes on a new connection."""
    siege.connect()
    began = time.monotonic()
    siege.cast("q1")
    return time.monotonic() - began


def test_slow_bodies_keep_nobody_waiting(siege: Siege) -> None:
    with ExitStack() as slow:
        connections = [slow.enter_context(connected(siege, head(2_000) + b"{")) for _ in range(200)]
        for _ in range(5):
            for connection in connections:
                connection.sendall(b" ")
            assert quick(siege) < 20
    assert quick(siege) < 20


def test_many_idle_connections(siege: Siege) -> None:
    with ExitStack() as idle:
        for _ in range(800):
            idle.enter_context(connected(siege))
        assert quick(siege) < 20


def test_many_votes_at_once(siege: Siege) -> None:
    votes = [siege.next_vote("q1", n % 6) for n in range(300)]
    with ExitStack() as open_:
        connections = [open_.enter_context(connected(siege, head(len(vote)) + vote[:-1])) for vote in votes]
        for vote, connection in zip(votes, connections, strict=True):
            connection.sendall(vote[-1:])
        statuses = Counter(answer_of(connection)[9:12] for connection in connections)
    # A voter's votes arrive in any order; one that is overtaken by a later one is stale.
    assert set(statuses) <= {b"201", b"409"}
    assert statuses[b"201"] >= 6


def test_gone_before_the_answer(siege: Siege) -> None:
    """Each vote is stored or it is not; sent again, it gets the one place that it has."""
    chance = random.Random(7)
    votes = [siege.next_vote("q1", n % 6) for n in range(60)]
    for vote in votes:
        with connected(siege, head(len(vote)) + vote) as connection:
            time.sleep(chance.choice([0, 0, 0.001, 0.003]))
            if chance.random() < 0.5:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(0.2)
    places: Counter[int] = Counter()
    overtaken: set[tuple[int, str]] = set()
    for vote in votes:
        try:
            first = siege.client.vote("q1", vote)
        except Answered as e:
            overtaken.add((e.status, e.problem["code"]))
            continue
        again = siege.client.vote("q1", vote)
        assert again.index == first.index
        places[first.index] += 1
        siege.heard += [first, again]
    assert set(places.values()) == {1}
    assert overtaken <= {(409, "stale-vote")}


def test_cut_off_in_the_middle_of_a_body(siege: Siege) -> None:
    before = siege.checkpoint("q1")
    for cut in (1, 100, 500):
        vote = siege.next_vote("q1")
        with connected(siege, head(len(vote)) + vote[:-cut]):
            pass
    time.sleep(0.2)
    assert siege.checkpoint("q1") == before


@pytest.mark.parametrize("path", [VOTES, "/api/v1/spaces", f"/api/v1/spaces/{SPACE}/orders"])
@pytest.mark.parametrize("chunked", [False, True])
def test_body_too_large(siege: Siege, path: str, chunked: bool) -> None:
    """413 comes while the body still does; what follows is read by nobody and kept nowhere."""
    block = b"x" * 65_536
    part = b"%x\r\n%b\r\n" % (len(block), block) if chunked else block
    before = peak_memory(siege)
    with connected(siege, head(None if chunked else 64 << 20, path)) as connection:
        for _ in range(4):
            connection.sendall(part)
        assert answer_of(connection).startswith(b"HTTP/1.1 413 ")
        with suppress(OSError):
            for _ in range(512):
                connection.sendall(part)
    assert peak_memory(siege) - before < 16_000


def peak_memory(siege: Siege) -> int:
    """The most that the server has held so far, in KiB."""
    lines = Path(f"/proc/{siege.server.pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def test_no_descriptors_left(siege: Siege) -> None:
    """Who is connected goes on, or is told to come back; then everything works again."""
    siege.connect()
    siege.cast("q1")
    siege.place.draft("late")
    used = len(list(Path(f"/proc/{siege.server.pid}/fd").iterdir()))
    hard = resource.prlimit(siege.server.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(siege.server.pid, resource.RLIMIT_NOFILE, (used + 30, hard))
    try:
        with ExitStack() as idle:
            for _ in range(60):
                idle.enter_context(connected(siege))
            time.sleep(0.2)
            for voter in range(6):
                try:
                    siege.cast("q1", voter)
                except Answered as e:
                    assert e.status == 503, e  # noqa: PT017
            try:
                siege.place.order("late", "open")
            except Answered as e:
                assert e.status == 503, e  # noqa: PT017
    finally:
        resource.prlimit(siege.server.pid, resource.RLIMIT_NOFILE, (hard, hard))
    siege.connect()
    if siege.state("late") == "draft":
        siege.place.order("late", "open")
    siege.cast("late")


def _garbage() -> dict[str, bytes]:
    chance = random.Random(11)
    return {
        "noise": chance.randbytes(10_000),
        "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(500),
        "http-9": b"GET / HTTP/9.9\r\n\r\n",
        "no-version": b"GET /\r\n\r\n",
        "lone-newlines": b"\n" * 5_000,
        "long-path": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
        "long-header": b"GET / HTTP/1.1\r\nHost: " + b"a" * 200_000 + b"\r\n\r\n",
        "many-headers": b"GET / HTTP/1.1\r\n" + b"".join(b"x%d: y\r\n" % i for i in range(20_000)) + b"\r\n",
        "negative-length": b"POST /api/v1/spaces HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "two-lengths": b"POST /api/v1/spaces HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
        b"Content-Length: 5\r\n\r\nabcde",
        "length-and-chunks": head(None).replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n") + b"0\r\n\r\n",
        "bad-chunk": head(None) + b"zz\r\nabc\r\n",
        "nul-in-path": b"GET /api/v1/spaces/a%00b HTTP/1.1\r\nHost: a\r\n\r\n",
        "bad-utf8-path": b"GET /api/v1/spaces/%ff%fe HTTP/1.1\r\nHost: a\r\n\r\n",
        "raw-high-path": b"GET /api/v1/spaces/\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
        "climbing-path": b"GET /logs/../../../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
        "escaped-climb": b"GET /logs/%2e%2e/%2e%2e/keys/root HTTP/1.1\r\nHost: a\r\n\r\n",
        "connect": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "bad-encoding": b"POST /api/v1/spaces HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\n"
        b"Content-Length: 3\r\n\r\nabc",
    }


@pytest.mark.parametrize("name", _garbage())
def test_garbage(siege: Siege, name: str) -> None:
    with ExitStack() as stack:
        stack.enter_context(suppress(OSError))
        connection = stack.enter_context(connected(siege, _garbage()[name]))
        connection.settimeout(3)
        said = answer_of(connection)
        assert not said or said[9:12] in {b"400", b"404", b"405", b"409", b"413", b"422", b"200"}, said[:300]
        assert b"root:" not in said


def test_full_queue_stores_nothing_of_what_it_refuses(nursery: Nursery, tmp_path: Path) -> None:
    siege = Siege(nursery, None, tmp_path, voters=24, queue=3)  # room for the founding
    siege.place.open("q1")
    refused: list[Answered] = []

    def vote(number: int) -> None:
        client = Client(siege.port)
        for vote in islice(siege.place.votes("q1", number), 25):
            try:
                siege.heard.append(client.vote("q1", vote))
            except Answered as e:
                refused.append(e)
        client.close()

    threads = [threading.Thread(target=vote, args=(n,)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused
    assert {(e.status, e.problem["code"]) for e in refused} == {(503, "queue-full")}
    assert all(int(e.headers["retry-after"]) >= 1 for e in refused)
    found = siege.finish()
    assert len(siege.heard) + len(refused) == 24 * 25
    assert found.ballots[origin_of("q1")].casts.accepted == len(siege.heard)


def test_stopped_while_votes_come_in(nursery: Nursery, tmp_path: Path) -> None:
    """SIGTERM: what was answered is there; nobody hangs, whoever else is connected."""
    siege = Siege(nursery, None, tmp_path)
    siege.place.open("q1")
    voters = [Voter(siege.place, "q1", n) for n in range(6)]
    events = f"GET /api/v1/spaces/{SPACE}/ballots/q1/events HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    with connected(siege, events), connected(siege, head(1_000)), connected(siege):
        for voter in voters:
            voter.start(siege.port)
        time.sleep(0.5)
        began = time.monotonic()
        assert siege.server.stop() in {0, -signal.SIGTERM}
        assert time.monotonic() - began < 15
        for voter in voters:
            voter.join()
            siege.heard += voter.heard
            assert [e.status for e in voter.refusals] in ([], [503])
    assert len(siege.heard) > 6
    siege.start()
    siege.cast("q1")
    siege.finish()


def test_streams_that_are_left(siege: Siege) -> None:
    """Event streams whose readers vanish cost nothing afterwards."""
    request = f"GET /api/v1/spaces/{SPACE}/ballots/q1/events HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    for _ in range(3):
        with ExitStack() as streams:
            for _ in range(60):
                connection = streams.enter_context(connected(siege, request))
                assert answer_of(connection).startswith(b"HTTP/1.1 200 ")
            siege.cast("q1")
        siege.cast("q1")
    assert quick(siege) < 20


def test_lost_connection_of_a_voter_is_no_error_of_ours(siege: Siege) -> None:
    client = Client(siege.port, timeout=0.000_1)
    vote = siege.next_vote("q1")
    with suppress(*GONE):
        siege.heard.append(client.vote("q1", vote))
    client.close()
    time.sleep(0.1)
    again: Acknowledged = siege.client.vote("q1", vote)
    siege.heard.append(again)
