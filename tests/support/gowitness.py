"""The Go programs of `tests/interop/gowitness`: a witness, a log, a client with a quorum."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.support.gocheck import GOPATH

SOURCES = sorted((Path(__file__).parents[1] / "interop" / "gowitness").glob("*.go"))

Gowitness = Callable[..., subprocess.CompletedProcess[str]]


@cache
def build() -> Path | str:
    """The binary, or why there is none."""
    go = shutil.which("go")
    if go is None:
        return "Go is not installed (Debian: golang-go)"
    if not (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        return f"golang.org/x/mod is not in {GOPATH} (Debian: golang-golang-x-mod-dev)"
    target = Path(mkdtemp(prefix="gowitness-")) / "gowitness"
    # GOPATH mode: Debian's sources as they are, no module download, no network.
    env = {**os.environ, "GO111MODULE": "off", "GOPATH": str(GOPATH), "GOFLAGS": ""}
    if "HOME" not in env:
        env["GOCACHE"] = str(target.parent / "cache")
    subprocess.run(
        [go, "build", "-o", str(target), *map(str, SOURCES)], env=env, check=True, cwd=target.parent
    )
    return target


@pytest.fixture(scope="session")
def gowitness() -> Gowitness:
    """Runs the program with the arguments given; `returncode`, `stdout`, `stderr` as text."""
    binary = build()
    if isinstance(binary, str):
        pytest.skip(binary)

    def run(*args: str | Path) -> subprocess.CompletedProcess[str]:
        command = [str(binary), *map(str, args)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    return run


@contextmanager
def serving(name: str, seed: bytes, log: str) -> Iterator[str]:
    """The address of a Go witness that cosigns the log of this verifier key."""
    command = [str(build()), "serve", name, seed.hex(), log]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield process.stdout.readline().strip()
        process.stdin.close()
        process.wait(timeout=10)
