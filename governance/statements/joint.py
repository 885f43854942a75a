"""Joint ballots: the manifest that communities accept, and what they record about its result (protocol 7)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from governance import limits
from governance.counting.threshold import Threshold
from governance.statements.ballot import Eligibility, NonceHolder, Question
from governance.statements.base import (
    BlobRef,
    BoundStatement,
    Count,
    Digest,
    Hash,
    MemberId,
    Origin,
    Quarter,
    Slug,
    Statement,
    Text,
    Time,
    Title,
    Value,
    kind,
)
from governance.statements.electorate import ElectorateSummary
from governance.statements.space import Quorum, VKey

Position = Annotated[int, Meta(ge=0, le=limits.SHARDS - 1, description="Place in the manifest's `shards`")]


class Shard(Value, frozen=True):
    """One community of a joint ballot: its instance, its space, and its space's log.

    `nonce_holders` commit to numbers in this community's part, for the lot.
    """

    instance: Digest
    base_url: Annotated[str, Meta(pattern=r"^https?://[^\s/]+(/[^\s]*[^\s/])?$(?!\n)", max_length=255)]
    space: Slug
    origin: Origin
    vkey: VKey
    title: Title
    nonce_holders: Annotated[list[NonceHolder], Meta(max_length=20)]


class Pooled(Value, frozen=True, tag="pooled"):
    """The votes of all communities together decide, by each question's own rule."""


class DoubleMajority(Value, frozen=True, tag="double-majority"):
    """What the pooled votes choose also needs a share of all votes and of the communities.

    `members` is asked of the pooled votes and of each community's own; `communities` of the number of
    communities that reach it, out of all in the manifest.
    """

    members: Threshold
    communities: Threshold


class VetoShare(Value, frozen=True, tag="veto-share"):
    """The pooled votes decide, unless in one community the votes against reach a share.

    `base`: of the yes and no votes there, or of the weight of everybody on its roll.
    """

    share: Threshold
    base: Annotated[str, Meta(pattern=r"^(votes|electorate)$(?!\n)")]


class Manifest(Value, frozen=True):
    """Everything that decides a joint ballot, written down before any community accepts it.

    No statement: its name is the SHA-256 of its canonical bytes. `grace`: seconds after `closes_at` for which
    a result waits for all parts. `minimum`: parts that a result needs. `partial`: whether fewer than all then
    `count`, or there is no result (`refuse`). `overlap`: whoever is on several rolls votes in the first
    community. `quorum` is asked of all parts together.
    """

    protocol: Annotated[int, Meta(ge=1, le=1)]
    title: Title
    text: Text
    ballot: Slug
    quarter: Quarter | None
    questions: Annotated[list[Question], Meta(min_length=1, max_length=limits.QUESTIONS)]
    eligibility: Eligibility
    quorum: Quorum | None
    shards: Annotated[list[Shard], Meta(min_length=2, max_length=limits.SHARDS)]
    opens_at: Time
    closes_at: Time
    grace: Annotated[int, Meta(ge=0, le=366 * 86_400)]
    minimum: Annotated[int, Meta(ge=1, le=limits.SHARDS)]
    partial: Annotated[str, Meta(pattern=r"^(count|refuse)$(?!\n)")]
    overlap: Annotated[str, Meta(pattern=r"^first-shard$(?!\n)")]
    combine: Pooled | DoubleMajority | VetoShare
    witness_policy: Annotated[str, Meta(max_length=16_000, description="C2SP tlog-policy, or empty")]
    requires: Annotated[list[Annotated[str, Meta(max_length=60)]], Meta(max_length=50)]


@kind("joint-acceptance")
class JointAcceptance(BoundStatement, frozen=True):
    """The space takes part: it accepts the manifest and freezes its roll as it is at this entry.

    `manifest` is the manifest's canonical bytes as text. `roll` is the blob of the frozen rows.
    """

    space: Slug
    manifest: Annotated[str, Meta(min_length=2, max_length=limits.MANIFEST)]
    roll: BlobRef
    electorate: ElectorateSummary
    signer: MemberId
    accepted_at: Time


class ShardRef(Value, frozen=True):
    """A community's part as it was counted: its log right after its own outcome."""

    shard: Position
    origin: Origin
    size: Count
    root: Hash


@kind("joint-outcome")
class JointOutcome(Statement, frozen=True):
    """The joint result over these parts, as a digest of its canonical JSON (a blob). Service key.

    `missing` are the places of the parts that are not there. A later part gives an outcome that `supersedes`
    this one.
    """

    space: Slug
    manifest: Digest
    shards: Annotated[list[ShardRef], Meta(min_length=1, max_length=limits.SHARDS)]
    missing: Annotated[list[Position], Meta(max_length=limits.SHARDS)]
    result: BlobRef
    supersedes: Digest | None
    counted_at: Time


class Differing(Value, frozen=True):
    """The digest that another participant has logged for the same parts."""

    shard: Position
    result: Digest


@kind("joint-dispute")
class JointDispute(Statement, frozen=True):
    """Participants disagree on the result over the same parts; from here on there is none. Service key."""

    space: Slug
    manifest: Digest
    ours: Digest
    theirs: Annotated[list[Differing], Meta(min_length=1, max_length=limits.SHARDS)]
    noted_at: Time
