"""`althing restore`: an instance comes back from its root key and one mirror."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from governance.cli.console import say
from governance.cli.options import DEFAULT_DATA, Data

program: Final = typer.Typer(
    invoke_without_command=True, help="Bring an instance back from its root key and a mirror."
)


@program.callback()
def restore(
    mirror: Annotated[
        str, typer.Option("--mirror", help="The copy: https://peer/mirrors/<64 hex digits>.", metavar="URL")
    ],
    root: Annotated[Path, typer.Option("--root", help="The root key file.", dir_okay=False, exists=True)],
    data: Data = DEFAULT_DATA,
    database: Annotated[
        str | None, typer.Option("--database", help="Database URL, if not SQLite in the data directory.")
    ] = None,
) -> None:
    """Fetch the sealed keys and every log of an instance from a mirror of it into a new data directory."""
    from federation.restore import restore_instance

    began = time.monotonic()
    done = restore_instance(mirror, root.read_bytes(), data, database)
    say(
        f"✓ {done.name} is back in {data}: {done.logs} logs with {done.entries} entries, {done.keys} keys.",
        f"  Every log leads to a head that its own key had signed. It took {time.monotonic() - began:.1f} s.",
        f"  Start it with: althing serve --data {data} --url {done.base_url}",
        "  It compares its logs with the other mirrors before it signs anything.",
        "  Witness and mirror get new keys then: policy files that name the old ones need the new ones.",
    )
