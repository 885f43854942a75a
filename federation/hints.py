"""Checkpoints and cosignatures sent between instances; none of them is more than a hint.

A checkpoint that a peer sends says that there is something to pull. Cosignatures are what a peer gives back
for our checkpoints. Losing either is harmless: the next pull, and the next request to the witness, find out.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import Meta

from federation import copy_rows, introductions, peers, queue, seen, witness
from federation.cosigning import acknowledge
from federation.endpoints import JSON, Answer, Request, Route, route
from federation.node import Node
from federation.peers import PeerRow
from federation.tables import witnessed
from federation.witness_routes import accuse
from governance import limits
from governance.canonical import decode, encode
from governance.errors import (
    BadSignature,
    GovernanceError,
    MalformedRequest,
    NotAuthorised,
    OldCheckpoint,
)
from governance.log.checkpoint import checked, parse_checkpoint
from governance.log.cosignature import open_cosigned, verifier_for
from governance.signing.note import open_note, parse_note, parse_vkey
from governance.statements.base import Count
from governance.store.rows import upsert_rows

BODY: Final = 1024 * 1024
BATCH: Final = 512 * 1024
"""Bytes of notes in one request; base64 makes them a third more."""
NOTES: Final = 64
AHEAD: Final = 300
"""Seconds that a cosignature's time may lie ahead of ours."""
HINT: Final = "hint:"
"""Begins the names under which `fed_witnessed` keeps what peers know by our hints."""
_log: Final = logging.getLogger("althing.federation")


class Notes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Signed notes, base64."""

    notes: Annotated[
        list[Annotated[bytes, Meta(max_length=limits.NOTE)]], Meta(min_length=1, max_length=NOTES)
    ]


class Sizes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By origin the size that the answering instance has now: of its copy, or of the note it took."""

    sizes: Annotated[dict[str, Count], Meta(max_length=NOTES)]


_notes: Final = msgspec.json.Decoder(Notes)
_sizes: Final = msgspec.json.Decoder(Sizes)
_told: Final = sa.select(witnessed.c.origin, witnessed.c.size).where(
    witnessed.c.witness == sa.bindparam("name")
)


def push(node: Node, peer: str) -> int | None:
    """Errand `push`: send a peer that mirrors us the heads of our logs that have grown since.

    Raises:
        Unavailable, Malformed, Refused: it does not answer, or not like this.
    """
    row = peers.require(node, peer)
    name = f"{HINT}{peer}"
    with node.db.read() as conn:
        told = {row.origin: row.size for row in conn.execute(_told, {"name": name})}
    grown = [head for head in node.own.heads() if head.size > told.get(head.origin, 0)]
    sizes = {head.origin: head.size for head in grown}
    for batch in _batches({head.origin: head.checkpoint for head in grown}):
        _tell(node, row, list(batch.values()))
        now = node.clock()
        known = [{"witness": name, "origin": o, "size": sizes[o], "at": now} for o in batch]
        with node.db.write() as conn:
            upsert_rows(conn, witnessed, known)
    return None


def _tell(node: Node, row: PeerRow, notes: list[bytes]) -> None:
    url = peers.url_of(row, "/federation/v1/checkpoints")
    with contextlib.suppress(OldCheckpoint):
        node.client.post(url, encode(Notes(notes)), JSON)


def _batches(notes: Mapping[str, bytes]) -> Iterator[dict[str, bytes]]:
    batch: dict[str, bytes] = {}
    for origin, note in notes.items():
        if batch and (len(batch) == NOTES or sum(map(len, batch.values())) + len(note) > BATCH):
            yield batch
            batch = {}
        batch[origin] = note
    if batch:
        yield batch


def checkpoints(node: Node, request: Request, _parts: object) -> Answer:
    """`POST /federation/v1/checkpoints`: heads of the sender's logs; 202 when one of them is to be pulled.

    Raises:
        NotAuthorised: we do not copy the sender's logs. OldCheckpoint: we have all of them.
        Malformed, Refused: a note is none, or not signed by its log.
    """
    sender = peers.require_sender(node, request)
    if not sender.follows:
        raise NotAuthorised("this instance does not mirror yours")
    sizes: dict[str, int] = {}
    news = [
        origin
        for origin, note in _by_origin(decode(request.body, _notes).notes)
        if _hinted(node, sender, origin, note, sizes)
    ]
    if not news:
        known = next(iter(sizes.values())) if len(sizes) == 1 else None
        raise OldCheckpoint("all of this is known here, or of logs that are not", **_size(known))
    with node.db.write() as conn:
        for origin in news:
            copy_rows.change(conn, origin, sizes[origin], checked_at=0)
    queue.wake(node, sender.id, "pull")
    return Answer(202, encode(Sizes(sizes)), JSON)


def _size(known: int | None) -> dict[str, Any]:
    return {} if known is None else {"size": known}


def _by_origin(notes: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    return ((parse_checkpoint(parse_note(note).text).origin, note) for note in notes)


def _hinted(node: Node, sender: PeerRow, origin: str, data: bytes, sizes: dict[str, int]) -> bool:
    """Whether a head of a log that we copy is larger than our copy; a fork is evidence at once."""
    with node.db.read() as conn:
        row, copy = seen.get(conn, origin), copy_rows.get(conn, origin)
    if row is None or copy is None or row.peer != sender.id or row.frozen is not None:
        return False
    verifiers = [verifier_for(parse_vkey(row.vkey))]
    note = open_note(data, verifiers)
    new = checked(note, verifiers)
    sizes[origin] = copy.size
    if witness.is_fork(row, new):
        accuse(node, row, bytes(note))
        return False
    return new.size > copy.size


def bring_back(node: Node, row: PeerRow) -> None:
    """Give a peer our cosignatures of its logs that it has not taken yet; failing is harmless."""
    with node.db.read() as conn:
        waiting = {copy.origin: copy for copy in copy_rows.to_return(conn, row.id, 4 * NOTES)}
    url = peers.url_of(row, "/federation/v1/cosignatures")
    for batch in _batches({origin: copy.cosigned for origin, copy in waiting.items()}):
        try:
            reply = node.client.post(url, encode(Notes(list(batch.values()))), JSON)
            taken = decode(reply.body, _sizes).sizes
        except GovernanceError as e:
            _log.info("%s does not take our cosignatures: %s", row.id, e.detail)
            return
        with node.db.write() as conn:
            for origin in batch.keys() & taken.keys():
                size = waiting[origin].size
                copy_rows.change(conn, origin, size, returned=size)


def cosignatures(node: Node, request: Request, _parts: object) -> Answer:
    """`POST /federation/v1/cosignatures`: the sender's lines under our checkpoints; those taken are named.

    Raises:
        NotFound, Malformed, Refused: why the first one is not taken, when none is.
    """
    sender = peers.require_sender(node, request)
    taken: dict[str, int] = {}
    refused: list[GovernanceError] = []
    for origin, note in _by_origin(decode(request.body, _notes).notes):
        try:
            taken[origin] = _take(node, sender, origin, note)
        except GovernanceError as e:
            refused.append(e)
    if not taken:
        raise refused[0]
    return Answer(200, encode(Sizes(taken)), JSON)


def _take(node: Node, sender: PeerRow, origin: str, note: bytes) -> int:
    """Keep the lines of the sender's keys under a checkpoint of ours; gives its size."""
    head = node.own.head(origin)
    log = [verifier_for(parse_vkey(head.vkey))]
    verifiers = peers.witness_verifiers(sender)
    opened = open_cosigned(note, log, verifiers)
    if not opened.cosignatures and introductions.refresh(node, sender.id):
        # Its instance has got new keys.
        verifiers = peers.witness_verifiers(peers.require(node, sender.id))
        opened = open_cosigned(note, log, verifiers)
    if not opened.cosignatures:
        raise BadSignature("the note holds no cosignature of a key that the sender's document names")
    if any(not 0 < c.time <= node.clock() + AHEAD for c in opened.cosignatures):
        raise MalformedRequest("a cosignature is of no time, or of one far ahead of ours")
    node.own.cosigned(origin, note, verifiers)
    if len(opened.cosignatures) == len(verifiers):
        # Both its keys have signed: its witness need not be asked for this one any more.
        acknowledge(node, sender.id, origin, opened.checkpoint.size)
    return opened.checkpoint.size


ROUTES: Final[tuple[Route, ...]] = (
    route("POST", "/federation/v1/checkpoints", checkpoints, BODY),
    route("POST", "/federation/v1/cosignatures", cosignatures, BODY),
)
