"""Replayed logs in memory: how the writer loads them, and what readers may look at meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from governance.errors import IntegrityFault, NotFound
from governance.log.merkle import leaf_hash, root
from governance.replay.ballot import BallotState
from governance.replay.instance import InstanceState
from governance.replay.space import SpaceState
from governance.replay.vote import CheckedVote, enrolled_key
from governance.statements.delegation import DelegationSnapshot
from governance.statements.entry import Entry, read_entry
from governance.statements.vote import LogHead as Pinned
from governance.statements.vote import Opening, Vote
from governance.store.entries import LogHead

_answers: Final = msgspec.json.Encoder(order="sorted").encode
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class CastVote:
    """A vote on its way to the log: judged by itself already, in another thread than the writer's."""

    statement: Vote
    identity: str
    data: bytes
    checked: CheckedVote


class LiveBallot(BallotState):
    """A ballot's fold that takes votes whose signature is judged already.

    `open_root` is the tree root right after the opening, once that is stored or queued.
    """

    open_root: bytes = b""

    def admit(self, index: int, entry: Entry | CastVote) -> None:
        """Fold an entry; see `BallotState.admit`."""
        if isinstance(entry, CastVote):
            self.admit_vote(index, entry.checked)
        else:
            super().admit(index, entry)


class States:
    """Loads the states for the writer and publishes them for reading.

    Only the writer changes a state. Readers in other threads use what never changes once it is there (a
    ballot's definition and roll after its opening, an instance's keys) or take a single value at a time.
    """

    def __init__(self, base: str) -> None:
        self.base = base
        self.parent: Callable[[str], Any] = _nothing
        """Set by the service: the writer's state of another log."""
        self.stored: Callable[[str, int], Iterator[bytes]] = _nothing
        """Set by the service: the first entries of another log, from the store."""
        self._current: dict[str, Any] = {}

    @property
    def instance_origin(self) -> str:
        """The instance log's origin."""
        return f"{self.base}/instance"

    def space_origin(self, space: str) -> str:
        """The name of a space's log (`governance.log.lineage`)."""
        return f"{self.base}/spaces/{space}"

    def ballot_origin(self, space: str, ballot: str) -> str:
        """The name of a ballot's log."""
        return f"{self.space_origin(space)}/ballots/{ballot}"

    def get(self, origin: str, kind: type[S]) -> S:
        """The published state of a log.

        Raises:
            NotFound: none is in memory.
        """
        state = self._current.get(origin)
        if not isinstance(state, kind):
            raise NotFound(f"there is no {origin.removeprefix(self.base + '/')} here")
        return state

    def retire(self, origin: str) -> None:
        """Publish a state no longer: its ballot is finished, or it holds what was never stored."""
        self._current.pop(origin, None)

    def load(self, head: LogHead, entries: Iterator[bytes]) -> Any:
        """The state of a log, for the sequencer; runs in the writer thread.

        Signatures of votes were judged before they were stored; only their content is read again.
        """
        state: Any
        if head.kind == "instance":
            state = _folded(InstanceState(head.name), entries)
        elif head.kind == "space":
            state = _folded(SpaceState(head.name, self.parent(self.instance_origin).keys), entries)
        else:
            state = self._ballot(head, entries)
        self._current[head.name] = state
        return state

    def _ballot(self, head: LogHead, entries: Iterator[bytes]) -> LiveBallot:
        if head.space is None:
            raise IntegrityFault(f"the ballot's log {head.origin} names no space")
        space = self.parent(self.space_origin(head.space))
        state = LiveBallot(head.name, space.instance, space)
        first = _until_opening(entries)
        if first and isinstance(first[-1].statement, Opening):
            state.members = self._space_at(space, first[-1].statement.space)
        for index, entry in enumerate(first):
            state.admit(index, entry)
        state.open_root = root([leaf_hash(entry.data) for entry in first])
        state.members = space
        for data in entries:
            entry = read_entry(data)
            if isinstance(entry.statement, DelegationSnapshot):
                state.members = self._space_at(space, entry.statement.space)
            _restore(state, entry)
            state.members = space
        return state

    def _space_at(self, space: SpaceState, head: Pinned) -> SpaceState:
        """A space as it was at a head that a ballot's log names."""
        return _folded(SpaceState(head.origin, space.instance), self.stored(head.origin, head.size))


def _until_opening(entries: Iterator[bytes]) -> list[Entry]:
    """The entries up to the opening: the roll in them was drawn from the space as it then was."""
    first: list[Entry] = []
    for data in entries:
        first.append(read_entry(data))
        if isinstance(first[-1].statement, Opening):
            break
    return first


def _restore(state: LiveBallot, entry: Entry) -> None:
    """Fold a stored entry; a vote's signature was judged before it was stored."""
    statement = entry.statement
    if isinstance(statement, Vote):
        state.admit_vote(state.size, _stored_vote(state, entry))
    else:
        state.admit(state.size, entry)


def _nothing(origin: str, *_size: int) -> Any:
    raise NotFound(f"there is no log {origin}")


def _folded(state: S, entries: Iterator[bytes]) -> S:
    for index, data in enumerate(entries):
        state.admit(index, read_entry(data))  # type: ignore[attr-defined]
    return state


def _stored_vote(state: BallotState, entry: Entry) -> CheckedVote:
    vote = entry.statement
    assert isinstance(vote, Vote)  # noqa: S101  # the caller has looked
    key = enrolled_key(state.roll, vote.voter)
    return CheckedVote(
        vote.voter, vote.cast_at, _answers(vote.answers), bytes.fromhex(entry.identity[7:]), key
    )
