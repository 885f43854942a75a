"""`althing rehearse`: play a ballot file through a live instance before it matters."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from governance.cli import rehearsal
from governance.cli.client import Client
from governance.cli.console import aside, emit, say, watching
from governance.cli.options import DEFAULT_DATA, DEFAULT_URL, Data, Json, KeyFile, Url
from governance.cli.place import parse_place
from governance.cli.rehearsal import Figures, Rehearsal
from governance.cli.signing import load_identity
from governance.cli.space import operator_key
from governance.counting.files.sniff import read_ballot_file
from governance.service.answers import InstanceView

PATIENCE = 1_800


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(rehearse)


def rehearse(  # noqa: PLR0917  # one parameter for each option
    file: Annotated[Path, typer.Argument(help="Pabulib (.pb) or our own JSON.", exists=True, dir_okay=False)],
    url: Url = DEFAULT_URL,
    voters: Annotated[int | None, typer.Option(min=1, help="Only the first N voters.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Requests at a time.")] = 16,
    rule: Annotated[str | None, typer.Option(help="Counting rule.  [default: the file's own]")] = None,
    data: Data = DEFAULT_DATA,
    key: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Play a ballot file as a real ballot: one new key per voter, all over HTTP, in a space of its own.

    Then every receipt is checked against the final log, and the outcome against a count without any server.
    Needs the operator key (from --data, or --key). A rate limit slows it; `althing serve --rate 0` lifts it.
    """
    play = rehearsal.script(
        read_ballot_file(file.read_bytes(), file.name), _slug(file.stem), file.stem, rule, voters
    )
    operator = load_identity(key or operator_key(data))
    if play.left_out:
        aside(f"{play.left_out} ballots of the file break its own rules and are left out.")
    started = time.perf_counter()
    with Client(parse_place(url).base_url, patience=PATIENCE, connections=concurrency) as client:
        taken = {s.space for s in client.get("/instance", InstanceView).spaces}
        with watching() as watch:
            run = Rehearsal(client, operator, play, concurrency, watch)
            run.found(_free(f"rehearsal-{play.name}"[:50], taken))
            run.enrol()
            definition = run.open()
            votes = run.cast(definition)
            result = run.close()
            figures = run.check(votes, result)
    figures.seconds = time.perf_counter() - started
    if as_json:
        emit(
            {
                **msgspec.to_builtins(figures),
                "space": run.space,
                "ballot": play.name,
                "passed": figures.passed,
            }
        )
    else:
        _tell(figures, f"{client.base_url}/spaces/{run.space}/ballots/{play.name}")
    if not figures.passed:
        raise typer.Exit(1)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-") or "ballot"


def _free(name: str, taken: set[str]) -> str:
    """The name, numbered when an earlier rehearsal has it."""
    number, free = 1, name.rstrip("-")
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def _tell(figures: Figures, url: str) -> None:
    good = figures.receipts - figures.failed_receipts
    same = "the same as" if figures.same_outcome else "NOT the same as"
    say(
        f"{figures.voters} voters in {figures.seconds:.1f} s: "
        f"{figures.enrolled_per_second:.0f} enrolments/s, {figures.votes_per_second:.0f} votes/s",
        f"  half of the votes took less than {figures.p50 * 1000:.0f} ms, "
        f"99 of 100 less than {figures.p99 * 1000:.0f} ms",
        f"{_mark(good == figures.voters)} {good} of {figures.voters} receipts hold against the final log",
        f"{_mark(figures.same_outcome)} the outcome is {same} the count of the file without a server",
        f"  chosen: {', '.join(figures.winners)}",
        f"  look at it: {url}",
    )


def _mark(good: bool) -> str:
    return "✓" if good else "✗"
