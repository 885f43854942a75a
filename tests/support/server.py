"""`althing serve` as a process of its own, and the command line against it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import typer
import typer.testing
from typer.testing import CliRunner

from governance.__main__ import composition
from governance.cli.main import build
from governance.cli.play.stage import Stage

# Typer makes all commands anew for each one that is run: 70 ms, and several times that under coverage.
typer.testing._get_command = cache(typer.main.get_command)


@dataclass(frozen=True)
class Server:
    """A running instance."""

    url: str
    data: Path


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Server]:
    """An instance with its data below `folder`, without rate limit; stopped by its process at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "instance"
    with Stage(data, folder / "service.log", 0, "--rate", "0", *options) as stage:
        yield Server(stage.url, data)


@cache
def _program() -> typer.Typer:
    return build(composition())


class Person:
    """Somebody at a terminal, with keys and receipts in a home of their own."""

    def __init__(self, home: Path, url: str | None = None) -> None:
        self.home, self.url = home, url
        self.environment = {"ALTHING_HOME": str(home), **({"ALTHING_URL": url} if url else {})}

    def run(self, *arguments: str | Path, input: str | None = None) -> Any:
        """The result of a command: exit_code, stdout, stderr."""
        return CliRunner().invoke(_program(), [*map(str, arguments)], env=self.environment, input=input)

    def do(self, *arguments: str | Path, input: str | None = None) -> str:
        """What a command that must work prints."""
        result = self.run(*arguments, input=input)
        assert result.exit_code == 0, f"{arguments}: {result.output} {result.exception!r}"
        return str(result.stdout)

    def json(self, *arguments: str | Path) -> Any:
        """The JSON of a command that must work."""
        return json.loads(self.do(*arguments, "--json"))

    def refused(self, *arguments: str | Path) -> dict[str, Any]:
        """The error, as JSON, of a command that must be refused."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == 1, f"{arguments}: {result.output} {result.exception!r}"
        found: dict[str, Any] = json.loads(result.stdout)
        return found
