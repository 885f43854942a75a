"""A service in the test's own process, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from governance.app import create_app
from governance.service.core import Service
from governance.settings import Settings
from tests.support.people import Community, key, operator_of

NOW = 1_800_000_000


@dataclass
class TestClock:
    """A clock that stands still."""

    __test__ = False
    now: int = NOW

    def __call__(self) -> int:
        """The time, Unix seconds."""
        return self.now


@dataclass
class Running:
    """A running service: the client, its clock, its parts, and a founded community."""

    client: Any
    clock: TestClock
    service: Service
    data: Path
    community: Community


@contextmanager
def running(
    data: Path,
    database: str | None = None,
    *,
    found: bool = True,
    plugins: tuple[object, ...] = (),
    **more: Any,
) -> Iterator[Running]:
    """Start a service in `data`, found a space with three members unless told otherwise."""
    clock = more.pop("clock", None) or TestClock()
    settings = Settings(data=data, database=database, **({"rate": 0} | more))
    app = create_app(settings, plugins=plugins, clock=clock, tick=0)
    with TestClient(app, raise_server_exceptions=False) as client:
        community = Community(client, operator_of(data), clock.now)
        if found:
            community.found()
            community.enrol(key(100), key(101), key(102))
        yield Running(client, clock, app.state.service, data, community)


@pytest.fixture
def live(database: str | None, tmp_path: Path) -> Iterator[Running]:
    """A service with a founded space and three members, on SQLite and on PostgreSQL."""
    with running(tmp_path / "data", database) as started:
        yield started


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Running]:
    """The same on SQLite only."""
    with running(tmp_path / "data") as started:
        yield started
