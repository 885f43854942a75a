"""Small logs for tests: entries in, signed public files out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from governance.log.builder import TreeBuilder
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.merkle import leaf_hashes
from governance.log.tiles import bundles_for, encode_bundle
from governance.signing.note import Ed25519Signer, Signer

ORIGIN = "gov.example/log/test"
LOG = Ed25519Signer(ORIGIN, bytes([1]) * 32)


def entries_of(size: int) -> list[bytes]:
    """Different entries of different lengths, the empty one among them."""
    return [b"%d," % i * (i % 7) for i in range(size)]


def public_files(
    entries: Sequence[bytes], signers: Sequence[Signer] = (LOG,), leaves: bytes | None = None
) -> dict[str, bytes]:
    """Path -> bytes of every public file; `leaves` forges tiles and root that agree with each other only."""
    builder = TreeBuilder()
    hashes = leaf_hashes(entries) if leaves is None else leaves
    files = {built.tile.path: built.data for built in builder.add_leaves(hashes)}
    files |= {built.tile.path: built.data for built in builder.partial_tiles()}
    for bundle in bundles_for(0, len(entries)):
        part = entries[256 * bundle.n : 256 * bundle.n + bundle.width]
        files[bundle.path] = encode_bundle(part)
    checkpoint = Checkpoint(signers[0].key.name, len(entries), builder.root())
    files["checkpoint"] = sign_checkpoint(checkpoint, signers)
    files["vkey"] = f"{signers[0].key}\n".encode()
    return files


def write_files(directory: Path, files: dict[str, bytes]) -> Path:
    """The directory, with the files in it."""
    for path, data in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return directory
