"""A ballot's definition: everything that decides the result, written down before anybody votes (DESIGN 4)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from governance import limits
from governance.statements.base import (
    Amount,
    Count,
    Digest,
    Integer,
    Key,
    MemberId,
    OptionId,
    Origin,
    Quarter,
    Role,
    Slug,
    Statement,
    Text,
    Time,
    Title,
    Value,
    kind,
)
from governance.statements.delegation import DelegationRule
from governance.statements.space import Quorum

Scalar = str | Integer | bool | None
Param = Scalar | list[str | Integer] | dict[str, Scalar]


class OptionLine(Value, frozen=True):
    """One thing to vote on; `cost` in the question's unit, `item` the roadmap item it stands for."""

    id: OptionId
    title: Title
    cost: Amount | None
    item: Slug | None


class RuleChoice(Value, frozen=True):
    """The counting rule, its version and all its parameters (nothing is left to a default)."""

    id: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,40}$(?!\n)")]
    version: Annotated[int, Meta(ge=1, le=1_000)]
    params: dict[str, Param]


class Question(Value, frozen=True):
    """What is asked, how it is answered and counted."""

    id: Slug
    title: Title
    text: Text
    options: Annotated[list[OptionLine], Meta(min_length=1, max_length=limits.OPTIONS)]
    rule: RuleChoice
    ties: Annotated[str, Meta(pattern=r"^rule-then-lot$(?!\n)")]


class Eligibility(Value, frozen=True):
    """Who is on the roll: active members with one of the roles, with what weight."""

    roles: Annotated[list[Role], Meta(min_length=1, max_length=4)]
    weights: Annotated[str, Meta(pattern=r"^(equal|enrolled)$(?!\n)")]


class NonceHolder(Value, frozen=True):
    """A party that commits to a secret number before opening and reveals it after close (lot seed)."""

    id: MemberId
    key: Key


class JointRef(Value, frozen=True):
    """What makes a ballot one part of a joint ballot (protocol 7).

    `acceptances` are the identities of all communities' acceptances in the manifest's order, `excluded` the
    rows of this community's frozen roll, ascending, whose members vote in an earlier one.
    """

    manifest: Digest
    acceptances: Annotated[list[Digest], Meta(min_length=2, max_length=limits.SHARDS)]
    excluded: Annotated[list[Count], Meta(max_length=limits.JOINT_EXCLUDED)]


@kind("ballot")
class Ballot(Statement, frozen=True, omit_defaults=True):
    """A ballot's definition, signed by a steward; entry 0 of the ballot's log.

    `joint` is left out unless the ballot is one part of a joint ballot.
    """

    protocol: Annotated[int, Meta(ge=1, le=1)]
    space: Slug
    ballot: Slug
    origin: Origin
    title: Title
    text: Text
    quarter: Quarter | None
    privacy: Annotated[str, Meta(pattern=r"^open$(?!\n)")]
    questions: Annotated[list[Question], Meta(min_length=1, max_length=limits.QUESTIONS)]
    eligibility: Eligibility
    quorum: Quorum | None
    opens_at: Time
    closes_at: Time
    early_close: Annotated[str, Meta(pattern=r"^(never|steward)$(?!\n)")]
    extension: Annotated[int, Meta(ge=0, le=90 * 86_400, description="Late-quorum extension, seconds, once")]
    revote: Annotated[str, Meta(pattern=r"^last-counts$(?!\n)")]
    delegation: Annotated[str, Meta(pattern=r"^none$(?!\n)")] | DelegationRule
    nonce_holders: Annotated[list[NonceHolder], Meta(max_length=20)]
    witness_policy: Annotated[str, Meta(max_length=16_000, description="C2SP tlog-policy, or empty")]
    requires: Annotated[list[Annotated[str, Meta(max_length=60)]], Meta(max_length=50)]
    signer: MemberId
    defined_at: Time
    joint: JointRef | None = None

    @property
    def delegation_rule(self) -> DelegationRule | None:
        """How delegations are resolved, None where there are none."""
        return self.delegation if isinstance(self.delegation, DelegationRule) else None
