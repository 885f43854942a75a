"""Where an audit reads: public files by path, and one log by checkpoint, tiles and entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from governance import limits
from governance.log.tiles import Bundle, Tile
from governance.statements.base import BlobRef


class PublicFiles(Protocol):
    """The public files of an instance, by the paths that its web server has (DESIGN 9)."""

    @property
    def name(self) -> str:
        """What a person calls this source."""
        ...

    def read(self, path: str, limit: int) -> bytes:
        """The bytes of a file.

        Raises:
            NotFound: the source is there, the file is not.
            Malformed: more than limit bytes, or a damaged container.
            SourceUnavailable: the source cannot be reached; the audit ends without a verdict.
        """
        ...

    def read_many(self, paths: Iterable[str], limit: int) -> Iterator[bytes]:
        """The bytes of files in the order of paths, each as `read`; a source may read ahead."""
        ...

    def listing(self) -> list[str] | None:
        """All paths, ascending; None when the source cannot list them."""
        ...


class LogSource(Protocol):
    """One log: what a verifier of tiled logs reads, and nothing else."""

    def checkpoint(self) -> bytes:
        """The signed head."""
        ...

    def tiles(self, wanted: Iterable[Tile]) -> Iterator[bytes]:
        """The tiles in the order wanted."""
        ...

    def entries(self, wanted: Iterable[Bundle]) -> Iterator[bytes]:
        """The entry bundles in the order wanted."""
        ...


class LogFiles:
    """A log among public files; `folder` is its directory (`logs/instance`, or empty)."""

    def __init__(self, files: PublicFiles, folder: str) -> None:
        self.files = files
        self.folder = folder

    def path(self, name: str) -> str:
        """The path of a file of this log."""
        return f"{self.folder}/{name}" if self.folder else name

    def checkpoint(self) -> bytes:
        """The file `checkpoint`."""
        return self.files.read(self.path("checkpoint"), limits.NOTE)

    def vkey(self) -> bytes:
        """The file `vkey`: the log's verifier key on one line."""
        return self.files.read(self.path("vkey"), limits.NOTE)

    def tiles(self, wanted: Iterable[Tile]) -> Iterator[bytes]:
        """The files `tile/<level>/<n>`."""
        return self.files.read_many((self.path(tile.path) for tile in wanted), limits.TILE_BYTES)

    def entries(self, wanted: Iterable[Bundle]) -> Iterator[bytes]:
        """The files `tile/entries/<n>`."""
        return self.files.read_many((self.path(bundle.path) for bundle in wanted), limits.ENTRY_BUNDLE)


def blob_path(blob: BlobRef) -> str:
    """The path of a blob."""
    return f"blobs/sha256/{blob.digest.removeprefix('sha256:')}"
