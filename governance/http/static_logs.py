"""`/logs/…` and `/blobs/…`: the public files as any file server would give them (C2SP tlog-tiles)."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Controller, Response, get
from litestar.params import PathParameter

from governance.http.common import READ, Serving
from governance.service import publishing
from governance.service.publishing import PublicFile

FINAL: Final = {"cache-control": "public, max-age=31536000, immutable"}
MOVING: Final = {"cache-control": "public, max-age=1"}
LogPath = Annotated[
    str, PathParameter(max_length=400, description="Log path and file, such as instance/checkpoint")
]


class StaticController(Controller):
    """Public files."""

    tags = ("files",)

    @get(
        "/logs/{path:path}",
        operation_id="getLogFile",
        summary="A file of a log",
        responses=READ,
        sync_to_thread=True,
    )
    def log_file(self, service: Serving, path: LogPath) -> Response[bytes]:
        """Checkpoint, vkey, outcome, tile or entry bundle."""
        with service.store.snapshot() as conn:
            return _answer(publishing.log_file(conn, service.states.base, path.removeprefix("/")))

    @get(
        "/blobs/sha256/{digest:str}",
        operation_id="getBlob",
        summary="A blob",
        responses=READ,
        sync_to_thread=True,
    )
    def blob(
        self, service: Serving, digest: Annotated[str, PathParameter(pattern=r"^[0-9a-f]{64}$(?!\n)")]
    ) -> Response[bytes]:
        """Bytes by their SHA-256."""
        with service.store.read() as conn:
            return _answer(publishing.blob_file(conn, digest))


def _answer(file: PublicFile) -> Response[bytes]:
    return Response(file.data, media_type=file.media_type, headers=FINAL if file.final else MOVING)
