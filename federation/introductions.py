"""Getting to know each other: fetching a peer's identity document, asking for peering, being asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Final

import msgspec
import sqlalchemy as sa
from msgspec import Meta
from prometheus_client import Gauge

from federation import identity, peers, queue
from federation.documents import documents_since
from federation.endpoints import JSON, Answer, Request, Route, route
from federation.http_signatures import Lookup
from federation.node import Node
from federation.peers import PeerRow
from governance import limits
from governance.canonical import decode, encode
from governance.errors import IdentityChanged, NotAuthorised, RateLimited, Refused
from governance.statements.base import Key, Time
from governance.statements.entry import Entry, read_entry

REFETCH: Final = 300
"""Seconds between two looks for a new document because a signature did not fit."""
WELL_KNOWN: Final = "/.well-known/althing.json"
_BODY: Final = 2 * limits.ENTRY

State = Annotated[str, Meta(pattern=r"^(pending|observer|mirror|partner|blocked)$(?!\n)")]


class Greeting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request for peering: who we are (an identity document, base64) and how far we trust you."""

    document: Annotated[bytes, Meta(max_length=limits.ENTRY)]
    state: State


class Welcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answer: how far the greeted one trusts the greeting one, and its own time."""

    state: State
    now: Time


_greeting: Final = msgspec.json.Decoder(Greeting)
_welcome: Final = msgspec.json.Decoder(Welcome)
_skew: Final = Gauge("althing_peer_skew_seconds", "How far the clock of a peer is ahead of ours", ["peer"])


def fetch_identity(node: Node, peer: str) -> int | None:
    """Errand `identity`: fetch the peer's document and pin it, or what follows what is pinned.

    Raises:
        Unavailable: nobody answers; IdentityChanged: somebody else does, and the peer is in quarantine now.
    """
    row = peers.require(node, peer)
    now = node.clock()
    reply = node.client.get(peers.url_of(row, WELL_KNOWN), limits.ENTRY)
    try:
        entry = pinned(node, row, identity.read_document(reply.body, now))
    except Refused as e:
        peers.change(node, peer, checked_at=now, quarantine=e.detail)
        peers.settle(node)
        raise
    document = identity.document_of(entry)
    learned = {"name": document.name, "serial": document.serial, "checked_at": now, "contact_at": now}
    with node.db.write() as conn:
        done = peers.pin(conn, row, entry.data, **learned, quarantine=None)
    peers.settle(node)
    return None if done else 1


def pinned(node: Node, row: PeerRow, new: Entry) -> Entry:
    """The document that is to be pinned after `new` was read: the newer of both, if one leads to the other.

    Raises:
        IdentityChanged, Refused: it is another instance's, or does not continue the pinned chain.
    """
    document = identity.document_of(new)
    return _pinned(row, new, lambda: documents_since(node, row, document, row.serial))


def _pinned(row: PeerRow, new: Entry, between: Callable[[], Sequence[Entry]]) -> Entry:
    document = identity.document_of(new)
    if document.id != row.id:
        raise IdentityChanged("another instance answers at this address")
    if document.base_url != row.base_url:
        raise IdentityChanged(f"the document is for {document.base_url}, not for {row.base_url}")
    old = read_entry(row.document) if row.document else None
    return identity.follow(old, new, between)


def _not_here() -> Sequence[Entry]:
    """Whoever greets does not choose what we fetch, and from where, before we know who that is."""
    raise IdentityChanged("the root key has changed; that is looked up where the operator said, not here")


def refresh(node: Node, peer: str) -> bool:
    """Look for a newer document of a known peer, at most once in `REFETCH`; gives whether there is one."""
    with node.db.read() as conn:
        row = peers.get(conn, peer)
    if row is None or row.state in {"pending", "blocked"} or node.clock() - row.checked_at < REFETCH:
        return False
    peers.change(node, peer, checked_at=node.clock())
    fetch_identity(node, peer)
    return peers.require(node, peer).serial > row.serial


def greet(node: Node, peer: str) -> int | None:
    """Errand `greet`: tell the peer who we are and how far we trust it; learn the same from it.

    Raises:
        Unavailable, Malformed, Refused: it does not answer, or not like this.
    """
    row = peers.require(node, peer)
    body = encode(Greeting(node.own.document().data, row.state))
    sent = node.clock()
    reply = node.client.post(peers.url_of(row, "/federation/v1/peers"), body, JSON)
    welcome = decode(reply.body, _welcome)
    now = node.clock()
    skew = welcome.now - (sent + now) // 2
    _skew.labels(peer).set(skew)
    peers.change(node, peer, theirs=welcome.state, contact_at=now, skew=skew)
    peers.settle(node)
    return None


def greeted(node: Node, request: Request, _parts: object) -> Answer:
    """Somebody asks for peering, or tells us that something changed: `POST /federation/v1/peers`."""
    greeting = decode(request.body, _greeting)
    now = node.clock()
    entry = identity.read_document(greeting.document, now)
    document = identity.document_of(entry)
    with node.db.read() as conn:
        known = peers.get(conn, document.id)
    if document.id == node.own.instance:
        raise NotAuthorised("this is the instance itself")
    row = known or PeerRow(document.id, document.base_url)
    if row.instance is not None and row.instance.root != document.root and refresh(node, row.id):
        row = peers.require(node, row.id)
    entry = _pinned(replace(row, base_url=document.base_url), entry, _not_here)
    sender = peers.verify(node, request, _only(entry))
    _note(node, row, entry, greeting.state, now)
    peers.settle(node)
    queue.revive(node, sender)
    return Answer(200, encode(Welcome(peers.require(node, sender).state, now)), JSON)


def _note(node: Node, row: PeerRow, entry: Entry, theirs: str, now: int) -> None:
    """Store what a greeting says."""
    document = identity.document_of(entry)
    learned = {"name": document.name, "serial": document.serial, "theirs": theirs, "contact_at": now}
    with node.db.write() as conn:
        if peers.get(conn, row.id) is None:
            _room(conn)
            peers.add(conn, row)
        if not peers.pin(conn, row, entry.data, **learned):
            raise RateLimited("another document of this instance was read just now", retry_after=1)


def _room(conn: sa.Connection) -> None:
    if sum(row.state == "pending" for row in peers.everybody(conn)) >= peers.PENDING:
        raise RateLimited("too many requests for peering wait for the operator", retry_after=86_400)


def _only(entry: Entry) -> Lookup:
    """The key of the document that came with the request, for that instance alone."""

    def lookup(keyid: str) -> Key:
        document = identity.document_of(entry)
        if document.federation is None or keyid != document.id:
            raise NotAuthorised("the document in this request is not of the instance that signed it")
        return document.federation.http_key

    return lookup


ROUTES: Final[tuple[Route, ...]] = (route("POST", "/federation/v1/peers", greeted, _BODY),)
