"""Auditing a space's log and, with what it says about members, the ballots that it names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from governance.audit.ballot import BallotFold, Head, read_head, stream
from governance.audit.checks import Findings, Log
from governance.audit.instance import RecordFold, base_of, stream_records
from governance.audit.result import check_publication, check_result
from governance.audit.source import LogFiles, PublicFiles
from governance.audit.structure import Rebuilt, Workers, read_checkpoint
from governance.audit.succession import Line, check_burnt, check_line, line_of
from governance.audit.witnesses import Published, check_cosigned, check_witnesses, read_cosigned
from governance.errors import GovernanceError, InvalidStatement, Malformed, Refused
from governance.log.checkpoint import Checkpoint
from governance.log.tiles import bundles_for, parse_bundle
from governance.replay.ballot import BallotState
from governance.replay.instance import InstanceState
from governance.replay.space import SpaceState
from governance.statements.delegation import DelegationSnapshot
from governance.statements.entry import Entry, read_entry
from governance.statements.instance import SpaceNotice
from governance.statements.space import BallotNotice
from governance.statements.vote import LogHead

_NOTICE = BallotNotice.payload_type().encode()


@dataclass(frozen=True, slots=True)
class Opened:
    """A ballot that a space's log names, with the checkpoint and head of its log as first read."""

    notice: BallotNotice
    line: Line
    files: LogFiles
    log: Log
    checkpoint: Checkpoint
    head: Head
    cosigned: Published


@dataclass(frozen=True, slots=True)
class Part:
    """A decided part of a joint ballot as its audit has folded it."""

    state: BallotState
    open_root: bytes


def folder_of(origin: str, base: str) -> str:
    """The directory of a log among the public files (DESIGN 9)."""
    return "logs" + origin.removeprefix(base)


class SpaceAudit:
    """One space's log and its ballots; `sizes` collects the audited size of each log by its folder.

    `spaces` are the folded spaces by name, `parts` the decided parts of joint ballots by origin.
    """

    def __init__(
        self,
        files: PublicFiles,
        findings: Findings,
        instance: InstanceState,
        workers: Workers,
        sizes: dict[str, int],
    ) -> None:
        self._files = files
        self._findings = findings
        self._instance = instance
        self._base = base_of(instance.origin)
        self._workers = workers
        self._sizes = sizes
        self.spaces: dict[str, SpaceState] = {}
        self.parts: dict[str, Part] = {}

    def run(self, notice: SpaceNotice, ballots: frozenset[str] | None) -> None:
        """Audit the space; of its ballots those named, or all."""
        line = line_of(self._instance, notice)
        log = self._findings.about(line.origin)
        if not self._in_place(log, notice.origin, f"{self._base}/spaces/{notice.space}"):
            return
        folder = LogFiles(self._files, folder_of(line.origin, self._base))
        shown = read_cosigned(folder)
        checkpoint = self._checkpoint(folder, log, line)
        if checkpoint is None:
            return
        opened = [
            ballot
            for found in ballot_notices(folder, checkpoint.size)
            if (ballots is None or found.ballot in ballots)
            and (ballot := self._open(found, notice.origin)) is not None
        ]
        named = (pinned for o in opened for pinned in (o.head.opening, o.head.snapshot))
        marks = frozenset(pinned.space.size for pinned in named if pinned is not None)
        fold = RecordFold(state := SpaceState(notice.origin, self._instance.keys), marks)
        sizes = marks | {shown.size} | line.begins
        rebuilt = stream_records(folder, checkpoint, log, fold, sizes, self._workers)
        check_cosigned(log, shown, rebuilt, line.vkey)
        self._succession(line, rebuilt, log)
        self.spaces[notice.space] = state
        for name in sorted((ballots or frozenset()) - {o.notice.ballot for o in opened}):
            log.fail("publication", f"the space's log names no ballot {name} that could be read")
        for ballot in opened:
            self._ballot(ballot, state, fold.heads, rebuilt)

    def _in_place(self, log: Log, origin: str, expected: str) -> bool:
        if origin != expected:
            log.fail("origin", f"a log at this place is called {expected}")
            return False
        log.passed("origin", origin)
        return True

    def _succession(self, line: Line, rebuilt: Rebuilt, log: Log) -> None:
        check_line(line, rebuilt, log)
        first = folder_of(line.name, self._base)
        self._sizes |= check_burnt(line, first, rebuilt.files, self._findings, self._workers)

    def _checkpoint(self, folder: LogFiles, log: Log, line: Line) -> Checkpoint | None:
        checkpoint = read_checkpoint(folder, log, line.origin, line.vkey)
        self._sizes[folder.folder] = -1 if checkpoint is None else checkpoint.size
        return checkpoint

    def _open(self, notice: BallotNotice, space: str) -> Opened | None:
        line = line_of(self._instance, notice)
        log = self._findings.about(line.origin)
        if not self._in_place(log, notice.origin, f"{space}/ballots/{notice.ballot}"):
            return None
        folder = LogFiles(self._files, folder_of(line.origin, self._base))
        shown = read_cosigned(folder)
        checkpoint = self._checkpoint(folder, log, line)
        if checkpoint is None:
            return None
        return Opened(notice, line, folder, log, checkpoint, read_head(folder, checkpoint.size), shown)

    def _ballot(self, ballot: Opened, now: SpaceState, heads: dict[int, SpaceState], space: Rebuilt) -> None:
        notice, head, log = ballot.notice, ballot.head, ballot.log
        members = now
        if head.opening is not None:
            known = _space_at(head.opening.space, now, heads, space)
            if known is None:
                log.fail("entitlement", f"{now.origin} never had the head that the opening names", head.index)
                return
            members = known
            if (head.opening.vkey, head.opening.definition) != (notice.vkey, notice.definition):
                log.fail("opening", "opening and ballot-notice name another key or definition", head.index)
        announced = now.outcomes.get(notice.ballot)
        state = BallotState(notice.origin, self._instance.keys, members)

        def prepare(entry: Entry) -> None:
            if isinstance(entry.statement, DelegationSnapshot):
                then = _space_at(entry.statement.space, now, heads, space)
                if then is None:
                    raise InvalidStatement(f"{now.origin} never had the head that the snapshot names")
                state.members = then

        fold = BallotFold(state, now, head.definition, prepare)
        sizes = {ballot.cosigned.size, *ballot.line.begins}
        sizes |= set() if announced is None else {announced.size}
        rebuilt = stream(ballot.files, ballot.checkpoint, log, fold, head, sizes, self._workers)
        if state.opening is None and fold.refused is None:
            log.fail("opening", "the space says that this ballot has opened, its log does not")
        open_root = rebuilt.roots.get(state.opening_index + 1) if rebuilt.complete else None
        self._succession(ballot.line, rebuilt, log)
        check_witnesses(log, ballot.cosigned, rebuilt, ballot.line.vkey, fold)
        check_result(ballot.files, log, fold, open_root)
        check_publication(log, fold, announced, rebuilt, now.origin)
        decided = state.outcome is not None and announced is not None and not log.failed
        if decided and open_root is not None and _is_part(state):
            self.parts[notice.origin] = Part(state, open_root)


def _is_part(state: BallotState) -> bool:
    return state.definition is not None and state.definition.ballot.joint is not None


def _space_at(
    named: LogHead, now: SpaceState, heads: dict[int, SpaceState], space: Rebuilt
) -> SpaceState | None:
    """The space at a head that a ballot's log names, None when the space's log never had it."""
    root = space.roots.get(named.size)
    if root is None or (named.origin, named.root) != (now.origin, root.hex()):
        return None
    return heads.get(named.size)


def ballot_notices(files: LogFiles, size: int) -> Iterator[BallotNotice]:
    """The ballots that a space's log seems to name; the fold of the same log judges whether it does."""
    try:
        for bundle, data in zip(bundles_for(0, size), files.entries(bundles_for(0, size)), strict=False):
            if _NOTICE in data:
                yield from _notices(parse_bundle(data, bundle.width))
    except (Malformed, Refused):
        return


def _notices(entries: list[bytes]) -> Iterator[BallotNotice]:
    for data in entries:
        if _NOTICE not in data:
            continue
        try:
            statement = read_entry(data).statement
        except GovernanceError:
            continue
        if isinstance(statement, BallotNotice):
            yield statement
