"""The one place where the time is read; everything else gets it as an argument."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Gives the Unix time in seconds."""


def system_clock() -> int:
    """The machine's time, Unix seconds."""
    return int(time.time())
