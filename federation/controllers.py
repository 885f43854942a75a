"""The endpoints of `federation` on the instance's web server."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from litestar import Controller, Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter

from federation import evidence, hints, introductions, mirror_routes, witness_routes
from federation.backup import ROUTES as BACKUP
from federation.endpoints import Answer, Request, Route, answer
from federation.node import Node
from governance import limits
from governance.http.common import READ
from governance.http.problems import Any_Request, documented

ROUTES: Final[tuple[Route, ...]] = (
    *witness_routes.ROUTES,
    *mirror_routes.ROUTES,
    *introductions.ROUTES,
    *hints.ROUTES,
    *evidence.ROUTES,
    *BACKUP,
)
"""Everything that one instance answers to another."""
_SIGNED: Final = documented(400, 401, 403, 404, 409, 413, 422)
_WITNESS: Final = documented(400, 403, 404, 413, 422) | {
    409: ResponseSpec(
        str, generate_examples=False, description="The size last cosigned", media_type="text/x.tlog.size"
    )
}
Hex = Annotated[str, PathParameter(pattern=r"^[0-9a-f]{64}$(?!\n)")]
Notice = Annotated[str, PathParameter(pattern=r"^(peers|checkpoints|cosignatures|evidence)$(?!\n)")]
CopyPath = Annotated[str, PathParameter(max_length=400, description="Path of a public file")]


def controllers(node: Node) -> list[Any]:
    """The handlers, bound to the node."""

    async def respond(request: Any_Request) -> Response[bytes]:
        target = request.scope["raw_path"].decode("ascii", "replace")
        query = request.scope["query_string"].decode("ascii", "replace")
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.body() if request.method == "POST" else b""
        asked = Request(request.method, f"{target}?{query}" if query else target, headers, body)
        return _response(await asyncio.to_thread(answer, node, ROUTES, asked))

    return [_witness(respond), _copies(respond), _instances(respond)]


def _response(given: Answer) -> Response[bytes]:
    # As a header: to a media type of text the framework would add a charset (text/x.tlog.size has none).
    headers = {**given.headers, "content-type": given.media_type}
    return Response(given.body, status_code=given.status, media_type=given.media_type, headers=headers)


def _witness(respond: Any) -> type[Controller]:
    class WitnessController(Controller):
        """The instance as a witness of other logs (C2SP tlog-witness)."""

        tags = ("witness",)

        @post(
            "/witness/add-checkpoint",
            operation_id="addCheckpoint",
            summary="Cosign a checkpoint",
            status_code=200,
            responses=_WITNESS,
            request_max_body_size=limits.NOTE + 4096,
        )
        async def add_checkpoint(self, request: Any_Request) -> Response[bytes]:
            """The witness's signature lines for a checkpoint that extends the last one."""
            given: Response[bytes] = await respond(request)
            return given

        @get(
            "/witness/{digest:str}/checkpoint",
            operation_id="getCosigned",
            summary="What was cosigned",
            responses=READ,
        )
        async def cosigned(self, request: Any_Request, digest: Hex) -> Response[bytes]:
            """The last cosigned checkpoint of the log whose origin has that SHA-256."""
            del digest
            given: Response[bytes] = await respond(request)
            return given

    return WitnessController


def _copies(respond: Any) -> type[Controller]:
    class MirrorsController(Controller):
        """Copies of other instances' public files."""

        tags = ("mirrors",)

        @get(
            "/mirrors/{instance:str}/{path:path}",
            operation_id="getCopy",
            summary="A copied file",
            responses=READ,
        )
        async def copy(self, request: Any_Request, instance: Hex, path: CopyPath) -> Response[bytes]:
            """A public file of another instance, as of the newest checkpoint that was verified whole."""
            del instance, path
            given: Response[bytes] = await respond(request)
            return given

    return MirrorsController


def _instances(respond: Any) -> type[Controller]:
    class FederationController(Controller):
        """What instances tell each other; every request is signed (RFC 9421)."""

        path = "/federation/v1"
        tags = ("federation",)

        @post(
            "/{what:str}",
            operation_id="tellPeer",
            summary="A greeting, checkpoints, cosignatures or evidence of a peer",
            status_code=200,
            responses=_SIGNED,
            request_max_body_size=1024 * 1024,
        )
        async def receive(self, request: Any_Request, what: Notice) -> Response[bytes]:
            """Verified before it is answered; never accepted and dropped."""
            del what
            given: Response[bytes] = await respond(request)
            return given

        @get(
            "/keys",
            operation_id="getSealedKeys",
            summary="Our keys, sealed to our root key",
            responses=_SIGNED,
        )
        async def keys(self, request: Any_Request) -> Response[bytes]:
            """For peers that mirror us: what we need to come back after a lost disk."""
            given: Response[bytes] = await respond(request)
            return given

        @get(
            "/keys/{instance:str}",
            operation_id="getKeptKeys",
            summary="Another instance's sealed keys",
            responses=_SIGNED,
        )
        async def kept(self, request: Any_Request, instance: Hex) -> Response[bytes]:
            """For the holder of that instance's root key, who signs the request with it."""
            del instance
            given: Response[bytes] = await respond(request)
            return given

    return FederationController
