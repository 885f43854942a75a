"""Problem details (RFC 9457) for everything that goes wrong, in one place.

`type` is `<base URL>/problems/<code>`, a page of this instance; `code` is the stable name again; `pointer`
and further facts stand beside them. Whatever raises, the body has this shape and nothing internal in it.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.openapi.datastructures import ResponseSpec

from governance.errors import (
    GovernanceError,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    TooLarge,
    Unavailable,
)

MEDIA_TYPE: Final = "application/problem+json"
_log: Final = logging.getLogger("althing.http")
_encode: Final = msgspec.json.Encoder().encode
Any_Request = Request[Any, Any, State]


class Problem(msgspec.Struct, frozen=True):
    """What went wrong (RFC 9457), with the stable code and, where there is one, the place."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    pointer: str | None = None


def body_of(error: GovernanceError, base_url: str) -> bytes:
    """The problem document of an error."""
    document: dict[str, Any] = {
        "type": f"{base_url}/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
    }
    if error.pointer is not None:
        document["pointer"] = error.pointer
    return _encode(document | error.facts)


def respond(error: GovernanceError, base_url: str, headers: dict[str, str] | None = None) -> Response[bytes]:
    """The answer for an error, with Retry-After where it may pass."""
    headers = dict(headers or {})
    if isinstance(error, Unavailable):
        headers["retry-after"] = str(error.retry_after)
    return Response(
        body_of(error, base_url), status_code=error.status, media_type=MEDIA_TYPE, headers=headers
    )


def on_governance_error(request: Any_Request, error: GovernanceError) -> Response[bytes]:
    """Our own errors say everything themselves; those of status 500 say it to the operator only."""
    if error.status >= 500 and not isinstance(error, Unavailable):
        _log.error("%s %s: %s", request.method, request.url.path, error.detail)
        error = GovernanceError("an internal error; the operator's log says more")
    return respond(error, request.app.state.base_url)


def on_http_error(request: Any_Request, error: HTTPException) -> Response[bytes]:
    """The framework's errors, in our terms."""
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    return respond(translated(request, error), request.app.state.base_url, headers)


def translated(request: Any_Request, error: HTTPException) -> GovernanceError:
    """Which of our errors an error of the framework is."""
    if isinstance(error, NotFoundException):
        return NotFound(f"there is nothing at {request.url.path[:200]}")
    if isinstance(error, MethodNotAllowedException):
        return MethodNotAllowed(f"{request.method} is not possible at {request.url.path[:200]}")
    if error.status_code == 413:
        return TooLarge("the body is larger than this place takes")
    if isinstance(error, ValidationException) and isinstance(error.extra, list) and error.extra:
        first: dict[str, Any] = dict(error.extra[0])
        return MalformedRequest(
            f"{first.get('key', 'a parameter')}: {first.get('message', 'not valid')}",
            pointer=f"/{first.get('key', '')}",
        )
    if isinstance(error, ClientException):
        return MalformedRequest(error.detail or "the request could not be understood")
    return GovernanceError("an internal error; the operator's log says more")


def on_any_error(request: Any_Request, error: Exception) -> Response[bytes]:
    """A fault of ours: logged with its traceback, answered without."""
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return respond(
        GovernanceError("an internal error; the operator's log says more"), request.app.state.base_url
    )


HANDLERS: Final[dict[Any, Any]] = {
    GovernanceError: on_governance_error,
    HTTPException: on_http_error,
    Exception: on_any_error,
}

_SAYS: Final = {
    400: "The request or the bytes in it cannot be read",
    401: "The request is not signed as it should be, or the clocks differ",
    403: "The signer may not do this",
    404: "No such thing here",
    409: "The present state does not allow this",
    413: "Too many bytes",
    422: "Well-formed, but a rule forbids it",
    429: "Too many requests; Retry-After says when to come back",
    503: "Not just now; Retry-After says when to come back",
}


def documented(*statuses: int) -> dict[int, ResponseSpec]:
    """The OpenAPI responses of the problems that a route can answer; 429 and 503 everywhere."""
    return {
        status: ResponseSpec(
            Problem, generate_examples=False, description=_SAYS[status], media_type=MEDIA_TYPE
        )
        for status in sorted({*statuses, 429, 503})
    }
