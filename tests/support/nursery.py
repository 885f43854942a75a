"""Servers without the start-up cost of Python: one process imports everything, each server is a fork of it.

`python -m tests.support.nursery` reads a JSON object a line and writes one a line. `{"settings": {…}, "log":
path}` forks a server: `{"pid": …}`, then `{"ready": pid}` once it answers or `{"failed": pid, "error": …}`.
`{"argv": […], "log": path, "ordinary": bool}` runs the command line; ordinary is without root's powers over
files. `{"wait": pid}` gives `{"ended": pid, "status": …}` (exit code, or minus the signal). At the end of
input the remaining servers are killed.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import subprocess
import sys
import traceback
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from governance.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


class Server:
    """A running server, a child of the nursery."""

    def __init__(self, nursery: Nursery, pid: int, port: int) -> None:
        self._nursery, self.pid, self.port = nursery, pid, port
        self.ended: int | None = None

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self.signal(signal.SIGKILL)
        assert self.wait() == -signal.SIGKILL

    def stop(self) -> int:
        """SIGTERM; gives the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Wait for its end; gives exit code or minus the signal."""
        if self.ended is None:
            self.ended = self._nursery.ask({"wait": self.pid}, "ended")["status"]
        return self.ended


class Nursery:
    """The process that forks servers; use as a context."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.nursery"],
            cwd=ROOT,
            env={k: v for k, v in os.environ.items() if not k.startswith("ALTHING_")}
            | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Nursery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with ExitStack() as pipes:
            pipes.callback(self._process.wait, 30)
            for pipe in (self._process.stdout, self._process.stdin):
                if pipe is not None:
                    pipes.callback(pipe.close)

    def ask(self, question: dict[str, Any], key: str) -> dict[str, Any]:
        """One line out; the answer is the next line with that key."""
        pipe = self._process.stdin
        assert pipe is not None
        pipe.write(json.dumps(question) + "\n")
        pipe.flush()
        return self.read(key)

    def read(self, *keys: str) -> dict[str, Any]:
        """The next line with one of the keys; what servers said before they were killed is passed over."""
        pipe = self._process.stdout
        assert pipe is not None
        while line := pipe.readline():
            answer: dict[str, Any] = json.loads(line)
            if any(key in answer for key in keys):
                return answer
        raise AssertionError("the nursery has ended")

    def start(self, log: Path, **settings: Any) -> Server:
        """A server that answers requests; its stderr is appended to log."""
        server = self.launch(log, **settings)
        answer = self.read("ready", "failed")
        while answer.get("ready", answer.get("failed")) != server.pid:
            answer = self.read("ready", "failed")
        if "failed" in answer:
            server.wait()
            raise AssertionError(f"the server did not start: {answer['error']}\n{log.read_text()[-3000:]}")
        return server

    def launch(self, log: Path, **settings: Any) -> Server:
        """A server of which nobody knows yet whether it will answer."""
        texts = {name: str(v) if isinstance(v, Path) else v for name, v in settings.items()}
        pid = self.ask({"settings": texts, "log": str(log)}, "pid")["pid"]
        return Server(self, pid, settings["port"])

    def command(self, log: Path, *argv: object, ordinary: bool = False) -> Server:
        """The program `althing` with these arguments, its output appended to log."""
        question = {"argv": [str(a) for a in argv], "log": str(log), "ordinary": ordinary}
        return Server(self, self.ask(question, "pid")["pid"], 0)


def _command(argv: list[str], log: str, *, ordinary: bool) -> int:
    """The child's life as a command; gives the exit code."""
    from governance.__main__ import main

    _write_to(log)
    if ordinary:
        _drop_capabilities()
    sys.argv = ["althing", *argv]
    try:
        main()
    except SystemExit as e:
        return e.code if isinstance(e.code, int) else 1
    return 0


def _drop_capabilities() -> None:
    """From now on permissions hold for root as for anybody (capset, version 3, all sets empty)."""
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, sets):
        raise OSError(ctypes.get_errno(), "capset")


def _write_to(log: str) -> None:
    target = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def _serve(settings: dict[str, Any], log: str) -> int:
    """The child's life; gives the exit code."""
    from governance import app

    out = os.dup(1)
    _write_to(log)

    def say(**what: Any) -> None:
        os.write(out, json.dumps(what).encode() + b"\n")

    try:
        given = Settings(**(settings | {"data": Path(settings["data"])}))
        return app.serve(given, lambda _url, _fingerprint: say(ready=os.getpid()))
    except BaseException as e:
        say(failed=os.getpid(), error=repr(e))
        raise


def _life(question: dict[str, Any]) -> int:
    if "argv" in question:
        return _command(question["argv"], question["log"], ordinary=question["ordinary"])
    return _serve(question["settings"], question["log"])


def _warm_up() -> None:
    """Once for all children: imports, and what the first application of a process is slower at."""
    from contextlib import suppress
    from importlib import import_module

    from governance import app
    from governance.__main__ import composition
    from governance.cli.main import build

    build(composition())
    with suppress(ImportError):
        import_module("psycopg")
    for name in ("uvicorn.lifespan.on", "uvicorn.protocols.http.httptools_impl", "uvicorn.loops.uvloop"):
        import_module(name)
    with TemporaryDirectory() as data:
        made = app.create_app(Settings(data=Path(data)))
        app.close_service(made.state.service)
    gc.collect()
    gc.freeze()


def main() -> None:
    """Serve the pipe."""
    _warm_up()
    children: set[int] = set()
    for line in sys.stdin:
        question = json.loads(line)
        if "wait" in question:
            pid, status = os.waitpid(question["wait"], 0)
            children.discard(pid)
            answer = {"ended": pid, "status": os.waitstatus_to_exitcode(status)}
        else:
            pid = os.fork()
            if pid == 0:
                code = 1
                try:
                    code = _life(question)
                except BaseException:
                    traceback.print_exc()
                finally:
                    sys.stderr.flush()
                    os._exit(code)
            children.add(pid)
            answer = {"pid": pid}
        os.write(1, json.dumps(answer).encode() + b"\n")
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
