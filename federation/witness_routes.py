"""The witness over HTTP: `POST /witness/add-checkpoint`, `GET /witness/<sha256 of origin>/checkpoint`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from federation import evidence, seen, witness
from federation.endpoints import Answer, Request, Route, route
from federation.node import Node
from federation.seen import SeenRow
from governance.errors import NotFound
from governance.log.evidence import same_size


def accuse(node: Node, row: SeenRow, note: bytes) -> None:
    """Store evidence that a log signed the tree of a row and another one of its size; freeze the log."""
    name = evidence.found(node, same_size(row.vkey, row.note, note), "witness")
    with node.db.write() as conn:
        seen.freeze(conn, row.origin, name)


def add_checkpoint(node: Node, request: Request, _parts: Mapping[str, str]) -> Answer:
    """Cosign a checkpoint of a log that we follow."""
    return witness.add_checkpoint(node, request.body, node.clock(), accuse)


def last_checkpoint(node: Node, _request: Request, parts: Mapping[str, str]) -> Answer:
    """The last checkpoint that we cosigned of a log, with its and our signature lines.

    Raises:
        NotFound: there is none.
    """
    with node.db.read() as conn:
        row = seen.find(conn, parts["log"])
    if row is None:
        raise NotFound("this witness has cosigned no checkpoint of such a log")
    return Answer(200, row.cosigned)


ROUTES: Final[tuple[Route, ...]] = (
    route("POST", "/witness/add-checkpoint", add_checkpoint, witness.LIMIT),
    route("GET", "/witness/(?P<log>[0-9a-f]{64})/checkpoint", last_checkpoint),
)
