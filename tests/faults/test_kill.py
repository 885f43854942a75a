"""kill -9 at random instants while votes come in: nothing that was answered is lost (DESIGN 2.1)."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from federation import MIGRATIONS
from governance.service import instance
from governance.store import entries
from governance.store.engine import open_store
from tests.support.clients import GONE, Voter
from tests.support.community import URL
from tests.support.inspection import Acknowledged
from tests.support.nursery import Nursery, Server
from tests.support.ports import free_port
from tests.support.siege import Siege

KILLS = int(os.environ.get("ALTHING_KILLS", "0"))
"""How many; without it as many as go into SECONDS."""
SECONDS = 60
SEED = int(os.environ.get("ALTHING_KILL_SEED", str(random.SystemRandom().randrange(10**9))))
VOTERS = 6
LIVES = 20
"""Lives of the server that one ballot lasts."""


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as started:
        yield started


def ordered(siege: Siege, ballot: str, action: str, after: float) -> None:
    """An order, with the server killed about then; given again unless it was carried out."""
    done = {"open": {"open"}, "close": {"closed", "decided"}}[action]
    killer = _Killer(siege.server, after)
    with suppress(*GONE):
        siege.place.order(ballot, action)
    killer.join()
    siege.start()
    if siege.state(ballot) not in done:
        siege.place.order(ballot, action)
    assert siege.state(ballot) in done


def entry(siege: Siege, origin: str, index: int) -> bytes:
    """An entry as stored, read while nobody writes."""
    store = open_store(siege.database, siege.data, read_only=True, migrations=[MIGRATIONS])
    try:
        with store.read() as conn:
            head = entries.head(conn, origin)
            (data,) = entries.read_entries(conn, head.id, index, index + 1)
            return data
    finally:
        store.close()


class _Killer:
    """Kills the server after some seconds, from another thread."""

    def __init__(self, server: Server, after: float) -> None:
        self._thread = threading.Thread(target=self._run, args=(server, after))
        self._thread.start()

    @staticmethod
    def _run(server: Server, after: float) -> None:
        time.sleep(after)
        server.kill()

    def join(self) -> None:
        self._thread.join()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_no_answered_vote_is_lost(
    nursery: Nursery, database: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(SEED)
    began, kills = time.monotonic(), 0
    siege = Siege(nursery, database, tmp_path, voters=VOTERS)
    while kills < KILLS or (not KILLS and time.monotonic() - began < SECONDS):
        ballot = f"q{kills}"
        siege.place.draft(ballot)
        ordered(siege, ballot, "open", chance.uniform(0, 0.03))
        voters = [Voter(siege.place, ballot, n) for n in range(VOTERS)]
        for _ in range(LIVES):
            siege.heard += one_life(siege, voters, chance)
            kills += 1
        ordered(siege, ballot, "close", chance.uniform(0, 0.05))
        kills += 2
        with capsys.disabled():
            passed = f"{time.monotonic() - began:.0f} s, seed {SEED}"
            print(f"\n  {kills} kills, {len(siege.heard)} acknowledged votes, {passed}", end="", flush=True)
    assert len(siege.heard) > kills
    found = siege.finish()
    for state in found.ballots.values():
        assert state.outcome is not None or state.close is not None


def one_life(siege: Siege, voters: list[Voter], chance: random.Random) -> list[Acknowledged]:
    """Votes from all sides, the kill, a new start; gives what was promised meanwhile.

    Most kills come after the first answer, some while the ballot is still being replayed.
    """
    before = [len(voter.heard) for voter in voters]
    for voter in voters:
        voter.start(siege.port)
    patient, deadline = chance.random() < 0.85, time.monotonic() + 20
    while patient and time.monotonic() < deadline and [len(voter.heard) for voter in voters] == before:
        time.sleep(0.002)
    time.sleep(chance.uniform(0, 0.2))
    siege.server.kill()
    for voter in voters:
        voter.join()
        assert voter.refusals == []
    fresh = [one for voter, n in zip(voters, before, strict=True) for one in voter.heard[n:]]
    for one in fresh[-3:]:
        assert entry(siege, one.origin, one.index) == one.entry
    siege.start()
    return fresh


@pytest.mark.slow
def test_first_start_killed_at_any_instant(nursery: Nursery, database: str | None, tmp_path: Path) -> None:
    """Keys and identity are made whole or not at all: the start after it finds its way."""
    chance = random.Random(SEED)
    settings = {"port": free_port(), "url": URL, "database": database}
    for number in range(2):
        data = tmp_path / f"data-{number}"
        for _ in range(5):
            server = nursery.launch(tmp_path / "log", data=data, **settings)
            time.sleep(chance.uniform(0.005, 0.1))
            server.kill()
        server = nursery.start(tmp_path / "log", data=data, **settings)
        assert server.stop() in {0, -signal.SIGTERM}
        if database is not None:
            break


def test_key_file_cut_off_is_never_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", _power_cut)
    with pytest.raises(KeyboardInterrupt):
        instance.key_of(tmp_path, "root")
    monkeypatch.undo()
    assert instance.key_of(tmp_path, "root").sign(b"")


def _power_cut(descriptor: int) -> None:
    """What was not synced is gone."""
    os.ftruncate(descriptor, 0)
    raise KeyboardInterrupt
