"""`althing demo`: a whole quarter in front of your eyes."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from governance.cli.client import Client
from governance.cli.console import say
from governance.cli.play.neighbours import Neighbours
from governance.cli.play.quarter import SPACE, Quarter
from governance.cli.play.stage import Stage
from governance.cli.play.together import Community, decide, settle
from governance.errors import AlreadyExists

OTHERS = ("Holm", "Voe")
"""The neighbours' instances."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop the service at the end, and exit.")] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Keep everything there: keys, receipts, public files.", metavar="DIR", file_okay=False
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of the service; 0 for a free one.")] = 0,
) -> None:
    """Play a whole quarter on three instances: vote, count, audit, decide together, lose one, get it back."""
    started = time.monotonic()
    with ExitStack() as held:
        # Whoever ends this process by a signal wants the service it started to end as well.
        held.callback(
            signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, signal.default_int_handler)
        )
        folder = _folder(data, held)
        stage = held.enter_context(_stage(folder, "instance", "Skerry demo", port))
        client = held.enter_context(Client(stage.url))
        say(f"✓ A new instance runs at {stage.url}, on SQLite in {stage.data}")
        others = {name.lower(): held.enter_context(_stage(folder, name.lower(), name)) for name in OTHERS}
        neighbours = Neighbours(stage, others, folder)
        neighbours.meet()
        play = Quarter(client, folder, stage.data, neighbours.policy())
        good = _play(play, neighbours)
        say("", f"All of it took {time.monotonic() - started:.0f} seconds.")
        if not good:
            say("✗ The audit failed.")
            raise typer.Exit(1)
        if not once:
            _stay(play, stage, folder)


def _stage(folder: Path, data: str, name: str, port: int = 0) -> Stage:
    # All three are on this machine, which an instance asks only when it is told that it may.
    return Stage(folder / data, folder / f"{data}.log", port, "--name", name, "--egress", "local")


def _play(play: Quarter, neighbours: Neighbours) -> bool:
    play.found()
    play.import_roadmap()
    play.enrol()
    definition = play.open()
    play.vote(definition)
    play.close(definition)
    play.commit()
    neighbours.upgraded(play.kept[1])
    play.export()
    good = play.audit(neighbours.policy_file)
    small = [settle(stage, name, play.data, 3) for name, stage in neighbours.others.items()]
    own = Community(neighbours.first, SPACE, play.data / "keys" / "steward", play.voters(5))
    decide([own, *small], play.data)
    cosigned = f"/logs/spaces/{SPACE}/ballots/{play.ballot}/cosigned"
    return neighbours.outlive(play.kept[1], cosigned) and good


def _folder(data: Path | None, held: ExitStack) -> Path:
    """The directory given, which must be new or empty; else one that is removed at the end."""
    if data is None:
        return Path(held.enter_context(tempfile.TemporaryDirectory(prefix="althing-demo-")))
    if data.exists() and any(data.iterdir()):
        raise AlreadyExists(f"{data} is not empty; the demonstration begins in a new directory")
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return data


def _stay(play: Quarter, stage: Stage, folder: Path) -> None:
    """Leave the service running and say what to try."""
    url = play.invite()
    key = folder / "keys" / "member-02"
    receipt = play.kept[1]
    # `make demo` installs into a folder of its own, which is on nobody's PATH.
    program = "althing" if shutil.which("althing") else sys.argv[0]
    say(
        "",
        f"The service keeps running at {stage.url} until you press Ctrl-C. In another terminal, try:",
        "",
        f"  {program} vote {url} --key {key}",
        f"  {program} receipt check {receipt}",
        f"  {program} ballot results {play.ballot} --url {stage.url} --steps",
        f"  {program} roadmap list --url {stage.url}",
        f"  {program} audit {stage.url}",
        f"  {stage.url}/api/docs",
        "",
    )
    try:
        stage.process.wait()
    except KeyboardInterrupt:
        say("", "Stopped.")
