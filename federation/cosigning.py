"""Getting our own checkpoints cosigned by a witness (C2SP tlog-witness): the errand `cosign`.

A quorum counts lines under one checkpoint, so all witnesses of a log are asked for the same one: see `rally`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Final

import sqlalchemy as sa

from federation import peers
from federation.client import Reply
from federation.node import Node
from federation.ports import OwnHead
from federation.tables import errands, witnessed
from governance import limits
from governance.errors import (
    BadProof,
    BadSignature,
    Behind,
    GovernanceError,
    MalformedAnswer,
    MalformedNote,
    MalformedProof,
    NoAnswer,
    NotAuthorised,
    NotFound,
    RateLimited,
    Unavailable,
)
from governance.log.checkpoint import Checkpoint, open_checkpoint
from governance.log.cosignature import open_cosigned, verifier_for
from governance.log.proofs import verify_consistency
from governance.signing.lines import encode_base64, exact_decimal
from governance.signing.note import Verifier, add_signatures, parse_signatures, parse_vkey
from governance.store.rows import upsert_rows

FOREIGN: Final = "witness:"
"""What the errands of witnesses from the policy file begin with, before the name there."""
WINDOW: Final = 5
"""Seconds for which all witnesses of a log are asked for one checkpoint."""
SKEW: Final = 300
"""Seconds that a cosignature's time may lie ahead of ours."""
LOGS: Final = 64
"""Logs in one run of the errand."""
STRANGE: Final = 8
"""Newest, and as many others, of the logs that the witness has never cosigned, in one run."""
SOON: Final = 30
"""Seconds until a witness is asked again about a log that it did not know."""
_log: Final = logging.getLogger("althing.federation")
_lock: Final = Lock()


@dataclass(frozen=True, slots=True)
class Witness:
    """Who is asked: the errand's peer, the submission prefix, its known keys."""

    id: str
    url: str
    verifiers: list[Verifier]


class _Moved(Exception):
    """The witness's tree is of another size than the proof began from."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


def cosign(node: Node, peer: str) -> int | None:
    """Errand `cosign`: have the witness sign what it has not signed of our logs.

    One log that is refused does not keep the others waiting; the first refusal is raised after all of them.

    Raises:
        Behind: the witness holds a checkpoint of ours that we do not have.
        Unavailable: it does not answer, or wants to be left alone for a while.
        Refused, Malformed: its answer, or what it says of a log.
    """
    witness = _witness(node, peer)
    acknowledged = _acknowledged(node, peer)
    known, strange = _grown(node, acknowledged)
    tried = [*strange[:STRANGE], *node.chance.sample(strange[STRANGE:], min(STRANGE, len(strange[STRANGE:])))]
    room = LOGS - len(tried)
    pauses, failed = [], []
    for head in [*known[:room], *tried]:
        try:
            pauses.append(_bring(node, witness, head, acknowledged.get(head.origin, 0)))
        except Unavailable:
            raise
        except GovernanceError as e:
            _log.error("%s does not cosign %s: %s", peer, head.origin, e.detail)
            failed.append(e)
    if failed:
        raise next((e for e in failed if isinstance(e, Behind)), failed[0])
    if len(known) > room or (len(strange) > len(tried) and SOON not in pauses):
        return 1
    return min((pause for pause in pauses if pause is not None), default=None)


def _bring(node: Node, witness: Witness, head: OwnHead, have: int) -> int | None:
    """Have one log cosigned; gives the seconds until it should be tried again, if it was not."""
    asked = rally(node, head, have)
    if asked is None:
        return WINDOW
    try:
        _submit(node, witness, asked, have)
    except NotFound:
        return SOON
    return None


def _witness(node: Node, peer: str) -> Witness:
    if not peer.startswith(FOREIGN):
        row = peers.require(node, peer)
        return Witness(peer, peers.url_of(row, "/witness"), peers.witness_verifiers(row))
    for known in node.foreign.witnesses:
        if peer == f"{FOREIGN}{known.name}" and known.url is not None:
            return Witness(peer, known.url.rstrip("/"), [verifier_for(known.key)])
    raise NotFound(f"the policy file names no witness {peer.removeprefix(FOREIGN)} with a URL")


def _acknowledged(node: Node, witness: str) -> dict[str, int]:
    """Sizes by origin, the least recently cosigned log first."""
    chosen = sa.select(witnessed).where(witnessed.c.witness == witness).order_by(witnessed.c.at)
    with node.db.read() as conn:
        return {row.origin: row.size for row in conn.execute(chosen)}


def _grown(node: Node, acknowledged: Mapping[str, int]) -> tuple[list[OwnHead], list[OwnHead]]:
    """The logs that the witness has not signed to their end, and those that it never signed, newest first.

    The former are in the order of `acknowledged`. Of the latter a run tries the newest and some by lot, so
    that each has its turn: a witness of other software need not know them at all.
    """
    heads = {head.origin: head for head in node.own.heads() if head.size}
    known = [heads[o] for o, size in acknowledged.items() if o in heads and heads[o].size > size]
    return known, [head for origin, head in heads.items() if origin not in acknowledged][::-1]


def rally(node: Node, head: OwnHead, have: int) -> OwnHead | None:
    """The checkpoint of a log that a witness with `have` entries is asked for now; None: in a moment.

    The first to be asked gets the head, and for some seconds everybody else gets the same one. A log that
    grows faster than its witnesses answer would never have two lines under one checkpoint otherwise. The
    next head is up as soon as every witness that can be reached has signed, or the time is over.
    """
    with _lock:
        since, asked = node.asked.get(head.origin, (0, head))
        if 0 <= node.clock() - since < WINDOW and asked.size <= head.size:
            if have < asked.size:
                return asked
            if not _everybody_has(node, asked):
                return None
        node.asked[head.origin] = node.clock(), head
        return head


def _everybody_has(node: Node, asked: OwnHead) -> bool:
    signed = sa.exists().where(
        witnessed.c.witness == errands.c.peer,
        witnessed.c.origin == asked.origin,
        witnessed.c.size >= asked.size,
    )
    missing = sa.select(sa.literal(1)).where(errands.c.kind == "cosign", errands.c.attempts == 0, ~signed)
    with node.db.read() as conn:
        return conn.scalar(missing.limit(1)) is None


def _submit(node: Node, witness: Witness, head: OwnHead, old: int) -> None:
    """Have one checkpoint cosigned, and keep what comes back."""
    try:
        head, lines = _answer(node, witness, head, old)
    except BadProof:
        _compare(node, witness, head.origin)
        raise
    note = accepted(head, lines, witness.verifiers, node.clock())
    node.own.cosigned(head.origin, note, witness.verifiers)
    row = {"witness": witness.id, "origin": head.origin, "size": head.size, "at": node.clock()}
    with node.db.write() as conn:
        upsert_rows(conn, witnessed, [row])


def _answer(node: Node, witness: Witness, head: OwnHead, old: int) -> tuple[OwnHead, bytes]:
    """The lines for a checkpoint; for a newer one where the witness has seen more than that already."""
    try:
        return head, _ask(node, witness, head, old)
    except _Moved as moved:
        size = moved.size
    if size > head.size:
        head = node.own.head(head.origin)
    if size > head.size:
        _compare(node, witness, head.origin)
        raise MalformedAnswer(f"{witness.id} says that {head.origin} has {size} entries and does not show it")
    try:
        return head, _ask(node, witness, head, size)
    except _Moved as again:
        raise Unavailable(f"{witness.id} was asked by somebody else meanwhile", retry_after=1) from again


def _ask(node: Node, witness: Witness, head: OwnHead, old: int) -> bytes:
    """The body of the witness's answer 200.

    Raises:
        _Moved: 409. NotFound: 404. NotAuthorised: 403. BadProof: 422. Unavailable: 429, 5xx.
        MalformedAnswer: any other.
    """
    proof = node.own.consistency(head.origin, old, head.size) if old else []
    lines = [f"old {old}", *map(encode_base64, proof)]
    body = "".join(f"{line}\n" for line in lines).encode() + b"\n" + head.checkpoint
    reply = node.client.send("POST", f"{witness.url}/add-checkpoint", body, "text/plain", limit=limits.NOTE)
    if reply.status == 200:
        return reply.body
    if reply.status == 409:
        size = exact_decimal(reply.body.decode("ascii", "replace").removesuffix("\n"), limits.TREE_SIZE)
        if size is not None and size != old:
            raise _Moved(size)
    raise _refusal(reply, witness, head)


def _refusal(reply: Reply, witness: Witness, head: OwnHead) -> GovernanceError:
    said = f"{witness.id} answers {reply.status}: {reply.body[:300].decode('utf-8', 'replace').strip()}"
    if reply.status == 404:
        return NotFound(said)
    if reply.status == 403:
        return NotAuthorised(said)
    if reply.status in {409, 422}:
        # 409 without another size is how transparency-dev/witness says that the roots differ.
        return BadProof(f"{said} (size {head.size}): its tree and ours differ")
    if reply.status == 429 or reply.status >= 500:
        kind = RateLimited if reply.status == 429 else NoAnswer
        return kind(said, retry_after=retry_after(reply))
    return MalformedAnswer(said)


def retry_after(reply: Reply) -> int:
    """The seconds of a Retry-After header; 30 where it has none that we read (a date, for one)."""
    return exact_decimal(reply.headers.get("retry-after", ""), 6 * 3600) or SOON


def accepted(head: OwnHead, lines: bytes, verifiers: list[Verifier], now: int) -> bytes:
    """Our checkpoint with the lines of known keys in a witness's answer.

    Raises:
        MalformedAnswer: not signature lines, or a time of 0 or far ahead of ours.
        BadSignature: no line of a known key, or one that is wrong.
    """
    known = {(v.key.name, v.key.key_id) for v in verifiers}
    try:
        signatures = [s for s in parse_signatures(lines) if (s.name, s.key_id) in known]
    except MalformedNote as e:
        raise MalformedAnswer(f"the witness's answer is no signature: {e.detail}") from e
    if not signatures:
        raise BadSignature("the witness's answer holds no signature of a key that its instance names")
    note = add_signatures(head.checkpoint, signatures)
    for cosignature in open_cosigned(note, [verifier_for(parse_vkey(head.vkey))], verifiers).cosignatures:
        if not 0 < cosignature.time <= now + SKEW:
            raise MalformedAnswer(f"the cosignature of {cosignature.key.name} is of time {cosignature.time}")
    return note


def _compare(node: Node, witness: Witness, origin: str) -> None:
    """Look at the checkpoint of our log that the witness holds. What it merely says of it is no proof.

    Raises:
        Behind: our log signed it, and our records do not lead to it.
    """
    name = sha256(origin.encode()).hexdigest()
    reply = node.client.send("GET", f"{witness.url}/{name}/checkpoint", limit=limits.NOTE)
    if reply.status != 200:
        return
    head = node.own.head(origin)
    try:
        shown = open_checkpoint(reply.body, [verifier_for(parse_vkey(head.vkey))])
    except GovernanceError:
        return
    if shown.size > head.size:
        said = f"{witness.id} holds {shown.size} entries of {origin}, signed by us; we have {head.size}"
        raise _behind(said, head, shown)
    if shown.size == 0:
        return
    proof = node.own.consistency(origin, shown.size, head.size)
    try:
        verify_consistency(shown.size, shown.root, head.size, head.root, proof)
    except (BadProof, MalformedProof) as e:
        said = f"{witness.id} holds a tree of {origin}, signed by us, that ours does not extend"
        raise _behind(said, head, shown) from e


def _behind(said: str, head: OwnHead, shown: Checkpoint) -> Behind:
    return Behind(said, origin=head.origin, size=head.size, seen=shown.size)
