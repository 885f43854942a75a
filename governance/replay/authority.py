"""Who may sign what: the keys of an instance and the roles a constitution gives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from governance.errors import BadSignature, NotAuthorised, Refused, WrongSuite
from governance.replay.delegation_records import Delegated
from governance.statements.ballot import Ballot
from governance.statements.base import Key
from governance.statements.electorate import Voter
from governance.statements.entry import Entry, verify_signer
from governance.statements.space import BallotOrder

ROLE_KINDS: Final = (
    "constitution",
    "member",
    "roadmap-item",
    "roadmap-edition",
    "ballot",
    "ballot-order",
    "commitment",
    "commitment-update",
    "dispute",
    "ruling",
)
"""The kinds that a constitution gives to roles; all others belong to the service key."""


@dataclass(slots=True)
class InstanceKeys:
    """The keys an instance's identity log has named so far; service keys by key text, operators by id.

    `operators` are those of the latest document, `once` those of all: a founding stands at the beginning
    of a log that does not say which of them it was. `revoked` says from which index of which log on a service
    key's signatures are void: by position, so that what it signed before it was stolen stays valid for ever.
    """

    instance: str = ""
    root: Key | None = None
    services: dict[str, Key] = field(default_factory=dict)
    operators: dict[str, Key] = field(default_factory=dict)
    once: list[tuple[str, Key]] = field(default_factory=list)
    revoked: dict[tuple[str, str], int] = field(default_factory=dict)


class Members(Protocol):
    """What a space says about its members (implemented by `replay.space.SpaceState`)."""

    def key_of(self, member: str) -> Key | None:
        """The member's current key, whatever their status; None when never enrolled."""
        ...

    def roles_of(self, member: str) -> frozenset[str]:
        """The roles of an active member; empty otherwise."""
        ...

    def permitted(self, kind: str) -> frozenset[str]:
        """The roles that may record this kind."""
        ...

    def keys_once(self, member: str, kind: str) -> Iterable[Key]:
        """The keys under which the member could ever record this kind."""
        ...

    def order_of(self, digest: str) -> BallotOrder | None:
        """The steward's order of that digest."""
        ...

    def roll(self, roles: list[str], weights: str) -> Iterable[Voter]:
        """The rows of everybody entitled to vote, ascending by id."""
        ...

    def shard_roll(self, ballot: Ballot) -> Iterable[Voter]:
        """The rows of a part of a joint ballot, ascending by id.

        Raises:
            InvalidDefinition: the space has accepted no such part.
        """
        ...

    def may_delegate(self) -> bool:
        """Whether the constitution allows delegation."""
        ...

    def delegated(self) -> Delegated | None:
        """The latest delegations by delegator and scope; None where they are not known."""
        ...


def require_service(entry: Entry, keys: InstanceKeys, origin: str, index: int) -> None:
    """That the instance's service key signed the entry, which stands at that index of that log.

    Raises:
        NotAuthorised: no signature by a service key of this instance, or by one that is revoked there.
        BadSignature: its signature does not verify.
    """
    for signature in entry.envelope.signatures:
        key = keys.services.get(signature.keyid)
        if key is not None:
            verify_signer(entry, signature.keyid, key)
            start = keys.revoked.get((signature.keyid, origin))
            if start is not None and index >= start:
                raise NotAuthorised(
                    f"the service key that signed this is revoked in this log from entry {start} on",
                    pointer="/signatures",
                )
            return
    raise NotAuthorised("this entry needs the signature of the instance's service key", pointer="/signatures")


def require_operator(entry: Entry, operator: str, keys: InstanceKeys) -> None:
    """That an operator of the instance signed the entry.

    Raises:
        NotAuthorised: not an operator; BadSignature: the signature does not verify.
    """
    key = keys.operators.get(operator)
    if key is None:
        raise NotAuthorised(f"{operator} is not an operator of this instance", pointer="/operator")
    verify_signer(entry, operator, key)


def require_founder(entry: Entry, operators: Iterable[tuple[str, Key]]) -> None:
    """That one of these operators signed the entry.

    Args:
        entry: a founding.
        operators: ids with keys: at present, to record it; ever, to read it in a log.

    Raises:
        NotAuthorised: none of them; BadSignature: the signature does not verify.
    """
    signers = {signature.keyid for signature in entry.envelope.signatures}
    wrong: Refused = NotAuthorised(
        "founding a space needs an operator of the instance", pointer="/signatures"
    )
    for operator, key in operators:
        if operator in signers:
            try:
                verify_signer(entry, operator, key)
            except (BadSignature, WrongSuite) as e:
                wrong = e
            else:
                return
    raise wrong


def require_member(entry: Entry, signer: str, members: Members) -> None:
    """That signer, an active member, signed the entry with their current key.

    Raises:
        NotAuthorised: not a member, or not an active one.
        BadSignature, WrongSuite: the signature does not verify.
    """
    key = members.key_of(signer)
    if key is None:
        raise NotAuthorised(f"{signer} is not enrolled in this space")
    verify_signer(entry, signer, key)
    if not members.roles_of(signer):
        raise NotAuthorised(f"{signer} is not an active member of this space", signer=signer)


def require_role(entry: Entry, signer: str, members: Members, kind: str | None = None) -> None:
    """That signer, an active member with a role that may record this kind, signed the entry.

    Args:
        entry: what is signed.
        signer: who must have signed it.
        members: of the space.
        kind: the kind whose permission is asked for; the entry's own when None.

    Raises:
        NotAuthorised: unknown signer, or none of the roles.
        BadSignature, WrongSuite: the signature does not verify.
    """
    key = members.key_of(signer)
    if key is None:
        raise NotAuthorised(f"{signer} is not enrolled in this space")
    verify_signer(entry, signer, key)
    kind = kind or entry.statement.KIND
    allowed = members.permitted(kind)
    if not (members.roles_of(signer) & allowed):
        raise NotAuthorised(
            f"recording a {kind} needs one of the roles {', '.join(sorted(allowed)) or '(none)'}",
            signer=signer,
        )


def require_role_once(entry: Entry, signer: str, members: Members) -> None:
    """That signer signed the entry with a key that could record this kind at some time.

    For ballots' logs, which do not say when a role was lost in the space's. Whoever records such an entry
    asks `require_role` as well.

    Raises:
        NotAuthorised: signer never had a role for this.
        BadSignature, WrongSuite: the signature verifies under none of the keys.
    """
    kind = entry.statement.KIND
    refusal: Refused = NotAuthorised(f"{signer} never had a role that may record a {kind}", signer=signer)
    for key in members.keys_once(signer, kind):
        try:
            verify_signer(entry, signer, key)
        except (BadSignature, WrongSuite) as e:
            refusal = e
        else:
            return
    raise refusal


def require_any_role(entry: Entry, members: Members, kind: str | None = None) -> str:
    """The first signer who may record this kind (the entry's own when None), verified.

    Raises:
        NotAuthorised: no signer holds a role that may.
        BadSignature, WrongSuite: a known signer's signature does not verify.
    """
    refusal: NotAuthorised | None = None
    for signature in entry.envelope.signatures:
        try:
            require_role(entry, signature.keyid, members, kind)
        except NotAuthorised as e:
            refusal = refusal or e
        else:
            return signature.keyid
    raise refusal or BadSignature("the envelope carries no signature", pointer="/signatures")
