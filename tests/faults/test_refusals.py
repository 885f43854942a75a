"""Starts that must not happen: each ends with a sentence a person understands, and never with a traceback."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from governance.service import casting
from tests.support.community import SPACE, URL, community, origin_of, serving
from tests.support.nursery import Nursery
from tests.support.ports import free_port
from tests.support.postgres import fresh_database
from tests.support.siege import Siege

BALLOT = origin_of("q1")


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as started:
        yield started


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of an instance with an open ballot of more than one entry bundle."""
    data = tmp_path_factory.mktemp("sound") / "data"
    with serving(None, data) as service:
        place = community(service, voters=4).found()
        place.open("q1")
        votes = [place.votes("q1", n) for n in range(4)]
        cast = [casting.cast(service, SPACE, "q1", next(v)) for _ in range(75) for v in votes]
        assert cast[-1].result(30)
    return data


@pytest.fixture
def data(sound: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(sound, tmp_path / "data"))


def ends(nursery: Nursery, log: Path, data: Path, *more: object, ordinary: bool = False) -> tuple[int, str]:
    """Exit code and output of `althing serve` that is to end by itself."""
    arguments = ["serve", "--data", data, *(() if "--port" in more else ("--port", free_port())), *more]
    code = nursery.command(log, *arguments, ordinary=ordinary).wait()
    said = log.read_text()
    assert "Traceback" not in said
    assert said.strip()
    return code, said


def change(data: Path, statement: str, *values: object) -> None:
    """Change the database as no program of ours would."""
    with sqlite3.connect(data / "althing.db") as connection:
        assert connection.execute(statement, values).rowcount == 1
    connection.close()


def flipped(data: Path, table: str, column: str, where: str, at: int = -10) -> None:
    """Flip one bit of a stored value, by default in its last bytes."""
    with sqlite3.connect(data / "althing.db") as connection:
        (old,) = connection.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()
        new = bytearray(old)
        new[at] ^= 1
        assert connection.execute(
            f"UPDATE {table} SET {column} = ? WHERE {where}", (bytes(new),)
        ).rowcount == 1  # fmt: skip
    connection.close()


IN_BALLOT = f"log_id = (SELECT id FROM logs WHERE origin = '{BALLOT}')"


def _overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(os.urandom(4096))


def _without_log_keys(data: Path) -> None:
    for path in (data / "keys" / "logs").iterdir():
        path.unlink()


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "last-entry": (lambda d: flipped(d, "entries", "data", f"{IN_BALLOT} AND idx = 290"), BALLOT),
    "early-entry": (
        lambda d: flipped(d, "entries", "data", f"{IN_BALLOT} AND idx = 20"),
        f"{BALLOT} is broken: entry 20 is damaged",
    ),
    "leaf-hash": (lambda d: flipped(d, "entries", "leaf", f"{IN_BALLOT} AND idx = 290"), BALLOT),
    "tile-hash": (lambda d: flipped(d, "tile_hashes", "hash", f"{IN_BALLOT} AND position = 0"), BALLOT),
    "root": (lambda d: flipped(d, "logs", "root", f"origin = '{BALLOT}'"), BALLOT),
    "checkpoint": (lambda d: flipped(d, "logs", "checkpoint", f"origin = '{BALLOT}'"), BALLOT),
    "checkpoint-size": (
        lambda d: change(d, "UPDATE logs SET size = size - 1 WHERE origin = ?", BALLOT), BALLOT
    ),
    "lost-entry": (lambda d: change(d, f"DELETE FROM entries WHERE {IN_BALLOT} AND idx = 100"), "from 0 on"),
    "space-entry": (
        lambda d: flipped(
            d, "entries", "data", "idx = 3 AND log_id = (SELECT id FROM logs WHERE kind = 'space')"
        ),
        "faults.example/spaces/nix",
    ),
    "not-a-database": (lambda d: _overwrite(d / "althing.db"), "damaged"),
    "log-key": (_without_log_keys, "key"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_store_is_not_served(nursery: Nursery, tmp_path: Path, data: Path, damage: str) -> None:
    spoil, named = DAMAGES[damage]
    spoil(data)
    code, said = ends(nursery, tmp_path / "log", data)
    assert code == 70
    assert named in said


def test_sound_store_is_served(nursery: Nursery, tmp_path: Path, data: Path) -> None:
    server = nursery.start(tmp_path / "log", data=data, port=free_port(), url=URL)
    assert server.stop() in {0, -15}


def test_port_taken(nursery: Nursery, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = ends(nursery, tmp_path / "log", tmp_path / "data", "--port", port)
    assert code == 1
    assert f"port {port}" in said
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("place", ["parent", "directory", "file"])
def test_data_directory_not_writable(nursery: Nursery, tmp_path: Path, data: Path, place: str) -> None:
    closed, target = {
        "parent": (tmp_path, tmp_path / "new"),
        "directory": (data, data),
        "file": (data / "althing.db", data),
    }[place]
    if place != "file":
        (data / "althing.lock").unlink()
    closed.chmod(0o555)
    try:
        code, said = ends(nursery, tmp_path.with_name(f"{tmp_path.name}.log"), target, ordinary=True)
    finally:
        closed.chmod(0o755)
    assert code == 1
    assert str(target) in said
    assert not (tmp_path / "new").exists()


def test_database_of_a_newer_program(nursery: Nursery, tmp_path: Path, data: Path) -> None:
    change(data, "UPDATE alembic_version SET version_num = 'fffffffffff0' WHERE version_num <> 'fed1'")
    code, said = ends(nursery, tmp_path / "log", data)
    assert code == 1
    assert "fffffffffff0" in said
    assert "newer" in said


def test_second_process_on_the_data_directory(nursery: Nursery, tmp_path: Path) -> None:
    siege = Siege(nursery, None, tmp_path)
    siege.place.open("q1")
    code, said = ends(nursery, tmp_path / "second", siege.data)
    assert code == 1
    assert f"process {siege.server.pid} already writes here" in said
    siege.cast("q1")
    siege.finish()


@pytest.mark.postgres
def test_second_process_on_the_postgres_database(
    nursery: Nursery, tmp_path: Path, postgres_server: str
) -> None:
    with fresh_database(postgres_server) as database:
        siege = Siege(nursery, database, tmp_path)
        siege.place.open("q1")
        code, said = ends(nursery, tmp_path / "second", tmp_path / "other", "--database", database)
        assert code == 1
        assert "another process already writes" in said
        siege.cast("q1")
        siege.finish()


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("mysql://localhost/althing", "SQLite or PostgreSQL"),
        ("sqlite://", "not a database in memory"),
        ("no url", "cannot be read"),
        ("postgresql://127.0.0.1:1/althing", "does not answer"),
    ],
)
def test_unusable_database(nursery: Nursery, tmp_path: Path, url: str, named: str) -> None:
    code, said = ends(nursery, tmp_path / "log", tmp_path / "data", "--database", url)
    assert code == 1
    assert named in said


def test_another_url_than_the_logs_carry(nursery: Nursery, tmp_path: Path, data: Path) -> None:
    code, said = ends(nursery, tmp_path / "log", data, "--url", "http://elsewhere.example")
    assert code == 1
    assert "faults.example" in said


@pytest.mark.postgres
def test_keys_of_another_data_directory(nursery: Nursery, tmp_path: Path, postgres_server: str) -> None:
    """A database restored beside a fresh data directory: its logs' keys are not there."""
    with fresh_database(postgres_server) as database:
        with serving(database, tmp_path / "first") as service:
            community(service, voters=1).found()
        code, said = ends(nursery, tmp_path / "log", tmp_path / "data", "--database", database)
        assert code == 70
        assert "key" in said
        engine = sa.create_engine(database, poolclass=sa.NullPool)
        with engine.connect() as conn:
            assert conn.exec_driver_sql("SELECT count(*) FROM logs").scalar() == 2
