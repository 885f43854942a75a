"""Bringing an instance back: its keys out of the sealed bundle, its logs out of a mirror's copy."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from federation import MIGRATIONS, backup, discovery, identity, peers
from federation.discovery import NamedLog
from federation.keys import HTTP
from federation.peers import PeerRow
from governance import limits
from governance.audit.source import LogFiles, PublicFiles, blob_path
from governance.canonical import digest
from governance.errors import AlreadyExists, MalformedKey, MalformedRequest, NotFound
from governance.fetch import egress
from governance.fetch.http import Website
from governance.log.checkpoint import open_checkpoint
from governance.log.lineage import place_of
from governance.log.tiles import bundles_for, parse_bundle
from governance.replay.instance import InstanceState
from governance.service.instance import public
from governance.service.log_keys import LogKeys
from governance.signing import keyfile
from governance.signing.keyfile import Ed25519Key
from governance.signing.note import Ed25519Verifier, parse_vkey
from governance.statements.entry import read_entry
from governance.statements.instance import Instance
from governance.store import blobs, imports
from governance.store import entries as heads
from governance.store.engine import Store, open_store
from governance.store.entries import LogHead

_mirror: Final = re.compile(r"(https?://.+)/mirrors/([0-9a-f]{64})/?")
_ROOT: Final = "root"


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back."""

    name: str
    base_url: str
    keys: int
    logs: int
    entries: int


def restore_instance(mirror: str, root_file: bytes, data: Path, database: str | None) -> Restored:
    """Restore an instance into a new data directory.

    Args:
        mirror: URL of the copy, `https://peer/mirrors/<64 hex digits>`.
        root_file: content of the root key file.
        data: the new data directory.
        database: SQLAlchemy URL; SQLite in the data directory when None.

    Raises:
        MalformedRequest, MalformedKey: the address or the key is none.
        AlreadyExists: the data directory is in use.
        Malformed, Refused, Unavailable: what the mirror has is not right, or cannot be fetched.
    """
    match = _mirror.fullmatch(mirror)
    if match is None:
        raise MalformedRequest("the mirror's address ends in /mirrors/ and 64 hex digits")
    root = keyfile.load(root_file)
    if not isinstance(root, Ed25519Key):
        raise MalformedKey("the root key is an Ed25519 key file")
    if data.exists() and any(data.iterdir()):
        raise AlreadyExists(f"{data} is not empty; restore into a new directory")
    instance = f"sha256:{match[2]}"
    files = Website(mirror.rstrip("/"))
    now = int(time.time())
    document = _document(files, instance, root)
    bundle = backup.fetch_own(egress.transport(egress.TYPED), match[1], instance, root, now)
    kept = _named(bundle.files, document)
    try:
        _write_keys(data / "keys", {**kept, _ROOT: root.dump()})
        logs, count = _fill(data, database, files, document)
    except BaseException:
        # Half an instance would only be in the way of the next attempt, with another mirror.
        shutil.rmtree(data, ignore_errors=True)
        raise
    return Restored(document.name, document.base_url, len(kept), logs, count)


def _fill(data: Path, database: str | None, files: PublicFiles, document: Instance) -> tuple[int, int]:
    store = open_store(database, data, migrations=[MIGRATIONS])
    try:
        done = _logs(store, files, document)
        _remember_peers(store, document)
        return done
    finally:
        store.close()


def _remember_peers(store: Store, document: Instance) -> None:
    """The peers that the instance log names, taken for such as cosigned us: the sign-guard asks them."""
    state = InstanceState(document.origin)
    with store.read() as conn:
        head = heads.head(conn, document.origin)
    for index, data in enumerate(heads.stream_entries(store, head.id, 0, head.size)):
        state.admit(index, read_entry(data))
    with store.write() as conn:
        for peer, record in state.peers.items():
            order = record.statement
            if order.state != "blocked":
                peers.add(conn, PeerRow(peer, order.base_url, state=order.state, theirs="mirror"))


def _document(files: PublicFiles, instance: str, root: Ed25519Key) -> Instance:
    """The copied identity document; that it has expired meanwhile does not matter here."""
    data = files.read(".well-known/althing.json", limits.ENTRY)
    document = identity.document_of(identity.read_document(data, 0))
    if document.id != instance or document.root != public(root):
        raise MalformedKey("this root key is not that of the instance in this mirror")
    return document


def _named(files: dict[str, bytes], document: Instance) -> dict[str, bytes]:
    """The key files without those of cosigners, and without one for requests that the document does not name.

    What the cosigners have signed is lost with the disk: with the same keys they might sign a second history.
    Anybody can seal something to a public root key. A key that a mirror slipped in would be named by our next
    document. For one that is left out, the start makes another.

    Raises:
        MalformedKey: the service key is not the one of the document, or a file is no key.
    """
    if public(keyfile.load(files.get("service", b""))) != document.service:
        raise MalformedKey("the sealed keys do not fit the identity document; restore from another mirror")
    named = None if document.federation is None else document.federation.http_key
    return {
        name: data
        for name, data in files.items()
        if not backup.kept_back(name) and (name != HTTP or public(keyfile.load(data)) == named)
    }


def _write_keys(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)
    LogKeys(folder.parent)


def _logs(store: Store, files: PublicFiles, document: Instance) -> tuple[int, int]:
    base = document.origin.removesuffix("/instance")
    waiting = [NamedLog(document.origin, document.vkey, "instance")]
    known: set[str] = set()
    count = done = 0
    while waiting:
        log = waiting.pop(0)
        if log.origin in known:
            # A ballot is named by its space's burnt log and by the one that goes on.
            continue
        known.add(log.origin)
        named = discovery.Named()
        try:
            count += _log(store, files, log, base, named)
        except NotFound:
            # A log that was named and never copied: the sign-guard looks for it at the other mirrors.
            continue
        done += 1
        waiting += named.logs.values()
    return done, count


def _log(store: Store, files: PublicFiles, log: NamedLog, base: str, named: discovery.Named) -> int:
    source = LogFiles(files, f"logs/{log.origin.removeprefix(base + '/')}")
    if not LogKeys(store.data_dir).fits(log.origin, log.vkey):
        raise MalformedKey(
            f"the sealed keys at this mirror are older than {log.origin}; restore from another mirror"
        )
    note = source.checkpoint()
    size = open_checkpoint(note, [Ed25519Verifier(parse_vkey(log.vkey))]).size
    entries: list[bytes] = []
    wanted = list(bundles_for(0, size))
    for bundle, data in zip(wanted, source.entries(wanted), strict=True):
        found = parse_bundle(data, bundle.width)
        discovery.scan(log.kind, log.origin, data, found, named)
        entries += found
    head = LogHead(0, log.origin, log.kind, *place_of(log.origin), log.vkey)
    with store.write() as conn:
        for ref in named.blobs.values():
            try:
                blob = files.read(blob_path(ref), limits.BLOB)
            except NotFound:
                continue
            if digest(blob) == ref.digest:
                blobs.put_blob(conn, blob)
        imports.take_back(conn, head, entries, note)
    return size
