"""Requests to other instances: bounded, without redirects, signed where they change something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import httpx

from governance.errors import Malformed, NoAnswer, Refused, Unavailable
from governance.fetch.egress import parse_url
from governance.fetch.exchange import Reply, exchange
from governance.fetch.problems import problem

__all__ = ["ANSWER", "Client", "Reply", "Sign"]

Sign = Callable[[str, str, bytes | None, str | None], dict[str, str]]
"""(method, URL, body, media type) -> the headers that sign the request."""
ANSWER: Final = 64 * 1024
"""Longest answer to a POST, bytes."""


class Client:
    """Asks other instances over one transport (`governance.fetch.egress`)."""

    def __init__(self, transport: httpx.BaseTransport, sign: Sign) -> None:
        self.transport, self._sign = transport, sign

    def get(self, url: str, limit: int, *, signed: bool = False) -> Reply:
        """The good answer to a GET, of at most limit bytes.

        Raises:
            NoAnswer, EgressRefused: nobody answers, or the address may not be asked.
            TooLarge: the answer is longer. Malformed, Refused, Unavailable: what it says no with.
        """
        return self._good(url, self.send("GET", url, limit=limit, signed=signed))

    def post(self, url: str, body: bytes, media_type: str) -> Reply:
        """The good answer to a signed POST.

        Raises:
            NoAnswer, EgressRefused, TooLarge, Malformed, Refused, Unavailable: as `get`.
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
        # What is signed is the address as it is sent.
        sent = str(parse_url(url))
        headers = {} if media_type is None else {"content-type": media_type}
        if signed:
            headers |= self._sign(method, sent, body, media_type)
        return exchange(self.transport, method, sent, headers=headers, body=body, limit=limit)

    @staticmethod
    def _good(url: str, reply: Reply) -> Reply:
        if reply.good:
            return reply
        error = problem(reply.status, reply.body, reply.headers, url)
        # Somebody else's word for its own damage must not pass for ours.
        theirs = isinstance(error, Malformed | Refused | Unavailable)
        raise error if theirs else NoAnswer(f"{url} is out of order: {error.detail}")
