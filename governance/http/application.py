"""The ASGI application around the handlers: rate limit, security headers, request figures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

from litestar import Litestar
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.types import Message, Receive, Scope, Send
from prometheus_client import Counter

from governance.errors import RateLimited
from governance.http import openapi
from governance.http.caster import Caster
from governance.http.limits import Buckets
from governance.http.problems import HANDLERS, MEDIA_TYPE, body_of
from governance.http.routes import CONTROLLERS
from governance.service.core import Service

_requests: Final = Counter("althing_http_requests", "Answered requests", ["method", "status"])
_METHODS: Final = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"})
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"cross-origin"),
)
_UNLIMITED: Final = frozenset({"/healthz", "/readyz", "/metrics"})


class Application(Litestar):
    """Litestar with a gate before its router, so that unknown paths pass through it as well."""

    def __init__(
        self, service: Service, *, rate: int, burst: int, more: Sequence[Any] = (), **options: Any
    ) -> None:
        self._buckets = Buckets(rate, burst) if rate else None
        self._figures: dict[tuple[str, int], Any] = {}
        controllers = [*CONTROLLERS, *more]
        super().__init__(
            controllers,
            dependencies={"service": Provide(lambda: service, sync_to_thread=False)},
            exception_handlers=HANDLERS,
            openapi_config=None,
            logging_config=None,
            debug=False,
            request_max_body_size=64 * 1024,
            **options,
        )
        self.state.base_url = service.base_url
        self.state.caster = Caster(service)
        documents = _Documents(controllers)
        self.state.document, self.state.openapi = documents.value, documents.encoded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]
        """Answer a request, or refuse it before anything is read."""
        if scope["type"] != ScopeType.HTTP:
            await super().__call__(scope, receive, send)
            return
        method: str = scope["method"]

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._count(method, message["status"])
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        if self._buckets is not None and scope["path"] not in _UNLIMITED:
            try:
                self._buckets.take((scope.get("client") or ("", 0))[0], time.monotonic())
            except RateLimited as e:
                await _refuse(e, self.state.base_url, answer)
                return
        await super().__call__(scope, receive, answer)

    def _count(self, method: str, status: int) -> None:
        key = (method if method in _METHODS else "other", status)
        figure = self._figures.get(key)
        if figure is None:
            figure = self._figures[key] = _requests.labels(key[0], str(status))
        figure.inc()


async def _refuse(error: RateLimited, base_url: str, send: Any) -> None:
    body = body_of(error, base_url)
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", str(error.retry_after).encode()),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


class _Documents:
    """The OpenAPI document, made when somebody asks for it."""

    def __init__(self, controllers: Sequence[Any]) -> None:
        self._controllers = controllers
        self._value: dict[str, Any] | None = None
        self._encoded = b""

    def value(self) -> dict[str, Any]:
        if self._value is None:
            self._value = openapi.document(self._controllers)
            self._encoded = openapi.encoded(self._value)
        return self._value

    def encoded(self) -> bytes:
        self.value()
        return self._encoded
