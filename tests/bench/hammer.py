"""A load generator for votes over HTTP: keeps every answer, and checks each receipt against the final log.

Raw HTTP/1.1 over keep-alive connections on uvloop, requests made beforehand: the generator takes a small part
of a core, so that on few cores the figure is the server's.
"""

from __future__ import annotations

import asyncio
import time
from base64 import b64decode
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import msgspec
import uvloop

from governance.log.checkpoint import Checkpoint, open_checkpoint
from governance.log.merkle import Frontier, leaf_hash
from governance.log.proofs import verify_inclusion
from governance.log.receipt import parse_receipt
from governance.signing.note import Ed25519Verifier, parse_vkey

UNANSWERED = 0


@dataclass(frozen=True)
class Target:
    """Where requests go."""

    host: str
    port: int
    path: str

    def request(self, body: bytes) -> bytes:
        """The bytes of a POST."""
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


@dataclass
class Volley:
    """What came back: for request i its status (0 without an answer), body, and times in seconds.

    `due` is when it should have been sent, `done` when its answer was complete, both since the start.
    """

    status: list[int]
    body: list[bytes]
    due: list[float]
    done: list[float]
    sent: int = 0
    faults: list[str] = field(default_factory=list)

    def throughput(self, start: float, stop: float) -> float:
        """Answers a second between two times."""
        good = sum(start <= t < stop for s, t in zip(self.status, self.done, strict=True) if s != UNANSWERED)
        return good / (stop - start)

    def latency(self, fraction: float, start: float = 0.0) -> float:
        """The quantile of the time from due to done, of requests due from `start` on."""
        pairs = zip(self.status, self.due, self.done, strict=True)
        taken = sorted(done - due for status, due, done in pairs if status != UNANSWERED and due >= start)
        return taken[min(len(taken) - 1, int(fraction * len(taken)))]

    def statuses(self) -> dict[int, int]:
        """How many answers of each status."""
        found: dict[int, int] = {}
        for status in self.status[: self.sent]:
            found[status] = found.get(status, 0) + 1
        return found


class _Range:
    """The requests of one run, handed to connections as they come free."""

    def __init__(self, requests: Sequence[bytes], seconds: float | None, rate: float | None) -> None:
        count = len(requests)
        self.requests, self.rate = requests, rate
        self.volley = Volley([UNANSWERED] * count, [b""] * count, [0.0] * count, [0.0] * count)
        self.loop = asyncio.get_running_loop()
        self.start = time.perf_counter()
        self.stop = self.start + seconds if seconds is not None else float("inf")
        self.idle: deque[_Lane] = deque()
        self.lanes = 0
        self.over: asyncio.Future[None] = self.loop.create_future()

    def take(self, lane: _Lane) -> None:
        """Give the lane the next request, or let it rest."""
        now = time.perf_counter()
        at = self.volley.sent
        due = self.start + at / self.rate if self.rate else now
        if at >= len(self.requests) or now >= self.stop or due >= self.stop:
            self.rest(lane)
        elif due > now:
            self.idle.append(lane)
        else:
            self.volley.sent += 1
            self.volley.due[at] = due - self.start
            lane.send(at, self.requests[at])

    def rest(self, lane: _Lane) -> None:
        """The lane has nothing more to do."""
        lane.transport.close()
        self.lanes -= 1
        if self.lanes == 0 and not self.over.done():
            self.over.set_result(None)

    def tick(self) -> None:
        """Wake idle lanes for what has become due (paced runs)."""
        for _ in range(len(self.idle)):
            self.take(self.idle.popleft())
        if not self.over.done():
            self.loop.call_later(0.001, self.tick)


class _Lane(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    transport: asyncio.Transport

    def __init__(self, run: _Range) -> None:
        self._run = run
        self._buffer = b""
        self._at = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def send(self, at: int, request: bytes) -> None:
        self._at = at
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer = buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = buffer[:end].lower()
        mark = head.find(b"content-length:")
        length = int(head[mark + 15 :].split(b"\r\n", 1)[0]) if mark >= 0 else 0
        if len(buffer) < end + 4 + length:
            return
        volley, at = self._run.volley, self._at
        volley.status[at] = int(buffer[9:12])
        volley.body[at] = buffer[end + 4 : end + 4 + length]
        volley.done[at] = time.perf_counter() - self._run.start
        self._buffer, self._at = b"", -1
        self._run.take(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._at >= 0:
            self._run.volley.faults.append(f"connection lost: {exc}")
            self._at = -1
            self._run.rest(self)


async def _fire(
    target: Target, requests: Sequence[bytes], connections: int, seconds: float | None, rate: float | None
) -> Volley:
    run = _Range(requests, seconds, rate)
    connect = run.loop.create_connection
    made = (connect(lambda: _Lane(run), target.host, target.port) for _ in range(connections))
    lanes = [lane for _, lane in await asyncio.gather(*made)]
    run.lanes = len(lanes)
    run.start = time.perf_counter()
    run.stop = run.start + seconds if seconds is not None else float("inf")
    for lane in lanes:
        run.take(lane)
    if rate:
        run.tick()
    await run.over
    return run.volley


def fire(
    target: Target,
    bodies: Sequence[bytes],
    *,
    connections: int = 64,
    seconds: float | None = None,
    rate: float | None = None,
) -> Volley:
    """Post bodies in their order until all are answered, the time is over, or no connection is left.

    Args:
        target: where to.
        bodies: one a request.
        connections: requests under way at most.
        seconds: no request begins after that.
        rate: requests a second (open loop, each with a due time of its own); None is as fast as answers come.
    """
    requests = [target.request(body) for body in bodies]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_fire(target, requests, connections, seconds, rate))


class _Recorded(msgspec.Struct):
    index: int
    digest: str
    receipt: str
    entry: str
    vkey: str


@dataclass(frozen=True)
class Checked:
    """Receipts checked, and what was wrong with any of them."""

    receipts: int
    checkpoints: int
    wrong: list[str]


def check_receipts(volley: Volley, log: Sequence[bytes], vkey: str) -> Checked:
    """Every answer 200 or 201 against the entries of the final log.

    Checkpoint signed by the log's key and the root of the final log's prefix; entry equal to the log's at the
    receipt's index; inclusion proof from that entry to that root.
    """
    verifier = Ed25519Verifier(parse_vkey(vkey))
    leaves = [leaf_hash(data) for data in log]
    notes: dict[bytes, Checkpoint] = {}
    receipts: list[tuple[_Recorded, Checkpoint]] = []
    wrong = []
    decode = msgspec.json.Decoder(_Recorded).decode
    for status, body in zip(volley.status, volley.body, strict=True):
        if status not in {200, 201}:
            continue
        answer = decode(body)
        receipt = parse_receipt(answer.receipt.encode())
        if receipt.checkpoint not in notes:
            notes[receipt.checkpoint] = open_checkpoint(receipt.checkpoint, [verifier])
        checkpoint = notes[receipt.checkpoint]
        receipts.append((answer, checkpoint))
        if answer.index >= len(log) or b64decode(answer.entry) != log[answer.index]:
            wrong.append(f"entry {answer.index} of the final log is not the one acknowledged")
            continue
        verify_inclusion(receipt.index, checkpoint.size, leaves[answer.index], receipt.proof, checkpoint.root)
        if receipt.index != answer.index:
            wrong.append(f"the receipt is for entry {receipt.index}, the answer says {answer.index}")
    wrong += _contradicting(set(notes.values()), leaves)
    indices = [answer.index for answer, _ in receipts]
    if len(set(indices)) != len({answer.digest for answer, _ in receipts}):
        wrong.append("two votes share an index, or one vote has two")
    return Checked(len(receipts), len(notes), wrong)


def _contradicting(checkpoints: set[Checkpoint], leaves: list[bytes]) -> list[str]:
    """Checkpoints whose root is not that of the first `size` leaves."""
    wrong, tree, at = [], Frontier(), 0
    for checkpoint in sorted(checkpoints, key=lambda c: c.size):
        tree.extend(leaves[at : checkpoint.size])
        at = checkpoint.size
        if checkpoint.size > len(leaves) or tree.root() != checkpoint.root:
            wrong.append(f"the checkpoint of size {checkpoint.size} is not a prefix of the final log")
    return wrong


def wait_for(target: Target, seconds: float) -> None:
    """Return when the server listens.

    Raises:
        TimeoutError: it does not.
    """
    import socket

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection((target.host, target.port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing listens on {target.host}:{target.port}")
