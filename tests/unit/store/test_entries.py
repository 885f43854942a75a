"""Appending to stored logs and reading tiles back, against the tree built from the entries."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from governance.errors import AlreadyExists, IntegrityFault, NotFound
from governance.log.builder import TreeBuilder
from governance.log.merkle import Frontier, leaf_hash, root
from governance.log.proofs import verify_inclusion
from governance.log.tiles import bundles_for, parse_bundle, tiles_for
from governance.store import entries
from governance.store.engine import Store
from governance.store.entries import Addition, LogHead, table_of
from governance.store.tables import LogEntry

HEAD = LogHead(0, "example.org/x", "space", "x", None, "vkey")


def _sign(size: int, _root: bytes) -> bytes:
    return b"checkpoint %d" % size


def _fill(store: Store, log: LogHead, count: int, step: int = 700) -> LogHead:
    tree = Frontier()
    for start in range(0, count, step):
        data = [b"entry %d" % i for i in range(start, min(start + step, count))]
        leaves = [leaf_hash(d) for d in data]
        subtrees = tree.extend(leaves)
        with store.write() as conn:
            log = entries.append(conn, log, Addition(data, leaves, subtrees, tree.root()), _sign)
    return log


@pytest.fixture
def log(store: Store) -> LogHead:
    with store.write() as conn:
        return entries.create(conn, HEAD)


def test_head_is_what_was_appended(store: Store, log: LogHead) -> None:
    new = _fill(store, log, 3)
    assert (new.size, new.checkpoint) == (3, b"checkpoint 3")
    assert new.root == root([leaf_hash(b"entry %d" % i) for i in range(3)])
    with store.read() as conn:
        assert entries.head(conn, HEAD.origin) == new
        assert entries.heads(conn) == [new]


def test_unknown_and_taken_origins(store: Store, log: LogHead) -> None:
    with store.read() as conn, pytest.raises(NotFound):
        entries.head(conn, "example.org/y")
    with pytest.raises(AlreadyExists), store.write() as conn:
        entries.create(conn, HEAD)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 1000])
def test_every_tile_and_bundle_of_a_size(store: Store, log: LogHead, size: int) -> None:
    log = _fill(store, log, size)
    builder = TreeBuilder()
    built = builder.add_leaves(b"".join(leaf_hash(b"entry %d" % i) for i in range(size)))
    expected = {b.tile: b.data for b in [*built, *builder.partial_tiles()]}
    with store.read() as conn:
        for tile in tiles_for(0, size):
            assert entries.tile(conn, log.id, tile.level, tile.n, tile.width) == expected[tile]
        for bundle in bundles_for(0, size):
            data = entries.entry_bundle(conn, log.id, bundle.n, bundle.width)
            assert parse_bundle(data, bundle.width)[0] == b"entry %d" % (bundle.n * 256)


def test_tile_level_two(store: Store, log: LogHead) -> None:
    """65,536 leaves make the first hash of height 16; stored as subtrees, without the entries."""
    tree = Frontier()
    leaf = leaf_hash(b"x")
    hashes = tree.extend([leaf] * 65_536)
    assert [h for h in hashes if h.height == 16]
    with store.write() as conn:
        entries.append(conn, log, Addition([], [], hashes, tree.root()), _sign)
    with store.read() as conn:
        assert entries.tile(conn, log.id, 2, 0, 1) == tree.root()
        assert len(entries.tile(conn, log.id, 1, 0)) == 8192


def test_tiles_beyond_the_tree(store: Store, log: LogHead) -> None:
    log = _fill(store, log, 300)
    with store.read() as conn:
        for level, n, width in [(0, 1, 45), (0, 2, 1), (1, 0, 2), (2, 0, 1), (63, 0, 1)]:
            with pytest.raises(NotFound):
                entries.tile(conn, log.id, level, n, width)
        with pytest.raises(NotFound):
            entries.entry_bundle(conn, log.id, 1, 45)
        with pytest.raises(NotFound):
            entries.tile(conn, log.id + 1, 0, 0, 1)


def test_inclusion_of_any_entry(store: Store, log: LogHead) -> None:
    log = _fill(store, log, 777)
    with store.read() as conn:
        for index in (0, 255, 256, 511, 700, 776):
            proof = entries.prove_inclusion(conn, log, index)
            verify_inclusion(index, log.size, leaf_hash(b"entry %d" % index), proof, log.root)


def test_compare_and_swap_lets_one_of_two_writers_append(store: Store, log: LogHead) -> None:
    _fill(store, log, 2)
    signed: list[int] = []

    def sign(size: int, new_root: bytes) -> bytes:
        signed.append(size)
        return _sign(size, new_root)

    late = Addition([b"other"], [leaf_hash(b"other")], [], leaf_hash(b"other"))
    with pytest.raises(IntegrityFault, match="another process"), store.write() as conn:
        entries.append(conn, log, late, sign)
    assert signed == []
    with store.read() as conn:
        assert entries.head(conn, log.origin).size == 2
        assert entries.read_entries(conn, log.id, 0, 9) == [b"entry 0", b"entry 1"]


def test_what_reads_back_differently_is_not_signed(store: Store, log: LogHead) -> None:
    wrong = Addition([b"entry"], [leaf_hash(b"entrz")], [], leaf_hash(b"entrz"))
    with pytest.raises(IntegrityFault, match="other entries"), store.write() as conn:
        entries.append(conn, log, wrong, _sign)
    with store.read() as conn:
        assert entries.head(conn, log.origin).size == 0


def test_streaming_notices_a_missing_entry(store: Store, log: LogHead) -> None:
    log = _fill(store, log, 600)
    assert list(entries.stream_entries(store, log.id, 0, 600)) == [b"entry %d" % i for i in range(600)]
    assert list(entries.stream_entries(store, log.id, 299, 301)) == [b"entry 299", b"entry 300"]
    table = table_of(LogEntry)
    with store.write() as conn:
        conn.execute(sa.delete(table).where(table.c.idx == 400))
    with pytest.raises(IntegrityFault, match="not all there"):
        list(entries.stream_entries(store, log.id, 0, 600))


def test_two_logs_do_not_mix(store: Store, log: LogHead) -> None:
    with store.write() as conn:
        other = entries.create(conn, replace(HEAD, origin="example.org/y"))
    _fill(store, log, 3)
    _fill(store, other, 5)
    with store.read() as conn:
        assert [h.size for h in entries.heads(conn)] == [3, 5]
        assert len(entries.read_entries(conn, log.id, 0, 9)) == 3
