"""Identity documents: those of peers, read and followed from one to the next; and our own, kept fresh.

The rules are those of the instance log's fold (`governance.replay.instance`). What is pinned of a peer is a
document that was verified; a later one is believed when it leads on from there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from mnemonic import Mnemonic

from governance.errors import IdentityChanged, InvalidStatement, Refused, SetupFault
from governance.replay.instance import WEEK, check_document, check_first, check_next
from governance.service.batch import Batch, Committed
from governance.service.core import Service
from governance.service.instance import base_of, key_of, public, signed
from governance.signing.keyfile import PrivateKey
from governance.statements.base import KINDS
from governance.statements.entry import Entry, read_envelope
from governance.statements.instance import Federation, Instance, Versions, instance_id

PROTOCOL: Final = Versions(1, 1)
_WORDS: Final = Mnemonic("english")
_log: Final = logging.getLogger("althing.federation")


def fingerprint_words(instance: str) -> str:
    """The first 128 bits of an instance id as twelve words with a checksum (BIP 39), to be read aloud."""
    return str(_WORDS.to_mnemonic(bytes.fromhex(instance.removeprefix("sha256:"))[:16]))


def read_document(data: bytes, now: int) -> Entry:
    """The entry of an identity document, right by itself and not expired.

    A document whose root is not the one its id is made of proves nothing before it is followed from a pinned
    one (`follow`).

    Raises:
        Malformed, Refused: what is wrong with it.
    """
    entry = read_envelope(data)
    document = entry.statement
    if not isinstance(document, Instance):
        raise InvalidStatement(f"an identity document was expected, this is a {document.KIND}")
    check_document(document, entry)
    part = document.federation
    if part is None:
        raise InvalidStatement("this instance does not federate: its document names no keys for that")
    if document.origin != f"{base_of(document.base_url)}/instance":
        raise InvalidStatement("the origin of an instance's log is of the same host as its URL")
    if part.valid_until < now:
        raise IdentityChanged("the identity document has expired; its operator has to renew it")
    return entry


def document_of(entry: Entry) -> Instance:
    """The document of an entry that `read_document` or a table gave."""
    document = entry.statement
    if not isinstance(document, Instance):
        raise InvalidStatement(f"an identity document was expected, this is a {document.KIND}")
    return document


def follow(old: Entry | None, new: Entry, between: Callable[[], Sequence[Entry]]) -> Entry:
    """The document to pin: `new`, if it is the first known and proves its id, or leads on from `old`.

    With the same root key a higher serial is enough. With another one every document in between has to be
    shown: the one that changed the root is signed by both.

    Raises:
        IdentityChanged: it does not follow; compare fingerprints with its operator.
    """
    document = document_of(new)
    if old is None:
        if document.id == instance_id(document.root):
            return new
        check_chain(None, [*between()])
        return new
    known = document_of(old)
    if document.serial <= known.serial:
        if document.serial == known.serial and new.identity != old.identity:
            raise IdentityChanged(f"there are two documents of serial {known.serial}")
        return old
    if document.root != known.root:
        chain = list(between())
        if not chain or chain[-1].identity != new.identity:
            raise IdentityChanged("the root key changed, and the documents between are not shown")
        check_chain(old, chain)
    return new


def check_chain(old: Entry | None, later: Sequence[Entry]) -> None:
    """That documents follow each other, from `old` on or from the first one of all.

    Raises:
        IdentityChanged: one does not.
    """
    known = old
    try:
        for entry in later:
            if known is None:
                check_first(document_of(entry), entry)
            else:
                check_next(document_of(known), known.identity, document_of(entry), entry)
            known = entry
    except Refused as e:
        raise IdentityChanged(f"the documents do not follow each other: {e.detail}") from e


def wanted(old: Instance, digest: str, http: PrivateKey, vkeys: list[str], now: int) -> Instance | None:
    """The next document, when the present one is half through its time or names other keys; else None."""
    part = federation_of(old, http, vkeys)
    present = old.federation
    if present is not None and present.valid_until - now > WEEK // 2:
        same = msgspec.structs.replace(part, valid_until=present.valid_until)
        if same == present:
            return None
    return successor(old, digest, now, federation=part)


def _named(document: Instance) -> list[str]:
    return [] if document.federation is None else document.federation.witnesses


def federation_of(old: Instance, http: PrivateKey, vkeys: list[str]) -> Federation:
    """How this version with these keys federates; `successor` says until when."""
    contact = "" if old.federation is None else old.federation.contact
    return Federation(PROTOCOL, public(http), vkeys, sorted(KINDS), old.issued_at, contact)


def successor(old: Instance, digest: str, now: int, **changes: Any) -> Instance:
    """The document after `old`, whose digest is given, with changes; valid for a week from now."""
    new = msgspec.structs.replace(
        old, serial=old.serial + 1, previous=digest, issued_at=max(now, old.issued_at), **changes
    )
    if new.federation is None:
        return new
    part = msgspec.structs.replace(new.federation, valid_until=new.issued_at + WEEK)
    return msgspec.structs.replace(new, federation=part)


def sync_identity(service: Service, http: PrivateKey, vkeys: list[str]) -> None:
    """Record the next document of our own when one is due and the root key is at hand; else say so.

    Raises:
        Refused, Unavailable: it could not be recorded.
    """
    try:
        root = key_of(service.data_dir, "root", create=False)
    except SetupFault:
        root = None

    def op(batch: Batch) -> Callable[[Committed], None]:
        state: Any = batch.state(service.states.instance_origin)
        new = wanted(state.document, state.document_digest, http, vkeys, service.clock())
        if new is not None and root is not None and public(root) == state.document.root:
            entry = signed(new, root)
            batch.append(service.states.instance_origin, entry.data, entry)
        elif new is not None:
            named = _named(state.document)
            silent = "" if all(vkey in named for vkey in vkeys) else "; what it does not name cosigns nothing"
            _log.warning("the identity document is due for renewal and the root key is not here%s", silent)
        return lambda _committed: None

    service.sequencer.submit(op).result()
