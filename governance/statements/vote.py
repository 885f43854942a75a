"""What a member signs, and what opens the window to sign it in."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from governance.statements.base import (
    Digest,
    Hash,
    Integer,
    MemberId,
    Origin,
    Slug,
    Statement,
    Text,
    Time,
    Value,
    kind,
)
from governance.statements.electorate import ElectorateSummary

Mark = Annotated[str, Meta(max_length=64)]
Answer = (
    Mark
    | Annotated[list[Mark | Annotated[list[Mark], Meta(max_length=1_000)]], Meta(max_length=1_000)]
    | dict[Mark, Integer]
)
"""A choice, a list of marks (a list within a list is a tie), or points by option; the rule says which."""


@kind("nonce-commitment")
class NonceCommitment(Statement, frozen=True):
    """SHA-256 of a secret number, logged before opening (lot seed)."""

    definition: Digest
    holder: MemberId
    commitment: Hash
    committed_at: Time


class LogHead(Value, frozen=True):
    """A log at a size."""

    origin: Origin
    size: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    root: Hash


@kind("opening")
class Opening(Statement, frozen=True):
    """Voting begins with the next entry. Signed by the service key.

    The lot's `open_root` is the tree root right after this entry. `space` is the head of the space's log from
    which the roll was drawn. `order` names the steward's order when the ballot was not opened by schedule.
    """

    ballot: Origin
    definition: Digest
    instance: Digest
    vkey: Annotated[str, Meta(min_length=1, max_length=8_000)]
    space: LogHead
    electorate: ElectorateSummary
    order: Digest | None
    opened_at: Time


@kind("vote")
class Vote(Statement, frozen=True):
    """A member's answers; the last accepted one before the close counts. A question left out is blank."""

    ballot: Origin
    definition: Digest
    voter: MemberId
    answers: dict[Slug, Answer | None]
    cast_at: Time


@kind("dispute")
class Dispute(Statement, frozen=True):
    """Somebody contests an entry of the ballot's log."""

    ballot: Origin
    definition: Digest
    entry: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    reason: Text
    signer: MemberId
    raised_at: Time


@kind("ruling")
class Ruling(Statement, frozen=True):
    """The answer to a dispute, with its reason."""

    ballot: Origin
    definition: Digest
    dispute: Digest
    decision: Annotated[str, Meta(pattern=r"^(upheld|rejected)$(?!\n)")]
    reason: Text
    signer: MemberId
    ruled_at: Time
