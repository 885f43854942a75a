"""The HTTP API of one instance, for programs that wait: typed errors, bounded patience, bounded bytes."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final, NamedTuple, Self, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from governance import __version__
from governance.errors import (
    GovernanceError,
    MalformedAnswer,
    NoAnswer,
    NotFound,
    RateLimited,
    Refused,
    Unavailable,
)

T = TypeVar("T")

ANSWER: Final = 16 * 1024 * 1024
"""Longest answer that is read, in bytes, unless the caller names another bound."""
PROBLEM: Final = 64 * 1024
PATIENCE: Final = 60
"""Seconds that a request may wait for a busy service, all its Retry-After together."""
PAGE: Final = 200

_BY_STATUS: Final[dict[int, type[GovernanceError]]] = {
    404: NotFound,
    429: RateLimited,
    502: NoAnswer,
    503: Unavailable,
    504: NoAnswer,
}
"""For answers without our problem code: of a proxy in between."""

_object: Final = msgspec.json.Decoder(dict[str, Any])


class Answer(NamedTuple):
    """Status, bytes and media type of a good answer."""

    status: int
    data: bytes
    media_type: str


class Page(msgspec.Struct, frozen=True):
    """One page of a listing."""

    items: list[msgspec.Raw]
    next: str | None = None


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
        self._http = httpx.Client(
            transport=transport,
            timeout=timeout,
            follow_redirects=False,
            # A proxy from the environment cannot reach our own machine.
            trust_env=not is_local(base_url),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            headers={"User-Agent": f"althing/{__version__}"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

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
        headers = {"Content-Type": "application/vnd.dsse.envelope+json"} if body is not None else {}
        try:
            with self._http.stream(
                method, url, content=body, params=query or None, headers=headers
            ) as response:
                good = response.is_success
                data = _bounded(response, limit if good else PROBLEM)
        except httpx.InvalidURL as e:
            raise NoAnswer(f"{url[:200]} is not an address: {e}") from e
        except httpx.TimeoutException as e:
            raise NoAnswer(f"{self.base_url} did not answer in time") from e
        except httpx.TransportError as e:
            raise NoAnswer(f"nobody answers at {self.base_url} ({e})") from e
        except httpx.DecodingError as e:
            raise MalformedAnswer(f"{url} sends a body that cannot be unpacked: {e}") from e
        if good:
            return Answer(response.status_code, data, response.headers.get("content-type", ""))
        raise problem(response.status_code, data, response.headers, url)


def _bounded(response: httpx.Response, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_bytes():
        size += len(part)
        if size > limit:
            raise MalformedAnswer(f"{response.url} sends more than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def typed(data: bytes, kind: type[T]) -> T:
    """The value of answer bytes.

    Raises:
        MalformedAnswer: not JSON of that shape.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        raise MalformedAnswer(f"the service answered with something unexpected: {e}") from e


def problem(status: int, data: bytes, headers: Mapping[str, str], url: str) -> GovernanceError:
    """The error that an answer of no stands for (RFC 9457); another program's answer by its status alone."""
    if 300 <= status < 400:
        target = headers.get("location", "another place")
        return MalformedAnswer(f"{url} sends you to {target[:200]}; use the address the service itself names")
    try:
        fields = _object.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        fields = {}
    kind = _known().get(str(fields.get("code")))
    detail = str(fields.get("detail") or f"{url} answers with status {status}")
    facts: dict[str, Any] = {
        name: value
        for name, value in fields.items()
        if name not in {"type", "title", "status", "detail", "code", "pointer", "instance"}
        and isinstance(value, str | int | list)
    }
    pointer = fields.get("pointer")
    place = pointer if isinstance(pointer, str) else None
    if kind is None:
        kind = _BY_STATUS.get(status, Refused)
    if issubclass(kind, Unavailable):
        facts["retry_after"] = _seconds(headers.get("retry-after"), facts.get("retry_after"))
        return kind(detail, pointer=place, **facts)
    facts.pop("retry_after", None)
    return kind(detail, pointer=place, **facts)


def _seconds(header: str | None, fact: object) -> int:
    """Retry-After in seconds (RFC 9110 10.2.3); a date is answered with a second, ours never sends one."""
    text = header if header is not None else str(fact)
    return min(int(text), 3_600) if text.isascii() and text.isdigit() and len(text) < 8 else 1


@cache
def _known() -> dict[str, type[GovernanceError]]:
    found: dict[str, type[GovernanceError]] = {}
    waiting: list[type[GovernanceError]] = [GovernanceError]
    while waiting:
        kind = waiting.pop()
        found[kind.code] = kind
        waiting += kind.__subclasses__()
    return found


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
