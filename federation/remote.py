"""The public files of another instance, or of its copy at a third one, over the node's bounded client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from federation.node import Node
from governance.fetch.ahead import read_ahead


class PeerFiles:
    """The public files below a base URL (`governance.audit.source.PublicFiles`)."""

    def __init__(self, node: Node, base: str) -> None:
        self.name = base
        self._node = node

    def read(self, path: str, limit: int) -> bytes:
        """The bytes of a file.

        Raises:
            NotFound: the peer has no such file.
            TooLarge: more than limit bytes.
            Unavailable: it does not answer, or not in time.
        """
        return self._node.client.get(f"{self.name}/{path}", limit).body

    def read_many(self, paths: Iterable[str], limit: int) -> Iterator[bytes]:
        """The bytes of the files in that order, some of them requested ahead."""
        return read_ahead(self.read, paths, limit)

    def listing(self) -> list[str] | None:
        """None: a web server does not list its files."""
        return None
