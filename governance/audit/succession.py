"""Where burnt logs go on: the same first entries in both logs, and how many later ones do not count.

That the root key has said so, the instance log's fold tells (`replay.instance`). No burnt log is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from governance.audit.checks import Findings, Log
from governance.audit.source import LogFiles
from governance.audit.structure import Rebuilt, Workers, read_checkpoint
from governance.replay.instance import InstanceState
from governance.statements.instance import LogSuccessor, SpaceNotice
from governance.statements.space import BallotNotice


@dataclass(frozen=True, slots=True)
class Line:
    """The logs of one name: the key of the first, and where each burnt one goes on, in their order."""

    name: str
    first: str
    successors: Sequence[LogSuccessor] = ()

    @property
    def origin(self) -> str:
        """The origin of the present log."""
        return self.successors[-1].successor if self.successors else self.name

    @property
    def vkey(self) -> str:
        """The key of the present log."""
        return self.successors[-1].vkey if self.successors else self.first

    @property
    def begins(self) -> frozenset[int]:
        """The size from which the present log goes on by itself, if it is a successor."""
        return frozenset(new.size for new in self.successors[-1:])

    def burnt(self) -> list[tuple[LogSuccessor, str, LogSuccessor | None]]:
        """Each burnt log: where it goes on, its own key, and what it began with if it was a successor."""
        keys = [self.first, *(new.vkey for new in self.successors)]
        return list(zip(self.successors, keys, [None, *self.successors], strict=False))


def line_of(instance: InstanceState, notice: SpaceNotice | BallotNotice) -> Line:
    """The logs of a space or a ballot, as its notice and the instance's log have them."""
    return Line(notice.origin, notice.vkey, instance.successors.get(notice.origin, ()))


def check_line(line: Line, rebuilt: Rebuilt, log: Log) -> None:
    """That the present log begins as the instance's log says."""
    if line.successors and _begins(line.successors[-1], rebuilt, log):
        last = line.successors[-1]
        log.passed("succession", f"goes on from entry {last.size} of {last.origin}", entries=last.size)


def check_burnt(
    line: Line, folder: str, files: LogFiles, findings: Findings, workers: Workers
) -> dict[str, int]:
    """What the burnt logs of a name were, and what of them does not count; gives their sizes by folder.

    Args:
        line: the logs.
        folder: where the first of them is among the public files.
        files: of any of them.
        findings: gains the checks.
        workers: where entries are read.
    """
    sizes: dict[str, int] = {}
    for end, vkey, begin in line.burnt():
        log = findings.about(end.origin)
        source = LogFiles(files.files, folder + end.origin.removeprefix(line.name))
        checkpoint = read_checkpoint(source, log, end.origin, vkey, burnt=True)
        sizes[source.folder] = -1 if checkpoint is None else checkpoint.size
        if checkpoint is None:
            continue
        rebuilt = Rebuilt(source, checkpoint, log)
        marks = {end.size} | (set() if begin is None else {begin.size})
        for shard, _ in rebuilt.judged(workers, marks, b"", checkpoint.size):
            workers.progress(log.name, shard.first + sum(shard.widths), checkpoint.size)
        if begin is None or _begins(begin, rebuilt, log):
            _ends(end, rebuilt, log)
    return sizes


def _begins(begin: LogSuccessor, rebuilt: Rebuilt, log: Log) -> bool:
    root = rebuilt.roots.get(begin.size)
    if root is not None and root.hex() == begin.root:
        return True
    log.fail("succession", f"it does not begin with the {begin.size} entries of {begin.origin} that count")
    return False


def _ends(end: LogSuccessor, rebuilt: Rebuilt, log: Log) -> None:
    shown, root = rebuilt.checkpoint.size, rebuilt.roots.get(end.size)
    left = max(shown, end.held) - end.size
    text = f"burnt ({end.reason}); goes on as {end.successor}. {left} entries from {end.size} on do not count"
    if shown >= end.size and (root is None or root.hex() != end.root):
        text = f"{end.successor} does not go on from the first {end.size} entries that are shown here"
        log.fail("succession", text, end.size - 1)
    elif shown < end.held:
        log.skipped("succession", f"{text}; this source shows {shown} of {end.held}, compare it with others")
    else:
        log.passed("succession", text, entries=end.size, dropped=left)
