"""Row 3: an audit of public files with all cores, beside a bare PyNaCl loop on as many processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

from nacl.bindings import crypto_sign_open

from tests.bench.figures import Figure
from tests.bench.memory import Peak
from tests.support.ballots import SPACE, make_public_dir
from tests.support.voters import key_of

BARE_SIGNATURES = 40_000


def run(quick: bool) -> Iterator[Figure]:
    """Ballots of 10^5 and 10^6 votes; each voter votes once, so enrolments weigh as much as they can."""
    cores = os.cpu_count() or 1
    for votes in (100_000,) if quick else (100_000, 1_000_000):
        with tempfile.TemporaryDirectory(prefix="althing-bench-") as folder:
            # In a process of its own: what it leaves on the heap is nobody's memory peak.
            maker = get_context("spawn").Process(target=_make, args=(Path(folder), votes))
            maker.start()
            maker.join()
            if maker.exitcode:
                raise RuntimeError("the public files could not be made")
            before = bare(cores)
            seconds, peak, verdict = _audit(Path(folder), cores)
            ceiling = (before + bare(cores)) / 2
        # Each enrolment carries the member's signature and the registrar's, each vote one.
        signatures = 3 * votes
        rate = signatures / seconds
        name = f"{votes:,} votes, --jobs {cores}"
        loop = f"bare PyNaCl × {cores}"
        note = f"{seconds:.1f} s, {votes / seconds:,.0f} votes/s with their enrolments; {verdict}"
        yield Figure("audit", name, rate, "signatures/s", ceiling, loop, (">=", 0.75), note)
        yield Figure("audit", f"{votes:,} votes, memory of all processes", peak, "MB", goal=("<=", 300))


def _make(folder: Path, votes: int) -> None:
    make_public_dir(folder, votes)


def _audit(folder: Path, jobs: int) -> tuple[float, float, str]:
    command = [sys.executable, "-m", "governance", "audit", str(folder), "--jobs", str(jobs), "--json"]
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output)
        with Peak(process.pid) as peak:
            code = process.wait()
        seconds = time.perf_counter() - start
        output.seek(0)
        verdict = json.loads(output.read())
    if code:
        raise RuntimeError(f"the audit of {SPACE} fails: {verdict}")
    checks = verdict["checks"]
    return seconds, peak.megabytes, f"{len(checks)} checks passed"


def bare(processes: int) -> float:
    """Signatures a second of a loop around libsodium and nothing else, in that many processes at once."""
    context = get_context("fork")
    gate, times = context.Barrier(processes), context.SimpleQueue()
    workers = [context.Process(target=_verify, args=(gate, times)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    spent: list[float] = [times.get() for _ in workers]
    for worker in workers:
        worker.join()
    return sum(BARE_SIGNATURES / seconds for seconds in spent)


def _verify(gate: object, times: object) -> None:
    keys = [key_of("bare", i) for i in range(200)]
    message = b"DSSEv1" + bytes(360)
    signed = [(key.sign(message) + message, key.raw_public) for key in keys]
    gate.wait()  # type: ignore[attr-defined]
    start = time.perf_counter()
    for _ in range(BARE_SIGNATURES // len(signed)):
        for data, public in signed:
            crypto_sign_open(data, public)
    times.put(time.perf_counter() - start)  # type: ignore[attr-defined]
