"""Reading our copies again, some bundles at a time, before somebody needs them; repairing what has rotted.

What is right is what leads to the root that the database counts, whoever it comes from: the original's
instance, or a copy of it at another peer. A copy that cannot be repaired is marked, and neither cosigned nor
continued until it is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa

from federation import copy_rows, discovery, peers
from federation.copy_rows import CopyRow, home
from federation.mirror_tree import fetch_blob, reader
from federation.node import Node
from federation.remote import PeerFiles
from federation.tables import copies
from governance import limits
from governance.errors import GovernanceError, MalformedTile, NotFound
from governance.log.builder import BuiltTile, TileHashes, TreeBuilder
from governance.log.merkle import HASH, leaf_hashes
from governance.log.proofs import inclusion_proof, verify_inclusion
from governance.log.tiles import FULL, Bundle, Tile, encode_bundle, parse_bundle, tile_width

BUNDLES: Final = 256
"""Bundles read in one run, typically 40 MB."""
EVERY: Final = 6 * 3_600
"""Seconds between two passes through one copy."""
AGAIN: Final = 600
"""Seconds between two tries to repair one."""
SOURCES: Final = 8
_log: Final = logging.getLogger("althing.federation")


def scrub(node: Node) -> int:
    """Read the next bundles of the copies whose turn it is; gives how many those were."""
    left = BUNDLES
    while left > 0 and (row := _next(node)) is not None:
        left -= _scrub(node, row, left)
    return BUNDLES - left


def _next(node: Node) -> CopyRow | None:
    """A damaged copy first, then one within which a pass has ended, then the one not read for longest."""
    now = node.clock()
    hurt, begun = copies.c.damaged.is_not(None), copies.c.scrub_next > 0
    waiting = sa.or_(
        sa.and_(hurt, copies.c.scrubbed_at <= now - AGAIN),
        sa.and_(~hurt, sa.or_(begun, copies.c.scrubbed_at <= now - EVERY)),
    )
    chosen = (
        sa.select(copies)
        .where(copies.c.size > 0, waiting)
        .order_by(~hurt, ~begun, copies.c.scrubbed_at)
        .limit(1)
    )
    with node.db.read() as conn:
        row = conn.execute(chosen).mappings().first()
    return None if row is None else CopyRow(**row)


def _scrub(node: Node, row: CopyRow, most: int) -> int:
    """Read up to `most` bundles of a copy and repair what is not right; a pass without failure clears it."""
    total = -(-row.size // FULL)
    end = min(total, row.scrub_next + most)
    for n in range(row.scrub_next, end):
        if not _sound(node, row, n) and _unchanged(node, row) and not _repair(node, row, n):
            _log.error("the copy of %s is damaged at entry %d and was not repaired", row.origin, n * FULL)
            _done(node, row, scrub_next=n, damaged=f"bundle {n} does not lead to the root")
            return n - row.scrub_next + 1
        _check_blobs(node, row, n)
    if end < total:
        _done(node, row, scrub_next=end)
    else:
        _done(node, row, scrub_next=0, damaged=None)
    return end - row.scrub_next


def _done(node: Node, row: CopyRow, **values: object) -> None:
    """Store how far a pass has come; of a damaged copy that is being repaired the next run is soon."""
    at = 0 if row.damaged is not None and values.get("damaged", "") == "" else node.clock()
    with node.db.write() as conn:
        conn.execute(sa.update(copies).where(copies.c.origin == row.origin).values(scrubbed_at=at))
        copy_rows.change(conn, row.origin, row.size, **values)


def _unchanged(node: Node, row: CopyRow) -> bool:
    """Whether the copy is still of the size that was read; a pull replaces partial files."""
    with node.db.read() as conn:
        now = copy_rows.get(conn, row.origin)
    return now is not None and now.size == row.size


def _width(row: CopyRow, n: int) -> int:
    return tile_width(0, n, row.size)


def _local(node: Node, row: CopyRow, n: int) -> bytes | None:
    try:
        return node.copies.read(f"{row.folder}/{Bundle(n, _width(row, n)).path}")
    except NotFound:
        return None


def _leaves(row: CopyRow, n: int, data: bytes | None) -> bytes | None:
    """The leaf hashes of a bundle's bytes; None when they are none."""
    try:
        return None if data is None else leaf_hashes(parse_bundle(data, _width(row, n)))
    except MalformedTile:
        return None


def _tile(node: Node, row: CopyRow, n: int) -> bytes | None:
    try:
        return node.copies.read(f"{row.folder}/{Tile(0, n, _width(row, n)).path}")
    except NotFound:
        return None


def _sound(node: Node, row: CopyRow, n: int) -> bool:
    """Whether a bundle and its tile are what the counted root was made over."""
    leaves = _leaves(row, n, _local(node, row, n))
    return leaves is not None and leaves == _tile(node, row, n) and _leads(node, row, n, leaves)


def _leads(node: Node, row: CopyRow, n: int, leaves: bytes) -> bool:
    """Whether these leaf hashes in the place of bundle n lead to the root.

    A proof for the first of them has all the others in the hashes beside it.
    """
    stored = reader(node.copies, row.folder)

    def read_tile(level: int, number: int, width: int) -> bytes:
        return leaves if (level, number) == (0, n) else stored(level, number, width)

    try:
        proof = inclusion_proof(TileHashes(read_tile, row.size).read_hash, n * FULL, row.size)
        verify_inclusion(n * FULL, row.size, leaves[:HASH], proof, row.root)
    except GovernanceError:
        return False
    return True


def _repair(node: Node, row: CopyRow, n: int) -> bool:
    """Put the right bytes in the place of bundle n and its tile; gives whether they were found."""
    if _replace(node, row, n):
        return True
    # No bundle fits, so perhaps it is the tiles above that are wrong.
    return _rebuild(node, row) and (_sound(node, row, n) or _replace(node, row, n))


def _replace(node: Node, row: CopyRow, n: int) -> bool:
    for data in _candidates(node, row, n):
        leaves = _leaves(row, n, data)
        if leaves is not None and _leads(node, row, n, leaves):
            _store(node, row, n, data, leaves)
            node.copies.settle()
            _log.warning("repaired bundle %d of the copy of %s", n, row.origin)
            return True
    return False


def _store(node: Node, row: CopyRow, n: int, data: bytes, leaves: bytes) -> None:
    node.copies.write(f"{row.folder}/{Bundle(n, _width(row, n)).path}", data)
    node.copies.write(f"{row.folder}/{Tile(0, n, _width(row, n)).path}", leaves)


def _candidates(node: Node, row: CopyRow, n: int) -> Iterator[bytes]:
    """What may be the bundle: what is stored, then what others have."""
    local = _local(node, row, n)
    if local is not None:
        yield local
    for files in sources(node, row.peer):
        data = _fetched(files, row, Bundle(n, _width(row, n)))
        if data is not None:
            yield data


def sources(node: Node, peer: str) -> Iterator[PeerFiles]:
    """Where an instance's files are to be had: from itself, and from peers that may have a copy."""
    with node.db.read() as conn:
        known = [row for row in peers.everybody(conn) if row.state not in {"pending", "blocked"}]
    origin = [row.base_url for row in known if row.id == peer]
    others = [peers.url_of(row, f"/mirrors/{home(peer)}") for row in known if row.id != peer]
    return (PeerFiles(node, base) for base in (*origin, *others)[:SOURCES])


def _fetched(files: PeerFiles, row: CopyRow, bundle: Bundle) -> bytes | None:
    try:
        try:
            return files.read(f"{row.path}/{bundle.path}", limits.ENTRY_BUNDLE)
        except NotFound:
            data = files.read(f"{row.path}/{Bundle(bundle.n).path}", limits.ENTRY_BUNDLE)
            return encode_bundle(parse_bundle(data, FULL)[: bundle.width])
    except GovernanceError:
        return None


def _rebuild(node: Node, row: CopyRow) -> bool:
    """Build what the proof of another bundle may need: all tiles above the lowest level, and the partial one.

    Gives whether all bundles together lead to the root.
    """
    builder = TreeBuilder()
    built: list[BuiltTile] = []
    for n in range(-(-row.size // FULL)):
        leaves = _likely(node, row, n)
        if leaves is None:
            return False
        built += [tile for tile in builder.add_leaves(leaves) if tile.tile.level]
    if builder.root() != row.root:
        return False
    for tile in (*built, *builder.partial_tiles()):
        node.copies.write(f"{row.folder}/{tile.tile.path}", tile.data)
    node.copies.settle()
    _log.warning("built the tiles of the copy of %s anew", row.origin)
    return True


def _likely(node: Node, row: CopyRow, n: int) -> bytes | None:
    """The leaf hashes of bundle n: of the stored one where its tile agrees, else of another's."""
    local = _leaves(row, n, _local(node, row, n))
    if local is not None and local == _tile(node, row, n):
        return local
    for files in sources(node, row.peer):
        leaves = _leaves(row, n, _fetched(files, row, Bundle(n, _width(row, n))))
        if leaves is not None:
            return leaves
    return local


def _check_blobs(node: Node, row: CopyRow, n: int) -> None:
    """Fetch the blobs that a bundle names and that are missing or rotten."""
    data = _local(node, row, n)
    if data is None:
        return
    named = discovery.Named()
    discovery.scan(row.kind, row.origin, data, parse_bundle(data, _width(row, n)), named)
    for blob in named.blobs.values():
        for files in sources(node, row.peer):
            try:
                if fetch_blob(node.copies, files, row.peer, blob):
                    break
            except GovernanceError:
                continue
