"""`althing peer`: other instances, as an operator deals with them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from governance.cli.client import Client
from governance.cli.console import emit, say, table, when
from governance.cli.options import DEFAULT_URL, Json, KeyFile, Url, Yes

group: Final = typer.Typer(no_args_is_help=True, help="Other instances: who may do what with ours.")
PROTOCOL: Final = 1
_MEANING: Final = {
    "pending": "has asked; you have not decided",
    "observer": "may talk to this instance",
    "mirror": "its logs are copied and cosigned here",
    "partner": "as mirror, and both communities may decide together",
    "blocked": "is refused",
}
As = Annotated[
    str, typer.Option("--as", help="observer, mirror or partner.", metavar="STATE", show_default=True)
]
PeerName = Annotated[str, typer.Argument(help="The peer's id, or its first digits.", metavar="PEER")]


@group.command()
def add(
    peer: Annotated[str, typer.Argument(help="Base URL of the other instance.", metavar="URL")],
    state: As = "mirror",
    yes: Yes = False,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Show who another instance is, then ask it for peering."""
    from federation.identity import fingerprint_words
    from governance.service.answers import InstanceView

    document = _document(peer)
    with Client(peer) as other:
        spaces = [s.space for s in other.get("/instance", InstanceView).spaces]
    part = document.federation
    if not as_json or not yes:
        say(
            f"{document.name}, {document.base_url}",
            f"  Fingerprint  {fingerprint_words(document.id)}",
            f"               {document.id}",
            f"  Communities  {', '.join(spaces) or 'none yet'}",
            f"  Protocol     {part.protocol.min} to {part.protocol.max}"
            if part
            else "  It does not federate.",
            "",
            "Compare the words with its operator, by telephone or face to face, before you say yes.",
        )
    _order(Order(document.id, document.base_url, state), url, key, yes=yes, as_json=as_json)


@group.command()
def accept(
    peer: PeerName,
    state: As = "mirror",
    yes: Yes = False,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Accept an instance that has asked, or change how far it is trusted."""
    found = _peer(url, peer)
    say(f"{found.name}, {found.base_url}", f"  Fingerprint  {found.words}")
    _order(Order(found.id, found.base_url, state), url, key, yes=yes, as_json=as_json)


@group.command()
def block(
    peer: PeerName,
    reason: Annotated[str, typer.Option(help="Why; it is recorded in your instance's public log.")],
    yes: Yes = False,
    key: KeyFile = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Refuse an instance from now on. Its copies here stay, and stay readable."""
    found = _peer(url, peer)
    _order(Order(found.id, found.base_url, "blocked", reason), url, key, yes=yes, as_json=as_json)


@group.command("list")
def list_(url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """List all peers."""
    from federation.views import PeerPage

    with Client(url) as client:
        page = client.get("/peers", PeerPage)
    if as_json:
        emit(page)
        return
    rows = [
        (p.id[7:15], p.name, p.base_url, p.state, p.theirs or "?", _ago(p.contact_at), _mib(p.stored))
        for p in page.items
    ]
    table("Peers", ("id", "name", "address", "you say", "it says", "last contact", "copies"), rows)
    _silence(page.cosigning)


@group.command()
def status(peer: PeerName, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Show everything about a peer: trust, lag, cosignatures, and what is tried again when."""
    found = _peer(url, peer)
    if as_json:
        emit(found)
        return
    say(
        f"{found.name}, {found.base_url}",
        f"  Fingerprint  {found.words}",
        f"  You say      {found.state}: it {_MEANING[found.state]}",
        f"  It says      {found.theirs or 'nothing yet'}",
        f"  Last contact {_ago(found.contact_at)}; its clock is {found.skew:+d} s beside yours",
    )
    if found.stored:
        say(f"  Its copies take {_mib(found.stored)} here")
    if found.quarantine:
        say(f"  NOT TRUSTED  {found.quarantine}. Compare fingerprints with its operator.")
    _silence(found.cosigning)
    _tables(found)


def _silence(cosigning: bool) -> None:
    if not cosigning:
        say(
            "NOTHING IS COSIGNED HERE: the identity document does not name the keys of witness and mirror",
            "(`althing instance renew`, with the root key, names them), or the logs are held.",
        )


def _tables(found: Any) -> None:
    rows: list[tuple[object, ...]] = [
        (c.origin, c.size, c.lag, c.cosigned_size, c.frozen or c.damaged or "") for c in found.copies
    ]
    if rows:
        table("Copied here", ("log", "entries", "behind", "cosigned", "trouble"), rows)
    rows = [(w.origin, w.size, w.lag, _ago(w.at)) for w in found.witnessed]
    if rows:
        table("Of yours, cosigned there", ("log", "entries", "behind", "last"), rows)
    rows = [(e.kind, when(e.next_at), e.failures, e.error) for e in found.errands]
    table("Errands", ("what", "next", "failures", "last error"), rows)


@group.command()
def sync(peer: PeerName, key: KeyFile = None, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Contact a peer now, without waiting for the next try."""
    from federation.views import PeerStatus
    from governance.cli.signing import load_identity, signed
    from governance.statements.peer import PeerSync

    found = _peer(url, peer)
    who = load_identity(key)
    asked = PeerSync(found.id, who.member_id, int(time.time()))
    with Client(url) as client:
        _, answer = client.post("/peers/sync", signed(asked, who), PeerStatus)
    if as_json:
        emit(answer)
    else:
        say(f"✓ {answer.name} is contacted now; see `althing peer status {answer.id[7:15]}`.")


def _peer(url: str, peer: str) -> Any:
    from federation.views import PeerStatus

    with Client(url) as client:
        return client.get(f"/peers/{peer}", PeerStatus)


def _document(url: str) -> Any:
    from federation.identity import read_document
    from governance import limits

    with Client(url) as client:
        data = client.read("/.well-known/althing.json", limits.ENTRY)
    return read_document(data, int(time.time())).statement


@dataclass(frozen=True, slots=True)
class Order:
    """What an operator wants of a peer."""

    peer: str
    base_url: str
    state: str
    reason: str = ""


def _order(order: Order, url: str, key: Path | None, *, yes: bool, as_json: bool) -> None:
    """Confirm, sign and send an operator's order."""
    from federation.views import PeerPage
    from governance.cli.signing import load_identity, signed
    from governance.errors import MalformedRequest
    from governance.service.answers import Recorded
    from governance.statements.peer import Peer

    if order.state not in _MEANING or order.state == "pending":
        raise MalformedRequest(f"the state is observer, mirror, partner or blocked, not {order.state!r}")
    if not yes:
        typer.confirm(f"From now on this instance {_MEANING[order.state]}. Right?", abort=True)
    who = load_identity(key)
    with Client(url) as client:
        known = {p.id: p for p in client.get("/peers", PeerPage).items}
        previous = known[order.peer].order if order.peer in known else None
        statement = Peer(
            peer=order.peer,
            base_url=order.base_url,
            state=order.state,
            reason=order.reason,
            previous=previous,
            operator=who.member_id,
            ordered_at=int(time.time()),
        )
        _, recorded = client.post("/peers/orders", signed(statement, who), Recorded)
    if as_json:
        emit(recorded)
    else:
        say(
            f"✓ {order.base_url} is {order.state} now: entry {recorded.index} of your instance's log says so."
        )


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"


def _ago(at: int) -> str:
    return when(at) if at else "never"
