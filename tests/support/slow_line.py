"""A slow line between a namespace and a bridge, in user space: for kernels without netem.

Two TAP devices and a thread that carries every Ethernet frame from one to the other, late. The devices belong
to this process: they are gone when the line is closed, and also when the process is killed.
"""

from __future__ import annotations

import errno
import fcntl
import heapq
import itertools
import os
import random
import select
import struct
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
TUN = "/dev/net/tun"
FRAME = 65_536
HELD = 20_000  # frames on the way; more are dropped, as a router drops them
# linux/if_tun.h
TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000


def tap(name: str) -> int:
    """A new Ethernet device of that name in this namespace; whoever reads the descriptor has what it sends.

    Raises:
        OSError: there are no TUN/TAP devices here, or they are not permitted.
    """
    device = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    except OSError:
        os.close(device)
        raise
    return device


class SlowLine:
    """Carries frames both ways: each waits `delay` seconds, give or take `jitter`, so some overtake others.

    Both can be set at any time. `seed` decides the waits.
    """

    def __init__(self, near: str, far: str, seed: int) -> None:
        self.delay = self.jitter = 0.0
        self._waits = random.Random(seed)
        self._numbers = itertools.count()
        self._ends: list[int] = []
        try:
            for name in (near, far):
                self._ends.append(tap(name))
        except OSError:
            self._release()
            raise
        self._stop, self._stopper = os.pipe()
        self._thread = threading.Thread(target=self._carry, name=f"slow line {near}", daemon=True)
        self._thread.start()

    def _release(self) -> None:
        for end in self._ends:
            os.close(end)

    def close(self) -> None:
        """End the thread; both devices disappear."""
        os.write(self._stopper, b".")
        self._thread.join(10)
        for descriptor in (self._stop, self._stopper):
            os.close(descriptor)
        self._release()

    def _carry(self) -> None:
        held: list[tuple[float, int, int, bytes]] = []
        near, far = self._ends
        while True:
            wait = max(0.0, held[0][0] - time.monotonic()) if held else None
            ready, _, _ = select.select([self._stop, near, far], [], [], wait)
            if self._stop in ready:
                return
            for end in ready:
                frame = _quietly(os.read, end, FRAME)
                if frame and len(held) < HELD:
                    due = time.monotonic() + self.delay + self._waits.uniform(-self.jitter, self.jitter)
                    heapq.heappush(held, (due, next(self._numbers), far if end == near else near, frame))
            while held and held[0][0] <= time.monotonic():
                _, _, end, frame = heapq.heappop(held)
                _quietly(os.write, end, frame)


def _quietly(call: Callable[..., T], *arguments: int | bytes) -> T | None:
    """Read or write a frame; a device that is down, or full, loses it."""
    try:
        return call(*arguments)
    except OSError as e:
        if e.errno not in (errno.EIO, errno.EAGAIN, errno.EINVAL, errno.EBADFD):
            raise
        return None
