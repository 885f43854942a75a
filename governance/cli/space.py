"""`althing space`: found a community, look at it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from governance.cli import founding, spaces, templates
from governance.cli.client import Client
from governance.cli.console import emit, say, table, when
from governance.cli.options import DEFAULT_DATA, DEFAULT_URL, Data, Json, KeyFile, Space, Url
from governance.cli.place import parse_place
from governance.cli.signing import load_identity, signed
from governance.service.answers import SpaceView

group = typer.Typer(no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="space", help="Communities on an instance.")


@group.command()
def new(  # noqa: PLR0917  # one parameter for each option
    name: Annotated[str, typer.Argument(help="Short name: small letters, digits, hyphens.")],
    title: Annotated[str | None, typer.Option(help="The community's name as people read it.")] = None,
    template: Annotated[
        str, typer.Option(help=f"Constitution to begin with: {', '.join(templates.names())}.")
    ] = "project",
    delegation: Annotated[
        int | None, typer.Option(help="Allow delegation, for so many quarters ahead.", min=1, max=40)
    ] = None,
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
        constitution = base.adopt(name, int(time.time()), delegation_quarters=delegation)
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


@group.command()
def delegation(
    quarters: Annotated[int | None, typer.Argument(help="For so many quarters ahead.", min=1, max=40)] = None,
    off: Annotated[
        bool, typer.Option("--off", help="No new delegations, and no new ballots that take them.")
    ] = False,
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Revise the constitution: whether members may delegate, and how far ahead. For stewards."""
    if (quarters is None) != off:
        raise typer.BadParameter("say for how many quarters, or --off")
    place, who = parse_place(url), load_identity(key)
    with Client(place.base_url) as client:
        found = spaces.adopted(client, spaces.space_of(client, place, space))
        revised = msgspec.structs.replace(
            found.constitution,
            revision=found.constitution.revision + 1,
            previous=found.view.constitution_digest,
            adopted_at=int(time.time()),
            delegation_quarters=quarters,
        )
        name = found.view.space
        recorded = spaces.record(client, name, "constitution", signed(spaces.bound(client, revised), who))
    if as_json:
        emit({"space": name, "index": recorded.index, "delegation_quarters": quarters})
        return
    said = "no delegation" if quarters is None else f"delegation for {quarters} quarters ahead"
    say(f"✓ Revision {revised.revision} of the constitution of {name} allows {said}.")


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
