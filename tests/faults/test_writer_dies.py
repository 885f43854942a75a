"""A writer killed, or cut off from power, at any instant: what it answered is there, the head verifies."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from governance.store import entries
from governance.store.engine import open_store
from tests.support.sequences import ORIGIN, add, running

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from governance.errors import NotFound
from governance.store import entries
from governance.store.engine import open_store
from tests.support.sequences import ORIGIN, add, create, running

store = open_store(sys.argv[1] or None, Path(sys.argv[2]))
with running(store) as sequencer:
    with store.read() as conn:
        size = sum(head.size for head in entries.heads(conn))
    if not size:
        sequencer.submit(create()).result()
    while True:
        words = [b"%d" % i for i in range(size, size + 40)]
        for future in [sequencer.submit(add(word)) for word in words]:
            print(future.result().index, flush=True)
        size += 40
"""


def _start(database: str | None, data: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, database or "", str(data)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _read_some(process: subprocess.Popen[str], count: int) -> int:
    """The last index answered after at least count answers."""
    assert process.stdout is not None
    last = -1
    for _ in range(count):
        last = int(process.stdout.readline())
    return last


def _check(database: str | None, data: Path, answered: int) -> int:
    """Starting again verifies the head; every answered entry is there, in order, and the log goes on."""
    store = open_store(database, data)
    try:
        with running(store) as sequencer:
            with store.read() as conn:
                head = entries.head(conn, ORIGIN)
                found = entries.read_entries(conn, head.id, 0, head.size + 1)
            assert found == [b"%d" % i for i in range(head.size)]
            assert head.size > answered
            assert sequencer.submit(add(b"%d" % head.size)).result(30).index == head.size
    finally:
        store.close()
    return head.size + 1


def test_killed_writer_has_lost_nothing_it_answered(database: str | None, tmp_path: Path) -> None:
    chance = random.Random(7)
    data = tmp_path / "data"
    for _ in range(4):
        process = _start(database, data)
        try:
            answered = _read_some(process, chance.randint(1, 300))
            time.sleep(chance.random() / 50)
            process.send_signal(signal.SIGKILL)
            assert process.stdout is not None
            rest = process.stdout.read()
            complete = rest.splitlines()[: rest.count("\n")]
            answered = max([answered, *map(int, complete)])
        finally:
            process.kill()
            process.wait()
        _check(database, data, answered)


@pytest.mark.parametrize("with_index", [True, False])
def test_power_cut_leaves_a_consistent_database(with_index: bool, tmp_path: Path) -> None:
    """The files as they are between two instructions of the writer; the -shm file may be lost or stale."""
    chance = random.Random(8)
    process = _start(None, tmp_path / "data")
    try:
        for turn in range(6):
            answered = _read_some(process, chance.randint(1, 200))
            time.sleep(chance.random() / 50)
            process.send_signal(signal.SIGSTOP)
            copy = tmp_path / f"copy{turn}"
            ignore = shutil.ignore_patterns("althing.lock", *(() if with_index else ("*-shm",)))
            shutil.copytree(tmp_path / "data", copy, ignore=ignore)
            process.send_signal(signal.SIGCONT)
            _check(None, copy, answered)
    finally:
        process.kill()
        process.wait()
