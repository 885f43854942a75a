"""An instance that is started and stopped, with the command line for it in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from governance.__main__ import composition
from governance.app import create_service
from governance.cli.main import build
from governance.service.instance import key_of
from tests.support.fed_nodes import Network, VirtualClock
from tests.support.fed_service import Real, real
from tests.support.people import Community, key

KEYS = ("service", "operator", "http", "witness", "mirror", "root")


class Home:
    """An instance that is started and stopped, with a community on it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.data = folder, folder / "data"
        self.clock, self.network = VirtualClock(), Network()
        self.community: Community | None = None
        self.monkeypatch = monkeypatch
        monkeypatch.setattr(create_service, "__kwdefaults__", {"clock": self.clock, "on_fatal": None})
        monkeypatch.setattr("time.time", lambda: float(self.clock.now))
        with self.up() as us:
            us.running.community.found()
            us.running.community.enrol(key(100), key(101))
            us.running.community.open()

    def up(self) -> Any:
        return _Up(self)

    def run(self, *words: str) -> Result:
        """The command line."""
        return CliRunner().invoke(build(composition()), ["instance", *words])

    def fine(self, *words: str) -> str:
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return str(result.output)

    def rotate(self, name: str, *more: str) -> str:
        return self.fine("rotate", name, "--data", str(self.data), "--yes", *more)

    def keys(self) -> dict[str, str]:
        return {name: key_of(self.data, name, create=False).public for name in KEYS}


class _Up:
    """The instance runs, with the community's client on it."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._real = real(home.data, home.network, home.clock)

    def __enter__(self) -> Real:
        us = self._real.__enter__()
        if self._home.community is None:
            self._home.community = us.running.community
        self._home.community.client = us.running.client
        us.running.community = self._home.community
        return us

    def __exit__(self, *what: Any) -> None:
        self._real.__exit__(*what)
