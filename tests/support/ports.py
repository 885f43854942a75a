"""Ports of this machine that nobody uses at the moment."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])
