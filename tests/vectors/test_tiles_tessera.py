"""Tessera's 15-entry log: every checkpoint, tile and bundle; the path examples of C2SP tlog-tiles."""

from __future__ import annotations

import base64

import pytest

from governance.log.builder import TreeBuilder
from governance.log.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from governance.log.merkle import leaf_hashes
from governance.log.tiles import Bundle, Tile, encode_bundle, parse_bundle, parse_path, tiles_for
from governance.signing.note import Ed25519Signer, Ed25519Verifier, parse_vkey
from tests.support.vectors import load

VECTOR = load("tlog_tiles_tessera_testdata")
FILES = {path: base64.b64decode(data) for path, data in VECTOR["files_base64"].items()}
ENTRIES = [entry.encode() for entry in VECTOR["entries"]]
KEY = parse_vkey(VECTOR["vkey"])


@pytest.mark.parametrize("size", range(1, 16))
def test_tiles_bundles_and_checkpoints(size: int) -> None:
    builder = TreeBuilder()
    assert builder.add_leaves(leaf_hashes(ENTRIES[:size])) == []
    (built,) = builder.partial_tiles()
    assert built.tile == Tile(0, 0, size)
    assert built.data == FILES[built.tile.path]
    bundle = FILES[Bundle(0, size).path]
    assert parse_bundle(bundle, size) == ENTRIES[:size]
    assert encode_bundle(ENTRIES[:size]) == bundle
    signed = open_checkpoint(FILES[f"checkpoint.{size}"], [Ed25519Verifier(KEY)])
    assert signed == Checkpoint("example.com/log/testdata", size, builder.root())


def test_signing_gives_the_same_bytes() -> None:
    seed = base64.b64decode(VECTOR["skey"].split("+", 4)[4])[1:]
    signer = Ed25519Signer(KEY.name, seed)
    assert str(signer.key) == VECTOR["vkey"]
    for size in range(16):
        note = FILES[f"checkpoint.{size}"]
        checkpoint = open_checkpoint(note, [Ed25519Verifier(KEY)])
        assert sign_checkpoint(checkpoint, [signer]) == note


def test_every_published_path_is_read_back() -> None:
    paths = [path for path in FILES if path.startswith("tile/")]
    assert len(paths) == 30
    assert all(parse_path(path).path == path for path in paths)


def test_path_rules() -> None:
    for n, elements in VECTOR["path_rules"].items():
        assert Tile(3, int(n)).path == f"tile/3/{elements}"
        assert parse_path(f"tile/entries/{elements}.p/7") == Bundle(int(n), 7)


def test_tiles_of_size_70000() -> None:
    counts = VECTOR["size_70000"]
    tiles = list(tiles_for(0, 70000))
    full = [t.level for t in tiles if t.width == 256]
    assert (full.count(0), full.count(1)) == (counts["level0_full"], counts["level1_full"])
    partial = {t.level: t.width for t in tiles if t.width < 256}
    expected = {level: counts[f"level{level}_partial"] for level in range(3)}
    assert partial == expected
