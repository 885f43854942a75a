"""`althing roadmap link|unlink|map`: how items stand to those of other communities."""

from __future__ import annotations

import re
import time
from typing import Annotated, Any, Final

import msgspec
import typer

from governance.cli import spaces
from governance.cli.client import Client
from governance.cli.console import emit, say, table
from governance.cli.options import DEFAULT_URL, Json, KeyFile, Space, Url
from governance.cli.place import parse_place
from governance.cli.signing import load_identity, signed
from governance.errors import MalformedRequest
from governance.service.standing import StandingView
from governance.statements.roadmap_links import ItemLink

RELATIONS: Final = ("depends-on", "blocks", "adopts", "duplicates")
_name: Final = re.compile(r"sha256:[0-9a-f]{64}/[a-z0-9][a-z0-9-]{0,62}/[a-z0-9][a-z0-9-]{0,62}")
_slug: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_address: Final = re.compile(r"(?P<place>https?://.+)/roadmap/(?P<item>[a-z0-9][a-z0-9-]{0,62})/?")

Item = Annotated[str, typer.Argument(help="The item's id in your community.")]
Relation = Annotated[str, typer.Argument(help="depends-on, blocks, adopts or duplicates.")]
Target = Annotated[
    str,
    typer.Argument(
        help="The other item: its id here, its global name, or its address https://…/spaces/SPACE/roadmap/ITEM."
    ),
]


def add(group: typer.Typer) -> None:
    """Add the commands."""
    group.command()(link)
    group.command()(unlink)
    group.command("map")(map_)


class MapHome(msgspec.Struct, frozen=True):
    """Of an item's home, what a line needs."""

    title: str
    space: str
    instance_name: str

    @property
    def words(self) -> str:
        """Community and instance, as far as they are known."""
        return ", ".join(filter(None, (self.title or self.space, self.instance_name)))


class MapLine(msgspec.Struct, frozen=True):
    """Of an item on the map, what a line needs."""

    name: str
    home: MapHome
    title: str
    quarter: str | None
    status: str
    marks: list[str]


def link(  # noqa: PLR0917  # one parameter for each option
    item: Item,
    relation: Relation,
    target: Target,
    text: Annotated[str, typer.Option(help="Why.")] = "",
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Say how an item of yours stands to another one, of whichever community."""
    _state(item, relation, target, text, (space, key, url), present=True, as_json=as_json)


def unlink(  # noqa: PLR0917  # one parameter for each option
    item: Item,
    relation: Relation,
    target: Target,
    text: Annotated[str, typer.Option(help="Why.")] = "",
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Take a link back."""
    _state(item, relation, target, text, (space, key, url), present=False, as_json=as_json)


def _state(
    item: str,
    relation: str,
    target: str,
    text: str,
    where: tuple[Any, Any, str],
    *,
    present: bool,
    as_json: bool,
) -> None:
    if relation not in RELATIONS:
        raise MalformedRequest(f"a link is one of {', '.join(RELATIONS)}")
    place = parse_place(where[2])
    who = load_identity(where[1])
    with Client(place.base_url) as client:
        space = spaces.space_of(client, place, where[0])
        standing = client.get(spaces.path(space, "roadmap", item, "standing"), StandingView)
        named = global_name(target, standing)
        known = next((x for x in standing.links if (x.relation, x.target) == (relation, named)), None)
        previous = None if known is None else known.digest
        new = ItemLink(space, item, relation, named, present, previous, text, int(time.time()))
        recorded = spaces.record(client, space, "roadmap", signed(spaces.bound(client, new), who))
    if as_json:
        emit(
            {"item": item, "relation": relation, "target": named, "present": present, "index": recorded.index}
        )
    else:
        done = f"{item} {relation} {named}"
        say(f"✓ {done}" if present else f"✓ No longer: {done}", f"  entry {recorded.index}")


def global_name(target: str, standing: StandingView) -> str:
    """The global name of what somebody typed.

    Raises:
        MalformedRequest: none of the three forms.
    """
    if _name.fullmatch(target):
        return target
    if _slug.fullmatch(target):
        return f"{standing.name.rpartition('/')[0]}/{target}"
    match = _address.fullmatch(target)
    place = None if match is None else parse_place(match["place"])
    if match is None or place is None or place.space is None:
        raise MalformedRequest(f"{target[:200]!r} is no item: give its id, its global name or its address")
    with Client(place.base_url) as client:
        instance = client.instance
    return f"{instance}/{place.space}/{match['item']}"


def map_(
    quarter: Annotated[str | None, typer.Option(help="Only this quarter, such as 2027-Q1.")] = None,
    status: Annotated[str | None, typer.Option(help="Only this status, such as planned.")] = None,
    community: Annotated[str | None, typer.Option(help="Only this community.")] = None,
    words: Annotated[str | None, typer.Option(help="Only with these words.")] = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Show the roadmaps of all instances that this one follows, as one."""
    with Client(parse_place(url).base_url) as client:
        given = {"quarter": quarter, "status": status, "space": community, "q": words}
        if as_json:
            emit([msgspec.json.decode(bytes(raw)) for raw in client.pages("/map", msgspec.Raw, **given)])
            return
        found = list(client.pages("/map", MapLine, **given))
    rows = [(i.title, i.quarter or "", i.status, i.home.words, ", ".join(i.marks)) for i in found]
    table(f"{len(found)} items", ("title", "when", "status", "home", "marks"), rows)
