"""Delegation (liquid democracy): who votes for whom, in what, until when; and the rule a ballot applies.

counting.md section 8. What follows from these statements is resolved in `governance.replay.delegation`.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from governance.counting.threshold import Threshold
from governance.statements.base import (
    BoundStatement,
    Count,
    Digest,
    MemberId,
    Origin,
    Quarter,
    Slug,
    Statement,
    Time,
    Value,
    kind,
)
from governance.statements.vote import LogHead

_SLUG = r"[a-z0-9][a-z0-9-]{0,62}"
_TOPIC = rf"{_SLUG}(/{_SLUG}){{0,7}}"

Topic = Annotated[str, Meta(pattern=rf"^{_TOPIC}$(?!\n)", description="A path such as `energy/heat`")]
Scope = Annotated[
    str,
    Meta(
        pattern=rf"^(space|ballot:{_SLUG}|topic:{_TOPIC})$(?!\n)",
        description="`space`, `ballot:<ballot>`, or `topic:<path>`: the topic and everything below it",
    ),
]
"""One string, so that a record has exactly one scope and equal scopes are equal bytes."""


class DelegationRule(Value, frozen=True):
    """How a ballot resolves delegations.

    `topic` is where the ballot stands among the space's topics. `fallback` is `lost` (the first delegate or
    nobody) or `ranked` (any of those listed, by the shortest way). `max_depth` is the most steps to a voter,
    `cap` the most weight one voter may carry for others, as a share of the roll's weight.
    """

    topic: Topic | None
    fallback: Annotated[str, Meta(pattern=r"^(lost|ranked)$(?!\n)")]
    max_depth: Annotated[int, Meta(ge=1, le=1_000)] | None
    cap: Threshold | None


@kind("delegation")
class Delegation(BoundStatement, frozen=True):
    """A member lets others vote for them. The latest one of a delegator and scope counts.

    Without delegates it revokes the one before; then it has no expiry. `expires` is the last quarter in which
    it holds. `sequence` rises with each statement of a delegator, whatever its scope. The delegator signs.
    """

    space: Slug
    delegator: MemberId
    delegates: Annotated[list[MemberId], Meta(max_length=5, description="The first preference first")]
    scope: Scope
    expires: Quarter | None
    sequence: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    delegated_at: Time


@kind("delegation-snapshot")
class DelegationSnapshot(Statement, frozen=True):
    """The head of the space's log from which a ballot's delegations are resolved; its close follows at once.

    `live` is how many members of the roll have a live delegation there that reaches this ballot. Signed by
    the service key.
    """

    ballot: Origin
    definition: Digest
    space: LogHead
    live: Count
