"""Rows 1 and 2: votes accepted over HTTP and durable, on SQLite and PostgreSQL, beside their ceilings."""

from __future__ import annotations

import glob
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import pytest

from tests.bench.box import VOTES_PATH, Box
from tests.bench.figures import Figure
from tests.bench.hammer import Target, Volley, check_receipts, fire
from tests.bench.server import running
from tests.support.ballots import BALLOT, BALLOT_ORIGIN, SPACE
from tests.support.postgres import cluster, fresh_database

CONNECTIONS = 64
VOTERS = 20_000
WARM_UP, SECONDS, ROUNDS = 1.0, 4.0, 3
GUESS = 8_000
"""Votes a second to have ready; more than any machine of two cores takes."""
NULL, JUDGE = "/bench/null", f"/bench/judge/{SPACE}/{BALLOT}"


def sqlite(quick: bool) -> Iterator[Figure]:
    """Row 1."""
    with tempfile.TemporaryDirectory(prefix="althing-bench-") as name:
        yield from _ballot("SQLite", Box(Path(name) / "data", None, VOTERS), quick)


def postgres(quick: bool) -> Iterator[Figure]:
    """Row 2: the same code and the same votes on a throw-away cluster."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if not found:
        yield Figure("PostgreSQL", "votes accepted", None, "", note="skipped: no PostgreSQL on this machine")
        return
    with ExitStack() as stack:
        try:
            server = stack.enter_context(cluster(Path(found[-1]).parent))
        except pytest.skip.Exception as e:
            yield Figure("PostgreSQL", "votes accepted", None, "", note=f"skipped: {e}")
            return
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="althing-bench-"))
        database = stack.enter_context(fresh_database(server))
        yield from _ballot("PostgreSQL", Box(Path(folder) / "data", database, VOTERS), quick)


def _ballot(row: str, box: Box, quick: bool) -> Iterator[Figure]:
    sizes = (1_000, 10_000, 100_000) if quick else (1_000, 10_000, 100_000, 1_000_000)
    first = yield from _smallest(row, box, sizes[0])
    for size in sizes[1:]:
        held = box.fill(size)
        with running(box.data_dir, box.database) as port:
            _first_vote(port, box)
            rounds = _Rounds(port, box)
        # Judging alone does not know how long the log is: it tells how fast the machine is by now.
        expected = first.rate * rounds.judged / first.judged
        name = f"votes accepted, from {held:,} entries on"
        yield Figure(row, name, rounds.rate, "votes/s", expected, f"from {sizes[0]:,} on", (">=", 0.9))


class _Rounds:
    """Medians of rounds in which casting and its ceilings take turns, in answers a second."""

    def __init__(self, port: int, box: Box) -> None:
        nulls, judged = [], []
        self.volleys: list[Volley] = []
        for _ in range(ROUNDS):
            bodies = box.votes.take(_ready())
            nulls.append(_rate(_load(port, NULL, bodies * 4)))
            judged.append(_rate(_load(port, JUDGE, bodies)))
            self.volleys.append(_load(port, VOTES_PATH, bodies))
        self.null, self.judged = median(nulls), median(judged)
        self.rate = median(map(_rate, self.volleys))


def _smallest(row: str, box: Box, size: int) -> Generator[Figure, None, _Rounds]:
    """All figures at the smallest size."""
    box.fill(size)
    with running(box.data_dir, box.database) as port:
        _first_vote(port, box)
        rounds = _Rounds(port, box)
        pace = rounds.rate / 2
        half = _load(port, VOTES_PATH, box.votes.take(int(pace * (WARM_UP + SECONDS))), pace)
    name = f"votes accepted, {CONNECTIONS} connections"
    yield Figure(row, name, rounds.rate, "votes/s", rounds.null, "null POST")
    yield Figure(row, name, rounds.rate, "votes/s", rounds.judged, "verify only", (">=", 0.7))
    for quantile, fraction, goal in (("p50", 0.5, None), ("p99", 0.99, ("<=", 50.0))):
        value = 1000 * half.latency(fraction, WARM_UP)
        yield Figure(row, f"{quantile} at half load, {pace:,.0f} votes/s", value, "ms", goal=goal)
    yield _receipts(row, box, [*rounds.volleys, half])
    return rounds


def _first_vote(port: int, box: Box) -> None:
    """Answered once the server has replayed the ballot's log."""
    volley = fire(Target("127.0.0.1", port, VOTES_PATH), box.votes.take(1), connections=1)
    if volley.status != [201]:
        raise RuntimeError(f"the first vote is answered {volley.status}: {volley.body}")


def _receipts(row: str, box: Box, volleys: list[Volley]) -> Figure:
    log, vkey = box.log(), box.world.vkey(BALLOT_ORIGIN)
    checked = [check_receipts(volley, log, vkey) for volley in volleys]
    wrong = [fault for each in checked for fault in each.wrong]
    notes = sum(each.checkpoints for each in checked)
    found = f"under {notes:,} checkpoints; {len(wrong)} wrong {wrong[:2] or ''}"
    receipts = sum(each.receipts for each in checked)
    return Figure(row, "receipts checked against the log", receipts, "receipts", note=found)


def _ready() -> int:
    return int(GUESS * (WARM_UP + SECONDS))


def _rate(volley: Volley) -> float:
    return volley.throughput(WARM_UP, WARM_UP + SECONDS)


def _load(port: int, path: str, bodies: list[bytes], rate: float | None = None) -> Volley:
    target = Target("127.0.0.1", port, path)
    volley = fire(target, bodies, connections=CONNECTIONS, seconds=WARM_UP + SECONDS, rate=rate)
    wrong = {status: n for status, n in volley.statuses().items() if status != 201}
    if wrong or volley.faults:
        raise RuntimeError(f"{path} answered {wrong}, {volley.faults[:3]}, {volley.body[:1]}")
    if volley.sent == len(bodies) and rate is None:
        raise RuntimeError(f"{len(bodies)} requests were too few for {SECONDS} s")
    return volley
