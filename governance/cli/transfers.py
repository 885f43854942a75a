"""`althing roadmap offer|accept|decline|close`: an item moves to another community (decision 0022)."""

from __future__ import annotations

import time
from base64 import b64encode
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from governance.cli import spaces
from governance.cli.client import Client
from governance.cli.console import emit, say, short
from governance.cli.options import DEFAULT_URL, Json, KeyFile, Space, Url, Yes
from governance.cli.other_space import OtherSpace, other_space
from governance.cli.place import parse_place
from governance.cli.signing import Identity, load_identity, signed
from governance.errors import InvalidStatement, MalformedRequest, NotFound
from governance.replay.ownership import OfferRecord, global_name
from governance.service.answers import Recorded
from governance.service.standing import StandingView
from governance.statements.base import Statement
from governance.statements.roadmap import RoadmapItem
from governance.statements.roadmap_links import (
    TransferAccept,
    TransferClose,
    TransferDecline,
    TransferOffer,
)

Item = Annotated[str, typer.Argument(help="The item's id in your community.")]
Theirs = Annotated[
    str, typer.Argument(help="The item's global name, or its id in the community that offers.")
]
Source = Annotated[
    str,
    typer.Option(
        "--from",
        help="Address of the other community or of any mirror; or a directory of its files.",
        metavar="SOURCE",
    ),
]


def add(group: typer.Typer) -> None:
    """Add the commands."""
    for command in (offer, accept, decline, close):
        group.command()(command)


@dataclass(frozen=True, slots=True)
class _Mine:
    """The own community, reached, and the key to sign with."""

    client: Client
    space: str
    who: Identity

    def record(self, statement: Statement) -> Recorded:
        return spaces.record(self.client, self.space, "roadmap", signed(statement, self.who))

    def accepted(self, item: str, former: str) -> int | None:
        """Where the item was accepted already, by an attempt that got no further than that."""
        try:
            standing = self.standing(item)
        except NotFound:
            return None
        return standing.accepted if standing.former == former and standing.revision is None else None

    def standing(self, item: str) -> StandingView:
        return self.client.get(spaces.path(self.space, "roadmap", item, "standing"), StandingView)


def _mine(client: Client, url: str, space: str | None, key: Any) -> _Mine:
    return _Mine(client, spaces.space_of(client, parse_place(url), space), load_identity(key))


def offer(  # noqa: PLR0917  # one parameter for each option
    item: Item,
    to: Annotated[str, typer.Argument(help="Address of the other community: https://…/spaces/SPACE.")],
    text: Annotated[str, typer.Option(help="A word to them, at most 300 characters.")] = "",
    yes: Yes = False,
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Offer an item to another community. It is frozen until they answer, and only they can end the offer."""
    with Client(parse_place(url).base_url) as client, other_space(to, None, None) as other:
        mine = _mine(client, url, space, key)
        standing = mine.standing(item)
        if standing.revision is None:
            raise InvalidStatement(f"{item} has no revision here yet; record one first")
        if not (yes or as_json):
            say(
                f"{item} → {other.state.origin} of {other.name}",
                f"  instance {other.ref.instance}",
                "  The item is frozen here until they accept or decline. An offer cannot be taken back.",
            )
            typer.confirm(f"Offer it as {short(mine.who.member_id)}?", abort=True)
        instance = standing.name.partition("/")[0]
        new = TransferOffer(mine.space, instance, item, standing.revision, other.ref, text, int(time.time()))
        recorded = mine.record(new)
    if as_json:
        emit(
            {"item": standing.name, "offer": recorded.digest, "to": other.ref.origin, "index": recorded.index}
        )
        return
    say(
        f"✓ Offered (entry {recorded.index}). They run:",
        f"  althing roadmap accept {standing.name} --from {parse_place(url).base_url}/spaces/{mine.space}",
        f"Then log their answer here: althing roadmap close {item} --from {to}",
    )


def accept(  # noqa: PLR0917  # one parameter for each option
    item: Theirs,
    source: Source,
    name: Annotated[str | None, typer.Option("--as", help="Its id here.  [default: as there]")] = None,
    yes: Yes = False,
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Take an item that was offered to your community: from then on this is its home.

    The other community's log is verified first. Its last revision becomes the first one here.
    """
    with Client(parse_place(url).base_url) as client, _theirs(item, source) as other:
        mine = _mine(client, url, space, key)
        found = _offered(other, mine, item)
        old = other.state.items[found.statement.item].statement
        own = name or found.statement.item
        if not (yes or as_json):
            say(f"{old.title} ({old.status}), from {other.ref.origin} of {other.name}")
            typer.confirm(f"Take it as {own}, as {short(mine.who.member_id)}?", abort=True)
        accepted = mine.accepted(own, global_name(found.statement)) or _accept(mine, own, other, found)
        first = _first(old, mine.space, own, global_name(found.statement), int(time.time()))
        mine.record(spaces.bound(client, first))
    if as_json:
        emit({"item": own, "former": global_name(found.statement), "accepted": accepted})
        return
    say(f"✓ {own} has its home here (entry {accepted}). Links that it had there are not taken over.")


def _accept(mine: _Mine, own: str, other: OtherSpace, found: OfferRecord) -> int:
    data, receipt = other.proven(found.index)
    entry, ref = b64encode(data).decode(), other.ref
    new = TransferAccept(mine.space, own, ref.origin, ref.vkey, entry, receipt, int(time.time()))
    return mine.record(new).index


def _first(old: RoadmapItem, space: str, item: str, former: str, now: int) -> RoadmapItem:
    """The first revision here, with the contents of the last one there."""
    return RoadmapItem(
        space=space, item=item, revision=1, previous=None, title=old.title, product=old.product,
        quarter=old.quarter, phase=old.phase, theme=old.theme, status=old.status, effort=old.effort,
        effort_days=old.effort_days, details=old.details, source=former, revised_at=now,
    )  # fmt: skip


def decline(
    item: Theirs,
    source: Source,
    text: Annotated[str, typer.Option(help="Why.")] = "",
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Decline an item that was offered to your community; the same offer cannot be accepted later."""
    with Client(parse_place(url).base_url) as client, _theirs(item, source) as other:
        mine = _mine(client, url, space, key)
        found = _offered(other, mine, item)
        recorded = mine.record(TransferDecline(mine.space, found.digest, text, int(time.time())))
    if as_json:
        emit({"item": global_name(found.statement), "declined": recorded.digest, "index": recorded.index})
    else:
        say(f"✓ Declined (entry {recorded.index}). The item is free again once its home has logged that.")


def close(
    item: Item,
    source: Source,
    space: Space = None,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Log the other community's answer to your offer: the item has moved, or is free again."""
    with Client(parse_place(url).base_url) as client:
        mine = _mine(client, url, space, key)
        made = mine.standing(item).offer
        if made is None:
            raise InvalidStatement(f"{item} is not offered to anybody")
        with other_space(source, made.to.instance, made.to.space) as other:
            answer = other.state.ownership.answers.get(made.digest)
            if answer is None:
                raise NotFound(f"{made.to.origin} has not answered, as far as {source} goes")
            data, receipt = other.proven(answer.index)
        entry = b64encode(data).decode()
        recorded = mine.record(TransferClose(mine.space, item, made.digest, entry, receipt, int(time.time())))
        standing = mine.standing(item)
    if as_json:
        emit({"item": item, "state": standing.state, "home": standing.home, "index": recorded.index})
    elif standing.state == "moved":
        say(f"✓ {item} has moved to {standing.home} (entry {recorded.index}).")
    else:
        say(f"✓ They declined; {item} is free again (entry {recorded.index}).")


def _theirs(item: str, source: str) -> Any:
    instance, _, rest = item.partition("/") if "/" in item else (None, "", "")
    return other_space(source, instance, rest.partition("/")[0] or None)


def _offered(other: OtherSpace, mine: _Mine, item: str) -> OfferRecord:
    """The open offer of that item to us."""
    wanted = item.rpartition("/")[2]
    offers = other.state.ownership.offers.values()
    found = [o for o in offers if o.statement.item == wanted and o.closed is None]
    if not found:
        raise NotFound(f"{other.ref.origin} offers no item {wanted}")
    if found[0].statement.to.space != mine.space:
        raise MalformedRequest(f"{wanted} is offered to {found[0].statement.to.origin}")
    return found[0]
