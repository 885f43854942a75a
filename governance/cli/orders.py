"""`althing ballot open`, `close` and `cancel`: a steward's orders."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from governance.cli import casting, spaces
from governance.cli.client import Client
from governance.cli.console import emit, say, short, when
from governance.cli.meant import Ballot, Meant
from governance.cli.options import DEFAULT_URL, Json, KeyFile, Space, Url, Yes
from governance.cli.signing import Identity, load_identity, signed
from governance.service.answers import BallotView, OrderRecorded
from governance.statements.space import BallotOrder


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
    with Meant(ballot, space, url) as (client, place):
        view = client.get(casting.ballot_path(str(place.space), str(place.ballot)), BallotView)
    if view.state == _REACHED[action]:
        emit(view) if as_json else say(f"{place.ballot} {_DONE[action]} already.")
        return
    if not (yes or as_json):
        typer.confirm(f"Sign the order to {action} {ballot} as {short(who.member_id)}?", abort=True)
    with Meant(ballot, space, url) as (client, place):
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
