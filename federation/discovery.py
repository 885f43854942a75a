"""What the entries of a copied log name: further logs, blobs, the identity document, a result.

Entries are a stranger's bytes. An entry that we cannot read is copied all the same; a log that is named is
followed only at the one origin that its place gives it, below that of its instance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from federation.copy_rows import BALLOT, INSTANCE, SPACE
from governance.errors import GovernanceError
from governance.signing.envelope import parse_normal
from governance.signing.note import parse_vkey
from governance.statements.base import BlobRef, parse_statement
from governance.statements.closing import Outcome
from governance.statements.instance import Instance, SpaceNotice
from governance.statements.space import BallotNotice
from governance.statements.vote import Vote

_VOTE: Final = f'"payloadType":"{Vote.payload_type()}"'.encode()
_PARENT: Final = {SpaceNotice.payload_type(): INSTANCE, BallotNotice.payload_type(): SPACE}


@dataclass(frozen=True, slots=True)
class NamedLog:
    """A log that an entry names."""

    origin: str
    vkey: str
    kind: str


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
    for ref in blobs_of(envelope.payload):
        named.blobs[ref.digest] = ref
    name = envelope.payload_type
    try:
        if _PARENT.get(name) == kind:
            log = _notice(parse_statement(name, envelope.payload), origin)
            if log is not None:
                named.logs.setdefault(log.origin, log)
        elif name == Instance.payload_type() and kind == INSTANCE:
            named.document = data
        elif name == Outcome.payload_type() and kind == BALLOT:
            statement = parse_statement(name, envelope.payload)
            named.outcome = statement.result if isinstance(statement, Outcome) else None
    except GovernanceError:
        return


def _notice(statement: object, parent: str) -> NamedLog | None:
    """The log of a notice, if it is where a log of that name belongs and its key is named like it."""
    if isinstance(statement, SpaceNotice):
        origin, kind = f"{parent.removesuffix('/instance')}/spaces/{statement.space}", SPACE
    elif isinstance(statement, BallotNotice):
        origin, kind = f"{parent}/ballots/{statement.ballot}", BALLOT
    else:
        return None
    if statement.origin != origin or parse_vkey(statement.vkey).name != origin:
        return None
    return NamedLog(origin, statement.vkey, kind)


def blobs_of(payload: bytes) -> Iterator[BlobRef]:
    """The blobs that a payload names anywhere: every object of a digest and a length and nothing else."""
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
