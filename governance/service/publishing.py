"""The public files (DESIGN 9): the same bytes over HTTP and in an exported directory."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from governance.errors import MalformedRequest, MalformedTile, NotFound
from governance.hooks import Exporter
from governance.log.tiles import FULL, Bundle, Tile, bundles_for, parse_path, tiles_for
from governance.service import cosigned
from governance.statements.closing import Outcome
from governance.statements.entry import read_entry
from governance.statements.instance import Instance
from governance.store import blobs, entries
from governance.store.engine import Store
from governance.store.entries import LogHead, table_of
from governance.store.projected import BallotRow
from governance.store.tables import Blob

TEXT: Final = "text/plain; charset=utf-8"
BYTES: Final = "application/octet-stream"
JSON: Final = "application/json"
_blobs: Final = table_of(Blob)
_ballots: Final = table_of(BallotRow)
_place: Final = re.compile(r"(instance|spaces/[^/]+(?:/ballots/[^/]+)?)/(.+)")


@dataclass(frozen=True, slots=True)
class PublicFile:
    """A file's bytes; `final` when no later version will ever differ."""

    data: bytes
    media_type: str
    final: bool


def well_known(conn: sa.Connection) -> bytes:
    """The latest identity document's envelope.

    Raises:
        NotFound: this is no instance yet.
    """
    head = _instance_log(conn)
    for index in range(head.size - 1, -1, -1):
        (data,) = entries.read_entries(conn, head.id, index, index + 1)
        if isinstance(read_entry(data).statement, Instance):
            return data
    raise NotFound("there is no identity document yet")


def _instance_log(conn: sa.Connection) -> LogHead:
    found = [head for head in entries.heads(conn) if head.kind == "instance"]
    if not found:
        raise NotFound("there is no instance in this database")
    return found[0]


def log_file(conn: sa.Connection, base: str, path: str) -> PublicFile:
    """The file of a path below `/logs/`, such as `spaces/nix/tile/0/000.p/5`.

    Raises:
        NotFound: no such log or file.
    """
    log, rest = _split(path)
    head = entries.head_at(conn, f"{base}/{log}")
    if rest == "checkpoint":
        return PublicFile(cosigned.published(conn, head), TEXT, final=False)
    if rest == "cosigned":
        return PublicFile(cosigned.best(conn, head), TEXT, final=False)
    if rest == "vkey":
        return PublicFile(f"{head.vkey}\n".encode(), TEXT, final=False)
    if rest == "outcome.json":
        return PublicFile(_outcome(conn, head), JSON, final=False)
    try:
        part = parse_path(rest)
    except MalformedTile as e:
        raise NotFound(e.detail) from e
    return PublicFile(part_bytes(conn, head, part), BYTES, final=True)


def _split(path: str) -> tuple[str, str]:
    found = _place.fullmatch(path)
    if found is None:
        raise NotFound(f"there is no file {path[:100]}")
    return found[1], found[2]


def part_bytes(conn: sa.Connection, head: LogHead, part: Tile | Bundle) -> bytes:
    """The bytes of a tile or bundle, only as far as a checkpoint covers it.

    Raises:
        NotFound: the log is not that large.
    """
    level = part.level if isinstance(part, Tile) else 0
    if (part.n * FULL + part.width) << (8 * level) > head.size:
        raise NotFound(f"the log has {head.size} entries; {part.path} does not exist yet")
    if isinstance(part, Bundle):
        return entries.entry_bundle(conn, head.id, part.n, part.width)
    return entries.tile(conn, head.id, part.level, part.n, part.width)


def _outcome(conn: sa.Connection, head: LogHead) -> bytes:
    digest = conn.scalar(sa.select(_ballots.c.result).where(_ballots.c.log_id == head.id))
    digest = digest or _last(conn, head)
    if digest is None:
        raise NotFound(f"{head.origin} has no outcome")
    return blobs.get_blob(conn, digest)


def _last(conn: sa.Connection, head: LogHead) -> str | None:
    """The digest of a burnt log's result: the tables for reading know its successor only."""
    if not entries.is_burnt(conn, head):
        return None
    for data in reversed(entries.read_entries(conn, head.id, head.size - FULL, head.size)):
        statement = read_entry(data).statement
        if isinstance(statement, Outcome):
            return statement.result.digest
    return None


def blob_file(conn: sa.Connection, hex_digest: str) -> PublicFile:
    """The file of `/blobs/sha256/<hex>`.

    Raises:
        NotFound: no such blob.
        MalformedRequest: not a digest.
    """
    if len(hex_digest) != 64 or not set(hex_digest) <= set("0123456789abcdef"):
        raise MalformedRequest("a blob is named by 64 lower-case hex digits")
    return PublicFile(blobs.get_blob(conn, f"sha256:{hex_digest}"), BYTES, final=True)


Progress = Callable[[str], None]


def export(
    store: Store,
    directory: Path,
    progress: Progress = lambda _path: None,
    exporters: Iterable[Exporter] = (),
) -> int:
    """Write every public file as of now; gives their number. Files of the same names are replaced.

    All of it is one snapshot, so that notices, logs and outcomes fit together; `exporters` then add theirs.
    """
    written = 0
    with store.snapshot() as conn:
        for path, data in _files(conn):
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            progress(path)
            written += 1
    for exporter in exporters:
        exporter.run(directory)
    return written


def _files(conn: sa.Connection) -> Iterator[tuple[str, bytes]]:
    yield ".well-known/althing.json", well_known(conn)
    base = _instance_log(conn).origin.removesuffix("/instance")
    for head in entries.heads(conn, burnt=True):
        folder = "logs" + head.origin.removeprefix(base)
        yield f"{folder}/checkpoint", cosigned.published(conn, head)
        with contextlib.suppress(NotFound):
            yield f"{folder}/cosigned", cosigned.best(conn, head)
        yield f"{folder}/vkey", f"{head.vkey}\n".encode()
        if head.kind == "ballot":
            with contextlib.suppress(NotFound):
                yield f"{folder}/outcome.json", _outcome(conn, head)
        parts: list[Tile | Bundle] = [*tiles_for(0, head.size), *bundles_for(0, head.size)]
        for part in parts:
            yield f"{folder}/{part.path}", part_bytes(conn, head, part)
    for name in conn.scalars(sa.select(_blobs.c.digest).order_by(_blobs.c.digest)).all():
        yield f"blobs/sha256/{name.removeprefix('sha256:')}", blobs.get_blob(conn, name)
