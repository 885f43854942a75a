"""The witness: which checkpoints of other logs we cosign (C2SP tlog-witness v1.0.0, formats.md 6).

The decision is a pure function of the stored row and the request (`judge`). The row is changed before the
answer is given, by compare-and-swap on the size that the decision was based on: of two requests that race,
one is answered with a cosignature and the other with 409.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

import sqlalchemy as sa

from federation import peers, seen
from federation.endpoints import Answer
from federation.node import Node
from federation.seen import SeenRow
from governance import limits
from governance.errors import (
    BadProof,
    BadSignature,
    Malformed,
    MalformedProof,
    MalformedRequest,
    RateLimited,
    TooLarge,
)
from governance.http.limits import Buckets
from governance.log.checkpoint import Checkpoint, checked, parse_checkpoint
from governance.log.cosignature import cosign, cosignature_time, verifier_for
from governance.log.merkle import HASH
from governance.log.proofs import verify_consistency
from governance.signing.lines import exact_base64, exact_decimal, printable
from governance.signing.note import Note, NoteSignature, Verifier, open_note, parse_note, parse_vkey

SIZE: Final = "text/x.tlog.size"
LIMIT: Final = limits.NOTE + 4096
"""Longest request: a note, `old <size>` and 63 hashes of 45 bytes."""
_unknown: Final = Buckets(rate=5, burst=50)
_known: Final = Buckets(rate=5, burst=100)
_lock: Final = Lock()

Accuse = Callable[[Node, SeenRow, bytes], None]
"""(node, row, note): the note contradicts the one in the row, and the log has signed both."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A request to cosign; nothing of it is verified."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Verdict:
    """An HTTP status with its reason; `note` is the text with the log's verified lines, where those are right.

    `fork` says that this note and the one in the row have one size and two roots.
    """

    status: int
    reason: str = ""
    note: Note | None = None
    fork: bool = False


def parse_submission(body: bytes) -> Submission:
    """The parts of the body of add-checkpoint; the signature lines are not read yet.

    Raises:
        Malformed: any other structure, or an old size above that of the checkpoint.
    """
    if len(body) > LIMIT:
        raise TooLarge(f"a checkpoint with its proof may have {LIMIT} bytes")
    head, separator, note = body.partition(b"\n\n")
    text = printable(head)
    if text is None or not separator:
        raise MalformedRequest("the body is `old <size>`, proof lines, an empty line and a checkpoint")
    first, *lines = text.split("\n")
    old = exact_decimal(first.removeprefix("old "), limits.TREE_SIZE)
    if old is None or not first.startswith("old "):
        raise MalformedRequest("the first line is `old <size>`, decimal without leading zeroes")
    if len(lines) > limits.PROOF_HASHES:
        raise MalformedProof(f"a consistency proof has at most {limits.PROOF_HASHES} hashes")
    checkpoint = parse_checkpoint(note[: note.rfind(b"\n\n") + 1])
    if old > checkpoint.size:
        raise MalformedRequest(f"the old size {old} is above {checkpoint.size}, that of the checkpoint")
    return Submission(old, tuple(_hash(line) for line in lines), note, checkpoint)


def _hash(line: str) -> bytes:
    raw = exact_base64(line)
    if raw is None or len(raw) != HASH:
        raise MalformedProof("a line of the proof is a hash of 32 bytes in base64")
    return raw


def judge(row: SeenRow, submission: Submission, verifiers: Sequence[Verifier]) -> Verdict:
    """Whether a checkpoint is signed by its log and extends what we have seen; in the order of the clause.

    Args:
        row: what we have seen of this origin.
        submission: about the same origin.
        verifiers: of the log's trusted keys; none when they are not trusted any more.
    """
    if row.frozen is not None:
        return Verdict(403, f"this log is frozen: it was forked, see the evidence {row.frozen}")
    try:
        note = open_note(submission.note, verifiers)
        new = checked(note, verifiers)
    except Malformed as e:
        return Verdict(400, e.detail)
    except BadSignature as e:
        return Verdict(403, e.detail)
    fork = bool(row.note) and new.size == row.size and new.root != row.root
    if submission.old != row.size:
        return Verdict(409, str(row.size), note, fork)
    try:
        _extends(row, new, submission.proof)
    except (BadProof, MalformedProof) as e:
        return Verdict(422, e.detail, note, fork)
    return Verdict(200, "", note)


def _extends(row: SeenRow, new: Checkpoint, proof: Sequence[bytes]) -> None:
    if row.size:
        verify_consistency(row.size, row.root, new.size, new.root, proof)
    elif proof:
        raise MalformedProof("after size 0 the consistency proof is empty")
    elif new.size == 0 and new.root != row.root:
        raise BadProof("this is not the root of the empty tree")


def add_checkpoint(node: Node, body: bytes, now: int, accuse: Accuse) -> Answer:
    """The answer to `POST …/add-checkpoint`: 200 with our lines, once they are stored.

    Args:
        node: we.
        body: as it came.
        now: Unix seconds, not 0.
        accuse: told when the log has signed two trees of one size; stores the evidence, freezes the log.
    """
    try:
        submission = parse_submission(body)
        while True:
            row, verifiers = _known_log(node, submission.checkpoint.origin, now)
            if row is None:
                return _plain(404, "this witness does not know the log")
            verdict = judge(row, submission, verifiers)
            if verdict.fork:
                accuse(node, row, bytes(verdict.note or b""))
            if verdict.status == 409:
                return Answer(409, f"{verdict.reason}\n".encode(), SIZE)
            if verdict.status != 200 or verdict.note is None:
                return _plain(verdict.status, verdict.reason)
            lines = _cosigned(node, row, submission.checkpoint, verdict.note, now)
            if lines is not None:
                return Answer(200, "".join(map(str, lines)).encode())
            # Somebody else was quicker: what they stored makes this a 409, or a fork.
    except Malformed as e:
        return _plain(400, e.detail)
    except RateLimited as e:
        return Answer(429, f"{e.detail}\n".encode(), headers={"retry-after": str(e.retry_after)})


def _plain(status: int, reason: str) -> Answer:
    return Answer(status, f"{reason}\n".encode())


def _cosigned(
    node: Node, row: SeenRow, new: Checkpoint, note: Note, now: int
) -> tuple[NoteSignature, ...] | None:
    """Our lines, stored; None when the row has changed since it was read."""
    if new.size == row.size and (repeated := _lines_at(node, row, now)):
        return repeated
    take(_known, f"{node.own.instance} {row.origin}", now)
    lines = tuple(cosign(note.text, cosigner, now) for cosigner in node.keys.witness)
    with node.db.write() as conn:
        stored = seen.advance(
            conn,
            row.origin,
            row.size,
            size=new.size,
            root=new.root,
            note=bytes(note),
            now=now,
            cosigned=bytes(Note(note.text, (*note.signatures, *lines))),
        )
    return lines if stored else None


def _lines_at(node: Node, row: SeenRow, now: int) -> tuple[NoteSignature, ...]:
    """The lines that we made for the row's checkpoint within this very second, if that is so.

    Anybody can send a public checkpoint again and again: that must neither cost writes nor the log's tokens.
    """
    if not row.cosigned.startswith(parse_note(row.note).text if row.note else b"\n"):
        return ()
    own = {(cosigner.key.name, cosigner.key.key_id) for cosigner in node.keys.witness}
    lines = tuple(s for s in parse_note(row.cosigned).signatures if (s.name, s.key_id) in own)
    fresh = len(lines) == len(own) and all(cosignature_time(s.signature) == now for s in lines)
    return lines if fresh else ()


def take(buckets: Buckets, name: str, now: int) -> None:
    """Take a token.

    Raises:
        RateLimited: there is none; says when there is.
    """
    try:
        with _lock:
            buckets.take(name, now)
    except RateLimited as e:
        raise RateLimited("too many checkpoints at once; nothing was cosigned", retry_after=e.retry_after) from e


def _known_log(node: Node, origin: str, now: int) -> tuple[SeenRow | None, list[Verifier]]:
    with node.db.read() as conn:
        row = seen.get(conn, origin)
        if row is not None:
            return row, _trusted(node, conn, row)
    take(_unknown, node.own.instance, now)
    with node.db.write() as conn:
        found = _discovered(node, conn, origin)
        if found is None:
            return None, []
        seen.learn(conn, *found)
        row = seen.get(conn, origin)
        return row, [] if row is None else _trusted(node, conn, row)


def _trusted(node: Node, conn: sa.Connection, row: SeenRow) -> list[Verifier]:
    """The keys that may sign for a log today; a log that is not followed any more keeps its row."""
    if row.peer is None:
        return [verifier_for(log.key) for log in node.foreign.logs if log.key.name == row.origin]
    peer = peers.get(conn, row.peer)
    return [verifier_for(parse_vkey(row.vkey))] if peer is not None and peer.follows else []


def _discovered(node: Node, conn: sa.Connection, origin: str) -> tuple[str, str, str | None] | None:
    """Origin, vkey and peer of a log that the policy file names, or that is a followed peer's instance log."""
    for log in node.foreign.logs:
        if log.key.name == origin:
            return origin, str(log.key), None
    claims = [
        (origin, document.vkey, row.id)
        for row in peers.everybody(conn)
        if row.follows and (document := row.instance) is not None and document.origin == origin
    ]
    # Two that claim one origin: whoever came first is not thereby right.
    return claims[0] if len(claims) == 1 else None
