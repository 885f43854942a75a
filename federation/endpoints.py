"""What an instance answers to other instances, whatever server is around it.

A handler takes the node, the request and the named parts of its path, and gives an answer or raises one of
our errors. Paths are below the base URL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from federation.node import Node
from governance.errors import GovernanceError, MethodNotAllowed, NotFound, Unavailable
from governance.http.problems import MEDIA_TYPE as PROBLEM
from governance.http.problems import body_of

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """A request: `target` is the path below the base URL with its query; header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer."""

    status: int
    body: bytes = b""
    media_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Node, Request, Mapping[str, str]], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """A handler with its method, the pattern of its path and the longest body it reads."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    limit: int = 0


def route(method: str, pattern: str, handler: Handler, limit: int = 0) -> Route:
    """A route; `pattern` is a regular expression for the whole path with named groups."""
    return Route(method, re.compile(pattern, re.ASCII), handler, limit)


def answer(node: Node, routes: tuple[Route, ...], request: Request) -> Answer:
    """The answer of the first route that fits; our errors as problem documents (RFC 9457)."""
    try:
        return _dispatch(node, routes, request)
    except GovernanceError as e:
        headers = {"retry-after": str(e.retry_after)} if isinstance(e, Unavailable) else {}
        return Answer(e.status, body_of(e, node.own.base_url), PROBLEM, headers)


def _dispatch(node: Node, routes: tuple[Route, ...], request: Request) -> Answer:
    other_method = False
    for known in routes:
        match = known.pattern.fullmatch(request.path)
        if match is not None and known.method == request.method:
            return known.handler(node, request, match.groupdict())
        other_method = other_method or match is not None
    if other_method:
        raise MethodNotAllowed(f"{request.method} is not possible at {request.path[:200]}")
    raise NotFound(f"there is nothing at {request.path[:200]}")
