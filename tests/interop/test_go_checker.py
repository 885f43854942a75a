"""Our logs under the Go team's x/mod sumdb code: accepted when right, refused after one flipped bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.log.builder import TileHashes
from governance.log.cosignature import Ed25519Cosigner, MlDsaCosigner
from governance.log.merkle import leaf_hash
from governance.log.proofs import inclusion_proof
from governance.log.receipt import Receipt
from governance.log.tiles import Tile, tiles_for
from tests.support.gocheck import Gocheck, gocheck
from tests.support.logs import LOG, ORIGIN, entries_of, public_files, write_files

__all__ = ["gocheck"]

SIZES = [0, 1, 255, 256, 257, 1000, 70000]


@pytest.mark.parametrize("size", SIZES)
def test_accepts_our_logs(gocheck: Gocheck, tmp_path: Path, size: int) -> None:
    run = gocheck(write_files(tmp_path, public_files(entries_of(size))))
    assert run.stderr == ""
    assert run.stdout == f"ok size={size} tiles={len(list(tiles_for(0, size)))}\n"
    assert run.returncode == 0


def test_ignores_lines_of_types_it_does_not_know(gocheck: Gocheck, tmp_path: Path) -> None:
    signers = [LOG, MlDsaCosigner(ORIGIN, bytes(32)).at(1_700_000_000), Ed25519Cosigner("w", bytes(32)).at(5)]
    run = gocheck(write_files(tmp_path, public_files(entries_of(300), signers)))
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/000",
        "tile/0/003.p/232",
        "tile/1/000.p/3",
        "tile/entries/001",
        "tile/entries/003.p/232",
        "checkpoint",
        "vkey",
    ],
)
@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_refuses_a_flipped_bit(gocheck: Gocheck, tmp_path: Path, path: str, place: float) -> None:
    files = public_files(entries_of(1000))
    data = bytearray(files[path])
    # The second last byte: in text files the very last one is the newline.
    data[int(place * (len(data) - 2))] ^= 1
    run = gocheck(write_files(tmp_path, {**files, path: bytes(data)}))
    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr.startswith("gocheck:")


def test_refuses_bytes_after_the_last_entry_and_missing_files(gocheck: Gocheck, tmp_path: Path) -> None:
    files = public_files(entries_of(300))
    path = "tile/entries/001.p/44"
    longer = write_files(tmp_path / "longer", {**files, path: files[path] + b"\0\0"})
    assert "too many" in gocheck(longer).stderr
    del files[path]
    assert "no such file" in gocheck(write_files(tmp_path / "missing", files)).stderr


def test_refuses_tiles_that_agree_only_with_each_other(gocheck: Gocheck, tmp_path: Path) -> None:
    entries = entries_of(1000)
    forged = b"".join(leaf_hash(e) for e in [*entries[:-1], b"forged"])
    run = gocheck(write_files(tmp_path, public_files(entries, leaves=forged)))
    assert run.returncode == 1
    assert "tile/0/003.p/232 differs" in run.stderr


@pytest.mark.parametrize("size", [1, 2, 300, 1000])
def test_receipts(gocheck: Gocheck, tmp_path: Path, size: int) -> None:
    entries = entries_of(size)
    files = public_files(entries)
    hashes = TileHashes(lambda level, n, width: files[Tile(level, n, width).path], size)
    write_files(tmp_path, {"vkey": files["vkey"]})
    for index in {0, size // 2, size - 1}:
        proof = tuple(inclusion_proof(hashes.read_hash, index, size))
        receipt = bytes(Receipt(index, proof, files["checkpoint"], extra=b"x" if index else None))
        (tmp_path / "r").write_bytes(receipt)
        (tmp_path / "e").write_bytes(entries[index])
        arguments = ("-receipt", tmp_path / "r", "-entry", tmp_path / "e", tmp_path)
        assert gocheck(*arguments).stdout == f"ok index={index} size={size}\n"
        (tmp_path / "e").write_bytes(entries[index] + b"!")
        assert gocheck(*arguments).returncode == 1
