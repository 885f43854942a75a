"""Copies over HTTP: `GET /mirrors/<64 hex of the instance id>/<path of a public file>`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from federation.endpoints import Answer, Request, Route, route
from federation.mirror_files import public_file
from federation.node import Node
from governance.http.static_logs import FINAL, MOVING


def copied_file(node: Node, _request: Request, parts: Mapping[str, str]) -> Answer:
    """A public file of another instance, as of the newest checkpoint that was verified whole.

    Raises:
        NotFound: we have no copy of it.
    """
    file = public_file(node, f"sha256:{parts['instance']}", parts["path"])
    return Answer(200, file.data, file.media_type, FINAL if file.final else MOVING)


ROUTES: Final[tuple[Route, ...]] = (
    route("GET", "/mirrors/(?P<instance>[0-9a-f]{64})/(?P<path>[!-~]{1,400})", copied_file),
)
