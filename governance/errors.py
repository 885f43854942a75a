"""Everything Althing says no with.

    GovernanceError
    ├── Malformed       the bytes do not follow the format               400 (413: too large)
    ├── Refused         well-formed, but a rule forbids it               401, 403, 404, 405, 409, 422
    ├── Unavailable     right, but not now; carries `retry_after`        429, 503
    ├── SetupFault      this instance cannot start or work as configured exit code 1
    └── IntegrityFault  our own records contradict each other: stop, never repair by guessing

`code` is the stable name: the last part of the problem's `type` URL (RFC 9457), the heading in
`docs/problems.md`, the `code` member in CLI JSON. `pointer` is a JSON pointer (RFC 6901) to the offending
value where there is one. A code never changes its meaning.
"""

from __future__ import annotations

from typing import ClassVar


class GovernanceError(Exception):
    """An answer of no, with a stable code, the place, and what to do about it."""

    code: ClassVar[str] = "governance-error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str, *, pointer: str | None = None, **facts: str | int | list[str]) -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer
        self.facts = facts

    def __reduce__(self) -> tuple[object, ...]:
        """Errors cross process borders (parallel audits)."""
        return (_rebuild, (type(self), self.detail, self.pointer, self.facts))


def _rebuild(
    kind: type[GovernanceError], detail: str, pointer: str | None, facts: dict[str, str | int | list[str]]
) -> GovernanceError:
    return kind(detail, pointer=pointer, **facts)


class Malformed(GovernanceError):
    """The bytes are not what the format says."""

    code = "malformed"
    status = 400
    title = "The data could not be read"


class MalformedJson(Malformed):
    """Not strict JSON: syntax, duplicate key, float, out-of-range integer, depth, lone surrogate."""

    code = "malformed-json"
    title = "This is not valid JSON"


class MalformedRequest(Malformed):
    """A path, query or header value is not usable."""

    code = "malformed-request"
    title = "The request could not be understood"


class MalformedAnswer(Malformed):
    """A service answered with something that the protocol does not know."""

    code = "malformed-answer"
    title = "The service's answer could not be understood"


class MalformedStatement(Malformed):
    """JSON, but not of the shape its payload type names."""

    code = "malformed-statement"
    title = "The statement does not follow its schema"


class MalformedEnvelope(Malformed):
    """Not a DSSE envelope."""

    code = "malformed-envelope"
    title = "This is not a signed envelope"


class MalformedKey(Malformed):
    """Not a public key of the named suite."""

    code = "malformed-key"
    title = "This key could not be read"


class MalformedSignature(Malformed):
    """Signature bytes that do not follow the suite's format."""

    code = "malformed-signature"
    title = "This signature could not be read"


class MalformedNote(Malformed):
    """Not a signed note (C2SP signed-note)."""

    code = "malformed-note"
    title = "This is not a signed note"


class MalformedCheckpoint(MalformedNote):
    """A note whose text is not a checkpoint (C2SP tlog-checkpoint)."""

    code = "malformed-checkpoint"
    title = "This is not a checkpoint"


class MalformedTile(Malformed):
    """Not a tile, tile path or entry bundle (C2SP tlog-tiles)."""

    code = "malformed-tile"
    title = "This tile could not be read"


class MalformedProof(Malformed):
    """Not a Merkle proof, or not one of this shape."""

    code = "malformed-proof"
    title = "This proof could not be read"


class MalformedReceipt(MalformedProof):
    """Not a `.tlog-proof` (C2SP tlog-proof)."""

    code = "malformed-receipt"
    title = "This receipt could not be read"


class MalformedEvidence(Malformed):
    """Not a file of equivocation evidence."""

    code = "malformed-evidence"
    title = "This evidence could not be read"


class MalformedPolicy(Malformed):
    """Not a trust policy (C2SP tlog-policy)."""

    code = "malformed-policy"
    title = "This trust policy could not be read"


class MalformedBallotFile(Malformed):
    """A ballot file (Pabulib, our JSON …) that does not follow its format; names line and column."""

    code = "malformed-ballot-file"
    title = "This ballot file could not be read"


class MalformedRoadmap(Malformed):
    """A roadmap document in which nothing can be recognised."""

    code = "malformed-roadmap"
    title = "This roadmap could not be read"


class MalformedArchive(Malformed):
    """A bundle file of public records that cannot be opened."""

    code = "malformed-archive"
    title = "This bundle could not be read"


class TooLarge(Malformed):
    """More bytes than the limit of this place."""

    code = "too-large"
    status = 413
    title = "This is too large"


class Refused(GovernanceError):
    """Well-formed, but a rule forbids it."""

    code = "refused"
    status = 422
    title = "This is not allowed"


class BadSignature(Refused):
    """The signature does not verify."""

    code = "bad-signature"
    title = "The signature does not match"


class BadProof(Refused):
    """A Merkle proof of the right shape that leads to another root."""

    code = "bad-proof"
    title = "The proof does not lead to the signed root"


class BadEvidence(Refused):
    """Evidence that proves nothing: a signature fails, or one history has both heads."""

    code = "bad-evidence"
    title = "This evidence proves nothing"


class QuorumNotMet(Refused):
    """Fewer cosignatures than the trust policy asks for."""

    code = "quorum-not-met"
    title = "Too few witnesses have cosigned this"


class ClockSkew(Refused):
    """A signed request from another time than ours; `now` is our Unix time."""

    code = "clock-skew"
    status = 401
    title = "The clocks differ too much"


class Replayed(Refused):
    """A signed request that was received before."""

    code = "replayed"
    status = 409
    title = "This request was received before"


class IdentityChanged(Refused):
    """Another instance answers than the one that is known, or its documents do not follow each other."""

    code = "identity-changed"
    status = 409
    title = "This is not the instance that is known"


class WrongSuite(Refused):
    """Another signature suite than the one the member enrolled."""

    code = "wrong-suite"
    title = "Signed in another way than the enrolled key"


class WrongBallot(Refused):
    """The statement names another ballot, or another version of its definition."""

    code = "wrong-ballot"
    title = "This is for another ballot"


class InvalidAnswer(Refused):
    """An answer that the question's rule does not accept."""

    code = "invalid-answer"
    title = "This answer is not valid for the question"


class InvalidDefinition(Refused):
    """A ballot definition whose parts do not fit together."""

    code = "invalid-definition"
    title = "This ballot cannot be defined like that"


class InvalidStatement(Refused):
    """A statement that contradicts what its log already says."""

    code = "invalid-statement"
    title = "This contradicts the record"


class Unsupported(Refused):
    """A feature or rule this version does not know; it refuses rather than guess."""

    code = "unsupported"
    title = "This version cannot verify that"


class NotOnRoll(Refused):
    """The voter is not in the ballot's electorate."""

    code = "not-on-roll"
    status = 403
    title = "Not on this ballot's roll"


class NotAuthorised(Refused):
    """The signer lacks the role for this statement."""

    code = "not-authorised"
    status = 403
    title = "The signer may not do this"


class NotFound(Refused):
    """No such thing here."""

    code = "not-found"
    status = 404
    title = "Not found"


class MethodNotAllowed(Refused):
    """The resource exists, but not for this HTTP method."""

    code = "method-not-allowed"
    status = 405
    title = "This method is not possible here"


class BallotNotOpen(Refused):
    """Before the ballot's opening."""

    code = "ballot-not-open"
    status = 409
    title = "Voting has not opened yet"


class BallotClosed(Refused):
    """After the ballot's close."""

    code = "ballot-closed"
    status = 409
    title = "Voting has closed"


class StaleVote(Refused):
    """Cast earlier than a vote already accepted from the same voter."""

    code = "stale-vote"
    status = 409
    title = "A newer vote of yours is already recorded"


class OldCheckpoint(Refused):
    """A checkpoint that is no news; `size` is what is known here of the log, when it was about one."""

    code = "old-checkpoint"
    status = 409
    title = "As much of this log is known here already"


class StaleRevision(Refused):
    """Built on a revision that is no longer the latest."""

    code = "stale-revision"
    status = 409
    title = "Somebody changed this in the meantime"


class NotHome(Refused):
    """The item has its home elsewhere, or was offered to another space and waits for the answer."""

    code = "not-home"
    status = 409
    title = "This community cannot change that item"


class AlreadyExists(Refused):
    """The name is taken."""

    code = "already-exists"
    status = 409
    title = "This already exists"


class Vetoed(Refused):
    """A plugin refused the statement before it was recorded."""

    code = "vetoed"
    title = "Refused by a local rule"


class AuditFailed(Refused):
    """An audit found something wrong; `check`, `log`, `entry` and `file` say what and where."""

    code = "audit-failed"
    title = "The audit failed"


class Unavailable(GovernanceError):
    """Right, but not now. `retry_after` is in seconds."""

    code = "unavailable"
    status = 503
    title = "Not available just now"

    def __init__(
        self, detail: str, *, retry_after: int = 1, pointer: str | None = None, **facts: str | int | list[str]
    ) -> None:
        super().__init__(detail, pointer=pointer, retry_after=retry_after, **facts)
        self.retry_after = retry_after


class QueueFull(Unavailable):
    """The writer has as much waiting as it can hold; nothing was stored."""

    code = "queue-full"
    title = "Too many votes at this moment"


class RateLimited(Unavailable):
    """Too many requests from one address; nothing was stored."""

    code = "rate-limited"
    status = 429
    title = "Too many requests"


class StorageUnavailable(Unavailable):
    """The database cannot be written (full disk, read-only); nothing was stored."""

    code = "storage-unavailable"
    title = "Votes cannot be stored at the moment"


class NoAnswer(Unavailable):
    """Nobody answers at the address, or not in time."""

    code = "no-answer"
    status = 502
    title = "The service does not answer"


class EgressRefused(Unavailable):
    """An address that this instance does not send requests to (private networks, other ports, redirects)."""

    code = "egress-refused"
    status = 502
    title = "This address may not be asked"


class SourceUnavailable(Unavailable):
    """A file or URL that an audit needs cannot be fetched."""

    code = "source-unavailable"
    status = 502
    title = "The records could not be fetched"


class SetupFault(GovernanceError):
    """This instance cannot start or work as configured."""

    code = "setup-fault"
    title = "Althing cannot start like this"


class PortTaken(SetupFault):
    """Another program listens on the port."""

    code = "port-taken"


class DataDirectoryUnusable(SetupFault):
    """The data directory cannot be created, written or trusted."""

    code = "data-directory-unusable"


class DatabaseTooNew(SetupFault):
    """A newer Althing has migrated this database."""

    code = "database-too-new"


class AnotherWriter(SetupFault):
    """Another process already writes this database."""

    code = "another-writer"


class IntegrityFault(GovernanceError):
    """Our own records contradict each other: stop, never repair by guessing."""

    code = "integrity-fault"
    title = "The records of this instance are damaged"


class Behind(IntegrityFault):
    """Somebody holds a checkpoint that our log signed and that our records do not lead to."""

    code = "behind"
    title = "The records of this instance are older than what others have seen of them"
