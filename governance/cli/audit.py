"""`althing audit`: judge an instance, a space or a ballot by its public records alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer
from rich.console import Console
from rich.text import Text

from governance.audit.alone import audit_log
from governance.audit.asked import Asking
from governance.audit.page import html_page
from governance.audit.run import Ballots, audit
from governance.audit.structure import Workers
from governance.audit.verdict import Check, Verdict
from governance.canonical import sha256
from governance.cli.console import aside, clean, emit, progress
from governance.cli.options import Json
from governance.errors import SourceUnavailable
from governance.fetch.choose import Opened, open_source
from governance.fetch.http import read_url
from governance.log.evidence import parse_evidence, verify_evidence
from governance.log.policy import parse_policy

_MARKS: Final = {"passed": ("✓", "green"), "failed": ("✗", "bold red"), "skipped": ("–", "dim")}
_LONG: Final = 5_000
"""Entries from which a log gets a progress bar."""
_AT_ONCE: Final = 32
"""Witnesses asked at a time."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("audit")(audit_command)


def audit_command(  # noqa: PLR0913, PLR0917  # each is another thing that an auditor may know
    source: Annotated[
        str, typer.Argument(help="URL of an instance, space or ballot; a directory; or a bundle file.")
    ],
    as_json: Json = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write the verdict as a web page.", metavar="FILE")
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", min=1, max=1024, help="Processes on this machine.", metavar="N")
    ] = os.cpu_count() or 1,
    dask: Annotated[
        str | None, typer.Option("--dask", help="Use this Dask cluster instead.", metavar="ADDRESS")
    ] = None,
    instance: Annotated[
        str | None,
        typer.Option("--instance", help="Fingerprint that the instance must have.", metavar="FINGERPRINT"),
    ] = None,
    witnesses: Annotated[
        Path | None,
        typer.Option(
            "--witnesses",
            help="Also ask these witnesses what they have seen (C2SP tlog-policy).",
            metavar="POLICY",
            dir_okay=False,
            exists=True,
        ),
    ] = None,
    evidence: Annotated[
        Path | None,
        typer.Option(
            "--evidence", help="Where to write proof of a split view (evidence-….json).", metavar="FILE"
        ),
    ] = None,
    shard: Annotated[
        list[str] | None,
        typer.Option("--shard", help="Another community's instance, for joint ballots.", metavar="SOURCE"),
    ] = None,
    ballot: Annotated[
        list[str] | None,
        typer.Option("--ballot", help="Only this ballot of the instance.", metavar="SPACE/BALLOT"),
    ] = None,
) -> None:
    """Judge public records: rebuild every log, verify every signature, recount every ballot.

    Exit code 0: everything that could be checked holds. 1: a check failed. 2: the command was misused.
    """
    opened = _opened(source)
    only = _only(opened, ballot or [])
    if opened.one_log and (instance or only or shard):
        raise typer.BadParameter("one log's directory does not say whose it is", param_hint="SOURCE")
    with (
        _executor(jobs, dask) as (executor, ahead),
        _asking(witnesses) as asking,
        _Screen(quiet=as_json) as screen,
    ):
        workers = Workers(executor, ahead, screen.progress)
        try:
            if opened.one_log:
                verdict = audit_log(opened.files, workers=workers, asking=asking, note=screen.check)
            else:
                verdict = audit(
                    opened.files,
                    workers=workers,
                    expected=instance,
                    only=only,
                    shards=[_opened(text).files for text in shard or []],
                    asking=asking,
                    note=screen.check,
                )
        finally:
            close = getattr(opened.files, "close", None)
            if close is not None:
                close()
    for proof in [] if asking is None else asking.evidence:
        _write_evidence(evidence, proof)
    if html is not None:
        html.write_text(html_page(verdict), encoding="utf-8")
    if as_json:
        emit(verdict)
    else:
        _conclude(verdict)
    raise typer.Exit(0 if verdict.passed else 1)


def _write_evidence(file: Path | None, proof: bytes) -> None:
    origin = verify_evidence(parse_evidence(proof)).origin
    first = file or Path(f"evidence-{sha256(origin.encode()).hex()[:16]}.json")
    names = (first.with_stem(f"{first.stem}-{n}") if n > 1 else first for n in count(1))
    # Evidence is never overwritten, not even by other evidence.
    target = next(name for name in names if not name.exists() or name.read_bytes() == proof)
    target.write_bytes(proof)
    aside(f"Evidence of two histories is in {target}; anybody can check it: althing evidence check {target}")


def _opened(source: str) -> Opened:
    try:
        return open_source(source)
    except SourceUnavailable as e:
        raise typer.BadParameter(e.detail, param_hint="SOURCE") from e


def _only(opened: Opened, ballots: list[str]) -> Ballots | None:
    """What the URL or `--ballot` narrows the audit to."""
    wanted: dict[str, set[str]] = {}
    for text in ballots:
        space, slash, name = text.partition("/")
        if not slash or not space or not name:
            raise typer.BadParameter("write SPACE/BALLOT", param_hint="--ballot")
        wanted.setdefault(space, set()).add(name)
    if opened.space is not None and opened.ballot is not None:
        wanted.setdefault(opened.space, set()).add(opened.ballot)
    elif opened.space is not None and not wanted:
        return {opened.space: None}
    return {space: frozenset(names) for space, names in wanted.items()} or None


@contextmanager
def _executor(jobs: int, dask: str | None) -> Iterator[tuple[Executor | None, int]]:
    """Where shards are judged, and how many it should have waiting."""
    if dask is not None:
        try:
            from distributed import Client
        except ImportError as e:
            raise typer.BadParameter("install althing[dask] to use a cluster", param_hint="--dask") from e
        try:
            client: Any = cast(Any, Client)(dask, timeout=10)
        except (OSError, ValueError) as e:
            raise typer.BadParameter(f"no Dask cluster answers at {dask}", param_hint="--dask") from e
        with client:
            yield client.get_executor(pure=False), 2 * sum(client.ncores().values()) + 2
    elif jobs == 1:
        yield None, 1
    else:
        # Forked before any thread of ours starts: the quickest, and what a worker needs is imported already.
        method = "fork" if sys.platform == "linux" else "spawn"
        with ProcessPoolExecutor(jobs, mp_context=get_context(method)) as pool:
            pool.submit(int).result()
            yield pool, 2 * jobs + 2


@contextmanager
def _asking(policy: Path | None) -> Iterator[Asking | None]:
    """The witnesses to ask, side by side, so that several that are down cost one time-out together."""
    if policy is None:
        yield None
        return
    trusted = parse_policy(policy.read_bytes())
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield Asking(trusted, read_url, pool.map)


class _Screen:
    """Checks line by line on standard output, progress bars on standard error."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._console = Console(highlight=False)
        self._bars = progress()
        self._tasks: dict[str, Any] = {}
        self._log = ""

    def __enter__(self) -> _Screen:
        self._bars.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._bars.stop()

    def progress(self, log: str, done: int, size: int) -> None:
        """How far a log is."""
        if size < _LONG:
            return
        if log not in self._tasks:
            self._tasks[log] = self._bars.add_task(clean(log), total=size)
        self._bars.update(self._tasks[log], completed=done, visible=done < size)

    def check(self, check: Check) -> None:
        """One check as a line, below the name of its log."""
        if self._quiet:
            return
        if check.log != self._log:
            self._log = check.log
            self._console.print(Text(clean(check.log), style="bold"), soft_wrap=True)
        mark, style = _MARKS[check.status]
        line = Text(f"  {mark} ", style=style)
        line.append(check.name, style=style)
        line.append(f"  {clean(check.detail)}", style="dim" if check.status == "skipped" else "")
        if check.place:
            line.append(f"  [{clean(check.place)}]", style=style)
        self._console.print(line, soft_wrap=True)


def _conclude(verdict: Verdict) -> None:
    passed = sum(check.status == "passed" for check in verdict.checks)
    skipped = sum(check.status == "skipped" for check in verdict.checks)
    numbers = f"{passed} checks passed, {len(verdict.failures)} failed, {skipped} skipped"
    console = Console(highlight=False)
    if verdict.passed:
        console.print(Text(f"✓ The audit passed: {numbers}.", style="bold green"))
    else:
        console.print(Text(f"✗ The audit FAILED: {numbers}.", style="bold red"))
