"""Public files in a directory: an export, a mirror, or what `wget` fetched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from governance.errors import NotFound, SourceUnavailable, TooLarge


class Directory:
    """The files below a directory.

    Raises:
        SourceUnavailable: there is no such directory.
    """

    def __init__(self, root: Path) -> None:
        self.name = str(root)
        self._root = root
        if not root.is_dir():
            raise SourceUnavailable(f"{root} is not a directory")

    def read(self, path: str, limit: int) -> bytes:
        """The bytes of a file; never one outside the directory.

        Raises:
            NotFound, TooLarge: as `PublicFiles.read`.
            SourceUnavailable: the file system refuses.
        """
        target = self._root / path
        if ".." in target.parts or not target.is_relative_to(self._root):
            raise NotFound(f"{path} is no path of a public file")
        try:
            with target.open("rb") as file:
                data = file.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as e:
            raise NotFound(f"the file {path} is missing") from e
        except (OSError, ValueError) as e:
            raise SourceUnavailable(f"{path} cannot be read: {e}") from e
        if len(data) > limit:
            raise TooLarge(f"the file {path} has more than {limit} bytes")
        return data

    def read_many(self, paths: Iterable[str], limit: int) -> Iterator[bytes]:
        """The bytes of the files in that order."""
        return (self.read(path, limit) for path in paths)

    def listing(self) -> list[str] | None:
        """Every file, ascending by path."""
        found = (path for path in self._root.rglob("*") if path.is_file())
        return sorted(path.relative_to(self._root).as_posix() for path in found)
