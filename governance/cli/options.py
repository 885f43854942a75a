"""Options that many commands take, said the same way everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from governance.cli.console import JSON_WANTED


def _remember(context: typer.Context, value: bool) -> bool:
    context.meta[JSON_WANTED] = value
    return value


Json = Annotated[bool, typer.Option("--json", callback=_remember, help="Print JSON for programs.")]
Url = Annotated[
    str,
    typer.Option("--url", envvar="ALTHING_URL", help="Address of the instance.", metavar="URL"),
]
Space = Annotated[
    str | None,
    typer.Option(
        "--space", envvar="ALTHING_SPACE", help="The community; may be left out when the instance has one."
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key",
        envvar="ALTHING_KEY",
        help="Your private key: a file, or its name among your keys.",
        metavar="FILE",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, do it.")]
Data = Annotated[
    Path,
    typer.Option("--data", envvar="ALTHING_DATA", help="The instance's data directory.", metavar="DIR"),
]

DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_DATA = Path("althing-data")
