"""The Go checker of `tests/interop/gocheck`: built once a run, then pointed at any public files."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

SOURCE = Path(__file__).parents[1] / "interop" / "gocheck" / "main.go"
GOPATH = Path(os.environ.get("GOCHECK_GOPATH", "/usr/share/gocode"))

Gocheck = Callable[..., subprocess.CompletedProcess[str]]


@cache
def build() -> Path | str:
    """The binary, or why there is none."""
    go = shutil.which("go")
    if go is None:
        return "Go is not installed (Debian: golang-go)"
    if not (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        return f"golang.org/x/mod is not in {GOPATH} (Debian: golang-golang-x-mod-dev)"
    target = Path(mkdtemp(prefix="gocheck-")) / "gocheck"
    # GOPATH mode: Debian's sources as they are, no module download, no network.
    env = {**os.environ, "GO111MODULE": "off", "GOPATH": str(GOPATH), "GOFLAGS": ""}
    if "HOME" not in env:
        env["GOCACHE"] = str(target.parent / "cache")
    subprocess.run([go, "build", "-o", str(target), str(SOURCE)], env=env, check=True, cwd=target.parent)
    return target


@pytest.fixture(scope="session")
def gocheck() -> Gocheck:
    """Runs the checker with the arguments given; `returncode`, `stdout`, `stderr` as text."""
    binary = build()
    if isinstance(binary, str):
        pytest.skip(binary)

    def run(*args: str | Path) -> subprocess.CompletedProcess[str]:
        command = [str(binary), *map(str, args)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    return run
