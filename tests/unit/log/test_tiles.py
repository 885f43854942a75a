"""Which tiles exist at a size, their paths and bytes."""

from __future__ import annotations

import pytest

from governance.errors import MalformedTile
from governance.log.tiles import (
    Bundle,
    Tile,
    bundles_for,
    encode_bundle,
    parse_bundle,
    parse_path,
    parse_tile,
    tile_width,
    tiles_for,
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tile/0/000", Tile(0, 0)),
        ("tile/63/001.p/255", Tile(63, 1, 255)),
        ("tile/2/x001/x234/067.p/8", Tile(2, 1234067, 8)),
        ("tile/entries/x001/000", Bundle(1000)),
        ("tile/entries/999.p/1", Bundle(999, 1)),
    ],
)
def test_paths(path: str, expected: Tile | Bundle) -> None:
    assert parse_path(path) == expected
    assert expected.path == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/1000",
        "tile/0/x000/001",
        "tile/0/001/x000",
        "tile/0/x1/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/01/000",
        "tile/data/000",
        "tile/8/0/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/entries/000.p/999",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p/1/",
        "tile/0/../0/000",
        "tile/0/000\n",
        "tile/0/x036/x028/x797/x018/x963/968",
        "checkpoint",
    ],
)
def test_other_spellings_are_refused(path: str) -> None:
    with pytest.raises(MalformedTile):
        parse_path(path)


def test_the_last_tile_of_the_largest_tree_has_a_path() -> None:
    assert parse_path("tile/0/x036/x028/x797/x018/x963/967") == Tile(0, (2**63 - 1) >> 8)


def test_tiles_of_a_size() -> None:
    assert list(tiles_for(0, 0)) == []
    assert list(tiles_for(0, 256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_for(0, 600)) == [Tile(0, 0), Tile(0, 1), Tile(0, 2, 88), Tile(1, 0, 2)]


def test_tiles_new_since_a_size() -> None:
    assert list(tiles_for(600, 600)) == []
    assert list(tiles_for(600, 601)) == [Tile(0, 2, 89)]
    assert list(tiles_for(600, 768)) == [Tile(0, 2), Tile(1, 0, 3)]
    assert list(tiles_for(768, 770)) == [Tile(0, 3, 2)]


def test_bundles_new_since_a_size() -> None:
    assert list(bundles_for(0, 0)) == []
    assert list(bundles_for(0, 256)) == [Bundle(0)]
    assert list(bundles_for(250, 300)) == [Bundle(0), Bundle(1, 44)]
    assert list(bundles_for(300, 300)) == []


def test_widths() -> None:
    assert [tile_width(0, n, 300) for n in range(3)] == [256, 44, 0]
    assert [tile_width(1, 0, 300), tile_width(2, 0, 300), tile_width(63, 0, 2**63 - 1)] == [1, 0, 0]


def test_a_tile_has_the_bytes_of_its_width() -> None:
    assert parse_tile(bytes(64), 2) == [bytes(32)] * 2
    for size in (0, 32, 63, 65, 96):
        with pytest.raises(MalformedTile):
            parse_tile(bytes(size), 2)


def test_bundles() -> None:
    entries = [b"", b"x" * 65535, b"abc"]
    data = encode_bundle(entries)
    assert data[:4] == b"\0\0\xff\xff"
    assert parse_bundle(data, 3) == entries
    assert parse_bundle(b"", 0) == []
    with pytest.raises(MalformedTile):
        encode_bundle([b"x" * 65536])


@pytest.mark.parametrize(
    ("data", "entry"),
    [(b"\0\1a", 1), (b"\0\1a\0", 1), (b"\0\1a\0\2b", 1), (b"\0\1a\0\1bc", 2), (b"", 0), (b"\xff", 0)],
)
def test_a_bundle_holds_exactly_its_entries(data: bytes, entry: int) -> None:
    with pytest.raises(MalformedTile) as caught:
        parse_bundle(data, 2)
    assert caught.value.facts["entry"] == entry
