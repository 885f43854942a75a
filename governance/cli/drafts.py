"""`althing ballot new`: a draft from roadmap items or from options of one's own."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from governance.cli import drafting, spaces
from governance.cli.client import Client
from governance.cli.console import emit, say, when
from governance.cli.delegating import parse_rule
from governance.cli.drafting import Wish
from governance.cli.options import DEFAULT_URL, Json, KeyFile, Space, Url
from governance.cli.place import parse_place
from governance.cli.signing import load_identity, signed
from governance.cli.spaces import Adopted
from governance.cli.times import parse_time
from governance.errors import MalformedRequest
from governance.service.answers import DraftRecorded
from governance.statements.ballot import OptionLine


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
    delegation: Annotated[
        str | None,
        typer.Option(help="Take delegations: lost or ranked, then if wanted ,topic=a/b,depth=5,cap=1/10"),
    ] = None,
    witnesses: Annotated[
        Path | None,
        typer.Option(
            help="Who must have cosigned the close before votes are counted (C2SP tlog-policy).",
            metavar="POLICY",
            dir_okay=False,
            exists=True,
        ),
    ] = None,
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
    wish = Wish(
        ballot=name,
        title=title or (f"What we do in {quarter}" if quarter else name),
        options=[option_line(text) for text in option or ()],
        rule=rule,
        params=_params(param or [], capacity),
        text=text,
        quarter=quarter,
        opens_at=None if opens is None else parse_time(opens, now),
        closes_at=None if closes is None else parse_time(closes, now),
        quorum=not no_quorum,
        delegation=None if delegation is None else parse_rule(delegation),
        witness_policy="" if witnesses is None else witnesses.read_text(encoding="utf-8"),
    )
    with Client(place.base_url) as client:
        adopted = spaces.adopted(client, spaces.space_of(client, place, space))
        if from_roadmap:
            wish = _with_items(client, adopted, wish, items)
        definition = drafting.define(adopted, wish, who.member_id, now)
        if dry_run:
            emit(definition)
            return
        path = spaces.path(adopted.view.space, "ballots")
        draft = client.post(path, signed(definition, who), DraftRecorded)[1]
    _tell_draft(draft, len(wish.options), definition.opens_at, as_json)


def _with_items(client: Client, adopted: Adopted, wish: Wish, items: str | None) -> Wish:
    wanted = None if items is None else [i.strip() for i in items.split(",") if i.strip()]
    rule = wish.rule or adopted.constitution.ballots.rule
    found = from_recorded(client, adopted.view.space, rule, wish.quarter, wanted)
    return replace(wish, options=[*wish.options, *found])


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
    recorded = [item for item in spaces.items(client, space) if item.moved_to is None]
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
