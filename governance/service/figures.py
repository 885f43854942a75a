"""Figures for Prometheus: how long the logs are, what waits, how many votes each answer has met."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import Counter, Gauge

from governance.store.entries import LogHead

_entries: Final = Gauge("althing_log_entries", "Entries of a log", ["origin"])
_commits: Final = Counter("althing_commits", "Batches committed")
_waiting: Final = Gauge("althing_queue_waiting", "Statements that wait for the writer")
_fault: Final = Gauge("althing_writer_stopped", "1 when nothing is written any more")
_held: Final = Gauge("althing_held", "1 while nothing is signed because others are asked first")


def note(heads: Iterable[LogHead]) -> None:
    """Take down the new heads of a commit."""
    _commits.inc()
    for head in heads:
        _entries.labels(head.origin).set(head.size)


def watch(depth: Callable[[], int], stopped: Callable[[], bool], held: Callable[[], bool]) -> None:
    """Where to read the queue's length, whether the writer has stopped, and whether it is held."""
    _waiting.set_function(depth)
    _fault.set_function(stopped)
    _held.set_function(held)
