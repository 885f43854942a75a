"""A database that takes nothing for a while: full disk, read-only. Votes are refused, none is half stored."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from governance.errors import StorageUnavailable
from governance.service import casting
from tests.support.clients import Answered, Client
from tests.support.community import SPACE, community, origin_of, serving
from tests.support.disks import fill, limit_files, small_disk
from tests.support.inspection import Acknowledged, inspect
from tests.support.nursery import Nursery
from tests.support.postgres import crash, fresh_database
from tests.support.siege import Siege

DATABASE = "althing.db"


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as started:
        yield started


def outage(siege: Siege, begin: Callable[[], None], end: Callable[[], None]) -> None:
    """Votes before, during and after; the service answers all the time and goes on by itself."""
    siege.place.open("q1")
    for voter in range(4):
        siege.cast("q1", voter)
    assert siege.ready() == 200
    begin()
    refused(siege.cast_until_refused("q1"))
    head = siege.checkpoint("q1")
    for voter in range(1, 4):
        with pytest.raises(Answered) as answer:
            siege.cast("q1", voter)
        refused(answer.value)
    assert siege.ready() == 503
    assert siege.client.request("GET", "/healthz")[0] == 200
    assert siege.state("q1") == "open"
    assert siege.checkpoint("q1") == head
    end()
    assert siege.ready() == 200
    siege.cast("q1", 1)
    siege.place.order("q1", "close")
    assert siege.state("q1") == "decided"


def refused(answer: Answered) -> None:
    assert (answer.status, answer.problem["code"]) == (503, "storage-unavailable")
    assert int(answer.headers["retry-after"]) > 0


def test_full_disk(nursery: Nursery, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        siege = Siege(nursery, None, disk)
        filler = disk / "filler"
        outage(siege, lambda: fill(filler), filler.unlink)
        siege.finish()


def test_file_size_limit(nursery: Nursery, tmp_path: Path) -> None:
    siege = Siege(nursery, None, tmp_path)
    pid = siege.server.pid

    def begin() -> None:
        limit_files(pid, (siege.data / f"{DATABASE}-wal").stat().st_size)

    outage(siege, begin, lambda: limit_files(pid, None))
    siege.finish()


@pytest.mark.postgres
def test_full_tablespace(nursery: Nursery, tmp_path: Path, postgres_server: str) -> None:
    with (
        small_disk(tmp_path / "disk", 32) as disk,
        fresh_database(postgres_server) as database,
        _tablespace(database, disk),
    ):
        siege = Siege(nursery, database, tmp_path)
        filler = disk / "filler"
        outage(siege, lambda: fill(filler), filler.unlink)
        siege.finish()


@contextmanager
def _tablespace(database: str, disk: Path) -> Iterator[None]:
    """Tables of the database go to that disk."""
    name = f"t_{sa.make_url(database).database}"
    for folder in (disk, *disk.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    subprocess.run(["chown", "postgres", str(disk)], check=True)
    _execute(database, f"CREATE TABLESPACE {name} LOCATION '{disk}'")
    place = sa.make_url(database).database
    _execute(database, f"ALTER DATABASE {place} SET default_tablespace = {name}")
    try:
        yield
    finally:
        _execute(database, f"ALTER DATABASE {place} RESET default_tablespace")
        _execute(database, "DROP SCHEMA public CASCADE", f"DROP TABLESPACE {name}")


def _execute(database: str, *statements: str) -> None:
    engine = sa.create_engine(database, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as conn:
        for statement in statements:
            conn.exec_driver_sql(statement)


@pytest.mark.postgres
def test_read_only_postgres(nursery: Nursery, tmp_path: Path, postgres_server: str) -> None:
    with fresh_database(postgres_server) as database:
        siege = Siege(nursery, database, tmp_path)
        name = sa.make_url(database).database
        leave = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        setting = f"ALTER DATABASE {name} {{}} default_transaction_read_only {{}}"
        outage(
            siege,
            lambda: _execute(database, setting.format("SET", "= on"), leave),
            lambda: _execute(
                database, "SET default_transaction_read_only = off", setting.format("RESET", ""), leave
            ),
        )
        siege.finish()


@pytest.mark.postgres
def test_postgres_crashes_and_comes_back(nursery: Nursery, tmp_path: Path, own_cluster: str) -> None:
    """Votes on the way get 503 or no place; the service finds its way back by itself."""
    with fresh_database(own_cluster) as database:
        siege = Siege(nursery, database, tmp_path, voters=7)
        siege.place.open("q1")
        stop, refusals = threading.Event(), []

        def vote(number: int) -> None:
            client, votes = Client(siege.port), siege.place.votes("q1", number)
            while not stop.is_set():
                try:
                    siege.heard.append(client.vote("q1", next(votes)))
                except Answered as e:
                    refusals.append(e)
            client.close()

        voters = [threading.Thread(target=vote, args=(n,)) for n in range(6)]
        for voter in voters:
            voter.start()
        for _ in range(3):
            time.sleep(0.3)
            crash(own_cluster)
            while siege.ready() != 200:
                time.sleep(0.05)
            siege.cast("q1", 6)
        stop.set()
        for voter in voters:
            voter.join()
        for refusal in refusals:
            refused(refusal)
        assert siege.server.ended is None
        siege.finish()


def test_read_only_sqlite(tmp_path: Path) -> None:
    heard = []
    with serving(None, tmp_path / "data") as service:
        place = community(service, voters=4).found()
        place.open("q1")
        allowed = True

        @event.listens_for(service.store.engine, "checkout")
        def on_checkout(connection: object, *_rest: object) -> None:
            connection.execute(f"PRAGMA query_only = {int(not allowed)}")  # type: ignore[attr-defined]

        for voter, allowed in enumerate((True, False, False, True)):
            vote = place.vote("q1", voter, place.now)
            if allowed:
                answer = casting.cast(service, SPACE, "q1", vote).result(30)
                heard.append(Acknowledged(origin_of("q1"), answer.index, vote, answer.receipt.encode()))
                service.check_ready()
            else:
                with pytest.raises(StorageUnavailable):
                    casting.cast(service, SPACE, "q1", vote).result(30)
                with pytest.raises(StorageUnavailable):
                    service.check_ready()
    found = inspect(None, tmp_path / "data", heard)
    assert found.ballots[origin_of("q1")].casts.accepted == 2
