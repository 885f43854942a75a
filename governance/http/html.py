"""Plain pages: server-rendered, one inline style allowed by its hash, no script, nothing from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import Final

from litestar import Response

_STYLE: Final = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}"
    "code{font-family:ui-monospace,monospace}td,th{text-align:left;padding:.1rem .8rem .1rem 0}"
    "p,td{overflow-wrap:anywhere}"
    ":root{color-scheme:light dark}"
)
_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def page(title: str, body: str, *, status: int = 200, cache: int = 60) -> Response[bytes]:
    """A page; `body` is HTML whose values are escaped already."""
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    headers = {"content-security-policy": _POLICY, "cache-control": f"max-age={cache}"}
    return Response(text.encode(), status_code=status, media_type="text/html; charset=utf-8", headers=headers)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table; cells are HTML whose values are escaped already."""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
