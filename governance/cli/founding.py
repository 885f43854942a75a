"""Founding a space and enrolling its members: the statements, signed."""

from __future__ import annotations

import msgspec

from governance.cli import spaces
from governance.cli.client import Client
from governance.cli.signing import Identity, signed
from governance.errors import InvalidStatement
from governance.service.answers import InstanceView, Recorded
from governance.signing.envelope import Signature, normalise, pae, parse_envelope
from governance.statements.base import Role
from governance.statements.entry import read_envelope, verify_signer
from governance.statements.member import Member
from governance.statements.space import Constitution, Space

OFFICES: list[Role] = ["steward", "registrar", "member"]
"""What a founder is: they can call ballots, enrol others, and vote."""


def enrolment(
    space: str,
    who: Identity,
    now: int,
    *,
    instance: str,
    roles: list[Role] | None = None,
    weight: str = "1",
) -> Member:
    """A member's first enrolment in a space of an instance."""
    return Member(
        instance=instance,
        space=space,
        member=who.member_id,
        key=who.enrolled,
        roles=roles or ["member"],
        weight=weight,
        status="active",
        previous=None,
        enrolled_at=now,
    )


def found(
    client: Client,
    space: str,
    title: str,
    operator: Identity,
    founder: Identity,
    constitution: Constitution,
    *,
    roles: list[Role] = OFFICES,
) -> Recorded:
    """Found a space and adopt its constitution; the answer is that of the constitution.

    Raises:
        GovernanceError: why the instance refuses.
    """
    instance = client.get("/instance", InstanceView)
    now = constitution.adopted_at
    statement = Space(
        space=space,
        title=title,
        instance=instance.id,
        origin=f"{instance.origin.removesuffix('/instance')}/spaces/{space}",
        founders=[enrolment(space, founder, now, instance=instance.id, roles=roles)],
        founded_at=now,
    )
    signers = (operator,) if operator.member_id == founder.member_id else (operator, founder)
    client.post("/spaces", signed(statement, *signers), Recorded)
    bound = spaces.bound(client, constitution)
    return spaces.record(client, space, "constitution", signed(bound, founder))


def read_request(data: bytes) -> Member:
    """The enrolment that a request file asks for; the member's own signature is right.

    Raises:
        Malformed: not a request file.
        BadSignature: not signed by the key it asks to enrol.
    """
    entry = read_envelope(data)
    if not isinstance(entry.statement, Member):
        raise InvalidStatement(f"this file holds a {entry.statement.KIND}, not a request to be enrolled")
    verify_signer(entry, entry.statement.member, entry.statement.key)
    return entry.statement


def approve(data: bytes, registrar: Identity) -> bytes:
    """A member's signed request with the registrar's signature added; the content stays as it was signed."""
    envelope = parse_envelope(data)
    message = pae(envelope.payload_type, envelope.payload)
    added = Signature(keyid=registrar.member_id, sig=registrar.sign(message))
    return normalise(msgspec.structs.replace(envelope, signatures=(*envelope.signatures, added)))
