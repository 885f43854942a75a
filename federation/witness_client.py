"""Speaking with one witness (C2SP tlog-witness): what is sent, and what of the answers is believed."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from federation.client import Reply
from federation.node import Node
from federation.ports import OwnHead
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

SKEW: Final = 300
"""Seconds that a cosignature's time may lie ahead of ours."""
SOON: Final = 30
"""Seconds until a witness is asked again that did not say when, or did not know the log."""


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


def obtain(node: Node, witness: Witness, head: OwnHead, old: int) -> tuple[OwnHead, bytes]:
    """Have a checkpoint cosigned; gives it with the witness's lines, or a newer one that it has seen already.

    Args:
        node: we.
        witness: who is asked.
        head: the checkpoint.
        old: the size that the witness last signed, 0 for none.

    Raises:
        Behind: the witness holds a checkpoint of ours that our records do not lead to.
        NotFound: it does not know the log. NotAuthorised, BadProof: it refuses. BadSignature: a wrong line.
        Unavailable: it does not answer now. MalformedAnswer: its answer is none.
    """
    try:
        head, lines = _answer(node, witness, head, old)
    except BadProof:
        _compare(node, witness, head.origin)
        raise
    return head, accepted(head, lines, witness.verifiers, node.clock())


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
