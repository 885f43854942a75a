"""The tables of federation: what other instances are and said, and what is still to be done with them.

Nothing here is truth about our own logs; losing these tables costs a catch-up and forgets the heads that were
seen of others, which is why a backup holds them. STRICT on SQLite, as all tables.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import SQLModel

from governance.store.entries import table_of
from governance.store.tables import STRICT, blob_column, integer_column, key, text_column


class _Table(SQLModel):
    """Tables of this package, in metadata of their own: the core's migrations do not know them."""

    metadata: ClassVar[sa.MetaData] = sa.MetaData(naming_convention=SQLModel.metadata.naming_convention)


def optional_text() -> Any:
    """A text column that may be NULL."""
    return text_column(default=None, nullable=True)


class FedPeer(_Table, table=True):
    """Another instance: its pinned identity document, and how the contact with it stands.

    `state` is what our operator decided (see `federation.peers`), `theirs` what theirs did, by its last word.
    `document` is empty before it was fetched; `quarantine` says why nothing of it is believed any more.
    """

    __tablename__ = "fed_peers"
    __table_args__ = (STRICT,)

    id: str = key(sa.Text)
    base_url: str = text_column()
    name: str = text_column()
    state: str = text_column()
    theirs: str | None = optional_text()
    reason: str = text_column()
    document: bytes = blob_column()
    serial: int = integer_column()
    checked_at: int = integer_column()
    contact_at: int = integer_column()
    skew: int = integer_column()
    quarantine: str | None = optional_text()


class FedSeen(_Table, table=True):
    """The largest consistent tree seen of a log that is not ours: the row of the compare-and-swap.

    `note` is the checkpoint with its log's signature lines, `cosigned` the same with our witness lines once
    there are any. `frozen` is the digest of evidence against the log: nothing of it is cosigned again.
    """

    __tablename__ = "fed_seen"
    __table_args__ = (STRICT,)

    origin: str = key(sa.Text)
    vkey: str = text_column()
    peer: str | None = optional_text()
    size: int = integer_column()
    root: bytes = blob_column()
    note: bytes = blob_column()
    cosigned: bytes = blob_column()
    frozen: str | None = optional_text()
    seen_at: int = integer_column()


class FedCopy(_Table, table=True):
    """How much of a log we have stored and verified, entry by entry; the files hold the bytes.

    `cosigned` is the checkpoint of that size with our mirror lines; `returned` the size up to which its log
    has them; `scrub_next` the bundle that is read again next, to see whether the disk still holds it.
    """

    __tablename__ = "fed_copies"
    __table_args__ = (STRICT,)

    origin: str = key(sa.Text)
    peer: str = text_column()
    kind: str = text_column()
    size: int = integer_column()
    root: bytes = blob_column()
    cosigned: bytes = blob_column()
    returned: int = integer_column()
    checked_at: int = integer_column()
    scrubbed_at: int = integer_column()
    scrub_next: int = integer_column()
    damaged: str | None = optional_text()


class FedWitnessed(_Table, table=True):
    """What a witness has acknowledged of a log of ours: its last size."""

    __tablename__ = "fed_witnessed"
    __table_args__ = (STRICT,)

    witness: str = key(sa.Text)
    origin: str = key(sa.Text)
    size: int = integer_column()
    at: int = integer_column()


class FedErrand(_Table, table=True):
    """Something to do with a peer, again and again; `attempts` failed ones in a row since `last_ok`.

    `woken` counts calls to do it at once, so that one that comes while it is being done is not lost.
    """

    __tablename__ = "fed_errands"
    __table_args__ = (STRICT,)

    peer: str = key(sa.Text)
    kind: str = key(sa.Text)
    due_at: int = integer_column()
    attempts: int = integer_column()
    error: str = text_column()
    last_ok: int = integer_column()
    woken: int = integer_column()


class FedNonce(_Table, table=True):
    """A nonce of a signed request, kept until the request would be too old anyway."""

    __tablename__ = "fed_nonces"
    __table_args__ = (STRICT,)

    sender: str = key(sa.Text)
    nonce: str = key(sa.Text)
    expires: int = integer_column()


class FedEvidence(_Table, table=True):
    """Verified evidence of a split view; never deleted."""

    __tablename__ = "fed_evidence"
    __table_args__ = (STRICT,)

    digest: str = key(sa.Text)
    origin: str = text_column()
    data: bytes = blob_column()
    found_at: int = integer_column()
    source: str = text_column()
    logged: int = integer_column()


class FedTold(_Table, table=True):
    """Which peer has which evidence from us already."""

    __tablename__ = "fed_told"
    __table_args__ = (STRICT,)

    peer: str = key(sa.Text)
    digest: str = key(sa.Text)


metadata: Final = _Table.metadata
peers: Final = table_of(FedPeer)
seen: Final = table_of(FedSeen)
copies: Final = table_of(FedCopy)
witnessed: Final = table_of(FedWitnessed)
errands: Final = table_of(FedErrand)
nonces: Final = table_of(FedNonce)
evidence: Final = table_of(FedEvidence)
told: Final = table_of(FedTold)
