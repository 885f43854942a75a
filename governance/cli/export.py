"""`althing export`: every public file, as a directory or as one bundle file."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn

from governance.cli import exporting
from governance.cli.client import Client
from governance.cli.console import emit, say
from governance.cli.options import DEFAULT_URL, Json, Url
from governance.cli.place import parse_place
from governance.errors import AlreadyExists

if TYPE_CHECKING:
    from governance.store.engine import Store


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    context: typer.Context,
    directory: Annotated[
        Path | None, typer.Argument(help="Where to write the files.", file_okay=False)
    ] = None,
    bundle: Annotated[Path | None, typer.Option(help="Write one bundle file (zip) instead.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Read this data directory instead of a running instance.", exists=True)
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(envvar="ALTHING_DATABASE", help="With --data: the database, if not the directory's."),
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Export the public files: any web server can serve them, and `althing audit` checks them offline."""
    if (directory is None) == (bundle is None):
        raise typer.BadParameter("give a directory, or --bundle FILE")
    if bundle is not None and bundle.exists():
        raise AlreadyExists(f"{bundle} exists already; choose another name")
    opened = None if data is None else _opener(data, database, context.obj.migrations)
    if directory is not None:
        files = _write_all(directory, opened, url, as_json)
    else:
        with tempfile.TemporaryDirectory(prefix="althing-export-") as scratch:
            files = _write_all(Path(scratch), opened, url, as_json)
            _pack(Path(scratch), bundle or Path())
    target = directory or bundle
    if as_json:
        emit({"target": str(target), "files": files})
        return
    say(f"✓ {files} public files in {target}.", f"  Check them: althing audit {target}")


def _opener(data: Path, database: str | None, migrations: Sequence[Path]) -> Callable[[], Store]:
    from governance.store.engine import open_store

    return lambda: open_store(database, data, read_only=True, migrations=migrations)


def _write_all(directory: Path, opened: Callable[[], Store] | None, url: str, quiet: bool) -> int:
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed} files"))
    with Progress(*columns, transient=True, disable=quiet) as bar:
        task = bar.add_task("exporting", total=None)
        if opened is not None:
            from governance.service import publishing

            store = opened()
            try:
                return publishing.export(store, directory, lambda _path: bar.advance(task))
            finally:
                store.close()
        return fetch_all(directory, url, lambda: bar.advance(task))


def fetch_all(directory: Path, url: str, advance: exporting.Advance = lambda: None) -> int:
    """Mirror a running instance into a directory; gives the number of files."""
    written = 0

    def write(path: str, content: bytes) -> None:
        nonlocal written
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        written += 1
        advance()

    with Client(parse_place(url).base_url) as client:
        exporting.mirror(client, write)
    return written


def _pack(directory: Path, bundle: Path) -> None:
    """One zip of the tree; equal trees give equal bundles."""
    with zipfile.ZipFile(bundle, "x", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in directory.rglob("*") if p.is_file()):
            name = zipfile.ZipInfo(path.relative_to(directory).as_posix())
            name.compress_type = zipfile.ZIP_DEFLATED
            name.external_attr = 0o644 << 16
            archive.writestr(name, path.read_bytes())
