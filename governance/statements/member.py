"""Enrolment and everything that later happens to it (DESIGN 2.6: nothing personal, a DID and a key)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from governance.statements.base import (
    Amount,
    BoundStatement,
    Digest,
    Key,
    MemberId,
    Role,
    Slug,
    Time,
    kind,
)


@kind("member")
class Member(BoundStatement, frozen=True):
    """One revision of a member's enrolment.

    Signed by the key it names when that key is new (possession) and by a registrar; a member may rotate their
    own key without a registrar by signing with the old key and the new one.
    """

    space: Slug
    member: MemberId
    key: Key
    roles: Annotated[list[Role], Meta(min_length=1, max_length=4)]
    weight: Amount
    status: Annotated[str, Meta(pattern=r"^(active|suspended|left)$(?!\n)")]
    previous: Digest | None
    enrolled_at: Time
