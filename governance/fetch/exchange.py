"""One request and its answer, read whole: bounded in bytes before and after decoding."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from governance import __version__
from governance.errors import MalformedAnswer, NoAnswer, TooLarge
from governance.fetch.egress import parse_url

PROBLEM: Final = 64 * 1024
"""Bytes of an answer of no that are read; more are left."""
_GZIP_FRAME: Final = 4096
"""Room for gzip's own framing: what does not shrink grows by 5 bytes in 16 KiB, and by its header."""
_AGENT: Final = f"althing/{__version__}"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, decoded body, headers by lower-case name."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def good(self) -> bool:
        """Whether the answer is a yes (2xx)."""
        return 200 <= self.status < 300


def exchange(
    transport: httpx.BaseTransport,
    method: str,
    url: str,
    *,
    limit: int,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """The answer to a request, whatever its status. A redirect is an answer like any other.

    Args:
        transport: of `egress.transport`, which bounds addresses, headers and time.
        method: in upper case.
        url: absolute.
        limit: most bytes of a good answer, after decoding; of another one `PROBLEM` bytes are read.
        body: content to send.
        headers: further ones; the encoding asked for is always identity.

    Raises:
        EgressRefused: the address may not be asked.
        NoAnswer: nobody answers, or not in time, or the connection breaks.
        TooLarge: more than limit bytes; MalformedAnswer: an encoding that cannot be read.
    """
    said = {"accept": "*/*", "user-agent": _AGENT, **(headers or {}), "accept-encoding": "identity"}
    request = httpx.Request(method, parse_url(url), headers=said, content=body)
    try:
        answer = transport.handle_request(request)
        try:
            data = _read(answer, url, limit)
        finally:
            answer.close()
    except httpx.TimeoutException as e:
        raise NoAnswer(f"{url} did not answer in time ({e})") from e
    except httpx.TransportError as e:
        raise NoAnswer(f"nobody answers at {url} ({e})") from e
    names = {name.lower(): value for name, value in answer.headers.items()}
    return Reply(answer.status_code, data, names)


def _read(answer: httpx.Response, url: str, limit: int) -> bytes:
    stream = answer.stream
    assert isinstance(stream, httpx.SyncByteStream)  # noqa: S101  # every BaseTransport gives one
    if not 200 <= answer.status_code < 300:
        try:
            return b"".join(_first(_decoded(stream, answer, url, PROBLEM), PROBLEM))
        except (MalformedAnswer, TooLarge):
            return b""
    length = answer.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and (len(length) > 15 or int(length) > limit + _GZIP_FRAME):
        raise TooLarge(f"{url} announces {length[:30]} bytes, more than {limit}")
    data = bytearray()
    for part in _decoded(stream, answer, url, limit):
        data += part
        if len(data) > limit:
            raise TooLarge(f"{url} sends more than {limit} bytes")
    return bytes(data)


def _first(parts: Iterable[bytes], most: int) -> Iterator[bytes]:
    for part in parts:
        yield part[:most]
        most -= len(part)
        if most <= 0:
            return


def _decoded(parts: Iterable[bytes], answer: httpx.Response, url: str, limit: int) -> Iterator[bytes]:
    """The body without its content encoding, in parts of at most limit + 1 bytes when it has one."""
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        yield from parts
    elif encoding == "gzip":
        yield from _unzipped(parts, url, limit)
    else:
        raise MalformedAnswer(f"{url} sends the encoding {encoding[:40]!r}, which was not asked for")


def _unzipped(parts: Iterable[bytes], url: str, limit: int) -> Iterator[bytes]:
    """One gzip member (RFC 1952); never more than limit + 1 bytes are unpacked at a time."""
    packed = zlib.decompressobj(zlib.MAX_WBITS | 16)
    size = 0
    for part in parts:
        size += len(part)
        if size > limit + _GZIP_FRAME + limit // 1024:
            raise TooLarge(f"{url} sends more than {limit} bytes")
        rest = part
        while rest:
            if packed.eof:
                raise MalformedAnswer(f"{url} sends something after the end of its gzip data")
            try:
                yield packed.decompress(rest, limit + 1)
            except zlib.error as e:
                raise MalformedAnswer(f"{url} sends gzip data that cannot be unpacked: {e}") from e
            rest = packed.unused_data or packed.unconsumed_tail
    if not packed.eof:
        raise MalformedAnswer(f"{url} ends in the middle of its gzip data")
