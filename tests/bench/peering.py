"""What peers cost: one cosignature over loopback, and a second of an instance with many idle peers."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import httpx

from federation import errands, peers
from governance.cli.play.stage import Stage
from governance.signing.lines import encode_base64
from tests.bench.figures import Figure
from tests.support.fed_nodes import MemoryLog, Network, SimNode, VirtualClock, make_node

ROUNDS = 80
PEERS = (1, 10)


def run(quick: bool) -> Iterator[Figure]:
    """The cosignature's round trip beside a bare request; the price of a peer."""
    del quick
    yield _round_trip()
    yield _per_peer()


def _round_trip() -> Figure:
    """A checkpoint of a log that grew by one entry, cosigned by a real instance, durable when answered."""
    with tempfile.TemporaryDirectory() as folder, _witness(Path(folder)) as stage:
        log = Path(folder) / "witness" / "federation.policy"
        clock = VirtualClock(int(time.time()))
        one = make_node("log.example", Network(()), clock)
        ballot = one.own.add_space("commons")
        stage.stop()
        log.write_text(f"log {ballot.vkey}\nquorum none\n")
        stage.start()
        times, bare = [], []
        with httpx.Client() as client:
            for _ in range(ROUNDS):
                old = ballot.size
                ballot.append(b"one more")
                times.append(_submitted(client, stage.url, one, ballot, old if times else 0))
                begin = time.perf_counter()
                client.get(f"{stage.url}/healthz").raise_for_status()
                bare.append(time.perf_counter() - begin)
    return Figure(
        "peers", "cosignature round trip", median(times) * 1000, "ms", median(bare) * 1000,
        "a bare request to the same instance", None,
    )  # fmt: skip


def _submitted(client: httpx.Client, url: str, one: SimNode, log: MemoryLog, old: int) -> float:
    proof = one.own.consistency(log.origin, old, log.size) if old else []
    lines = [f"old {old}", *map(encode_base64, proof), ""]
    body = "\n".join(lines).encode() + b"\n" + log.checkpoint()
    begin = time.perf_counter()
    answer = client.post(f"{url}/witness/add-checkpoint", content=body)
    taken = time.perf_counter() - begin
    if answer.status_code != 200:
        raise AssertionError(f"{answer.status_code}: {answer.text[:200]}")
    return taken


def _witness(folder: Path) -> Stage:
    return Stage(folder / "witness", folder / "witness.log", 0, "--rate", "0", "--egress", "local")


def _per_peer() -> Figure:
    """CPU for a day of an instance whose peers have no news, by the number of peers."""
    costs = []
    for count in PEERS:
        clock, network = VirtualClock(), Network()
        one = make_node("a.example", network, clock)
        for number in range(count):
            other = make_node(f"p{number}.example", network, clock)
            for us, them in ((one, other), (other, one)):
                us.own.decide(them.own, "mirror")
                peers.settle(us.node)
            for _ in range(3):
                errands.run_due(one.node)
                errands.run_due(other.node)
        begin = time.process_time()
        for _ in range(24 * 12):
            clock.now += 300
            errands.run_due(one.node)
        costs.append(time.process_time() - begin)
    each = (costs[1] - costs[0]) / (PEERS[1] - PEERS[0])
    return Figure("peers", "a day with one more idle peer", each, "s CPU", None, "", None)
