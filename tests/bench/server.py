"""The service in a process of its own, started as `althing serve` is, with the bench's routes as a plugin."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.ballots import BASE

PLUGIN = Path(__file__).parent / "plugin"
ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def running(data_dir: Path, database: str | None, prefix: tuple[str, ...] = ()) -> Iterator[int]:
    """The port of a server on a data directory; `prefix` is a command to run it under (a profiler)."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ALTHING_")}
    # A folder with a .dist-info is an installed package to whoever looks for entry points.
    environment["PYTHONPATH"] = f"{PLUGIN}{os.pathsep}{ROOT}"
    environment |= {
        "ALTHING_DATA": str(data_dir),
        "ALTHING_PORT": str(port),
        "ALTHING_URL": f"https://{BASE}",
        "ALTHING_RATE": "0",
    }
    if database is not None:
        environment["ALTHING_DATABASE"] = database
    log = data_dir.parent / "server.log"
    with log.open("ab") as output:
        command = [*prefix, sys.executable, "-m", "governance", "serve"]
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            _await_ready(port, process, log)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _await_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 600
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"the server does not come up: {log.read_text()[-2000:]}")
