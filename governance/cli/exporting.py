"""Fetching every public file of an instance over HTTP, knowing only its address."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from governance import limits
from governance.canonical import digest
from governance.cli import publiclog
from governance.cli.client import Client
from governance.cli.publiclog import WholeLog
from governance.errors import BadProof, InvalidStatement
from governance.log.tiles import bundles_for, tiles_for
from governance.statements.base import BlobRef
from governance.statements.closing import Outcome
from governance.statements.entry import read_entry
from governance.statements.instance import Instance, LogSuccessor, SpaceNotice
from governance.statements.joint import JointAcceptance, JointOutcome
from governance.statements.space import BallotNotice

Write = Callable[[str, bytes], None]
Advance = Callable[[], object]


def mirror(client: Client, write: Write) -> int:
    """Write every public file under its path; gives the number of logs.

    Each log's entries are checked against its signed head on the way, and blobs against their digests.

    Raises:
        GovernanceError: a file is missing or does not fit.
    """
    write(".well-known/althing.json", client.read("/.well-known/althing.json"))
    origin, vkey = _instance(client)
    waiting = [(origin, vkey)]
    known: set[str] = set()
    while waiting:
        origin, vkey = waiting.pop(0)
        known.add(origin)
        log = publiclog.read_log(client, origin, vkey)
        _copy(client, origin, vkey, log, write)
        # A ballot is named by its space's burnt log and by the one that goes on.
        waiting += [found for found in _notices(log) if found[0] not in known and found not in waiting]
        for blob in _blobs(log):
            _copy_blob(client, blob, write)
    return len(known)


def _instance(client: Client) -> tuple[str, str]:
    document = read_entry(client.read("/.well-known/althing.json")).statement
    if not isinstance(document, Instance):
        raise InvalidStatement("/.well-known/althing.json is no identity document")
    return document.origin, document.vkey


def _copy(client: Client, origin: str, vkey: str, log: WholeLog, write: Write) -> None:
    """The log's files; what the checked entries already tell is not fetched again."""
    source = publiclog.folder(client, origin)
    target = source.lstrip("/")
    write(f"{target}/checkpoint", log.note)
    write(f"{target}/vkey", vkey.strip().encode() + b"\n")
    for bundle, data in zip(bundles_for(0, log.checkpoint.size), log.bundles, strict=True):
        write(f"{target}/{bundle.path}", data)
    for tile in tiles_for(0, log.checkpoint.size):
        write(f"{target}/{tile.path}", client.read(f"{source}/{tile.path}", limits.TILE_BYTES))
    if any(isinstance(statement, Outcome) for statement in _naming_blobs(log)):
        write(f"{target}/outcome.json", client.read(f"{source}/outcome.json", limits.BLOB))


def _notices(log: WholeLog) -> list[tuple[str, str]]:
    found = []
    for data in log.entries:
        statement = read_entry(data).statement
        if isinstance(statement, SpaceNotice | BallotNotice):
            found.append((statement.origin, statement.vkey))
        elif isinstance(statement, LogSuccessor):
            found.append((statement.successor, statement.vkey))
    return found


def _blobs(log: WholeLog) -> Iterator[BlobRef]:
    for statement in _naming_blobs(log):
        yield statement.roll if isinstance(statement, JointAcceptance) else statement.result


def _naming_blobs(log: WholeLog) -> Iterator[Outcome | JointAcceptance | JointOutcome]:
    # Looked for by their bytes first: a log may hold a million votes.
    kinds = [kind.payload_type().encode() for kind in (Outcome, JointAcceptance, JointOutcome)]
    for data in log.entries:
        if any(kind in data for kind in kinds):
            statement = read_entry(data).statement
            if isinstance(statement, Outcome | JointAcceptance | JointOutcome):
                yield statement


def _copy_blob(client: Client, blob: BlobRef, write: Write) -> None:
    path = f"blobs/sha256/{blob.digest.removeprefix('sha256:')}"
    data = client.read(f"/{path}", limits.BLOB)
    if digest(data) != blob.digest:
        raise BadProof(f"the blob {blob.digest} has other bytes than its name says")
    write(path, data)
