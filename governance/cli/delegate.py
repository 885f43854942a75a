"""`althing delegate` and `althing delegations`: let others vote for you, until you vote yourself."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from governance.cli import delegating, spaces
from governance.cli.client import Client
from governance.cli.console import emit, say, short, table
from governance.cli.options import DEFAULT_URL, Json, KeyFile, Space, Url, Yes
from governance.cli.place import parse_place
from governance.cli.signing import Identity, load_identity, signed
from governance.errors import MalformedRequest
from governance.service.answers import DelegationView, MemberDelegations
from governance.statements.delegation import Delegation


def register(app: typer.Typer) -> None:
    """Add both commands."""
    app.command()(delegate)
    app.command()(delegations)


def delegate(  # noqa: PLR0913, PLR0917  # one parameter for each option
    to: Annotated[str | None, typer.Argument(help="Who votes for you: a member id.")] = None,
    ballot: Annotated[str | None, typer.Option(help="Only in this ballot.")] = None,
    topic: Annotated[str | None, typer.Option(help="In a topic and all below it: energy/heat.")] = None,
    space_wide: Annotated[bool, typer.Option("--space-wide", help="In every ballot.")] = False,
    until: Annotated[
        str | None, typer.Option(help="Last quarter.  [default: as far as the constitution allows]")
    ] = None,
    ranked: Annotated[
        str | None, typer.Option(help="Further delegates by preference, for ballots that ask them: ID,ID")
    ] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="Take the delegation back.")] = False,
    space: Space = None,
    key: KeyFile = None,
    yes: Yes = False,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Let another member vote for you where you do not vote yourself, or take that back.

    In a ballot that takes delegations the narrowest one counts: ballot, then topic, then the whole space.
    Your own vote always comes first, up to the close. Everybody can read who delegates to whom.
    """
    if (to is None) != revoke or (revoke and (ranked or until)):
        raise MalformedRequest("name one member to delegate to, or say --revoke and nothing else")
    scope = delegating.scope_of(ballot, topic, space_wide)
    place, who, now = parse_place(url), load_identity(key), int(time.time())
    others = [name.strip() for name in (ranked or "").split(",") if name.strip()]
    with Client(place.base_url) as client:
        name = spaces.space_of(client, place, space)
        last = None
        if to is not None:
            last = until or delegating.furthest(spaces.adopted(client, name).constitution, now)
        before = client.get(spaces.path(name, "delegations", who.member_id), MemberDelegations)
        new = Delegation(
            instance=client.instance,
            space=name,
            delegator=who.member_id,
            delegates=[to, *others] if to is not None else [],
            scope=scope,
            expires=last,
            sequence=before.sequence + 1,
            delegated_at=now,
        )
        if not (yes or as_json):
            _show(new, who)
            typer.confirm("Sign and send this?", abort=True)
        recorded = spaces.record(client, name, "delegations", signed(new, who))
    if as_json:
        emit({"index": recorded.index, "digest": recorded.digest, "delegation": new})
        return
    done = "Revoked" if revoke else f"Delegated until the end of {last}"
    say(f"✓ {done}: {delegating.scope_in_words(scope)} (entry {recorded.index} of the log of {name}).")


def _show(new: Delegation, who: Identity) -> None:
    say(
        "", "You are about to sign:", f"  as: {who.member_id}", f"  in {delegating.scope_in_words(new.scope)}"
    )
    say(*(f"  {place}. {member} votes for you" for place, member in enumerate(new.delegates, 1)))
    if new.delegates:
        say(f"  until the end of {new.expires}, unless you vote yourself or take it back", "")
    else:
        say("  nobody votes for you any more", "")


def delegations(
    member: Annotated[str | None, typer.Option(help="Only those by or to this member.")] = None,
    space: Space = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """List the delegations that stand: who lets whom vote, in what, until when."""
    place = parse_place(url)
    with Client(place.base_url) as client:
        name = spaces.space_of(client, place, space)
        found = [d for d in client.pages(spaces.path(name, "delegations"), DelegationView) if d.delegates]
    if member is not None:
        found = [d for d in found if member == d.delegator or member in d.delegates]
    if as_json:
        emit(found)
        return
    rows = [
        (
            short(d.delegator),
            ", ".join(map(short, d.delegates)),
            delegating.scope_in_words(d.scope),
            d.expires or "",
        )
        for d in found
    ]
    table(f"{len(found)} delegations in {name}", ("member", "delegates to", "in", "until"), rows)
