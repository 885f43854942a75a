"""Enrolment rules: possession of the key, a registrar's signature, own key rotation."""

from __future__ import annotations

from dataclasses import dataclass

from governance.errors import InvalidStatement, NotAuthorised, StaleRevision
from governance.replay.authority import Members, require_role
from governance.signing.suites import get
from governance.statements.base import Key
from governance.statements.entry import Entry, key_id, verify_signer
from governance.statements.member import Member


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """A member at the latest revision."""

    id: str
    key: Key
    roles: tuple[str, ...]
    weight: str
    status: str
    digest: str
    index: int

    @classmethod
    def of(cls, member: Member, digest: str, index: int) -> MemberRecord:
        """The record of a revision recorded at index under digest."""
        return cls(
            member.member, member.key, tuple(member.roles), member.weight, member.status, digest, index
        )


def authorise_enrolment(members: Members, old: MemberRecord | None, new: Member, entry: Entry) -> None:
    """That this revision may follow: a new key signs, and so does a registrar (or the old key, to rotate).

    A first enrolment's id is the id of its key, so nobody enrols under a name that another key could claim.

    Raises:
        Refused: the rule it breaks.
    """
    if new.previous != (old.digest if old else None):
        raise StaleRevision("this enrolment was revised since", pointer="/previous")
    if old is None and key_id(new.key) != new.member:
        raise InvalidStatement("the member id does not belong to this key", pointer="/member")
    get(new.key.suite).parse_key(new.key.public)
    if old is None or old.key != new.key:
        _possession(entry, new, old)
    if _is_own_rotation(old, new) and old is not None and _signed_by(entry, new.member, old.key):
        return
    # Nobody grants themselves a role: the own signature does not count here.
    refusal = "an enrolment needs the signature of a registrar (or another role the constitution names)"
    for signature in entry.envelope.signatures:
        if signature.keyid != new.member:
            try:
                require_role(entry, signature.keyid, members)
            except NotAuthorised as e:
                refusal = e.detail
            else:
                return
    raise NotAuthorised(refusal, pointer="/signatures")


def _possession(entry: Entry, new: Member, old: MemberRecord | None) -> None:
    """The new key must have signed; after a rotation it signs under its own id, not the member's."""
    signer = new.member if old is None else key_id(new.key)
    verify_signer(entry, signer, new.key)


def _is_own_rotation(old: MemberRecord | None, new: Member) -> bool:
    return (
        old is not None
        and old.status == new.status == "active"
        and (old.roles, old.weight) == (tuple(new.roles), new.weight)
    )


def _signed_by(entry: Entry, signer: str, key: Key) -> bool:
    if not any(s.keyid == signer for s in entry.envelope.signatures):
        return False
    verify_signer(entry, signer, key)
    return True
