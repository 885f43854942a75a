"""`althing ballot`: define, open, close, look."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from governance.cli import casting, drafting, home, outcomes, spaces
from governance.cli.answering import show_question
from governance.cli.client import Client
from governance.cli.console import brief, emit, say, short, table, when
from governance.cli.drafting import Wish
from governance.cli.options import DEFAULT_URL, Json, KeyFile, Space, Url, Yes
from governance.cli.place import Place, parse_place
from governance.cli.signing import Identity, load_identity, signed
from governance.cli.times import parse_time
from governance.errors import MalformedRequest
from governance.replay.result import Result
from governance.service.answers import BallotBrief, BallotView, DraftRecorded, OrderRecorded
from governance.statements.ballot import OptionLine
from governance.statements.space import BallotOrder

group = typer.Typer(no_args_is_help=True)
Ballot = Annotated[str, typer.Argument(help="The ballot: its short name, or its address.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="ballot", help="Ballots: define, open, close, look at results.")


@group.command()
def new(  # noqa: PLR0913, PLR0917  # each is a decision that a steward can make
    name: Annotated[str, typer.Argument(help="Short name: small letters, digits, hyphens.")],
    from_roadmap: Annotated[
        bool, typer.Option("--from-roadmap", help="Take the options from the roadmap.")
    ] = False,
    quarter: Annotated[
        str | None, typer.Option(help="The quarter the ballot is for; also picks its items.")
    ] = None,
    items: Annotated[str | None, typer.Option(help="Only these roadmap items: a,b,c")] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="An option of your own: ID=TITLE, or ID=TITLE=COST")
    ] = None,
    rule: Annotated[str | None, typer.Option(help="Counting rule.  [default: the constitution's]")] = None,
    capacity: Annotated[
        int | None, typer.Option(help="Budget to spend: person-days, when items cost their effort.")
    ] = None,
    param: Annotated[list[str] | None, typer.Option(help="A parameter of the rule: NAME=VALUE")] = None,
    title: Annotated[str | None, typer.Option(help="What people read above the ballot.")] = None,
    text: Annotated[str, typer.Option(help="A few words of explanation.")] = "",
    opens: Annotated[
        str | None,
        typer.Option(help="now, +3d, 2027-01-05.  [default: with --closes in an hour, else by the calendar]"),
    ] = None,
    closes: Annotated[str | None, typer.Option(help="As --opens.  [default: by the calendar]")] = None,
    no_quorum: Annotated[bool, typer.Option("--no-quorum", help="Ask for no participation.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the definition; send nothing.")] = False,
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Make a draft from roadmap items or your own options. It can be replaced until the ballot opens."""
    now = int(time.time())
    place = parse_place(url)
    who = load_identity(key)
    params = _params(param or [], capacity)
    with Client(place.base_url) as client:
        adopted = spaces.adopted(client, spaces.space_of(client, place, space))
        chosen = rule or adopted.constitution.ballots.rule
        options = [option_line(text) for text in option or ()]
        if from_roadmap:
            wanted = None if items is None else [i.strip() for i in items.split(",") if i.strip()]
            options += from_recorded(client, adopted.view.space, chosen, quarter, wanted)
        wish = Wish(
            ballot=name,
            title=title or (f"What we do in {quarter}" if quarter else name),
            options=options,
            rule=rule,
            params=params,
            text=text,
            quarter=quarter,
            opens_at=None if opens is None else parse_time(opens, now),
            closes_at=None if closes is None else parse_time(closes, now),
            quorum=not no_quorum,
        )
        definition = drafting.define(adopted, wish, who.member_id, now)
        if dry_run:
            emit(definition)
            return
        envelope = signed(definition, who)
        path = spaces.path(adopted.view.space, "ballots")
        draft = client.post(path, envelope, DraftRecorded)[1]
    _tell_draft(draft, len(options), definition.opens_at, as_json)


def _tell_draft(draft: DraftRecorded, options: int, opens_at: int, as_json: bool) -> None:
    if as_json:
        emit(draft)
        return
    say(
        f"✓ The draft {draft.ballot} with {options} options is ready: {draft.url}",
        f"  It opens by itself on {when(opens_at)}; or now: `althing ballot open {draft.ballot}`.",
        "  Until then `althing ballot new` with the same name replaces it; then it is frozen.",
    )


def from_recorded(
    client: Client, space: str, rule: str, quarter: str | None, wanted: list[str] | None
) -> list[OptionLine]:
    """Options from the recorded roadmap: those named, else what is proposed or planned for the quarter.

    Raises:
        MalformedRequest: an item that the roadmap does not have, or none at all.
    """
    recorded = spaces.items(client, space)
    if wanted is not None:
        missing = sorted(set(wanted) - {i.item for i in recorded})
        if missing:
            raise MalformedRequest(
                f"the roadmap has no item {missing[0]} (`althing roadmap list` names them)"
            )
        chosen = [i for i in recorded if i.item in wanted]
    else:
        chosen = [
            i
            for i in recorded
            if i.status in {"proposed", "planned"} and (quarter is None or i.quarter == quarter)
        ]
    if not chosen:
        raise MalformedRequest(f"the roadmap has nothing proposed or planned for {quarter or 'any quarter'}")
    return drafting.from_items(chosen, costs=drafting.spends(rule))


def _params(given: list[str], capacity: int | None) -> dict[str, Any]:
    params: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise MalformedRequest(f"--param takes NAME=VALUE, not {text[:60]!r}")
        params[name] = value
    if capacity is not None:
        params["budget"] = str(capacity)
    return params


def option_line(text: str) -> OptionLine:
    """The option of `ID=TITLE` or `ID=TITLE=COST`.

    Raises:
        MalformedRequest: another form.
    """
    parts = text.split("=")
    if not 2 <= len(parts) <= 3:
        raise MalformedRequest(f"--option takes ID=TITLE or ID=TITLE=COST, not {text[:60]!r}")
    line = {"id": parts[0], "title": parts[1], "cost": parts[2] if len(parts) == 3 else None, "item": None}
    try:
        return msgspec.convert(line, OptionLine)
    except msgspec.ValidationError as e:
        raise MalformedRequest(f"--option {text[:60]!r}: {e}") from e


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
    with _meant(ballot, space, url) as (client, place):
        view, definition = casting.fetch_definition(client, str(place.space), str(place.ballot))
    if save is not None:
        home.write_new(save, msgspec.json.encode(view.definition) + b"\n")
    if as_json:
        emit(view)
        return
    say(definition.ballot.title, definition.ballot.text, *_state(view))
    for asked in definition.questions:
        show_question(asked)
        say(f"  Counted by: {asked.rule.title}. Ties: {asked.rule.tie_rule}.")
    for asked, winners in zip(definition.questions, (view.winners or {}).values(), strict=False):
        titles = {o.id: o.title for o in asked.options}
        say("", "Chosen:", *(f"  {titles.get(w, w)}" for w in winners))


def _state(view: BallotView) -> list[str]:
    lines = [f"  {view.state}; {view.origin}"]
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


@group.command("open")
def open_(
    ballot: Ballot,
    reason: Annotated[str, typer.Option(help="Why now; it is recorded.")] = "",
    yes: Yes = False,
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Open a draft now. Definition and roll are frozen from then on."""
    _order("open", ballot, reason, yes, space, key, url, as_json)


@group.command()
def close(
    ballot: Ballot,
    reason: Annotated[str, typer.Option(help="Why early; it is recorded.")] = "",
    yes: Yes = False,
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Close a ballot before its time, where its definition allows it; it is counted at once."""
    _order("close", ballot, reason, yes, space, key, url, as_json)


@group.command()
def cancel(
    ballot: Ballot,
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
    yes: Yes = False,
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Remove a draft, or end an open ballot without an outcome."""
    _order("cancel", ballot, reason, yes, space, key, url, as_json)


def order(
    client: Client, space: str, ballot: str, action: str, who: Identity, reason: str = ""
) -> OrderRecorded:
    """Give a steward's order and wait for what follows from it."""
    view = client.get(casting.ballot_path(space, ballot), BallotView)
    statement = BallotOrder(
        space=space,
        ballot=ballot,
        definition=view.digest,
        action=action,
        reason=reason,
        signer=who.member_id,
        ordered_at=int(time.time()),
    )
    return client.post(spaces.path(space, "orders"), signed(statement, who), OrderRecorded)[1]


_REACHED = {"open": "open", "close": "decided", "cancel": "cancelled"}
_DONE = {"open": "is open", "close": "is closed", "cancel": "is cancelled"}


def _order(  # noqa: PLR0917  # what the three commands have in common
    action: str,
    ballot: str,
    reason: str,
    yes: bool,
    space: str | None,
    key: Path | None,
    url: str,
    as_json: bool,
) -> None:
    who = load_identity(key)
    with _meant(ballot, space, url) as (client, place):
        view = client.get(casting.ballot_path(str(place.space), str(place.ballot)), BallotView)
    if view.state == _REACHED[action]:
        emit(view) if as_json else say(f"{place.ballot} {_DONE[action]} already.")
        return
    if not (yes or as_json):
        typer.confirm(f"Sign the order to {action} {ballot} as {short(who.member_id)}?", abort=True)
    with _meant(ballot, space, url) as (client, place):
        answer = order(client, str(place.space), str(place.ballot), action, who, reason)
    if as_json:
        emit(answer)
        return
    say(f"✓ {place.ballot} {_DONE[action]} (entry {answer.index} of the space's log; now: {answer.state}).")
    if answer.ballot is not None and answer.state == "open":
        say(f"  {answer.ballot.on_roll} members may vote until {when(answer.ballot.closes_at)}:")
        say(f"  althing vote {place.base_url}/spaces/{place.space}/ballots/{place.ballot}")
    if answer.state == "decided":
        say(f"  The result: `althing ballot results {place.ballot}`")


@group.command()
def results(
    ballot: Ballot,
    steps: Annotated[bool, typer.Option("--steps", help="Explain the count step by step.")] = False,
    space: Space = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Show the outcome of a decided ballot."""
    with _meant(ballot, space, url) as (client, place):
        _, definition = casting.fetch_definition(client, str(place.space), str(place.ballot))
        base = casting.ballot_path(str(place.space), str(place.ballot))
        result = client.get(f"{base}/outcome", Result)
    if as_json:
        emit(result)
        return
    outcomes.show(definition, result, steps=steps)


class _Meant:
    """A client with the ballot that an argument names, for a `with` statement."""

    def __init__(self, ballot: str, space: str | None, url: str) -> None:
        self._ballot, self._space = ballot, space
        self._place = parse_place(ballot if "://" in ballot else url)
        self._client = Client(self._place.base_url)

    def __enter__(self) -> tuple[Client, Place]:
        try:
            name = self._place.ballot or self._ballot
            found = spaces.space_of(self._client, self._place, self._space)
        except BaseException:
            self._client.__exit__()
            raise
        return self._client, Place(self._place.base_url, found, name)

    def __exit__(self, *_: object) -> None:
        self._client.__exit__()


_meant = _Meant
