"""`althing calendar`: the quarters, and which ballot was late or missed."""

from __future__ import annotations

import typer

from governance.cli import spaces
from governance.cli.client import Client
from governance.cli.console import brief, emit, say, table
from governance.cli.options import DEFAULT_URL, Json, Space, Url
from governance.cli.place import parse_place
from governance.service.answers import CalendarView


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(calendar)


def calendar(space: Space = None, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Show every quarter: when its ballot opens and closes, and whether one is late or was missed."""
    place = parse_place(url)
    with Client(place.base_url) as client:
        name = spaces.space_of(client, place, space)
        view = client.get(spaces.path(name, "calendar"), CalendarView)
    if as_json:
        emit(view)
    elif not view.items:
        say(f"The constitution of {name} has no calendar: ballots are opened by a steward's order.")
    else:
        rows = [
            (q.quarter, q.status, brief(q.opens_at), brief(q.closes_at), q.ballot or "") for q in view.items
        ]
        table(f"Calendar of {name}", ("quarter", "status", "opens (UTC)", "closes (UTC)", "ballot"), rows)
