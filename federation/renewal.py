"""Renewing the identity document of a running instance from the machine that has the root key."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from federation import identity
from governance import limits
from governance.cli.client import Client
from governance.errors import IdentityChanged, InvalidStatement, MalformedKey
from governance.replay.instance import check_document
from governance.service.answers import Recorded
from governance.service.instance import public, read_key, signed, write_whole
from governance.statements.entry import Entry, read_entry, read_envelope

WELL_KNOWN: Final = "/.well-known/althing.json"
DOCUMENTS: Final = "/instance/documents"


def fetch(client: Client) -> Entry:
    """The present document of an instance, expired or not.

    Raises:
        Unavailable, Malformed, Refused: it cannot be had, or is none.
    """
    entry = read_envelope(client.read(WELL_KNOWN, limits.ENTRY))
    check_document(identity.document_of(entry), entry)
    return entry


def post(client: Client, data: bytes) -> Recorded:
    """Give an instance its next document.

    Raises:
        Unavailable, Refused: it does not take it.
    """
    return client.post(DOCUMENTS, data, Recorded)[1]


def next_document(present: Entry, root: Path, now: int) -> Entry:
    """The document after the present one, signed; a copy of it stays beside the root key file.

    By that copy a server that shows an old document gets no second one of the same serial, which others would
    take for a second instance.

    Args:
        present: as the instance shows it.
        root: the root key file.
        now: Unix seconds.

    Raises:
        MalformedKey: another key. IdentityChanged: the instance shows an older document than was signed here.
        InvalidStatement: it does not federate yet. SetupFault, DataDirectoryUnusable: a file cannot be used.
    """
    key, old = read_key(root), identity.document_of(present)
    if public(key) != old.root:
        raise MalformedKey(f"{root} is not the root key of {old.base_url}")
    if old.federation is None:
        raise InvalidStatement(
            "its document names no keys of federation yet; start it once with its root key"
        )
    kept = root.with_name(root.name + ".last")
    last = read_entry(kept.read_bytes()) if kept.exists() else present
    signed_last = identity.document_of(last)
    if signed_last.serial >= old.serial and last.identity != present.identity:
        if signed_last.previous != present.identity:
            raise IdentityChanged(
                f"{old.base_url} shows document {old.serial}, older than the last one signed here"
            )
        part = signed_last.federation
        if part is not None and part.valid_until > now:
            return last
    entry = signed(identity.successor(old, present.identity, now), key)
    write_whole(kept, entry.data)
    return entry
