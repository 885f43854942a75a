"""`althing commitment`: who builds a winner, by when, and how it goes."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from governance.cli import casting, importing, spaces
from governance.cli.client import Client
from governance.cli.console import emit, say, short, table
from governance.cli.options import DEFAULT_URL, Json, KeyFile, Space, Url
from governance.cli.place import parse_place
from governance.cli.signing import Identity, load_identity, signed
from governance.errors import InvalidStatement, NotFound
from governance.service.answers import CommitmentView
from governance.statements.roadmap import Commitment, CommitmentUpdate

group = typer.Typer(no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="commitment", help="Commitments: who builds what was chosen, by when.")


@group.command()
def new(  # noqa: PLR0913, PLR0917  # one parameter for each option
    ballot: Annotated[str, typer.Argument(help="The decided ballot.")],
    from_outcome: Annotated[
        bool, typer.Option("--from-outcome", help="One commitment for every winner that has none yet.")
    ] = False,
    item: Annotated[list[str] | None, typer.Option(help="Only for these winners.")] = None,
    owner: Annotated[
        str | None, typer.Option(help="Who answers for it: a member id.  [default: you]")
    ] = None,
    due: Annotated[
        str | None, typer.Option(help="The quarter it is due in.  [default: the ballot's]")
    ] = None,
    text: Annotated[str, typer.Option(help="What exactly is promised.")] = "",
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Turn a ballot's winners into commitments, and mark their roadmap items as committed."""
    if not (from_outcome or item):
        raise typer.BadParameter("say --from-outcome for all winners, or --item for some")
    place = parse_place(url)
    who = load_identity(key)
    with Client(place.base_url) as client:
        name = spaces.space_of(client, place, space)
        made = commit(client, name, ballot, who, owner=owner, due=due, text=text, only=item)
    if as_json:
        emit(made)
        return
    for commitment in made:
        say(f"✓ {commitment.commitment}: due {commitment.due}, {short(commitment.owner)} answers for it")
    if not made:
        say("Every winner has its commitment already.")


def commit(
    client: Client,
    space: str,
    ballot: str,
    who: Identity,
    *,
    owner: str | None = None,
    due: str | None = None,
    text: str = "",
    only: list[str] | None = None,
) -> list[Commitment]:
    """Record a commitment for each winner that stands for a roadmap item and has none yet.

    Raises:
        InvalidStatement: the ballot is not decided, or no quarter is known.
    """
    view, definition = casting.fetch_definition(client, space, ballot)
    quarter = due or view.quarter
    if view.outcome is None or view.winners is None:
        raise InvalidStatement(f"{ballot} is {view.state}; commitments follow from an outcome")
    if quarter is None:
        raise InvalidStatement("the ballot is for no quarter; say when it is due with --due")
    stands_for = {o.id: o.item for asked in definition.questions for o in asked.question.options}
    chosen = [stands_for[w] for winners in view.winners.values() for w in winners]
    existing = {c.commitment for c in client.pages(spaces.path(space, "commitments"), CommitmentView)}
    made = []
    for item in chosen:
        if item is None or (only is not None and item not in only) or _name(ballot, item) in existing:
            continue
        commitment = Commitment(
            space=space,
            commitment=_name(ballot, item),
            item=item,
            ballot=ballot,
            outcome=view.outcome,
            owner=owner or who.member_id,
            due=quarter,
            text=text,
            committed_at=int(time.time()),
        )
        _record(client, commitment, who)
        made.append(commitment)
    return made


def _name(ballot: str, item: str) -> str:
    """The commitment's id."""
    return f"{ballot}-{item}"[:63].rstrip("-")


def _record(client: Client, commitment: Commitment, who: Identity) -> None:
    """Record a commitment, and its item as committed."""
    space = commitment.space
    spaces.record(client, space, "commitments", signed(commitment, who))
    recorded = spaces.item(client, space, commitment.item)
    if recorded.status in {"proposed", "planned"}:
        revision = importing.revised(space, recorded, commitment.committed_at, status="committed")
        spaces.record(client, space, "roadmap", signed(spaces.bound(client, revision), who))


@group.command()
def update(
    commitment: Annotated[str, typer.Argument(help="The commitment.")],
    status: Annotated[str, typer.Argument(help="in-progress, kept, late or dropped.")],
    text: Annotated[str, typer.Option(help="How it goes, in a sentence.")] = "",
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Say how a commitment goes; every update stays on record."""
    if status not in {"in-progress", "kept", "late", "dropped"}:
        raise typer.BadParameter(f"{status!r} is not in-progress, kept, late or dropped")
    place = parse_place(url)
    who = load_identity(key)
    with Client(place.base_url) as client:
        name = spaces.space_of(client, place, space)
        found = client.pages(spaces.path(name, "commitments"), CommitmentView)
        view = next((c for c in found if c.commitment == commitment), None)
        if view is None:
            raise NotFound(f"there is no commitment {commitment} in {name}")
        statement = CommitmentUpdate(name, commitment, view.digest, status, text, int(time.time()))
        recorded = spaces.record(client, name, "commitments", signed(statement, who))
    if as_json:
        emit({"commitment": commitment, "status": status, "index": recorded.index})
        return
    say(f"✓ {commitment} is {status} (entry {recorded.index}).")


@group.command("list")
def list_(space: Space = None, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """List the commitments and how they go."""
    place = parse_place(url)
    with Client(place.base_url) as client:
        name = spaces.space_of(client, place, space)
        found = list(client.pages(spaces.path(name, "commitments"), CommitmentView))
    if as_json:
        emit(found)
        return
    rows = [(c.commitment, c.due, c.status, short(c.owner), c.note or c.text) for c in found]
    table(f"Commitments of {name}", ("commitment", "due", "status", "owner", ""), rows)
