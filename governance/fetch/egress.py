"""The one way out: every request of this product to another machine goes through here.

What an address names is resolved once and checked, and the connection goes to the checked address, so that a
name which changes its mind cannot lead into the local network (SSRF, DNS rebinding). No redirects, no proxies
from the environment, bounded headers, body and time. TLS still proves the name, not the address.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import httpcore
import httpx

from governance.errors import EgressRefused, MalformedAnswer, NoAnswer, TooLarge

CONNECT: Final = 5.0
READ: Final = 10.0
TOTAL: Final = 60.0
"""Seconds: to connect, between two reads, and for a whole exchange."""
_HTTPS: Final = 443
_SLICE: Final = 64 * 1024

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Iterable[str]]
"""(host, port) -> the addresses of a name."""

_CGNAT: Final = ipaddress.ip_network("100.64.0.0/10")
_EMBEDDING: Final = tuple(
    map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"))
)
"""NAT64, Teredo and 6to4: an IPv4 address inside, which nobody needs to be reached by."""
_METADATA: Final = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "100.100.100.200", "fd00:ec2::254"))
)
_name: Final = re.compile(
    r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z][a-z0-9-]{0,61}[a-z0-9]?"
)


@dataclass(frozen=True, slots=True)
class Egress:
    """What may be asked: `local` also addresses of this machine and its networks, and plain HTTP.

    `ports` are the ports besides 443 that may be asked; None is any.
    """

    local: bool = False
    ports: frozenset[int] | None = frozenset({_HTTPS})


PUBLIC: Final = Egress()
"""For addresses that others gave us."""
PINNED: Final = Egress(ports=None)
"""For addresses that an operator has confirmed, with the port in them."""
LOCAL: Final = Egress(local=True, ports=None)
"""For development and tests, and for what a person types at the command line."""


def system_resolver(host: str, port: int) -> list[str]:
    """The addresses of a name, by this machine's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None or any(address in net for net in _EMBEDDING):
            return False
    elif address in _CGNAT:
        return False
    return address.is_global and not address.is_multicast and address not in _METADATA


def check_url(egress: Egress, url: httpx.URL) -> None:
    """That scheme, port and spelling of an address are allowed.

    Raises:
        EgressRefused: with what is not.
    """
    port = url.port or (_HTTPS if url.scheme == "https" else 80)
    if url.scheme != "https" and not (egress.local and url.scheme == "http"):
        raise EgressRefused(f"{url} is not https", retry_after=3_600)
    if url.userinfo:
        raise EgressRefused("an address carries no user name", retry_after=3_600)
    if egress.ports is not None and port not in egress.ports:
        raise EgressRefused(f"port {port} is not asked", retry_after=3_600)
    host = url.raw_host.decode("ascii").lower()
    if _literal(host) is None and not _name.fullmatch(host):
        # Decimal, octal and short forms of IPv4 are names to some resolvers and addresses to others.
        raise EgressRefused(f"{host[:100]!r} is no plain host name or address", retry_after=3_600)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


class _Checked(httpcore.NetworkBackend):
    """Connects to addresses that were checked, each resolved once for each connection."""

    def __init__(self, egress: Egress, resolve: Resolve) -> None:
        self._egress, self._resolve = egress, resolve
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address of the name, if all of them are allowed."""
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._addresses(host, port):
            try:
                return _Timed(self._inner.connect_tcp(address, port, timeout, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as e:
                failure = e
        raise failure

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        """No."""
        raise EgressRefused("only the network is asked")

    def sleep(self, seconds: float) -> None:
        """Wait between tries."""
        self._inner.sleep(seconds)

    def _addresses(self, host: str, port: int) -> list[str]:
        literal = _literal(host)
        try:
            found = [str(literal)] if literal is not None else list(self._resolve(host, port))
        except OSError as e:
            raise httpcore.ConnectError(f"{host} has no address: {e}") from e
        if not self._egress.local:
            for text in found:
                address = _literal(text.partition("%")[0])
                if address is None or not is_public(address):
                    raise EgressRefused(f"{host} leads to {text}, which is not public", retry_after=3_600)
        return found[:4]


class _Timed(httpcore.NetworkStream):
    """A stream that ends with the exchange's time: headers that trickle in would hold it for ever."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Bytes that have come."""
        return self._inner.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes."""
        self._inner.write(buffer, _left(timeout))

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The stream under TLS."""
        return _Timed(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        """What the connection knows of itself."""
        return self._inner.get_extra_info(info)


_exchange: Final = threading.local()


def _left(timeout: float | None) -> float | None:
    """The timeout, or what is left of this thread's exchange if that is less."""
    end: float | None = getattr(_exchange, "end", None)
    if end is None:
        return timeout
    left = end - monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the exchange took too long")
    return left if timeout is None else min(timeout, left)


class _Transport(httpx.BaseTransport):
    """httpx over a connection pool of httpcore with the checked backend."""

    def __init__(self, egress: Egress, resolve: Resolve, tls: ssl.SSLContext) -> None:
        self._egress = egress
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=64,
            max_keepalive_connections=16,
            keepalive_expiry=20,
            http1=True,
            network_backend=_Checked(egress, resolve),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body not read yet."""
        check_url(self._egress, request.url)
        url = request.url
        asked = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _translated(str(url)):
            answer = self._pool.handle_request(asked)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer, str(url)),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response, url: str) -> None:
        self._answer, self._url = answer, url

    def __iter__(self) -> Iterator[bytes]:
        with _translated(self._url):
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _translated:  # noqa: N801  # reads as a statement
    """httpcore's failures, as ours."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, httpcore.TimeoutException):
            raise NoAnswer(f"{self._url} did not answer in time", retry_after=30) from error
        if isinstance(error, httpcore.NetworkError | httpcore.ProtocolError | OSError):
            raise NoAnswer(f"nobody answers at {self._url} ({error})", retry_after=30) from error


def transport(
    egress: Egress, *, resolve: Resolve = system_resolver, tls: ssl.SSLContext | None = None
) -> httpx.BaseTransport:
    """The transport of requests under these rules; keeps connections, safe in threads."""
    return _Transport(egress, resolve, tls or httpx.create_ssl_context(trust_env=False))


@dataclass(frozen=True, slots=True)
class Exchanged:
    """An answer read whole: status, decoded body, headers with lower-case names."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def exchange(
    over: httpx.BaseTransport,
    method: str,
    url: str,
    *,
    limit: int,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    total: float = TOTAL,
    read: float = READ,
) -> Exchanged:
    """One request and its answer, of at most limit bytes after decoding, within `total` seconds.

    Raises:
        EgressRefused: the address may not be asked.
        NoAnswer: nobody answers, or not in time.
        TooLarge: more than limit bytes; MalformedAnswer: an encoding that was not asked for.
    """
    patience = {"connect": CONNECT, "read": read, "write": read, "pool": CONNECT}
    try:
        request = httpx.Request(
            method,
            url,
            headers={"accept": "*/*", "accept-encoding": "identity", **(headers or {})},
            content=body,
            extensions={"timeout": patience},
        )
    except (httpx.InvalidURL, UnicodeError, ValueError) as e:
        raise NoAnswer(f"{url[:200]!r} is not an address: {e}") from e
    end = monotonic() + total
    _exchange.end = end
    try:
        answer = over.handle_request(request)
    except httpx.TransportError as e:
        raise NoAnswer(f"nobody answers at {url} ({e})", retry_after=30) from e
    try:
        data = _read(answer, url, limit, end)
    finally:
        answer.close()
    return Exchanged(
        answer.status_code, data, {name.lower(): value for name, value in answer.headers.items()}
    )


def _read(answer: httpx.Response, url: str, limit: int, end: float) -> bytes:
    stream = answer.stream
    if not isinstance(stream, httpx.SyncByteStream):
        raise MalformedAnswer(f"{url} answers with something unexpected")
    data = bytearray()
    for part in _decoded(stream, answer.headers.get("content-encoding", "identity"), url, limit):
        data += part
        if len(data) > limit:
            raise TooLarge(f"{url} sends more than {limit} bytes")
        if monotonic() > end:
            raise NoAnswer(f"{url} did not end in time", retry_after=60)
    return bytes(data)


def _decoded(stream: Iterable[bytes], encoding: str, url: str, limit: int) -> Iterator[bytes]:
    """The parts of a body; gzip is unpacked a slice at a time, so that a bomb stays small."""
    if encoding == "identity":
        yield from stream
        return
    if encoding != "gzip":
        raise MalformedAnswer(f"{url} sends {encoding[:40]!r}, which was not asked for")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
    for part in stream:
        rest = part
        while rest:
            try:
                yield unpack.decompress(rest, min(_SLICE, limit + 1))
            except zlib.error as e:
                raise MalformedAnswer(f"{url} sends a body that cannot be unpacked: {e}") from e
            rest = unpack.unconsumed_tail
