"""Other instances, in the instance's own log: what the operator decided of them, and proven split views."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from governance.statements.base import (
    BlobRef,
    Digest,
    MemberId,
    Origin,
    Statement,
    Text,
    Time,
    kind,
)

Trust = Annotated[str, Meta(pattern=r"^(observer|mirror|partner|blocked)$(?!\n)")]
BaseUrl = Annotated[str, Meta(pattern=r"^https?://[^\s/]+(/[^\s]*)?$(?!\n)", max_length=255)]


@kind("peer")
class Peer(Statement, frozen=True):
    """An operator's decision about another instance; signed by an operator.

    `peer` is its instance id. `observer` may talk to us, `mirror` is copied and cosigned here, with `partner`
    communities may decide together, `blocked` is refused. `previous` is the last `peer` entry about it.
    """

    peer: Digest
    base_url: BaseUrl
    state: Trust
    reason: Text
    previous: Digest | None
    operator: MemberId
    ordered_at: Time


@kind("evidence")
class Evidence(Statement, frozen=True):
    """The blob proves that the log of this origin has shown two histories. Signed by the service key."""

    origin: Origin
    evidence: BlobRef
    found_at: Time


@kind("peer-sync")
class PeerSync(Statement, frozen=True):
    """An operator asks to contact a peer at once; acted on and not recorded."""

    peer: Digest
    operator: MemberId
    asked_at: Time
