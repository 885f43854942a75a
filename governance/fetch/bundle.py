"""Public files in one zip file, as `althing export` writes it; read in place, nothing is unpacked."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from governance.errors import MalformedArchive, NotFound, SourceUnavailable, TooLarge

MEMBERS: Final = 2_000_000
"""Most files of a bundle: a log of 250 million entries has about as many."""
_END: Final = b"PK\x05\x06"
_END_64: Final = b"PK\x06\x06"
_PROBES: Final = (".well-known/althing.json", "checkpoint")


class BundleFile:
    """A zip of the public directory tree, with or without one folder around it.

    Every read is capped by the caller's limit whatever the archive claims, so a bomb ends as `TooLarge`.

    Raises:
        SourceUnavailable: the file cannot be opened.
        MalformedArchive: not a zip, too many files, one name twice, or no public records in it.
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        try:
            _check_count(path)
            self._zip = zipfile.ZipFile(path)
        except OSError as e:
            raise SourceUnavailable(f"{path} cannot be read: {e}") from e
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as e:
            raise MalformedArchive(f"{path} is not a zip file that can be read: {e}") from e
        names = [info.filename for info in self._zip.infolist() if not info.filename.endswith("/")]
        self._names = frozenset(names)
        if len(names) != len(self._names):
            raise MalformedArchive(f"{path} holds two files of one name")
        self._folder = _folder(names)

    def read(self, path: str, limit: int) -> bytes:
        """The bytes of a file.

        Raises:
            NotFound, TooLarge: as `PublicFiles.read`.
            MalformedArchive: a damaged, encrypted or oddly compressed member.
        """
        name = self._folder + path
        if name not in self._names:
            raise NotFound(f"the file {path} is missing")
        try:
            with self._zip.open(name) as file:
                data = file.read(limit + 1)
                # Only at its end does a member check its CRC.
                more = file.read(1)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, OSError) as e:
            raise MalformedArchive(f"the file {path} is damaged: {e}") from e
        if len(data) > limit or more:
            raise TooLarge(f"the file {path} has more than {limit} bytes")
        return data

    def read_many(self, paths: Iterable[str], limit: int) -> Iterator[bytes]:
        """The bytes of the files in that order."""
        return (self.read(path, limit) for path in paths)

    def listing(self) -> list[str] | None:
        """Every file, ascending by path."""
        return sorted(n.removeprefix(self._folder) for n in self._names if n.startswith(self._folder))

    def close(self) -> None:
        """Closes the file."""
        self._zip.close()


def _folder(names: list[str]) -> str:
    """The folder around the tree: that of the shallowest identity document, or of a lone checkpoint."""
    for probe in _PROBES:
        found = [n.removesuffix(probe) for n in names if n == probe or n.endswith("/" + probe)]
        if found:
            return min(found, key=lambda folder: (folder.count("/"), folder))
    raise MalformedArchive("the bundle holds neither an identity document nor a log's checkpoint")


def _check_count(path: Path) -> None:
    """Refuses an archive whose index alone would fill the memory, before `zipfile` reads it all."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 65_557 - 76))
        tail = file.read()
    end = tail.rfind(_END)
    if end < 0:
        raise zipfile.BadZipFile("no end record")
    length, count = struct.unpack_from("<L", tail, end + 12)[0], struct.unpack_from("<H", tail, end + 10)[0]
    long = tail.rfind(_END_64, 0, end)
    if long >= 0 and 0xFFFF in (count, length & 0xFFFF):
        count, length = struct.unpack_from("<QQ", tail, long + 32)
    if count > MEMBERS or length > MEMBERS * 256:
        raise MalformedArchive(f"a bundle has at most {MEMBERS} files")
