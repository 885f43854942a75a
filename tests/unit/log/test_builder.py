"""Rebuilding tiles from entries finds forgeries whose tiles, root and signature all agree."""

from __future__ import annotations

import pytest

from governance.errors import MalformedTile
from governance.log.builder import TileHashes, TreeBuilder
from governance.log.checkpoint import open_checkpoint
from governance.log.merkle import leaf_hash, leaf_hashes, tile_root
from governance.log.tiles import Bundle, Tile, bundles_for, parse_bundle, tiles_for
from governance.signing.note import Ed25519Verifier
from tests.support.logs import LOG, entries_of, public_files

Files = dict[str, bytes]
SIZES = [300, 767, 1000, 70_000]


def rebuilt(files: Files, size: int) -> tuple[dict[Tile, bytes], bytes]:
    """Every tile and the root, from the bundles alone."""
    builder = TreeBuilder()
    built = []
    for bundle in bundles_for(0, size):
        built += builder.add_leaves(leaf_hashes(parse_bundle(files[bundle.path], bundle.width)))
    built += builder.partial_tiles()
    return {b.tile: b.data for b in built}, builder.root()


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_536, *SIZES])
def test_an_honest_log_is_rebuilt(size: int) -> None:
    files = public_files(entries_of(size))
    tiles, root = rebuilt(files, size)
    assert set(tiles) == set(tiles_for(0, size))
    assert all(files[tile.path] == data for tile, data in tiles.items())
    assert open_checkpoint(files["checkpoint"], [Ed25519Verifier(LOG.key)]).root == root


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("where", ["first", "middle", "last of a full tile", "last"])
def test_tiles_that_agree_with_each_other_but_not_with_the_entries(size: int, where: str) -> None:
    index = {"first": 0, "middle": size // 2, "last of a full tile": 255, "last": size - 1}[where]
    entries = entries_of(size)
    forged = [*entries[:index], b"forged", *entries[index + 1 :]]
    files = public_files(entries, leaves=leaf_hashes(forged))
    tiles, root = rebuilt(files, size)
    differing = {tile for tile, data in tiles.items() if files[tile.path] != data}
    level_0 = {tile for tile in differing if tile.level == 0}
    assert level_0 == {tile for tile in tiles_for(0, size) if tile.level == 0 and tile.n == index // 256}
    # Above, everything that covers the entry differs; the edge beyond the last full tile has nothing above.
    covered = index // 256 < size // 256
    assert (differing > level_0) is covered
    assert open_checkpoint(files["checkpoint"], [Ed25519Verifier(LOG.key)]).root != root


@pytest.mark.parametrize("size", SIZES)
def test_one_forged_upper_tile_is_found(size: int) -> None:
    files = public_files(entries_of(size))
    tiles, _ = rebuilt(files, size)
    for tile in [t for t in tiles if t.level]:
        data = bytearray(files[tile.path])
        data[-1] ^= 1
        forged = {**files, tile.path: bytes(data)}
        assert [t for t, d in tiles.items() if forged[t.path] != d] == [tile]


@pytest.mark.parametrize("size", [512, *SIZES])
def test_tile_roots_of_workers(size: int) -> None:
    files = public_files(entries_of(size))
    builder = TreeBuilder()
    built = []
    for n in range(size // 256):
        built += builder.add_tile_root(tile_root(files[Tile(0, n).path]))
    rest = Bundle(size // 256, size % 256)
    if rest.width:
        built += builder.add_leaves(leaf_hashes(parse_bundle(files[rest.path], rest.width)))
    tiles, root = rebuilt(files, size)
    assert builder.root() == root
    assert {b.tile: b.data for b in [*built, *builder.partial_tiles()]} == {
        tile: data for tile, data in tiles.items() if tile.level or tile.width < 256
    }


def test_a_tile_root_needs_a_whole_tile_before_it() -> None:
    builder = TreeBuilder()
    builder.add_leaves(bytes(32))
    with pytest.raises(ValueError, match="multiple of 256"):
        builder.add_tile_root(bytes(32))


def reader(files: Files, read: list[Tile]) -> TileHashes:
    def read_tile(level: int, n: int, width: int) -> bytes:
        read.append(Tile(level, n, width))
        return files[read[-1].path]

    return TileHashes(read_tile, 0, keep=4)


def test_tile_hashes_reads_each_tile_once_and_partial_ones_again_after_growth() -> None:
    entries = entries_of(700)
    read: list[Tile] = []
    hashes = reader(public_files(entries[:600]) | public_files(entries), read)
    hashes.grow(600)
    for _ in range(2):
        assert hashes.read_hash(0, 599) == leaf_hash(entries[599])
        assert hashes.read_hash(8, 1) == tile_root(leaf_hashes(entries[256:512]))
        assert hashes.read_hash(0, 0) == leaf_hash(entries[0])
    assert read == [Tile(0, 2, 88), Tile(1, 0, 2), Tile(0, 0)]
    hashes.grow(700)
    assert hashes.read_hash(0, 699) == leaf_hash(entries[699])
    assert hashes.read_hash(0, 1) == leaf_hash(entries[1])
    assert read[3:] == [Tile(0, 2, 188)]


def test_tile_hashes_keeps_no_more_than_told() -> None:
    read: list[Tile] = []
    hashes = reader(public_files(entries_of(1400)), read)
    hashes.grow(1400)
    for n in [0, 1, 2, 3, 4, 4, 0]:
        hashes.read_hash(0, 256 * n)
    assert read == [Tile(0, n) for n in [0, 1, 2, 3, 4, 0]]


@pytest.mark.parametrize(("height", "position"), [(0, 600), (3, 75), (7, 4), (8, 2), (16, 0), (0, 5000)])
def test_no_hash_where_the_tree_is_not_complete(height: int, position: int) -> None:
    hashes = reader(public_files(entries_of(600)), [])
    hashes.grow(600)
    with pytest.raises(MalformedTile):
        hashes.read_hash(height, position)


def test_tiles_of_the_wrong_length_are_refused() -> None:
    hashes = TileHashes(lambda level, n, width: bytes(32), 600)
    with pytest.raises(MalformedTile):
        hashes.read_hash(0, 0)
    with pytest.raises(MalformedTile):
        TreeBuilder.load(600, lambda level, n, width: bytes(32))
