"""Auditing a ballot's log: the votes in parallel, their fold in order, then the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from governance.audit.checks import Log
from governance.audit.folded import Refusal, write_fold
from governance.audit.shards import Judged, Rest, Shard, left
from governance.audit.source import LogFiles
from governance.audit.structure import Rebuilt, Workers
from governance.errors import GovernanceError, InvalidStatement, Malformed, Refused
from governance.log.checkpoint import Checkpoint
from governance.log.tiles import bundles_for, parse_bundle
from governance.replay.authority import Members
from governance.replay.ballot import BallotState
from governance.signing.envelope import parse_envelope
from governance.statements.ballot import Ballot
from governance.statements.closing import Extension, Outcome
from governance.statements.delegation import DelegationSnapshot
from governance.statements.electorate import Electorate
from governance.statements.entry import Entry, read_entry
from governance.statements.vote import NonceCommitment, Opening, Vote

_UNTIL_CLOSE = {kind.payload_type() for kind in (Opening, Vote, Extension)}
_BEFORE_OPENING = {kind.payload_type() for kind in (Ballot, Electorate, NonceCommitment)}


@dataclass(frozen=True, slots=True)
class Head:
    """What must be known of a ballot before its log is streamed: entry 0, opening, delegation snapshot.

    A hint where to look: the fold of the same log judges every entry of it.
    """

    definition: bytes = b""
    opening: Opening | None = None
    index: int = -1
    snapshot: DelegationSnapshot | None = None


def read_head(files: LogFiles, size: int) -> Head:
    """The head of a ballot's log of that size, as far as it has one and can be read."""
    first = b""
    index = 0
    try:
        for bundle, data in zip(bundles_for(0, size), files.entries(bundles_for(0, size)), strict=False):
            for entry in parse_bundle(data, bundle.width):
                first = first or entry
                kind = parse_envelope(entry).payload_type
                if kind == Opening.payload_type():
                    statement = read_entry(entry).statement
                    if not isinstance(statement, Opening):
                        return Head(first)
                    return Head(first, statement, index, _read_snapshot(files, size, first))
                if kind not in _BEFORE_OPENING:
                    return Head(first)
                index += 1
    except (Malformed, Refused):
        pass
    return Head(first)


def _read_snapshot(files: LogFiles, size: int, definition: bytes) -> DelegationSnapshot | None:
    """The delegation snapshot of a ballot that has one: from the end, since no vote follows it."""
    try:
        ballot = read_entry(definition).statement
        if not isinstance(ballot, Ballot) or ballot.delegation_rule is None:
            return None
        for entry in _backwards(files, size):
            kind = parse_envelope(entry).payload_type
            if kind == DelegationSnapshot.payload_type():
                statement = read_entry(entry).statement
                return statement if isinstance(statement, DelegationSnapshot) else None
            if kind in _UNTIL_CLOSE:
                return None
    except (Malformed, Refused):
        pass
    return None


def _backwards(files: LogFiles, size: int) -> Iterator[bytes]:
    for bundle in reversed(list(bundles_for(0, size))):
        for data in files.entries([bundle]):
            yield from reversed(parse_bundle(data, bundle.width))


class BallotFold:
    """Folds a judged ballot log and keeps the first refusal, after which nothing more is folded.

    `later` replaces the state's members after the opening, `definition` is the entry 0 that votes were judged
    under, `prepare` sees each entry that is no vote before it is folded.
    """

    def __init__(
        self,
        state: BallotState,
        later: Members,
        definition: bytes,
        prepare: Callable[[Entry], None] | None = None,
    ) -> None:
        self.state = state
        self.refused: Refusal | None = None
        self.outcome_index = -1
        self._kind: str | None = None
        self._later = later
        self._definition = definition
        self._prepare = prepare

    def add(self, shard: Shard, judged: Judged) -> None:
        """Fold a shard's votes and other entries in the order of the log."""
        if self.refused is not None:
            return
        rest = left(shard, judged)
        waiting = next(rest, None)
        try:
            for vote in judged.votes.rows():
                while waiting is not None and waiting.index == self.state.size:
                    self._admit(waiting)
                    waiting = next(rest, None)
                self._kind = "vote"
                self.state.admit_vote(self.state.size, vote)
            while waiting is not None:
                self._admit(waiting)
                waiting = next(rest, None)
        except GovernanceError as e:
            self.refused = Refusal(e, self.state.size, self._kind)

    def _admit(self, item: Rest) -> None:
        self._kind = None
        state = self.state
        entry = read_entry(item.data, item.proved)
        self._kind = entry.statement.KIND
        if item.index == 0 and item.data != self._definition:
            # The votes were judged under what was read first: a source may not answer twice differently.
            raise InvalidStatement("this is not the definition that was read before")
        if self._prepare is not None:
            self._prepare(entry)
        state.admit(item.index, entry)
        if isinstance(entry.statement, (Opening, DelegationSnapshot)):
            state.members = self._later
        elif isinstance(entry.statement, Outcome):
            self.outcome_index = item.index


def stream(
    files: LogFiles,
    checkpoint: Checkpoint,
    log: Log,
    fold: BallotFold,
    head: Head,
    sizes: set[int],
    workers: Workers,
) -> Rebuilt:
    """The log rebuilt and folded; writes the structural checks and those of the fold."""
    rebuilt = Rebuilt(files, checkpoint, log)
    votes_from = checkpoint.size if head.opening is None else head.index + 1
    for shard, judged in rebuilt.judged(workers, {votes_from, *sizes}, head.definition, votes_from):
        fold.add(shard, judged)
        workers.progress(log.name, shard.first + sum(shard.widths), checkpoint.size)
    write_fold(log, fold.state, fold.refused, rebuilt.complete)
    return rebuilt
