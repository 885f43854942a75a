"""Token buckets by address: how often one address may ask (429 with Retry-After)."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from governance.errors import RateLimited

ADDRESSES: Final = 100_000
"""Buckets kept; the longest unused go first, which only ever gives an address more."""


class Buckets:
    """One bucket for each address, refilled with `rate` tokens a second up to `burst`."""

    def __init__(self, rate: int, burst: int) -> None:
        self._rate, self._burst = rate, burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str, now: float) -> None:
        """Take one token; now is any steady time in seconds.

        Raises:
            RateLimited: the bucket is empty; says when it is not.
        """
        tokens, since = self._buckets.pop(address, (float(self._burst), now))
        tokens = min(self._burst, tokens + max(0.0, now - since) * self._rate)
        allowed = tokens >= 1
        self._buckets[address] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > ADDRESSES:
            self._buckets.popitem(last=False)
        if not allowed:
            wait = int((1 - tokens) / self._rate) + 1
            raise RateLimited(
                f"at most {self._rate} requests a second from one address; nothing was stored",
                retry_after=wait,
            )
