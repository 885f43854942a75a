"""What an audit returns: named checks, each passed, failed or skipped, with the place of the first failure.

`Verdict` encodes as the JSON of `althing audit --json` (`governance.canonical.encode`):

    {"source": str, "passed": bool, "instance": "sha256:…" | null,
     "checks": [{"log": origin, "name": str, "status": "passed|failed|skipped", "clause": str, "detail": str,
                 "numbers": {str: int}, "entry": int | null, "file": str | null}, …]}

`entry` is the index of the first failing entry of that log, `file` the path of the failing public file.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from governance.errors import AuditFailed

Status = Literal["passed", "failed", "skipped"]


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that was checked in one log; `clause` says which rule, `detail` what was found."""

    log: str
    name: str
    status: Status
    clause: str
    detail: str
    numbers: dict[str, int] = {}
    entry: int | None = None
    file: str | None = None

    @property
    def place(self) -> str:
        """The failing entry and file in words, empty when there is none."""
        parts = [] if self.entry is None else [f"entry {self.entry}"]
        return ", ".join(parts + ([self.file] if self.file else []))


class Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All checks of an audit in the order they were made; `instance` is the id that was established."""

    source: str
    passed: bool
    instance: str | None
    checks: list[Check]

    @classmethod
    def of(cls, source: str, instance: str | None, checks: list[Check]) -> Verdict:
        """The verdict of checks: passed when at least one passed and none failed."""
        statuses = {check.status for check in checks}
        return cls(source, "passed" in statuses and "failed" not in statuses, instance, checks)

    @property
    def failures(self) -> list[Check]:
        """The failed checks, first failure first."""
        return [check for check in self.checks if check.status == "failed"]

    def raise_for_failure(self) -> None:
        """Return only when the audit passed.

        Raises:
            AuditFailed: with the first failed check's log, name, entry and file among the facts.
        """
        if self.passed:
            return
        if not self.failures:
            raise AuditFailed("nothing could be checked")
        first = self.failures[0]
        facts: dict[str, str | int | list[str]] = {"log": first.log, "check": first.name}
        if first.entry is not None:
            facts["entry"] = first.entry
        if first.file is not None:
            facts["file"] = first.file
        place = f" ({first.place})" if first.place else ""
        error = AuditFailed(f"{first.log}: {first.name} failed{place}: {first.detail}")
        error.facts = facts
        raise error
