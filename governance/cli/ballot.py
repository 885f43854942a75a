"""`althing ballot`: define, open, close, look."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from governance.cli import ballot_export, casting, drafts, home, orders, outcomes, spaces, witnessed
from governance.cli.answering import show_question
from governance.cli.client import Client
from governance.cli.console import brief, emit, say, table, when
from governance.cli.meant import Ballot, Meant
from governance.cli.options import DEFAULT_URL, Json, Space, Url
from governance.cli.place import parse_place
from governance.replay.result import Result
from governance.service.answers import BallotBrief, BallotView
from governance.statements.ballot import Ballot as BallotStatement

group = typer.Typer(no_args_is_help=True)
group.command()(drafts.new)
group.command("open")(orders.open_)
group.command()(orders.close)
group.command()(orders.cancel)
group.command()(ballot_export.export)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="ballot", help="Ballots: define, open, close, look at results.")


@group.command()
def show(
    ballot: Ballot,
    save: Annotated[
        Path | None, typer.Option(help="Write the signed definition to a file, to vote offline.")
    ] = None,
    space: Space = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Show a ballot: its questions, its state, its result."""
    with Meant(ballot, space, url) as (client, place):
        view, definition = casting.fetch_definition(client, str(place.space), str(place.ballot))
    if save is not None:
        home.write_new(save, msgspec.json.encode(view.definition) + b"\n")
    if as_json:
        emit(view)
        return
    say(definition.ballot.title, definition.ballot.text, *_state(view, definition.ballot))
    for asked in definition.questions:
        show_question(asked)
        say(f"  Counted by: {asked.rule.title}. Ties: {asked.rule.tie_rule}.")
    for asked, winners in zip(definition.questions, (view.winners or {}).values(), strict=False):
        titles = {o.id: o.title for o in asked.options}
        say("", "Chosen:", *(f"  {titles.get(w, w)}" for w in winners))


def _state(view: BallotView, ballot: BallotStatement) -> list[str]:
    lines = witnessed.ballot_lines(view, ballot)
    if view.state == "draft":
        return [*lines, f"  opens {when(view.opens_at)}, closes {when(view.closes_at)}"]
    lines.append(
        f"  {view.voters} of {view.on_roll} members voted ({view.votes} votes, changed ones included)"
    )
    if view.state == "open":
        lines.append(f"  open until {when(view.closes_at)}")
    if view.quorum_met is not None:
        lines.append("  the quorum is met" if view.quorum_met else "  the quorum is not met yet")
    return lines


@group.command("list")
def list_(
    state: Annotated[str | None, typer.Option(help="draft, open, closed, decided or cancelled.")] = None,
    space: Space = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """List the ballots."""
    place = parse_place(url)
    with Client(place.base_url) as client:
        name = spaces.space_of(client, place, space)
        found = list(client.pages(spaces.path(name, "ballots"), BallotBrief, state=state))
    if as_json:
        emit(found)
        return
    rows = [(b.ballot, b.title, b.state, brief(b.opens_at), brief(b.closes_at)) for b in found]
    table(f"Ballots of {name}", ("ballot", "title", "state", "opens (UTC)", "closes (UTC)"), rows)


@group.command()
def results(
    ballot: Ballot,
    steps: Annotated[bool, typer.Option("--steps", help="Explain the count step by step.")] = False,
    space: Space = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Show the outcome of a decided ballot."""
    with Meant(ballot, space, url) as (client, place):
        _, definition = casting.fetch_definition(client, str(place.space), str(place.ballot))
        base = casting.ballot_path(str(place.space), str(place.ballot))
        result = client.get(f"{base}/outcome", Result)
    if as_json:
        emit(result)
        return
    outcomes.show(definition, result, steps=steps)
