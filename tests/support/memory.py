"""Public files held in memory, for audits of what a test has changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from governance.audit.run import audit
from governance.audit.verdict import Check, Verdict
from governance.errors import NotFound, TooLarge


class MemoryFiles:
    """A source over a dictionary; `reads` lists what was read."""

    name = "memory"

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.reads: list[str] = []

    def read(self, path: str, limit: int) -> bytes:
        self.reads.append(path)
        if path not in self.files:
            raise NotFound(f"the file {path} is missing")
        if len(self.files[path]) > limit:
            raise TooLarge(f"{path} has more than {limit} bytes")
        return self.files[path]

    def read_many(self, paths: Iterable[str], limit: int) -> Iterator[bytes]:
        return (self.read(path, limit) for path in paths)

    def listing(self) -> list[str] | None:
        return sorted(self.files)


def audit_files(files: dict[str, bytes], **choices) -> Verdict:
    return audit(MemoryFiles(files), **choices)


def failed(verdict: Verdict) -> dict[str, Check]:
    """The failed checks by name (the first of each)."""
    return {check.name: check for check in reversed(verdict.failures)}
