"""What a space says, fetched and typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from governance.cli.client import Client, segment
from governance.cli.place import Place
from governance.errors import InvalidStatement, MalformedRequest
from governance.service.answers import InstanceView, ItemView, MemberView, Recorded, SpaceView
from governance.statements.base import BoundStatement
from governance.statements.entry import read_envelope
from governance.statements.space import Constitution

B = TypeVar("B", bound=BoundStatement)


@dataclass(frozen=True, slots=True)
class Adopted:
    """A space with its constitution."""

    view: SpaceView
    constitution: Constitution


def space_of(client: Client, place: Place, name: str | None) -> str:
    """The space meant: as given, or the only one of the instance.

    Raises:
        MalformedRequest: none or several, and none was named.
    """
    chosen = name or place.space
    if chosen:
        return chosen
    spaces = [s.space for s in client.get("/instance", InstanceView).spaces]
    if len(spaces) == 1:
        return spaces[0]
    known = ", ".join(spaces) or "none yet; found one with `althing space new`"
    raise MalformedRequest(f"say which community with --space; this instance has: {known}")


def path(space: str, *more: str) -> str:
    """The API path of a space, or of something in it."""
    return "/".join(("/spaces", segment(space), *map(segment, more)))


def adopted(client: Client, space: str) -> Adopted:
    """The space and its constitution.

    Raises:
        NotFound: no such space.
        InvalidStatement: it has no constitution yet.
    """
    view = client.get(path(space), SpaceView)
    constitution = None
    if view.constitution is not None:
        constitution = read_envelope(msgspec.json.encode(view.constitution)).statement
    if not isinstance(constitution, Constitution):
        raise InvalidStatement(f"the space {space} has no constitution yet")
    return Adopted(view, constitution)


def bound(client: Client, statement: B) -> B:
    """The statement, for this instance alone: no other one can take it for a space of the same name."""
    return msgspec.structs.replace(statement, instance=client.instance)


def items(client: Client, space: str, **query: str | None) -> list[ItemView]:
    """The roadmap's items."""
    return list(client.pages(path(space, "roadmap"), ItemView, **query))


def member(client: Client, space: str, identifier: str) -> MemberView:
    """A member at the latest revision."""
    return client.get(path(space, "members", identifier), MemberView)


def record(client: Client, space: str, resource: str, envelope: bytes) -> Recorded:
    """Post a statement of a space."""
    return client.post(path(space, resource), envelope, Recorded)[1]


def item(client: Client, space: str, identifier: str) -> ItemView:
    """A roadmap item at the latest revision."""
    return client.get(path(space, "roadmap", identifier), ItemView)
