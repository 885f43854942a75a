"""Words and JSON on the terminal. Everything that came from elsewhere is cleaned of control characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from governance.errors import GovernanceError

_OPAQUE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
JSON_WANTED: Final = "althing.json"


def clean(text: object) -> str:
    """Text that cannot steer a terminal: no control, format or private characters but newline."""
    return "".join(c if c == "\n" or unicodedata.category(c) not in _OPAQUE else "�" for c in str(text))


def say(*lines: object) -> None:
    """Lines to standard output."""
    for line in lines:
        typer.echo(clean(line))


def aside(*lines: object) -> None:
    """Lines to standard error: progress and remarks, never the answer."""
    for line in lines:
        typer.echo(clean(line), err=True)


def emit(value: Any) -> None:
    """One JSON value to standard output."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table to standard output."""
    grid = Table(title=clean(title) or None, title_justify="left", title_style="bold")
    for name in header:
        grid.add_column(name, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(clean("" if cell is None else cell)) for cell in row))
    Console(highlight=False).print(grid)


Watch = Callable[[str, int], Callable[[], None]]
"""Starts a progress bar of a name and length; the function it gives advances it by one."""


@contextmanager
def watching() -> Iterator[Watch]:
    """Progress bars on standard error, gone when the work is done."""
    with progress() as bar:

        def start(name: str, total: int) -> Callable[[], None]:
            task = bar.add_task(name, total=total)
            return lambda: bar.advance(task)

        yield start


def progress() -> Progress:
    """A progress bar on standard error, where somebody watches."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def when(seconds: int) -> str:
    """A time in words, UTC."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%A} {moment.day} {moment:%B %Y, %H:%M} UTC"


def brief(seconds: int) -> str:
    """A time for a table, UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


def short(identifier: str) -> str:
    """A member id or digest, short enough for a line."""
    return identifier if len(identifier) <= 28 else f"{identifier[:16]}…{identifier[-8:]}"


_ADVICE: Final = {
    "no-answer": "Check the address and whether the service runs (`althing serve`); then try again.",
    "not-on-roll": "Only members enrolled before the ballot opened may vote. Ask the community's registrar, "
    "or use the key you are enrolled with (--key).",
    "not-authorised": "Use a key that has this role (--key), or ask somebody who has it.",
    "ballot-closed": "The result stands on the ballot's page; a later vote cannot be added.",
    "ballot-not-open": "Try again once it is open. You can sign now (--offline FILE) and submit then.",
    "stale-vote": "Check the clock of this device, then vote again.",
    "stale-revision": "Read the present state and send your change again.",
    "bad-signature": "Use the key you enrolled (--key); `althing key show` names the key you have here.",
    "wrong-suite": "Use the key you enrolled (--key).",
    "wrong-ballot": "Fetch the ballot again and sign a new vote: `althing vote URL`.",
    "rate-limited": "Wait a moment and try again.",
    "queue-full": "Wait a moment and try again; nothing was stored.",
    "storage-unavailable": "Tell the operator; nothing was stored. You can send the same vote again later.",
    "malformed-key": "Make a key with `althing key new`, or give another file with --key.",
    "governance-error": "Please report it with the command you gave; nothing of yours is lost.",
    "integrity-fault": "Keep your copies, stop using this instance, and tell the other members.",
}


def tell(error: GovernanceError, *, as_json: bool) -> None:
    """An error in words: what, why, where, what to do; or as the same JSON object the API sends."""
    if as_json:
        emit(
            {
                **error.facts,
                "error": error.code,
                "title": error.title,
                "detail": error.detail,
                "pointer": error.pointer,
            }
        )
        return
    aside(f"✗ {error.title}", f"  {error.detail}")
    if error.pointer:
        aside(f"  where: {error.pointer}")
    for name, value in error.facts.items():
        if name.endswith("_at") and isinstance(value, int):
            aside(f"  {name.replace('_', ' ')}: {when(value) if 0 < value < 253_402_300_799 else value}")
    advice = _ADVICE.get(error.code)
    if advice:
        aside(f"  what to do: {advice}")
