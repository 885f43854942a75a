"""Cosignatures of our own checkpoints: kept as they arrive, shown with checkpoints, receipts and ballots.

A ballot with a witness policy is counted once a checkpoint that covers its close satisfies it (protocol 4).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from governance import limits
from governance.errors import Behind, IntegrityFault, NotFound
from governance.log.checkpoint import Checkpoint, checked
from governance.log.cosignature import verifier_for
from governance.log.policy import Policy
from governance.replay.definition import witness_policy
from governance.service.answers import Standing
from governance.service.core import Service
from governance.signing.note import (
    ED25519,
    Note,
    NoteSignature,
    Verifier,
    VerifierKey,
    open_note,
    parse_note,
    parse_vkey,
)
from governance.statements.ballot import Ballot
from governance.statements.entry import read_entry
from governance.store import cosigned, entries
from governance.store.cosigned import CosignedNote
from governance.store.entries import LogHead

_log: Final = logging.getLogger("althing.cosigned")


def record(service: Service, origin: str, note: bytes, verifiers: Sequence[Verifier]) -> None:
    """Keep the cosignatures by these verifiers that a checkpoint of ours carries.

    The first line of each key stays: what it proves, that the tree was seen by then, no later one improves.
    Lines of other keys are dropped.

    Raises:
        NotFound: we keep no such log.
        MalformedNote, TooLarge, BadSignature: not a checkpoint that our log signed, or a wrong line.
        Behind: our log signed it, and our records do not lead to it.
    """
    with service.store.snapshot() as conn:
        head = entries.head_at(conn, origin)
        policy = _policy_of(conn, head)
        known = [verifier_for(parse_vkey(head.vkey)), *_cosigners(verifiers, policy)]
        opened = open_note(note, known)
        checkpoint = checked(opened, known[:1])
        _check_ours(conn, head, checkpoint)
        asked = [known[0].key, *(() if policy is None else (w.key for w in policy.witnesses))]
        before = cosigned.at_size(conn, head.id, checkpoint.size)
    if len(opened.signatures) == 1 or _merged(before, opened, asked) == before:
        return
    with service.store.write() as conn:
        cosigned.lock(conn, head.id)
        merged = _merged(cosigned.at_size(conn, head.id, checkpoint.size), opened, asked)
        final = policy is not None and _satisfies(merged, policy)
        cosigned.keep(conn, head.id, CosignedNote(checkpoint.size, merged, final))
    service.feed.cosigned(origin, checkpoint.size)


def _cosigners(verifiers: Sequence[Verifier], policy: Policy | None) -> list[Verifier]:
    """Those that cosign, without any that passes for a key of the policy: ids are four bytes of a digest."""
    meant = {} if policy is None else {_identity(w.key): w.key for w in policy.witnesses}
    return [v for v in verifiers if v.key.kind != ED25519 and meant.get(_identity(v.key), v.key) == v.key]


def _identity(line: NoteSignature | VerifierKey) -> tuple[str, bytes]:
    return line.name, line.key_id


def _check_ours(conn: sa.Connection, head: LogHead, seen: Checkpoint) -> None:
    """That the stored hashes lead to a checkpoint which our log's key has signed.

    Raises:
        Behind: they do not: records were lost, or two of us write this log.
    """
    root = None
    if seen.size <= head.size:
        root = entries.root_at(conn, head, seen.size)
    if root is None or seen != Checkpoint(head.origin, seen.size, root):
        why = "another root than our records lead to" if root else f"more than our {head.size} entries"
        _log.critical("%s: a witness shows our signature on size %d with %s", head.origin, seen.size, why)
        detail = f"our log signed size {seen.size} of {head.origin} with {why}"
        raise Behind(detail, origin=head.origin, size=head.size, seen=seen.size)


def _policy_of(conn: sa.Connection, head: LogHead) -> Policy | None:
    if head.kind != "ballot" or head.size == 0:
        return None
    (first,) = entries.read_entries(conn, head.id, 0, 1)
    ballot = read_entry(first).statement
    if not isinstance(ballot, Ballot):
        raise IntegrityFault(f"the log {head.origin} does not begin with a definition")
    return witness_policy(ballot)


def _merged(known: bytes | None, new: Note, asked: Sequence[VerifierKey]) -> bytes:
    """The note with the lines of both, the first of each key and those of keys asked for before others.

    A note has an end: what does not fit is left out.
    """
    lines: dict[tuple[str, bytes], NoteSignature] = {}
    for line in (*(() if known is None else parse_note(known).signatures), *new.signatures):
        lines.setdefault(_identity(line), line)
    order = {_identity(key): rank for rank, key in enumerate(asked)}
    room = limits.NOTE - len(new.text) - 1
    kept: list[NoteSignature] = []
    for line in sorted(lines.values(), key=lambda line: order.get(_identity(line), len(order))):
        room -= len(str(line).encode())
        if room < 0 or len(kept) == limits.NOTE_SIGNATURES:
            break
        kept.append(line)
    return bytes(Note(new.text, tuple(kept)))


def _satisfies(note: bytes, policy: Policy) -> bool:
    """Whether the lines of a note, each verified when it came, make the quorum."""
    present = {_identity(line) for line in parse_note(note).signatures}
    return policy.satisfied_by([w.key for w in policy.witnesses if _identity(w.key) in present])


def best(conn: sa.Connection, head: LogHead) -> bytes:
    """The public file `cosigned`: the largest tree that satisfies the policy, else that anybody cosigned.

    Raises:
        NotFound: nobody has cosigned this log.
    """
    found = cosigned.from_size(conn, head.id)
    if not found:
        raise NotFound(f"nobody has cosigned {head.origin} yet")
    return found[0].note


def published(conn: sa.Connection, head: LogHead) -> bytes:
    """The public file `checkpoint`: the newest one, with the cosignatures that there are for this size."""
    return cosigned.at_size(conn, head.id, head.size) or head.checkpoint


def lines_at(conn: sa.Connection, head: LogHead, size: int) -> tuple[NoteSignature, ...]:
    """The cosignature lines for the checkpoint of that size."""
    note = cosigned.at_size(conn, head.id, size)
    return () if note is None else cosignatures(note, head.origin)


def cosignatures(note: bytes, origin: str) -> tuple[NoteSignature, ...]:
    """The lines of a stored note that are not the log's own."""
    return tuple(line for line in parse_note(note).signatures if line.name != origin)


def covering(conn: sa.Connection, head: LogHead, size: int) -> CosignedNote:
    """The checkpoint of at least that size with the strongest support; the present one when it has none.

    One that satisfies the policy comes first, then more cosignatures, then the larger tree.
    """
    found = cosigned.from_size(conn, head.id, size)
    present = CosignedNote(head.size, head.checkpoint, final=False)
    return max(
        [present, *found],
        key=lambda n: (n.final, len(cosignatures(n.note, head.origin)), n.size),
    )


def standing(conn: sa.Connection, head: LogHead, size: int) -> tuple[Standing, list[str]]:
    """What witnesses make of the first `size` entries of a ballot's log, and who cosigned those."""
    found = covering(conn, head, size)
    names = sorted({line.name for line in cosignatures(found.note, head.origin)})
    if _policy_of(conn, head) is None:
        return "unwitnessed", names
    return ("final" if found.final else "provisional"), names
