"""Reading roadmaps from public files: an instance's own, or a copy of another's (they look alike).

Every entry is hashed, the tree they make must be the signed one, and every statement is folded by the rules
that the service and the audit have. A log is read once: asking again costs its checkpoint, and what is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from federation.roadmap_views import SourceView
from governance import limits
from governance.audit.instance import DOCUMENT, base_of
from governance.audit.source import LogFiles, PublicFiles
from governance.audit.space import folder_of
from governance.audit.succession import line_of
from governance.errors import (
    BadProof,
    GovernanceError,
    InvalidStatement,
    Malformed,
    OldCheckpoint,
    Refused,
    Unavailable,
)
from governance.log.checkpoint import Checkpoint, open_checkpoint
from governance.log.cosignature import verifier_for
from governance.log.lineage import name_of
from governance.log.merkle import Frontier, leaf_hash
from governance.log.tiles import FULL, bundles_for, parse_bundle
from governance.replay.instance import InstanceState, check_document
from governance.replay.space import SpaceState, own_items
from governance.signing.note import parse_vkey
from governance.statements.entry import read_entry
from governance.statements.instance import Instance, SpaceNotice

_UNREADABLE: Final = (Malformed, Refused, Unavailable)


@dataclass(frozen=True, slots=True)
class Followed:
    """An instance whose roadmaps are on the map.

    `checked_at` is when all its logs were last looked at (Unix seconds), `behind` are the origins of which a
    larger checkpoint is known than `files` has, `frozen` those with evidence against them.
    """

    instance: str
    files: PublicFiles
    checked_at: int
    behind: frozenset[str] = frozenset()
    frozen: frozenset[str] = frozenset()


class _Log:
    """One log, as far as it was read; `skipped` entries were unknown or refused, the first for `problem`."""

    def __init__(self, folder: str, vkey: str, state: Any) -> None:
        self.folder = folder
        self._verifier = verifier_for(parse_vkey(vkey))
        if name_of(self._verifier.key.name) != state.origin:
            raise Malformed(f"the key of the log {state.origin} has another name")
        self._tree = Frontier()
        self.state = state
        self.skipped = 0
        self.problem = ""
        self.spoiled = False

    def catch_up(self, files: PublicFiles) -> None:
        """Read what is new.

        Raises:
            BadProof: the entries are not the ones that are signed for. When they had been folded already
                (they changed in between), `spoiled` says that this object is of no use any more.
            OldCheckpoint: the source went back to an earlier one.
            Malformed, Refused: a file is missing or damaged.
        """
        log = LogFiles(files, self.folder)
        checkpoint = open_checkpoint(log.checkpoint(), [self._verifier])
        if checkpoint.size < self._tree.size:
            raise OldCheckpoint(f"{self.state.origin} had {self._tree.size} entries before")
        self._grow(log, checkpoint)

    def _grow(self, log: LogFiles, checkpoint: Checkpoint) -> None:
        tree, state = self._tree.copy(), self.state
        fresh = tree.size
        # Hashed whole before anything is believed, then read again to be folded: memory for one bundle.
        for entries in _entries(log, fresh, checkpoint.size):
            tree.extend(map(leaf_hash, entries))
        if tree.root() != checkpoint.root:
            raise BadProof(f"the entries of {state.origin} do not make the signed root")
        self.spoiled = True
        for entries in _entries(log, fresh, checkpoint.size):
            self._tree.extend(map(leaf_hash, entries))
            for data in entries:
                self._fold(data)
        if self._tree.root() != checkpoint.root:
            raise BadProof(f"the entries of {state.origin} changed while they were read")
        self.spoiled = False

    def _fold(self, data: bytes) -> None:
        index = self.state.size
        try:
            self.state.admit(index, read_entry(data))
        except GovernanceError as e:
            # A later version may know it, so that what follows is still shown, and marked.
            self.skipped += 1
            self.problem = self.problem or f"entry {index} of {self.state.origin}: {e.detail}"
            self.state.size = index + 1


def _entries(log: LogFiles, old: int, new: int) -> Iterator[list[bytes]]:
    """The entries that a log of size new has and one of size old has not, bundle by bundle."""
    wanted = list(bundles_for(old, new))
    for bundle, data in zip(wanted, log.entries(wanted), strict=True):
        yield parse_bundle(data, bundle.width)[max(0, old - bundle.n * FULL) :]


class SourceReader:
    """The roadmaps of one instance; keeps what it has read."""

    def __init__(self) -> None:
        self._instance: _Log | None = None
        self._spaces: dict[str, _Log] = {}
        self._last: dict[str, SourceView] = {}

    def read(self, followed: Followed) -> list[SourceView]:
        """A view of each space, by name; what cannot be read any more stays as it was, with the problem.

        An instance of which nothing could ever be read is one view of a space without a name.
        """
        problem = ""
        try:
            self._read_instance(followed)
        except _UNREADABLE as e:
            problem = e.detail
            if self._instance is not None and self._instance.spoiled:
                self._instance = None
                self._spaces.clear()
        if self._instance is not None:
            problem = problem or self._instance.problem
            for notice in self._instance.state.spaces.values():
                self._last[notice.space] = self._view(followed, notice, self._instance.state, problem)
        elif not self._last:
            return [_nothing(followed, problem)]
        else:
            self._last = {name: _marked(view, followed, problem) for name, view in self._last.items()}
        return [view for _, view in sorted(self._last.items())]

    def _read_instance(self, followed: Followed) -> None:
        document = read_document(followed)
        log = self._instance
        if log is None:
            state = InstanceState(document.origin)
            log = _Log("logs/instance", document.vkey, state)
        log.catch_up(followed.files)
        if log.state.keys.instance != followed.instance:
            raise InvalidStatement("this is the log of another instance")
        self._instance = log

    def _view(
        self, followed: Followed, notice: SpaceNotice, instance: InstanceState, problem: str
    ) -> SourceView:
        try:
            self._read_space(followed, notice, instance)
        except _UNREADABLE as e:
            problem = problem or e.detail
        log = self._spaces.get(notice.space)
        document, line = instance.document, line_of(instance, notice)
        empty = SourceView(
            instance=followed.instance,
            instance_name="" if document is None else document.name,
            base_url="" if document is None else document.base_url,
            space=notice.space,
            title=notice.space,
            origin=line.origin,
            vkey=line.vkey,
            size=0,
            checked_at=0,
        )
        if log is None or log.spoiled:
            self._spaces.pop(notice.space, None)
            return _marked(self._last.get(notice.space, empty), followed, problem)
        return _marked(_filled(empty, log), followed, problem or log.problem)

    def _read_space(self, followed: Followed, notice: SpaceNotice, instance: InstanceState) -> None:
        base = base_of(instance.origin)
        if notice.origin != f"{base}/spaces/{notice.space}":
            raise InvalidStatement(f"{notice.origin} is not the name of a log at this place")
        log, line = self._spaces.get(notice.space), line_of(instance, notice)
        folder = folder_of(line.origin, base)
        if log is None or log.folder != folder:
            log = _Log(folder, line.vkey, SpaceState(notice.origin, instance.keys))
        # Known from the first attempt on, so that one which went wrong halfway is seen to be spoiled.
        self._spaces[notice.space] = log
        log.catch_up(followed.files)


def _nothing(followed: Followed, problem: str) -> SourceView:
    return SourceView(followed.instance, "", "", "", "", "", "", 0, followed.checked_at, problem=problem)


def _marked(view: SourceView, followed: Followed, problem: str) -> SourceView:
    """The view with what is known about its source now."""
    return replace(
        view,
        checked_at=followed.checked_at,
        behind=view.origin in followed.behind,
        frozen=view.origin in followed.frozen,
        problem=problem,
    )


def _filled(view: SourceView, log: _Log) -> SourceView:
    state: SpaceState = log.state
    owned = state.ownership
    return replace(
        view,
        title=view.space if state.space is None else state.space.title,
        size=state.size,
        items=tuple(state.items[item] for item in sorted(state.items)),
        own=len(own_items(state)),
        links=tuple(link for _, links in sorted(owned.links.items()) for _, link in sorted(links.items())),
        offers=tuple(sorted(owned.offers.values(), key=lambda offer: offer.index)),
        answers=tuple(sorted(owned.answers.values(), key=lambda answer: answer.index)),
        skipped=log.skipped,
    )


def read_document(followed: Followed) -> Instance:
    """The identity document among the files, which must be of the instance that is followed.

    Raises:
        Malformed, Refused: why not.
    """
    entry = read_entry(followed.files.read(DOCUMENT, limits.ENTRY))
    document = entry.statement
    if not isinstance(document, Instance) or document.id != followed.instance:
        raise InvalidStatement(f"this is not the identity document of {followed.instance}")
    if not document.origin.endswith("/instance"):
        raise InvalidStatement("the origin of an instance's log ends in /instance")
    check_document(document, entry)
    return document


def read_sources(followed: Iterable[Followed]) -> list[SourceView]:
    """Everything, read once; for those who do not come back."""
    return [view for one in followed for view in SourceReader().read(one)]
