"""`althing roadmap`: bring a document in, look at it, publish it for a quarter."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from governance.cli import importing, roadmap_links, spaces, transfers
from governance.cli.client import Client
from governance.cli.console import aside, emit, progress, say, table
from governance.cli.importing import Plan
from governance.cli.options import DEFAULT_URL, Json, KeyFile, Space, Url, Yes
from governance.cli.place import parse_place
from governance.cli.signing import Identity, load_identity, signed
from governance.service.answers import RoadmapView
from governance.statements.roadmap import RoadmapEdition

if TYPE_CHECKING:
    from governance.roadmap import RoadmapImport

group = typer.Typer(no_args_is_help=True)
for _more in (roadmap_links, transfers):
    _more.add(group)
Quarter = Annotated[str | None, typer.Option(help="Only this quarter, such as 2027-Q1.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="roadmap", help="The roadmap: import, list, publish, link, hand over.")


@group.command("import")
def import_(  # noqa: PLR0917  # one parameter for each option
    file: Annotated[Path, typer.Argument(help="The roadmap in Markdown.", exists=True, dir_okay=False)],
    source: Annotated[
        str | None, typer.Option(help="What the document is called in the record.  [default: file name]")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would happen; record nothing.")
    ] = False,
    yes: Yes = False,
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Read a roadmap document, show what was understood, and record what is new or changed.

    Doing it again records nothing twice. What could not be placed is listed, and nothing is guessed.
    """
    from governance.roadmap import import_roadmap, summary

    found = import_roadmap(file.read_bytes(), name=file.name)
    place = parse_place(url)
    with Client(place.base_url) as client:
        name = spaces.space_of(client, place, space)
        recorded = spaces.items(client, name)
        plan = importing.compare(name, found.items, recorded, source or file.name, int(time.time()))
        if not as_json:
            say(*summary(found), "")
            _preview(plan)
        if dry_run or not plan.changes:
            _finish(found, plan, 0, as_json)
            return
        if not (yes or as_json):
            typer.confirm(f"Record these {len(plan.changes)} revisions in {name}?", abort=True)
        record_all(client, name, plan, load_identity(key))
    _finish(found, plan, len(plan.changes), as_json)


def record_all(client: Client, space: str, plan: Plan, who: Identity) -> None:
    """Record every revision of a plan, with a progress bar.

    Raises:
        GovernanceError: the first refusal; what was recorded before stays, and a second import continues.
    """
    with progress() as bar:
        for change in bar.track(plan.changes, description="recording"):
            spaces.record(client, space, "roadmap", signed(spaces.bound(client, change.item), who))


def _preview(plan: Plan) -> None:
    say(f"{plan.new} new, {len(plan.changes) - plan.new} changed, {plan.unchanged} unchanged.")
    for change in plan.changes:
        if change.fields:
            say(f"  changed: {change.item.title} ({', '.join(change.fields)})")
    for item in plan.moved:
        say(f"  moved to another community, left to it: {item}")
    for item in plan.absent:
        say(f"  no longer in the document, kept as recorded: {item}")


def _finish(found: RoadmapImport, plan: Plan, recorded: int, as_json: bool) -> None:
    if as_json:
        emit(
            {
                "title": found.document_title,
                "encoding": found.encoding,
                "repaired_lines": [msgspec.to_builtins(r) for r in found.repaired_lines],
                "items": len(found.items),
                "new": plan.new,
                "changed": len(plan.changes) - plan.new,
                "unchanged": plan.unchanged,
                "absent": list(plan.absent),
                "moved": list(plan.moved),
                "recorded": recorded,
                "not_placed": [msgspec.to_builtins(u) for u in found.unplaced],
            }
        )
    elif recorded:
        say(f"✓ {recorded} revisions recorded.")
    else:
        aside("Nothing was recorded.")


@group.command("list")
def list_(
    quarter: Quarter = None,
    status: Annotated[str | None, typer.Option(help="Only this status, such as planned.")] = None,
    space: Space = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """List the roadmap's items as they are recorded now."""
    place = parse_place(url)
    with Client(place.base_url) as client:
        name = spaces.space_of(client, place, space)
        found = spaces.items(client, name, quarter=quarter, status=status)
    if as_json:
        emit(found)
        return
    rows: list[tuple[Any, ...]] = [
        (i.item, i.title, i.quarter or i.phase or "", i.status, i.effort or "")
        for i in found
        if i.moved_to is None
    ]
    table(f"{len(rows)} items of {name}", ("item", "title", "when", "status", "effort"), rows)
    say(*(f"  {i.item}: {i.title}, moved to {i.moved_to}" for i in found if i.moved_to is not None))


@group.command()
def publish(
    quarter: Annotated[str, typer.Argument(help="The quarter this edition is for, such as 2027-Q1.")],
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Publish the roadmap as it stands as the edition of a quarter, for all to compare later."""
    place = parse_place(url)
    who = load_identity(key)
    with Client(place.base_url) as client:
        name = spaces.space_of(client, place, space)
        edition = edition_of(client, name, quarter, int(time.time()))
        recorded = spaces.record(client, name, "roadmap", signed(edition, who))
    if as_json:
        emit({"quarter": quarter, "items": edition.items, "root": edition.root, "index": recorded.index})
        return
    say(f"✓ The edition {quarter} with {edition.items} items is published (entry {recorded.index}).")


def edition_of(client: Client, space: str, quarter: str, now: int) -> RoadmapEdition:
    """The roadmap as recorded now, as an edition."""
    view = client.get(spaces.path(space, "roadmap"), RoadmapView, limit=1)
    return spaces.bound(client, RoadmapEdition(space, quarter, view.edition_items, view.edition_root, now))
