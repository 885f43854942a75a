"""JSON Schemas of all statements, generated from the structs; the committed copies are compared by a test."""

from __future__ import annotations

from typing import Any, Final

import msgspec

# Importing a statement module registers its kinds.
from governance.statements import (  # noqa: F401
    ballot,
    closing,
    delegation,
    electorate,
    instance,
    joint,
    member,
    peer,
    roadmap,
    roadmap_links,
    space,
    vote,
)
from governance.statements.base import KINDS

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def statement_schemas() -> dict[str, dict[str, Any]]:
    """One self-contained schema by kind; `$comment` names the payload type it is the payload of."""
    return {name: _schema(cls.payload_type(), cls) for name, cls in sorted(KINDS.items())}


def _schema(payload_type: str, cls: type[msgspec.Struct]) -> dict[str, Any]:
    (reference,), components = msgspec.json.schema_components([cls], ref_template="#/$defs/{name}")
    name = reference["$ref"].rsplit("/", 1)[1]
    top = components.pop(name)
    schema = {"$schema": DIALECT, "$comment": f"payload of a DSSE envelope of type {payload_type}", **top}
    return {**schema, "$defs": dict(sorted(components.items()))} if components else schema
