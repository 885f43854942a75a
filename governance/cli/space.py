"""`althing space`: found a community, look at it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from governance.cli import founding, spaces, templates
from governance.cli.client import Client
from governance.cli.console import emit, say, table, when
from governance.cli.options import DEFAULT_DATA, DEFAULT_URL, Data, Json, KeyFile, Space, Url
from governance.cli.place import parse_place
from governance.cli.signing import load_identity
from governance.service.answers import SpaceView

group = typer.Typer(no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="space", help="Communities on an instance.")


@group.command()
def new(
    name: Annotated[str, typer.Argument(help="Short name: small letters, digits, hyphens.")],
    title: Annotated[str | None, typer.Option(help="The community's name as people read it.")] = None,
    template: Annotated[
        str, typer.Option(help=f"Constitution to begin with: {', '.join(templates.names())}.")
    ] = "project",
    key: KeyFile = None,
    data: Data = DEFAULT_DATA,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Found a community with you as its first steward. Needs the operator key in the data directory."""
    base = templates.template(template)
    founder = load_identity(key)
    operator = load_identity(operator_key(data))
    with Client(parse_place(url).base_url) as client:
        constitution = base.adopt(name, int(time.time()))
        founding.found(client, name, title or name, operator, founder, constitution)
        view = client.get(spaces.path(name), SpaceView)
    if as_json:
        emit({"space": view.space, "origin": view.origin, "steward": founder.member_id})
        return
    say(
        f"✓ The space {view.space} is founded with the constitution {template!r}.",
        f"  You are its steward and registrar: {founder.member_id}",
        "  Next: `althing roadmap import FILE`, and `althing member approve FILE` for those who ask to join.",
    )


def operator_key(data: Path) -> Path:
    """Where an instance's operator key is."""
    return data / "keys" / "operator"


@group.command()
def show(space: Space = None, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Show a community: constitution, members, log."""
    place = parse_place(url)
    with Client(place.base_url) as client:
        found = spaces.adopted(client, spaces.space_of(client, place, space))
    view, constitution = found.view, found.constitution
    if as_json:
        emit(view)
        return
    say(f"{view.title} ({view.origin})", f"  founded {when(view.founded_at)}; log of {view.size} entries")
    say(f"  {view.members} members, {view.items} roadmap items, {view.ballots} ballots")
    say("", constitution.text, "")
    table("Who may record what", ("statement", "roles"), sorted(_permissions(constitution.permissions)))


def _permissions(permissions: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(kind, ", ".join(roles)) for kind, roles in permissions.items()]
