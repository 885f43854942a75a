"""A throw-away PostgreSQL cluster from Debian's packages, or the server that ALTHING_TEST_POSTGRES names."""

from __future__ import annotations

import glob
import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a server where the user may create databases; the test is skipped where there is none."""
    given = os.environ.get("ALTHING_TEST_POSTGRES")
    if given:
        yield given
        return
    binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if not binaries:
        pytest.skip("PostgreSQL is not installed (no /usr/lib/postgresql/*/bin/initdb)")
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL refuses to run as root, and there is no runuser")
    with cluster(Path(binaries[-1]).parent) as url:
        yield url


@contextmanager
def cluster(binaries: Path) -> Iterator[str]:
    """A running server in a temporary directory."""
    with tempfile.TemporaryDirectory(prefix="althing-pg-", dir="/tmp") as name:
        home = Path(name)
        if os.geteuid() == 0:
            shutil.chown(home, "postgres", "postgres")
        data = home / "data"
        _run(binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        port = _free_port()
        options = f"-k {home} -h '' -p {port} -c max_connections=60 -c fsync=off"
        _run(binaries / "pg_ctl", "-D", data, "-w", "-l", home / "log", "-o", options, "start")
        try:
            yield f"postgresql://postgres@/postgres?host={home}&port={port}"
        finally:
            _run(binaries / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


@pytest.fixture
def own_cluster(postgres_server: str) -> Iterator[str]:
    """URL of a cluster that the test may crash; skipped where only somebody else's server is there."""
    del postgres_server
    binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if not binaries:
        pytest.skip("PostgreSQL's programs are not installed, only a server is given")
    with cluster(Path(binaries[-1]).parent) as url:
        yield url


def crash(url: str) -> None:
    """End the cluster of `own_cluster` without any order, and start it again."""
    home = Path(str(sa.make_url(url).query["host"]))
    binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin/pg_ctl"))
    _run(binaries[-1], "-D", home / "data", "-w", "-m", "immediate", "-l", home / "log", "restart")


def _run(*command: object) -> None:
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*as_postgres, *map(str, command)],
        cwd="/",
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=120,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"PostgreSQL does not start: {done.stderr.strip()}")


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """A database of its own, dropped afterwards whoever is still connected."""
    name = f"althing_{uuid.uuid4().hex}"
    url = sa.make_url(server).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as conn:
            conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
