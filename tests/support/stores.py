"""A fresh database for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from governance.store.engine import Store, open_store
from tests.support.postgres import fresh_database


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """What `open_store` takes as url: None is the SQLite file of the data directory."""
    if request.param == "sqlite":
        yield None
        return
    with fresh_database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture
def store(database: str | None, tmp_path: Path) -> Iterator[Store]:
    """An empty store, migrated and locked."""
    opened = open_store(database, tmp_path / "data")
    yield opened
    opened.close()
