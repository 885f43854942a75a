"""What the entries of a copied log name: further logs, blobs, the identity document, a result.

Entries are a stranger's bytes. An entry that we cannot read is copied all the same; a log that is named is
followed only at the one origin that its place gives it, below that of its instance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from federation.copy_rows import BALLOT, INSTANCE, SPACE
from governance.errors import GovernanceError
from governance.log.lineage import name_of, next_origin, place_of
from governance.signing.envelope import Envelope, parse_normal
from governance.signing.note import parse_vkey
from governance.statements.base import BlobRef, Statement, parse_statement
from governance.statements.closing import Outcome
from governance.statements.instance import Instance, LogSuccessor, SpaceNotice
from governance.statements.space import BallotNotice
from governance.statements.vote import Vote

_VOTE: Final = f'"payloadType":"{Vote.payload_type()}"'.encode()
_NOTICES: Final = {kind.payload_type() for kind in (SpaceNotice, BallotNotice, LogSuccessor)}
_PARENT: Final = {SPACE: INSTANCE, BALLOT: SPACE}


@dataclass(frozen=True, slots=True)
class NamedLog:
    """A log that an entry names; `name` is the space or the ballot.

    `begins` are size and root of the entries with which a successor begins, `burnt` the log that has it.
    """

    origin: str
    vkey: str
    kind: str
    name: str = ""
    begins: tuple[int, bytes] | None = None
    burnt: str | None = None


@dataclass(slots=True)
class Named:
    """What the entries looked at name; `document` and `outcome` are the last ones of their kind."""

    logs: dict[str, NamedLog] = field(default_factory=dict)
    blobs: dict[str, BlobRef] = field(default_factory=dict)
    document: bytes | None = None
    outcome: BlobRef | None = None


def scan(kind: str, origin: str, bundle: bytes, entries: list[bytes], named: Named) -> None:
    """Add what the entries of a bundle name.

    Args:
        kind: of the log.
        origin: of the log.
        bundle: the bytes of the bundle.
        entries: what it holds.
        named: is added to.
    """
    # Votes name nothing, and most bundles hold nothing else.
    if kind == BALLOT and bundle.count(_VOTE) >= len(entries):
        return
    for entry in entries:
        if _VOTE not in entry or kind != BALLOT:
            _look(kind, origin, entry, named)


def _look(kind: str, origin: str, data: bytes, named: Named) -> None:
    try:
        envelope = parse_normal(data)
    except GovernanceError:
        return
    for ref in _blobs_in(envelope.payload):
        named.blobs[ref.digest] = ref
    log = _notice(envelope)
    if log is not None and _fits(kind, origin, log):
        named.logs.setdefault(log.origin, log)
    if envelope.payload_type == Instance.payload_type() and kind == INSTANCE:
        named.document = data
    elif envelope.payload_type == Outcome.payload_type() and kind == BALLOT:
        statement = _statement(envelope)
        named.outcome = statement.result if isinstance(statement, Outcome) else named.outcome


def _fits(kind: str, origin: str, log: NamedLog) -> bool:
    """Whether a log of that kind and origin may name this one."""
    if log.burnt is not None:
        base = origin.removesuffix("/instance")
        return kind == INSTANCE and log.origin.startswith(f"{base}/") and log.origin == next_origin(log.burnt)
    # A space that goes on elsewhere names its ballots as before.
    return _PARENT[log.kind] == kind and log.origin == _below(name_of(origin), log)


def _statement(envelope: Envelope) -> Statement | None:
    try:
        return parse_statement(envelope.payload_type, envelope.payload)
    except GovernanceError:
        return None


def _notice(envelope: Envelope) -> NamedLog | None:
    """The log of a notice, if its key is named like it."""
    if envelope.payload_type not in _NOTICES:
        return None
    statement = _statement(envelope)
    if isinstance(statement, LogSuccessor):
        return _successor(statement)
    if not isinstance(statement, SpaceNotice | BallotNotice) or not _is_named(
        statement.vkey, statement.origin
    ):
        return None
    kind = SPACE if isinstance(statement, SpaceNotice) else BALLOT
    name = statement.space if isinstance(statement, SpaceNotice) else statement.ballot
    return NamedLog(statement.origin, statement.vkey, kind, name)


def _successor(new: LogSuccessor) -> NamedLog | None:
    """The log that goes on in the place of a burnt one."""
    space, ballot = place_of(new.successor)
    if space is None or not _is_named(new.vkey, new.successor):
        return None
    begins = new.size, bytes.fromhex(new.root)
    return NamedLog(new.successor, new.vkey, BALLOT if ballot else SPACE, ballot or space, begins, new.origin)


def _is_named(vkey: str, origin: str) -> bool:
    try:
        return parse_vkey(vkey).name == origin
    except GovernanceError:
        return False


def _below(parent: str, log: NamedLog) -> str:
    """Where a log of that name belongs below the one that names it."""
    return f"{parent.removesuffix('/instance') if log.kind == SPACE else parent}/{log.kind}s/{log.name}"


def named_logs(entries: Iterable[bytes]) -> Iterator[NamedLog]:
    """The logs that entries of an instance's or space's log of our own name."""
    for data in entries:
        try:
            log = _notice(parse_normal(data))
        except GovernanceError:
            continue
        if log is not None:
            yield log


def blobs_of(entries: Iterable[bytes]) -> Iterator[BlobRef]:
    """The blobs that entries name anywhere, each once."""
    found: dict[str, BlobRef] = {}
    for data in entries:
        try:
            payload = parse_normal(data).payload
        except GovernanceError:
            continue
        found |= {ref.digest: ref for ref in _blobs_in(payload)}
    return iter(found.values())


def _blobs_in(payload: bytes) -> Iterator[BlobRef]:
    """Every object of a digest and a length and nothing else."""
    if b'"digest"' not in payload:
        return
    try:
        stack: list[Any] = [msgspec.json.decode(payload)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack.extend(value)
        elif isinstance(value, dict):
            if value.keys() == {"digest", "length"}:
                yield from _blob(value)
            stack.extend(value.values())


def _blob(value: dict[str, Any]) -> Iterator[BlobRef]:
    try:
        yield msgspec.convert(value, BlobRef)
    except msgspec.ValidationError:
        return
