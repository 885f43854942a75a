"""The checks by name, the rule behind each, and which check a refusal belongs to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from governance.audit.source import LogFiles
from governance.audit.verdict import Check
from governance.errors import (
    AlreadyExists,
    BadSignature,
    BallotClosed,
    BallotNotOpen,
    GovernanceError,
    InvalidAnswer,
    Malformed,
    NotAuthorised,
    NotOnRoll,
    StaleVote,
    Unsupported,
    WrongBallot,
    WrongSuite,
)
from governance.log.checkpoint import Checkpoint

CLAUSES: Final = {
    "fingerprint": "protocol 1.4: an instance is the hash of its root key",
    "identity": "protocol 1.4: id = hash of the root key, documents signed by it",
    "origin": "a log's origin is its instance's base and its place (protocol 1.5)",
    "log key": "the vkey is the one that the log above names",
    "checkpoint": "C2SP signed-note, tlog-checkpoint",
    "bundles": "C2SP tlog-tiles, entry bundles: exactly the entries",
    "tree": "RFC 6962 2.1: the tree over the entries has the signed root",
    "tiles": "C2SP tlog-tiles: every tile is the one the entries make",
    "files": "protocol 1.5: nothing is published that no log accounts for",
    "blobs": "protocol 1.5: a blob is named by its SHA-256",
    "entries": "protocol 1.2: entries are normalised envelopes of known statements",
    "signatures": "protocol 1.3: strict verification under the enrolled key",
    "records": "every record follows the rules at its place in the log",
    "definition": "protocol 4: the definition is complete and signed by a steward",
    "electorate": "protocol 4: the roll is frozen before the opening, which names its root",
    "entitlement": "the roll is the one that the space's members make at the head the opening names",
    "authority": "stewards and service keys are those of the space and the instance",
    "opening": "protocol 4: the opening names roll, space head, instance and log key",
    "vote signatures": "each vote verifies under the one key that the roll names",
    "eligibility": "every voter is on the roll",
    "answers": "the counting rule accepts every answer",
    "replacements": "the last vote counts; none twice, none older than its replacement",
    "deadline": "protocol 4: votes stand between opening and close",
    "delegations": "protocol 5.1: as the space's log has them at the head that the snapshot names",
    "closing": "protocol 4: closed at its time or by a recorded order",
    "witnesses": "protocol 4: the quorum of the ballot's policy has cosigned its close",
    "succession": "protocol 1.7: a burnt log goes on with its first entries, as the root key says",
    "seen": "protocol 8: the witnesses that were asked have seen the same history",
    "quorum": "C2SP tlog-policy: the published head satisfies the auditor's own policy",
    "count": "protocol 5: the result recomputed from the votes, byte for byte",
    "lot": "counting.md 0: seed from open root and revealed nonces",
    "outcome": "the outcome entry is what the count gives, signed by the service",
    "publication": "the space's log announces this outcome",
    "joint": "protocol 7.4: the joint result counts this instance's parts as their logs give them",
    "joint parts": "protocol 7.4: the joint result recomputed from all parts, byte for byte",
}
"""Name of a check -> the rule it applies."""

VOTE_CHECKS: Final = ("vote signatures", "eligibility", "answers", "replacements", "deadline")
BALLOT_CHECKS: Final = (
    "entries",
    "authority",
    "definition",
    "electorate",
    "entitlement",
    "opening",
    *VOTE_CHECKS,
    "delegations",
    "closing",
)
"""What folding a ballot's log judges, in the order of the log."""

_BY_KIND: Final = {
    "ballot": "definition",
    "electorate": "electorate",
    "opening": "opening",
    "nonce-commitment": "opening",
    "extension": "closing",
    "delegation-snapshot": "delegations",
    "close": "closing",
    "cancellation": "closing",
    "nonce-reveal": "lot",
    "outcome": "outcome",
}
_BY_ERROR: Final[tuple[tuple[type[GovernanceError], str], ...]] = (
    (NotOnRoll, "eligibility"),
    (InvalidAnswer, "answers"),
    (StaleVote, "replacements"),
    (AlreadyExists, "replacements"),
    (BallotNotOpen, "deadline"),
    (BallotClosed, "deadline"),
    (BadSignature, "vote signatures"),
    (WrongSuite, "vote signatures"),
    (WrongBallot, "answers"),
)


def ballot_check(error: GovernanceError, kind: str | None) -> str:
    """The check that an entry of a ballot's log failed; `kind` is None when it could not be read."""
    if kind is None or (isinstance(error, (Malformed, Unsupported)) and kind == "vote"):
        return "entries"
    if kind != "vote" and isinstance(error, (BadSignature, WrongSuite, NotAuthorised)):
        return "authority"
    if kind == "opening" and error.pointer == "/electorate":
        return "entitlement"
    if kind == "vote":
        return next((name for cause, name in _BY_ERROR if isinstance(error, cause)), "vote signatures")
    return _BY_KIND.get(kind, "entries")


def record_check(error: GovernanceError, kind: str | None) -> str:
    """The check that an entry of an instance's or a space's log failed."""
    if kind is None:
        return "entries"
    return "signatures" if isinstance(error, (BadSignature, WrongSuite)) else "records"


@dataclass(frozen=True, slots=True)
class AuditedHead:
    """The head of a log as it was audited: its note verbatim, signed by the key that the log above names."""

    files: LogFiles
    vkey: str
    note: bytes
    checkpoint: Checkpoint


class Findings:
    """The checks made so far, and the heads they are about; `note` hears each check as it is made.

    With `heads`, the heads are added to those of somebody else's findings.
    """

    def __init__(
        self, note: Callable[[Check], None] | None = None, heads: list[AuditedHead] | None = None
    ) -> None:
        self.checks: list[Check] = []
        self.heads: list[AuditedHead] = [] if heads is None else heads
        self._note = note

    def about(self, log: str) -> Log:
        """Where the checks of one log are written."""
        return Log(self, log)

    def add(self, check: Check) -> None:
        """One more check."""
        self.checks.append(check)
        if self._note is not None:
            self._note(check)


class Log:
    """Writes the checks of one log; `failed` says whether one failed.

    `unknown` names the checks that this source cannot answer, with the reason.
    """

    def __init__(self, findings: Findings, name: str) -> None:
        self.name = name
        self.failed = False
        self.unknown: dict[str, str] = {}
        self._findings = findings

    def of_head(self, head: AuditedHead) -> None:
        """What follows about this log is about this head."""
        self._findings.heads.append(head)

    def passed(self, name: str, detail: str, **numbers: int) -> None:
        """The check holds."""
        self._findings.add(Check(self.name, name, "passed", CLAUSES[name], detail, numbers))

    def fail(
        self, name: str, detail: str, entry: int | None = None, file: str | None = None, **numbers: int
    ) -> None:
        """The check does not hold; at this entry or in this file."""
        self.failed = True
        self._findings.add(Check(self.name, name, "failed", CLAUSES[name], detail, numbers, entry, file))

    def skipped(self, name: str, why: str) -> None:
        """The check could not be made."""
        self._findings.add(Check(self.name, name, "skipped", CLAUSES[name], why))
