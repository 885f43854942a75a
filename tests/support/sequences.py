"""A sequencer over plain entries: a state that refuses on demand, and a context that starts and stops it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from governance.errors import AlreadyExists, Refused
from governance.service.batch import Batch, Committed
from governance.service.log_keys import LogKeys
from governance.service.sequencer import Sequencer
from governance.store.engine import Store
from governance.store.entries import LogHead

ORIGIN = "althing.example/spaces/nix/ballots/q1"


@dataclass
class Words:
    """The state of a log of words: none may stand in it twice, `bad…` is refused, `bug…` breaks."""

    seen: dict[bytes, int] = field(default_factory=dict)

    def admit(self, index: int, entry: bytes) -> None:
        if index != len(self.seen):
            raise AssertionError(f"entry {index} after {len(self.seen)}")
        if entry in self.seen:
            raise AlreadyExists(f"{entry!r} is entry {self.seen[entry]}")
        if entry.startswith(b"bad"):
            raise Refused(f"{entry!r} is refused")
        self.seen[entry] = index
        if entry.startswith(b"bug"):
            raise RuntimeError("half changed")


def load_words(_log: LogHead, stored: Iterator[bytes]) -> Words:
    state = Words()
    for index, data in enumerate(stored):
        state.admit(index, data)
    return state


@contextmanager
def running(store: Store, **options: Any) -> Iterator[Sequencer]:
    """A started sequencer, closed at the end."""
    sequencer = Sequencer(store, LogKeys(store.data_dir), options.pop("load_state", load_words), **options)
    sequencer.start()
    try:
        yield sequencer
    finally:
        sequencer.close()


def create(origin: str = ORIGIN, kind: str = "ballot") -> Callable[[Batch], Callable[[Committed], LogHead]]:
    """The operation that starts a log."""

    def op(batch: Batch) -> Callable[[Committed], LogHead]:
        batch.create_log(origin, kind, space="nix")
        return lambda done: done.head(origin)

    return op


@dataclass(frozen=True)
class Appended:
    """What a test wants to know of an appended entry."""

    index: int
    head: LogHead
    proof: list[bytes]


def add(*words: bytes, origin: str = ORIGIN) -> Callable[[Batch], Callable[[Committed], Appended]]:
    """The operation that appends words; the answer is about the last."""

    def op(batch: Batch) -> Callable[[Committed], Appended]:
        for word in words:
            index = batch.append(origin, word, word)
        return lambda done: Appended(index, done.head(origin), done.proof(origin, index))

    return op
