"""What federation asks of the instance it belongs to: its own logs, and whom its operator trusts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from governance.audit.source import PublicFiles
from governance.signing.note import Verifier
from governance.statements.entry import Entry
from governance.statements.peer import Peer


@dataclass(frozen=True, slots=True)
class OwnHead:
    """A log of ours as it stands; `checkpoint` carries our signature alone."""

    origin: str
    vkey: str
    size: int
    root: bytes
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class Decision:
    """What the operator last ordered about a peer, and the identity of that order."""

    order: Peer
    digest: str


class OwnLogs(Protocol):
    """The own instance, as the rest of federation sees it."""

    @property
    def base_url(self) -> str:
        """The configured public URL, which signatures of requests name."""
        ...

    @property
    def instance(self) -> str:
        """The own instance id."""
        ...

    def document(self) -> Entry:
        """The latest identity document (an `instance` statement)."""
        ...

    def may_cosign(self) -> frozenset[str]:
        """The verifier keys to cosign with: those the latest identity document names; none while held."""
        ...

    def decisions(self) -> Mapping[str, Decision]:
        """What the operator last decided about each peer, by instance id."""
        ...

    def heads(self) -> list[OwnHead]:
        """All logs of ours but burnt ones, oldest first."""
        ...

    def head(self, origin: str) -> OwnHead:
        """One log of ours, burnt or not.

        Raises:
            NotFound: we keep no such log.
        """
        ...

    def consistency(self, origin: str, old: int, new: int) -> list[bytes]:
        """The proof between two sizes of one of our logs, 1 <= old <= new <= its size.

        Raises:
            NotFound, MalformedProof: there is none.
        """
        ...

    def files(self) -> PublicFiles:
        """Our public files as others fetch them."""
        ...

    def cosigned(self, origin: str, note: bytes, verifiers: list[Verifier]) -> None:
        """Keep the cosignatures of known verifiers that a note of ours carries.

        Raises:
            Malformed, Refused: it is no checkpoint of ours.
        """
        ...

    def log_evidence(self, origin: str, evidence: bytes) -> None:
        """Record evidence against a log in our own instance log; again changes nothing."""
        ...

    def sealed_keys(self) -> bytes:
        """Our keys but the root key, sealed to it (`federation.backup`)."""
        ...


class Database(Protocol):
    """Where federation keeps its rows: `governance.store.engine.Store`, or a database in memory."""

    def read(self) -> AbstractContextManager[sa.Connection]:
        """A connection in a reading transaction."""
        ...

    def write(self) -> AbstractContextManager[sa.Connection]:
        """A connection in a writing transaction, committed at the end of the block."""
        ...
