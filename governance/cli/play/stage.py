"""A service as a process of its own, on a free port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, Self

from governance.cli.client import Client
from governance.errors import GovernanceError, NoAnswer, SetupFault

START: Final = 30
"""Seconds that the service may take to answer."""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment() -> dict[str, str]:
    """This process's environment without settings meant for another instance."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ALTHING_")}


def command(*arguments: str) -> list[str]:
    """The command line of this very program."""
    return [sys.executable, "-m", "governance", *arguments]


class Stage:
    """`althing serve` in a data directory; stopped at the end of the `with` block."""

    def __init__(self, data: Path, log: Path, port: int = 0, *options: str) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data, self._log = data, log
        self._arguments = ("serve", "--data", str(data), "--port", str(self.port), *options)
        self.process = self._run()

    def _run(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as output:
            return subprocess.Popen(
                command(*self._arguments),
                stdout=output,
                stderr=output,
                env=environment(),
                stdin=subprocess.DEVNULL,
            )

    def __enter__(self) -> Self:
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def start(self) -> None:
        """Run it again after `stop`; returns when it answers."""
        self.process = self._run()
        self._wait()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait(self) -> None:
        give_up = time.monotonic() + START
        with Client(self.url, timeout=2) as client:
            while time.monotonic() < give_up:
                if self.process.poll() is not None:
                    said = self._log.read_text(errors="replace")[-2_000:]
                    raise SetupFault(f"the service did not start; it said:\n{said}")
                try:
                    client.read("/readyz")
                except GovernanceError:
                    time.sleep(0.1)
                else:
                    return
        raise NoAnswer(f"the service does not answer at {self.url} after {START} s; see {self._log}")

    def stop(self) -> None:
        """End the process, politely first."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
