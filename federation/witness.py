"""The witness: which checkpoints of other logs we cosign (C2SP tlog-witness v1.0.0, formats.md 6).

The decision is made by pure functions of the stored row and the request. The row is changed before the
answer is given, by compare-and-swap on the size that the decision was based on: of two requests that race,
one is answered with a cosignature and the other with 409.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

import sqlalchemy as sa

from federation import peers, seen, succession
from federation.endpoints import Answer
from federation.node import Node
from federation.seen import SeenRow
from governance import limits
from governance.errors import (
    BadProof,
    BadSignature,
    MalformedProof,
    MalformedRequest,
    NotAuthorised,
    NotFound,
    RateLimited,
    TooLarge,
    Unavailable,
)
from governance.http.limits import Buckets
from governance.log.checkpoint import Checkpoint, checked, parse_checkpoint
from governance.log.cosignature import Cosigner, cosign, cosignature_time, verifier_for
from governance.log.merkle import HASH
from governance.log.proofs import verify_consistency
from governance.signing.lines import exact_base64, exact_decimal, printable
from governance.signing.note import Note, NoteSignature, Verifier, open_note, parse_note, parse_vkey

SIZE: Final = "text/x.tlog.size"
LIMIT: Final = limits.NOTE + 4096
"""Longest request: a note, `old <size>` and 63 hashes of 45 bytes."""
UNKNOWN: Final = Buckets(rate=20, burst=200)
"""What questions about logs that we do not know may cost, all together."""
KNOWN: Final = Buckets(rate=5, burst=100)
"""Cosignatures of one log."""
SILENT: Final = "this instance cosigns nothing before its identity document names its present keys"
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


def opened(row: SeenRow, submission: Submission, verifiers: Sequence[Verifier]) -> Note:
    """The note with the lines of its log, verified.

    Args:
        row: what we have seen of this origin.
        submission: about the same origin.
        verifiers: of the log's trusted keys; none when they are not trusted any more.

    Raises:
        NotAuthorised: the log is frozen, or no trusted key of it signed, or a line of such a key fails.
        Malformed: not a signed note.
    """
    if row.frozen is not None:
        raise NotAuthorised(f"this log is frozen, because it was forked: see the evidence {row.frozen}")
    try:
        note = open_note(submission.note, verifiers)
        checked(note, verifiers)
    except BadSignature as e:
        raise NotAuthorised(e.detail) from e
    return note


def is_fork(row: SeenRow, new: Checkpoint) -> bool:
    """Whether a checkpoint that its log signed and the one in the row have one size and two roots."""
    return bool(row.note) and new.size == row.size and new.root != row.root


def check_extends(row: SeenRow, new: Checkpoint, proof: Sequence[bytes]) -> None:
    """The checkpoint's tree extends the one in the row, as the proof shows.

    Raises:
        BadProof: it does not, or another size or shape of proof belongs here.
    """
    try:
        if row.size:
            verify_consistency(row.size, row.root, new.size, new.root, proof)
        elif proof:
            raise BadProof("after size 0 the consistency proof is empty")
        elif new.size == 0 and new.root != row.root:
            raise BadProof("this is not the root of the empty tree")
    except MalformedProof as e:
        raise BadProof(e.detail) from e


def add_checkpoint(node: Node, body: bytes, now: int, accuse: Accuse) -> Answer:
    """The answer to `POST …/add-checkpoint`: 200 with our lines, once they are stored, or 409 with our size.

    Args:
        node: we.
        body: as it came.
        now: Unix seconds, not 0.
        accuse: told when the log has signed two trees of one size; stores the evidence, freezes the log.

    Raises:
        Malformed: 400, 413. NotFound: 404, an unknown origin, before any cryptography.
        NotAuthorised: 403. BadProof: 422. RateLimited: 429. Unavailable: 503, no key of ours may sign now.
    """
    submission = parse_submission(body)
    new = submission.checkpoint
    while True:
        row, verifiers = _known_log(node, new.origin, now)
        note = opened(row, submission, verifiers)
        if succession.is_new(row):
            succession.check(node, row)
        if is_fork(row, new):
            accuse(node, row, bytes(note))
        if submission.old != row.size:
            return Answer(409, f"{row.size}\n".encode(), SIZE)
        check_extends(row, new, submission.proof)
        lines = _cosigned(node, row, new, note, now)
        if lines is not None:
            return Answer(200, "".join(map(str, lines)).encode())
        # Somebody else was quicker: what they stored makes this a 409, or a fork.


def _cosigned(
    node: Node, row: SeenRow, new: Checkpoint, note: Note, now: int
) -> tuple[NoteSignature, ...] | None:
    """Our lines, stored; None when the row has changed since it was read."""
    cosigners = node.cosigning.witness
    if not cosigners:
        raise Unavailable(SILENT, retry_after=60)
    if new.size == row.size and (repeated := _lines_at(row, cosigners, now)):
        return repeated
    take(KNOWN, f"{node.own.instance} {row.origin}", now)
    lines = tuple(cosign(note.text, cosigner, now) for cosigner in cosigners)
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


def _lines_at(row: SeenRow, cosigners: Sequence[Cosigner], now: int) -> tuple[NoteSignature, ...]:
    """The lines that we made for the row's checkpoint within this very second, if that is so.

    Anybody can send a public checkpoint again and again: that must neither cost writes nor the log's tokens.
    """
    if not row.cosigned.startswith(parse_note(row.note).text if row.note else b"\n"):
        return ()
    own = {(cosigner.key.name, cosigner.key.key_id) for cosigner in cosigners}
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
        raise RateLimited(
            "too many checkpoints at once; nothing was cosigned", retry_after=e.retry_after
        ) from e


def _known_log(node: Node, origin: str, now: int) -> tuple[SeenRow, list[Verifier]]:
    with node.db.read() as conn:
        row = seen.get(conn, origin)
        if row is not None:
            return row, _trusted(node, conn, row)
    take(UNKNOWN, node.own.instance, now)
    with node.db.read() as conn:
        found = _discovered(node, conn, origin)
    if found is None:
        raise NotFound("this witness does not know the log")
    with node.db.write() as conn:
        new = SeenRow(*found)
        seen.learn(conn, new)
        row = seen.get(conn, origin) or new
        return row, _trusted(node, conn, row)


def _trusted(node: Node, conn: sa.Connection, row: SeenRow) -> list[Verifier]:
    """The keys that may sign for a log today; a log that is not followed any more keeps its row."""
    if row.peer is None:
        return [verifier_for(log.key) for log in node.foreign.logs if log.key.name == row.origin]
    peer = peers.get(conn, row.peer)
    return [verifier_for(parse_vkey(row.vkey))] if peer is not None and peer.follows else []


def _discovered(node: Node, conn: sa.Connection, origin: str) -> tuple[str, str, str | None] | None:
    """Origin, vkey and peer of a log that the policy file names, or that a followed peer names as its own."""
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
