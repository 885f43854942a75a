"""Pages for people: start page, API documentation, what each problem code means."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any, Final

from litestar import Controller, Response, get
from litestar.params import FromPath

from governance import errors
from governance.errors import GovernanceError, NotFound
from governance.http.common import READ, Serving
from governance.http.html import page, table
from governance.http.problems import Any_Request, documented
from governance.service import queries

SWAGGER: Final = Path(__file__).parents[1] / "web_dist" / "api-docs"
"""Where the build puts the files of swagger-ui-dist; without them the plain list is served."""
_FILES: Final = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
}
_START: Final = b"""window.addEventListener("load", function () {
  SwaggerUIBundle({url: "openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: null});
});
"""
_SWAGGER_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SWAGGER_PAGE: Final = b"""<!doctype html><html lang="en">
<head><meta charset="utf-8"><title>Althing API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="docs/swagger-ui.css"></head><body><div id="docs"></div>
<script src="docs/swagger-ui-bundle.js"></script><script src="docs/start.js"></script></body></html>
"""


class DocsController(Controller):
    """Pages for people."""

    include_in_schema = False

    @get("/", sync_to_thread=True)
    def start(self, service: Serving) -> Response[bytes]:
        """What this is, which spaces it keeps, how to audit it."""
        view = queries.instance_view(service)
        rows = [
            [
                escape(s.title),
                f'<a href="{escape(s.url)}">{escape(s.space)}</a>',
                f"<code>{escape(s.origin)}</code>",
            ]
            for s in view.spaces
        ]
        spaces = table(["Space", "Data", "Log"], rows) if rows else "<p>There is no space here yet.</p>"
        return page(
            view.name,
            "<p>An Althing instance: members sign their votes, everything that counts is in public logs, and "
            "anybody can recompute every result from them.</p>"
            f"<p>Fingerprint <code>{escape(view.fingerprint)}</code></p><h2>Spaces</h2>{spaces}"
            f"<h2>Audit</h2><p><code>althing audit {escape(view.base_url)}</code> checks everything, from "
            'the outside.</p><h2>Interface</h2><p><a href="api/docs">API documentation</a></p>',
        )

    @get("/problems/{code:str}", responses=READ, sync_to_thread=False)
    def problem(self, code: FromPath[str]) -> Response[bytes]:
        """What a problem code means."""
        kind = codes().get(code)
        if kind is None:
            raise NotFound(f"there is no problem code {code[:60]}")
        return page(
            kind.title,
            f"<p><code>{escape(kind.code)}</code>, HTTP status {kind.status}</p>"
            f"<p>{escape(_meaning(kind))}</p>",
            cache=3600,
        )

    @get("/api/openapi.json", sync_to_thread=False)
    def openapi(self, request: Any_Request) -> Response[bytes]:
        """The OpenAPI document."""
        return Response(
            request.app.state.openapi(),
            media_type="application/json",
            headers={"cache-control": "max-age=60"},
        )

    @get("/api/docs", sync_to_thread=False)
    def docs(self, request: Any_Request) -> Response[bytes]:
        """The API documentation."""
        if (SWAGGER / "swagger-ui-bundle.js").is_file():
            return Response(
                _SWAGGER_PAGE,
                media_type="text/html; charset=utf-8",
                headers={"content-security-policy": _SWAGGER_POLICY},
            )
        return page("Althing API", _operations(request.app.state.document()))

    @get("/api/docs/{name:str}", responses=documented(404), sync_to_thread=True)
    def file(self, name: FromPath[str]) -> Response[bytes]:
        """A file of the API documentation."""
        if name == "start.js":
            return Response(_START, media_type="text/javascript; charset=utf-8")
        if name not in _FILES or not (SWAGGER / name).is_file():
            raise NotFound(f"there is no file {name[:60]}")
        return Response((SWAGGER / name).read_bytes(), media_type=_FILES[name])


def codes() -> dict[str, type[GovernanceError]]:
    """All problem codes with their classes."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return {kind.code: kind for kind in kinds if issubclass(kind, GovernanceError)}


def _meaning(kind: type[GovernanceError]) -> str:
    return (kind.__doc__ or "").partition("\n")[0]


def _operations(document: dict[str, Any]) -> str:
    rows = [
        [f"<code>{method.upper()} {escape(path)}</code>", escape(str(operation.get("summary", "")))]
        for path, methods in sorted(document["paths"].items())
        for method, operation in methods.items()
    ]
    intro = '<p>The machine-readable form is <a href="openapi.json">openapi.json</a>.</p>'
    return intro + table(["Operation", "What it does"], rows)
