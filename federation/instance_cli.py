"""`althing instance`: the identity of an instance, its renewal, and new keys."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from governance.cli.client import Client
from governance.cli.console import emit, say, when
from governance.cli.options import DEFAULT_DATA, Data, Json, Yes
from governance.errors import NotFound, Unavailable

group: Final = typer.Typer(no_args_is_help=True, help="The identity of an instance: show, renew, new keys.")
Root = Annotated[
    Path | None,
    typer.Option(
        "--root", help="The root key file, if not in the data directory.", exists=True, dir_okay=False
    ),
]
Database = Annotated[
    str | None, typer.Option(envvar="ALTHING_DATABASE", help="The database, if not the directory's.")
]
Address = Annotated[str, typer.Argument(help="Base URL of the instance.", metavar="URL")]


@group.command()
def show(url: Address, as_json: Json = False) -> None:
    """Show who an instance is: fingerprint, keys, and until when its document is valid."""
    from federation import renewal
    from federation.identity import document_of, fingerprint_words
    from governance.statements.entry import key_id

    with Client(url) as client:
        document = document_of(renewal.fetch(client))
    words = fingerprint_words(document.id)
    if as_json:
        emit({"words": words, "document": document})
        return
    say(
        f"{document.name}, {document.base_url}",
        f"  Fingerprint  {words}",
        f"               {document.id}",
        f"  Document     {document.serial}, of {when(document.issued_at)}",
        f"  Root key     {key_id(document.root)}",
        f"  Service key  {key_id(document.service)}",
    )
    part = document.federation
    if part is not None:
        late = " (EXPIRED)" if part.valid_until < time.time() else ""
        say(
            f"  Valid until  {when(part.valid_until)}{late}",
            f"  Protocol     {part.protocol.min} to {part.protocol.max}",
            f"  Requests     {key_id(part.http_key)}",
            *(f"  Cosigner     {vkey}" for vkey in part.witnesses),
        )
    for revoked in document.revoked:
        say(f"  Revoked      {revoked.key}", f"               in {revoked.origin} from {revoked.start} on")


@group.command()
def renew(
    url: Annotated[
        str | None, typer.Argument(help="Base URL of a running instance; else --data.", metavar="[URL]")
    ] = None,
    root: Root = None,
    data: Data = DEFAULT_DATA,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Sign the next identity document, valid for a week: of a running instance (URL) or a stopped one."""
    if url is None:
        from federation import rotation

        with stopped(data, database) as service:
            document = rotation.renew(service, rotation.root_path(service, root))
        _said(document, as_json)
        return
    from federation import renewal
    from federation.identity import document_of

    path = root or data / "keys" / "root"
    with Client(url) as client:
        entry = renewal.next_document(renewal.fetch(client), path, int(time.time()))
        renewal.post(client, entry.data)
    _said(document_of(entry), as_json)


@group.command()
def rotate(
    key: Annotated[
        str, typer.Argument(help="service, operator, http, witness, mirror or root.", metavar="KEY")
    ],
    root: Root = None,
    data: Data = DEFAULT_DATA,
    database: Database = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Replace a key of a stopped instance by a new one. The old one is not kept."""
    from federation import rotation

    if not yes:
        typer.confirm(f"The {key} key is replaced, for good. Is the instance stopped?", abort=True)
    with stopped(data, database) as service:
        path = rotation.root_path(service, root)
        document = rotation.rotate(service, key, path)
        former = rotation.former_keys(service)[-1:]
    _said(document, as_json)
    if as_json:
        return
    if key == rotation.SERVICE:
        say(
            "  If the old key was stolen, void what it signs from now on:",
            *(f"  althing instance revoke {old} --reason 'stolen'" for old in former),
        )
    if key == rotation.ROOT:
        say(f"  The new root key is {path}. Copy it to where the old one was kept.")


@group.command()
def revoke(  # noqa: PLR0913, PLR0917  # each is an option of its own
    key: Annotated[str, typer.Argument(help="Id of a former service key.", metavar="KEY")],
    reason: Annotated[str, typer.Option(help="Why; everybody can read it.")],
    log: Annotated[str | None, typer.Option(help="Origin of a log; all logs when not given.")] = None,
    start: Annotated[
        int | None, typer.Option("--from", min=0, help="First void entry; from the log's end when not given.")
    ] = None,
    root: Root = None,
    data: Data = DEFAULT_DATA,
    database: Database = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Void what a former service key signs from a place in a log on. It cannot be taken back."""
    from federation import rotation
    from governance.errors import MalformedRequest

    if start is not None and log is None:
        raise MalformedRequest("--from needs --log: each log has its own entries")
    if not yes:
        typer.confirm("A revocation is never taken back. Right?", abort=True)
    with stopped(data, database) as service:
        if key not in rotation.former_keys(service):
            raise NotFound(f"{key} is no former service key; rotate the service key first")
        places = rotation.open_places(service, key)
        if log is not None:
            if start is None and log not in places:
                raise NotFound(f"there is no log {log} here in which this key is still good")
            places = {log: places[log] if start is None else start}
        document = rotation.revoke(service, key, places, reason, rotation.root_path(service, root))
    _said(document, as_json)
    if not as_json:
        say(f"  Revoked in {len(places)} log(s).")


@group.command()
def succeed(  # noqa: PLR0917  # each is an option of its own
    log: Annotated[str, typer.Argument(help="Origin of the log whose key was stolen.", metavar="ORIGIN")],
    reason: Annotated[str, typer.Option(help="Why; everybody can read it.")],
    start: Annotated[
        int | None,
        typer.Option("--from", min=1, help="How many entries still count; all we have when not given."),
    ] = None,
    root: Root = None,
    data: Data = DEFAULT_DATA,
    database: Database = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Go on with a burnt log of a stopped instance under a new key. It cannot be taken back."""
    from federation import rotation
    from governance.service import succession

    with stopped(data, database, burnt=(log,)) as service:
        size, lost = succession.dropped(service, log, start)
        if not as_json:
            say(f"{log} goes on with its first {size} entries; {len(lost)} do not count any more.")
            say(*(f"  {entry.index}  {entry.kind}  {entry.digest}" for entry in lost))
        if not yes:
            typer.confirm("This is never taken back, and everybody can see it. Right?", abort=True)
        new = succession.succeed(service, log, size, reason, rotation.root_path(service, root))
    if as_json:
        emit(new)
        return
    say(f"✓ It goes on as {new.successor} when the instance starts again.", f"  Its key  {new.vkey}")


@group.command()
def publish(
    url: Address,
    file: Annotated[Path, typer.Argument(help="A signed document.", exists=True, dir_okay=False)],
    as_json: Json = False,
) -> None:
    """Give a running instance a document that was signed elsewhere."""
    from federation import renewal
    from federation.identity import document_of
    from governance.statements.entry import read_envelope

    data = file.read_bytes()
    document = document_of(read_envelope(data))
    with Client(url) as client:
        renewal.post(client, data)
    _said(document, as_json)


@contextmanager
def stopped(data: Path, database: str | None, *, burnt: Sequence[str] = ()) -> Iterator[Any]:
    """The service of a data directory that nobody else has open; it answers no requests.

    What others hold of the logs of these `burnt` origins is not compared with ours.

    Raises:
        AnotherWriter: the instance runs.
        Unavailable: nobody confirms how far its logs were, so nothing may be signed.
    """
    from federation import guard
    from federation.plugin import plugin
    from governance import app, settings
    from governance.cli.main import CLIENT_VARIABLES
    from governance.plugins import load_plugins

    if not (data / "keys" / "service").exists():
        raise NotFound(f"there is no instance in {data}")
    environment = {name: value for name, value in os.environ.items() if name not in CLIENT_VARIABLES}
    chosen = settings.load(environment, data=data, database=database)
    service = app.create_service(chosen, load_plugins())
    try:
        node = plugin.node(service)
        if guard.REASON in service.held:
            guard.confirm(service, node, burnt=burnt)
        if service.held:
            raise Unavailable(f"nothing can be signed now: {'; '.join(service.held)}", retry_after=60)
        yield service
    finally:
        app.close_service(service)


def _said(document: Any, as_json: bool) -> None:
    if as_json:
        emit(document)
        return
    part = document.federation
    until = "" if part is None else f", valid until {when(part.valid_until)}"
    say(f"✓ Document {document.serial} of {document.name} is recorded{until}.")
