"""Two processes on one database: the second is refused; should it get past the locks, the log decides."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from federation import MIGRATIONS
from governance.errors import AnotherWriter, IntegrityFault
from governance.service import casting
from governance.service.core import Service
from governance.store import locks
from governance.store.engine import open_store
from tests.support.clients import GONE, Answered
from tests.support.community import SPACE, Community, community, origin_of, serving
from tests.support.inspection import Acknowledged, inspect
from tests.support.nursery import Nursery
from tests.support.siege import Siege


def cast(service: Service, vote: bytes) -> Acknowledged:
    answer: Any = casting.cast(service, SPACE, "q1", vote).result(30)
    return Acknowledged(origin_of("q1"), answer.index, vote, answer.receipt.encode())


@contextmanager
def _no_lock(*_what: object) -> Iterator[None]:
    yield


@pytest.fixture
def place(database: str | None, tmp_path: Path) -> Iterator[tuple[Service, Community]]:
    """A running service with an open ballot."""
    with serving(database, tmp_path / "data") as service:
        first = community(service, voters=4).found()
        first.open("q1")
        yield service, first


def test_second_writer_is_refused_and_the_first_goes_on(
    place: tuple[Service, Community], database: str | None, tmp_path: Path
) -> None:
    service, first = place
    directories = [tmp_path / "data"] if database is None else [tmp_path / "data", tmp_path / "other"]
    for directory in directories:
        with pytest.raises(AnotherWriter, match="already writes"):
            open_store(database, directory, migrations=[MIGRATIONS])
    assert cast(service, first.vote("q1", 0, first.now)).index > 0


def test_sqlite_file_elsewhere_is_locked_for_every_data_directory(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shared.db"
    store = open_store(url, tmp_path / "one", migrations=[MIGRATIONS])
    try:
        with pytest.raises(AnotherWriter):
            open_store(url, tmp_path / "two", migrations=[MIGRATIONS])
    finally:
        store.close()
    open_store(url, tmp_path / "two", migrations=[MIGRATIONS]).close()


def test_past_the_locks_one_writer_stops_and_there_is_one_history(
    place: tuple[Service, Community],
    database: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service, first = place
    monkeypatch.setattr(locks, "lock_file", _no_lock)
    monkeypatch.setattr(locks, "lock_postgres", _no_lock)
    fatal: list[IntegrityFault] = []
    heard: list[Acknowledged] = []
    with serving(database, tmp_path / "data", on_fatal=fatal.append) as second:
        heard.append(cast(second, first.vote("q1", 0, first.now)))
        with pytest.raises(IntegrityFault, match="another process writes it"):
            cast(service, first.vote("q1", 1, first.now))
        heard.append(cast(second, first.vote("q1", 2, first.now)))
        with pytest.raises(IntegrityFault):
            cast(service, first.vote("q1", 3, first.now))
    assert service.sequencer.fault is not None
    assert fatal == []
    inspect(database, tmp_path / "data", heard)


def test_server_stops_when_somebody_else_has_written(
    database: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Nursery() as nursery:
        siege = Siege(nursery, database, tmp_path)
        siege.place.open("q1")
        siege.cast("q1")
        monkeypatch.setattr(locks, "lock_file", _no_lock)
        monkeypatch.setattr(locks, "lock_postgres", _no_lock)
        with serving(database, siege.data) as second:
            siege.heard.append(cast(second, siege.next_vote("q1", 1)))
        with suppress(*GONE), pytest.raises(Answered, match=r"^500"):
            siege.cast("q1", 2)
        assert siege.server.wait() == 70
        assert "another process writes it" in siege.log.read_text()
        siege.start()
        siege.cast("q1", 3)
        siege.finish()


@pytest.mark.slow
def test_two_writers_racing_never_sign_two_heads_of_one_size(
    place: tuple[Service, Community],
    database: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, first = place
    monkeypatch.setattr(locks, "lock_file", _no_lock)
    monkeypatch.setattr(locks, "lock_postgres", _no_lock)
    votes = [first.votes("q1", n) for n in range(4)]
    heard: list[Acknowledged] = []
    lost = 0
    for _ in range(12):
        with serving(database, tmp_path / "data") as second, serving(database, tmp_path / "data") as third:
            running = [_begin(s, next(votes[n])) for _ in range(10) for n, s in enumerate((second, third))]
            for future in filter(None, running):
                try:
                    heard.append(_heard(future.result(30)))
                except IntegrityFault:
                    lost += 1
            assert second.sequencer.fault is None or third.sequencer.fault is None
    assert lost
    assert heard
    inspect(database, tmp_path / "data", heard)


def _begin(service: Service, vote: bytes) -> Future[Any] | None:
    try:
        return casting.cast(service, SPACE, "q1", vote)
    except IntegrityFault:
        return None


def _heard(answer: Any) -> Acknowledged:
    return Acknowledged.of(
        origin_of("q1"), {"index": answer.index, "entry": answer.entry, "receipt": answer.receipt}
    )
