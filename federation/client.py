"""Requests to other instances: bounded, without redirects, signed where they change something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from governance.fetch.exchange import exchange
from governance.fetch.problems import problem

Sign = Callable[[str, str, bytes | None, str | None], dict[str, str]]
"""(method, URL, body, media type) -> the headers that sign the request."""
ANSWER: Final = 64 * 1024
"""Longest answer to a POST, bytes."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, body, and headers with lower-case names."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Client:
    """Asks other instances over one transport (`governance.fetch.egress`)."""

    def __init__(self, transport: httpx.BaseTransport, sign: Sign) -> None:
        self._transport, self._sign = transport, sign

    def get(self, url: str, limit: int, *, signed: bool = False) -> Reply:
        """The good answer to a GET, of at most limit bytes.

        Raises:
            NoAnswer, EgressRefused: nobody answers, or the address may not be asked.
            TooLarge: the answer is longer; GovernanceError: what it says no with.
        """
        return self._good(url, self.send("GET", url, limit=limit, signed=signed))

    def post(self, url: str, body: bytes, media_type: str) -> Reply:
        """The good answer to a signed POST.

        Raises:
            NoAnswer, EgressRefused, TooLarge, GovernanceError: as `get`.
        """
        return self._good(url, self.send("POST", url, body, media_type, limit=ANSWER, signed=True))

    def send(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        media_type: str | None = None,
        *,
        limit: int,
        signed: bool = False,
    ) -> Reply:
        """The answer to a request, whatever its status.

        Raises:
            NoAnswer, EgressRefused, TooLarge: as `get`.
        """
        headers: dict[str, str] = {}
        if media_type is not None:
            headers["content-type"] = media_type
        if signed:
            headers |= self._sign(method, url, body, media_type)
        answer = exchange(self._transport, method, url, headers=headers, body=body, limit=limit)
        return Reply(answer.status, answer.body, answer.headers)

    @staticmethod
    def _good(url: str, reply: Reply) -> Reply:
        if reply.status >= 300:
            raise problem(reply.status, reply.body, reply.headers, url)
        return reply
