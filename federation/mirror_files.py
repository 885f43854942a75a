"""Copies as others read them: exactly what the database counts, whatever a running pull has written.

A copy has the paths of the original, so it is a source for any audit. Parts of smaller widths are cut from
the stored ones; the checkpoint carries our cosignatures beside its log's signature.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import sqlalchemy as sa

from federation import copy_rows, seen
from federation.copy_rows import CopyRow, home
from federation.mirror_tree import reader
from federation.node import Node
from governance.errors import MalformedTile, NotFound, TooLarge
from governance.log.builder import TileHashes
from governance.log.cosignature import verifier_for
from governance.log.merkle import HASH, ReadHash
from governance.log.tiles import Bundle, Tile, encode_bundle, parse_bundle, parse_path, tile_width
from governance.service.publishing import BYTES, JSON, TEXT, PublicFile
from governance.signing.note import open_note, parse_vkey

DOCUMENT: Final = ".well-known/althing.json"
_BLOBS: Final = "blobs/sha256/"
_HEX: Final = frozenset("0123456789abcdef")
_NAMES: Final = ("/tile/", "/checkpoint", "/cosigned", "/vkey", "/outcome.json")


class CopyFiles:
    """Our copy of an instance's public files (`governance.audit.source.PublicFiles`)."""

    def __init__(self, node: Node, peer: str) -> None:
        self.name = f"the copy of {peer}"
        self._node, self._peer = node, peer

    def read(self, path: str, limit: int) -> bytes:
        """The bytes of a file.

        Raises:
            NotFound: we have no copy of it.
            TooLarge: more than limit bytes.
        """
        data = public_file(self._node, self._peer, path).data
        if len(data) > limit:
            raise TooLarge(f"the file {path} has more than {limit} bytes")
        return data

    def read_many(self, paths: Iterable[str], limit: int) -> Iterator[bytes]:
        """The bytes of the files in that order."""
        return (self.read(path, limit) for path in paths)

    def listing(self) -> list[str] | None:
        """None: what lies on the disk may be more than what counts."""
        return None


def public_file(node: Node, peer: str, path: str) -> PublicFile:
    """A file of a peer's copy.

    Raises:
        NotFound: there is none.
    """
    if path == DOCUMENT:
        return PublicFile(node.copies.read(f"{home(peer)}/{DOCUMENT}"), JSON, final=False)
    if path.startswith(_BLOBS):
        name = path.removeprefix(_BLOBS)
        if len(name) != 64 or not set(name) <= _HEX:
            raise NotFound("a blob is named by 64 lower-case hex digits")
        return PublicFile(node.copies.read(f"{home(peer)}/{path}"), BYTES, final=True)
    log, name = _split(path)
    for _ in range(2):
        with node.db.read() as conn:
            row = _row(conn, peer, log)
        try:
            return _log_file(node, row, name)
        except NotFound:
            # A pull may have replaced a partial file since the row was read: then there is another row.
            with node.db.read() as conn:
                if copy_rows.get(conn, row.origin) == row:
                    raise
    raise NotFound(f"there is no copy of {path[:200]}")


def _split(path: str) -> tuple[str, str]:
    if path.startswith("logs/"):
        for name in _NAMES:
            log, separator, _ = path.removeprefix("logs/").partition(name)
            if separator:
                return log, path[len(log) + 6 :]
    raise NotFound(f"there is no file {path[:100]}")


def _row(conn: sa.Connection, peer: str, log: str) -> CopyRow:
    base = copy_rows.base_of(conn, peer)
    row = None if base is None else copy_rows.get(conn, f"{base}/{log}")
    if row is None or row.peer != peer or not row.cosigned:
        raise NotFound(f"there is no copy of the log {log[:200]}")
    return row


def _log_file(node: Node, row: CopyRow, name: str) -> PublicFile:
    if name == "checkpoint":
        return PublicFile(row.cosigned, TEXT, final=False)
    if name == "vkey":
        return PublicFile(f"{_vkey(node, row.origin)}\n".encode(), TEXT, final=False)
    if name in {"cosigned", "outcome.json"}:
        media_type = TEXT if name == "cosigned" else JSON
        return PublicFile(node.copies.read(f"{row.folder}/{name}"), media_type, final=False)
    try:
        part = parse_path(name)
    except MalformedTile as e:
        raise NotFound(e.detail) from e
    return PublicFile(part_bytes(node, row, part), BYTES, final=True)


def part_bytes(node: Node, row: CopyRow, part: Tile | Bundle) -> bytes:
    """The bytes of a tile or bundle as far as the row counts, cut from a wider one where necessary.

    Raises:
        NotFound: the copy is not that large, or the file is lost.
    """
    width = tile_width(part.level if isinstance(part, Tile) else 0, part.n, row.size)
    if part.width > width:
        raise NotFound(f"the copy has {row.size} entries; {part.path} does not exist yet")
    if isinstance(part, Tile):
        data = node.copies.read(f"{row.folder}/{Tile(part.level, part.n, width).path}")
        return data[: part.width * HASH]
    data = node.copies.read(f"{row.folder}/{Bundle(part.n, width).path}")
    if part.width == width:
        return data
    try:
        return encode_bundle(parse_bundle(data, width)[: part.width])
    except MalformedTile as e:
        raise NotFound(f"the copy of {part.path} is damaged") from e


def _vkey(node: Node, origin: str) -> str:
    with node.db.read() as conn:
        row = seen.get(conn, origin)
    if row is None:
        raise NotFound(f"there is no copy of {origin}")
    return row.vkey


def tree_hashes(node: Node, peer: str, origin: str, size: int) -> ReadHash:
    """Subtree hashes of a copy of that size, for proofs and roots at smaller sizes.

    Raises:
        NotFound: there is no such copy.
    """
    return TileHashes(reader(node.copies, _copied(node, peer, origin).folder), size).read_hash


def log_note(node: Node, peer: str, origin: str) -> bytes:
    """The checkpoint of a copy with the signatures of its log alone.

    Raises:
        NotFound: there is no such copy.
    """
    note = _copied(node, peer, origin).cosigned
    return bytes(open_note(note, [verifier_for(parse_vkey(_vkey(node, origin)))]))


def _copied(node: Node, peer: str, origin: str) -> CopyRow:
    with node.db.read() as conn:
        row = copy_rows.get(conn, origin)
    if row is None or row.peer != peer or not row.cosigned:
        raise NotFound(f"there is no copy of {origin}")
    return row
