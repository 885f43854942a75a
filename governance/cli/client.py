"""The HTTP API of one instance, for programs that wait: typed errors, bounded patience, bounded bytes."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Final, NamedTuple, Self, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import httpx
import msgspec

from governance.errors import MalformedAnswer, TooLarge, Unavailable
from governance.fetch import egress
from governance.fetch.exchange import exchange
from governance.fetch.problems import problem

T = TypeVar("T")

ANSWER: Final = 16 * 1024 * 1024
"""Longest answer that is read, in bytes, unless the caller names another bound."""
PATIENCE: Final = 60
"""Seconds that a request may wait for a busy service, all its Retry-After together."""
PAGE: Final = 200


class Answer(NamedTuple):
    """Status, bytes and media type of a good answer."""

    status: int
    data: bytes
    media_type: str


class Page(msgspec.Struct, frozen=True):
    """One page of a listing."""

    items: list[msgspec.Raw]
    next: str | None = None


class _Named(msgspec.Struct, frozen=True):
    id: str


class Client:
    """Requests to one instance.

    No redirect is followed: a service that moves says so in its signed identity, not in a header. 429 and 503
    are tried again after the time the service asks for, up to `patience` seconds.
    """

    def __init__(
        self,
        base_url: str,
        *,
        transport: httpx.BaseTransport | None = None,
        timeout: float = 60,
        patience: float = PATIENCE,
        sleep: Callable[[float], None] = time.sleep,
        connections: int = 100,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._patience, self._sleep = patience, sleep
        rules = replace(egress.TYPED, read=timeout)
        self._transport = transport or egress.transport(rules, connections=connections)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    @cached_property
    def instance(self) -> str:
        """The instance's id.

        Raises:
            GovernanceError: as `get`.
        """
        return self.get("/instance", _Named).id

    def get(self, path: str, kind: type[T], **query: str | int | None) -> T:
        """The typed answer of an API path, such as `/spaces/nix`.

        Raises:
            NoAnswer: nobody answers.
            MalformedAnswer: too long, or not of that type.
            GovernanceError: what the service said no with, as its own class.
        """
        return typed(self._send("GET", self.api(path), query=query).data, kind)

    def post(self, path: str, body: bytes, kind: type[T]) -> tuple[int, T]:
        """Status and typed answer after posting one envelope.

        Raises:
            GovernanceError: as `get`.
        """
        answer = self._send("POST", self.api(path), body=body)
        return answer.status, typed(answer.data, kind)

    def read(self, url: str, limit: int = ANSWER) -> bytes:
        """The bytes of a path below the base URL, such as `/logs/instance/checkpoint`.

        Raises:
            GovernanceError: as `get`.
        """
        return self._send("GET", self.base_url + url, limit=limit).data

    def pages(self, path: str, kind: type[T], **query: str | int | None) -> Iterator[T]:
        """Every item of a listing, page after page.

        Raises:
            GovernanceError: as `get`.
        """
        cursor: str | None = None
        while True:
            page = self.get(path, Page, cursor=cursor, limit=PAGE, **query)
            for item in page.items:
                yield typed(bytes(item), kind)
            if page.next is None:
                return
            if page.next == cursor:
                raise MalformedAnswer(f"{path} answers with the same page again and again")
            cursor = page.next

    def api(self, path: str) -> str:
        """The URL of an API path."""
        return f"{self.base_url}/api/v1{path}"

    def _send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        query: Mapping[str, str | int | None] | None = None,
        limit: int = ANSWER,
    ) -> Answer:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        waited = 0.0
        while True:
            try:
                return self._once(method, url, body, given, limit)
            except Unavailable as busy:
                pause = max(float(busy.retry_after), 0.05)
                if busy.status not in {429, 503} or waited + pause > self._patience:
                    raise
                waited += pause
                self._sleep(pause)

    def _once(
        self, method: str, url: str, body: bytes | None, query: Mapping[str, str | int], limit: int
    ) -> Answer:
        headers = {"content-type": "application/vnd.dsse.envelope+json"} if body is not None else {}
        if query:
            url = f"{url}?{urlencode(query)}"
        try:
            reply = exchange(self._transport, method, url, limit=limit, body=body, headers=headers)
        except TooLarge as e:
            raise MalformedAnswer(e.detail) from e
        if reply.good:
            return Answer(reply.status, reply.body, reply.headers.get("content-type", ""))
        raise problem(reply.status, reply.body, reply.headers, url)


def typed(data: bytes, kind: type[T]) -> T:
    """The value of answer bytes.

    Raises:
        MalformedAnswer: not JSON of that shape.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        raise MalformedAnswer(f"the service answered with something unexpected: {e}") from e


def is_local(url: str) -> bool:
    """Whether a URL names this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def segment(text: str) -> str:
    """One path segment of a URL."""
    return quote(text, safe=":")
