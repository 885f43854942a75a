"""The one way out: every request that this product sends to another machine goes through `transport`.

A name is resolved once for a connection, all its addresses are checked, and the connection goes to a checked
address; a name that changes its mind cannot lead into the local network (SSRF, DNS rebinding). TLS still
proves the name. No redirects, no proxies from the environment, and one deadline for the whole exchange.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, Final

import httpcore
import httpx

from governance.errors import EgressRefused
from governance.fetch.addresses import Address, Reach, parse_host, permits

HEADERS: Final = 64 * 1024
"""Longest header section of an answer, in bytes."""
ADDRESSES: Final = 4
"""Addresses of a name that are tried."""
_PORTS: Final = {"https": 443, "http": 80}

Resolver = Callable[..., Iterable[Any]]
"""`socket.getaddrinfo`, or what answers in its place."""
Pinned = Callable[[], Collection[tuple[str, int]]]
"""The (host, port) pairs that an operator has confirmed at this moment."""


@dataclass(frozen=True, slots=True)
class Egress:
    """What may be asked, and how long it may take.

    `plain` allows http beside https, and any port; else the port is 443 or a pinned one. In seconds:
    `connect` for name and connection, `read` for one read or write, `total` for the whole exchange.
    """

    reach: Reach = "public"
    plain: bool = False
    connect: float = 5.0
    read: float = 10.0
    total: float = 60.0


PUBLIC: Final = Egress()
"""For addresses that others named."""
LOCAL: Final = Egress("private", plain=True)
"""For development and tests: everything may happen on one machine."""
TYPED: Final = Egress("any", plain=True, connect=10.0, read=30.0, total=300.0)
"""For what a person typed at the command line."""
BY_NAME: Final = {"public": PUBLIC, "local": LOCAL}
"""What the setting `egress` may say."""


def transport(
    egress: Egress,
    *,
    pinned: Pinned = frozenset,
    resolver: Resolver = socket.getaddrinfo,
    tls: ssl.SSLContext | None = None,
    connections: int = 64,
) -> httpx.BaseTransport:
    """The transport of requests under these rules; it keeps connections and is safe in threads.

    Args:
        egress: the rules.
        pinned: gives, at each request, what an operator has confirmed beside port 443 (see `pins`).
        resolver: finds the addresses of a name.
        tls: whom to trust; by default certifi's authorities, or those of SSL_CERT_FILE.
        connections: most connections at a time.
    """
    return _Transport(egress, pinned, resolver, tls or httpx.create_ssl_context(), connections)


def pins(urls: Iterable[str]) -> frozenset[tuple[str, int]]:
    """The pairs of host and port in URLs that an operator has confirmed; what is no URL pins nothing."""
    found = set()
    for text in urls:
        with suppress(EgressRefused):
            url = parse_url(text)
            found.add((str(parse_host(_host(url))), port_of(url)))
    return frozenset(found)


@lru_cache(maxsize=1024)
def parse_url(text: str) -> httpx.URL:
    """The URL of a text.

    Raises:
        EgressRefused: it is none.
    """
    try:
        url = httpx.URL(text)
        # Asking for the host decodes it, which fails for some names that could be parsed.
        named = bool(url.host)
    except (httpx.InvalidURL, UnicodeError) as e:
        raise EgressRefused(f"{text[:200]!r} is not an address: {e}") from e
    if not named:
        raise EgressRefused(f"{text[:200]!r} is not an address: it names no host")
    return url


def port_of(url: httpx.URL) -> int:
    """The port of a URL, by its scheme where it names none."""
    return _PORTS.get(url.scheme, 0) if url.port is None else url.port


def check_url(egress: Egress, url: httpx.URL, pinned: Pinned) -> None:
    """That scheme, port and spelling of an address are allowed.

    Raises:
        EgressRefused: with what is not, and what to do.
    """
    shown = f"{url.scheme}://{_host(url)[:100]}"
    host = parse_host(_host(url))
    if url.userinfo:
        raise EgressRefused(f"{shown}: an address holds no user name or password")
    if url.scheme != "https" and not (egress.plain and url.scheme == "http"):
        raise EgressRefused(f"{shown}: only https is asked (ALTHING_EGRESS=local allows http for tests)")
    port = port_of(url)
    free = egress.plain or port == _PORTS["https"]
    if not 0 < port < 65_536 or not (free or (str(host), port) in pinned()):
        raise EgressRefused(f"{shown}: port {port} is not asked before an operator has confirmed it")


def _host(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii", "replace")


class _Transport(httpx.BaseTransport):
    def __init__(
        self, egress: Egress, pinned: Pinned, resolver: Resolver, tls: ssl.SSLContext, connections: int
    ) -> None:
        self._egress, self._pinned = egress, pinned
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=5.0,
            network_backend=_Backend(egress, resolver),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body yet to be read."""
        url = request.url
        check_url(self._egress, url, self._pinned)
        end = monotonic() + self._egress.total
        # httpcore hands these values on as they are. A duration would begin anew with every byte that
        # trickles in, so `_Stream` and `_Backend` take them as the moment when the exchange ends.
        times = {"connect": end, "read": end, "write": end, "pool": self._egress.total}
        asked = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions={"timeout": times},
        )
        with _translated():
            answer = self._pool.handle_request(asked)
        body = _Body(answer)
        if sum(len(name) + len(value) + len(": \r\n") for name, value in answer.headers) > HEADERS:
            body.close()
            raise httpx.RemoteProtocolError(f"the answer has more than {HEADERS} bytes of headers")
        return httpx.Response(answer.status, headers=answer.headers, stream=body)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _translated():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


@contextmanager
def _translated() -> Iterator[None]:
    """Failures of httpcore as those of httpx."""
    try:
        yield
    except httpcore.TimeoutException as e:
        raise httpx.TimeoutException(str(e) or "it took too long") from e
    except httpcore.ProtocolError as e:
        raise httpx.RemoteProtocolError(str(e)) from e
    except (httpcore.NetworkError, OSError) as e:
        raise httpx.NetworkError(str(e)) from e


class _Backend(httpcore.NetworkBackend):
    """Connects to checked addresses alone; a name is resolved once for each connection."""

    def __init__(self, egress: Egress, resolver: Resolver) -> None:
        self._egress, self._resolver = egress, resolver
        self._system = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address that answers.

        Raises:
            EgressRefused: one of the addresses is out of reach.
        """
        end = monotonic() + _left(timeout, self._egress.connect)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        addresses = self._checked(host, port, end)
        for tried, address in enumerate(addresses):
            seconds = _left(end, self._egress.connect) / (len(addresses) - tried)
            try:
                stream = self._system.connect_tcp(str(address), port, seconds, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as e:
                failure = e
            else:
                return _Stream(stream, self._egress)
        raise failure

    def _checked(self, host: str, port: int, end: float) -> list[Address]:
        literal = parse_host(host)
        found = self._resolve(literal, port, end) if isinstance(literal, str) else [literal]
        for address in found:
            if not permits(self._egress.reach, address):
                raise EgressRefused(
                    f"{host} leads to {address}, which is not on the public internet;"
                    " for instances on one machine or network there is ALTHING_EGRESS=local"
                )
        return found[:ADDRESSES]

    def _resolve(self, name: str, port: int, end: float) -> list[Address]:
        """All addresses of a name, in the resolver's order."""
        answered: SimpleQueue[list[Address] | Exception] = SimpleQueue()

        def ask() -> None:
            try:
                found = self._resolver(name, port, type=socket.SOCK_STREAM)
                answered.put(list(dict.fromkeys(ip_address(entry[4][0]) for entry in found)))
            except Exception as e:
                answered.put(e)

        # getaddrinfo knows no timeout; a name server may take half a minute.
        Thread(target=ask, name="resolver", daemon=True).start()
        try:
            found = answered.get(timeout=_left(end, self._egress.connect))
        except Empty as e:
            raise httpcore.ConnectTimeout(f"the name {name} was not found in time") from e
        if isinstance(found, Exception):
            raise httpcore.ConnectError(f"the name {name} was not found: {found}") from found
        return found


class _Stream(httpcore.NetworkStream):
    """A connection. Every `timeout` is the moment when the exchange ends (`_Transport.handle_request`)."""

    def __init__(self, system: httpcore.NetworkStream, egress: Egress) -> None:
        self._system, self._egress = system, egress

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Some bytes that have come."""
        return self._system.read(max_bytes, _left(timeout, self._egress.read))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all bytes; a reader that takes one at a time gets no more time for that."""
        sender = self._system.get_extra_info("socket")
        rest = memoryview(buffer)
        while rest:
            sender.settimeout(_left(timeout, self._egress.read))
            try:
                rest = rest[sender.send(rest) :]
            except TimeoutError as e:
                raise httpcore.WriteTimeout(str(e)) from e
            except OSError as e:
                raise httpcore.WriteError(str(e)) from e

    def close(self) -> None:
        """Close the connection."""
        self._system.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The stream under TLS; the certificate has to be for the host of the URL."""
        inner = self._system.start_tls(ssl_context, server_hostname, _left(timeout, self._egress.read))
        return _Stream(inner, self._egress)

    def get_extra_info(self, info: str) -> Any:
        """What the connection knows of itself."""
        return self._system.get_extra_info(info)


def _left(end: float | None, most: float) -> float:
    """Seconds for the next step: what is left until `end`, and no more than `most`."""
    left = most if end is None else min(most, end - monotonic())
    if left <= 0:
        raise httpcore.ReadTimeout("the exchange took too long")
    return left
