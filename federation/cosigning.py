"""Getting our own checkpoints cosigned by a witness (C2SP tlog-witness): the errand `cosign`.

A quorum counts lines under one checkpoint, so all witnesses of a log are asked for the same one: see `rally`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from threading import Lock
from typing import Final

import sqlalchemy as sa

from federation import introductions, peers
from federation.node import Node
from federation.ports import OwnHead
from federation.tables import errands, witnessed
from federation.witness_client import SOON, Witness, obtain
from governance.errors import BadSignature, Behind, GovernanceError, NotFound, Unavailable
from governance.log.cosignature import verifier_for
from governance.store.rows import upsert_rows

FOREIGN: Final = "witness:"
"""What the errands of witnesses from the policy file begin with, before the name there."""
WINDOW: Final = 5
"""Seconds for which all witnesses of a log are asked for one checkpoint."""
LOGS: Final = 64
"""Logs in one run of the errand."""
STRANGE: Final = 8
"""Newest, and as many others, of the logs that the witness has never cosigned, in one run."""
_LARGER: Final = (
    f"CASE WHEN excluded.size > {witnessed.name}.size THEN excluded.size ELSE {witnessed.name}.size END"
)
_by_witness: Final = (
    sa.select(witnessed).where(witnessed.c.witness == sa.bindparam("name")).order_by(witnessed.c.at)
)
_log: Final = logging.getLogger("althing.federation")
_lock: Final = Lock()


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
    with node.db.read() as conn:
        return {row.origin: row.size for row in conn.execute(_by_witness, {"name": witness})}


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
        head, note = obtain(node, witness, head, old)
    except BadSignature:
        # Its instance may have got new keys.
        if witness.id.startswith(FOREIGN) or not introductions.refresh(node, witness.id):
            raise
        witness = _witness(node, witness.id)
        head, note = obtain(node, witness, head, old)
    node.own.cosigned(head.origin, note, witness.verifiers)
    acknowledge(node, witness.id, head.origin, head.size)


def acknowledge(node: Node, witness: str, origin: str, size: int) -> None:
    """A witness has signed a log of ours up to that size, or further already."""
    row = {"witness": witness, "origin": origin, "size": size, "at": node.clock()}
    with node.db.write() as conn:
        upsert_rows(conn, witnessed, [row], size=_LARGER)
