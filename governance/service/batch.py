"""What operations put into the writer's next commit, and what they get back after it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import sqlalchemy as sa

from governance import limits
from governance.errors import AlreadyExists, NotFound, Refused, TooLarge
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.lineage import next_origin
from governance.log.merkle import EMPTY_ROOT, leaf_hash
from governance.service.edge import Edge
from governance.signing.note import Signer
from governance.store import blobs, successors
from governance.store.entries import LogHead


class State(Protocol):
    """A fold of a log (`governance.replay`)."""

    def admit(self, index: int, entry: Any) -> None:
        """Fold one entry; Refused before anything changed."""
        ...


@dataclass(slots=True)
class OpenLog:
    """A log in the writer's memory: stored head, right edge, signer, and its replayed state once needed."""

    head: LogHead
    edge: Edge
    signer: Signer
    state: State | None = None


@dataclass(slots=True)
class Pending:
    """What is to be appended to one log."""

    log: OpenLog
    created: bool = False
    data: list[bytes] = field(default_factory=list)
    entries: list[Any] = field(default_factory=list)


Write = Callable[[sa.Connection], object]


class Logs(Protocol):
    """What a batch asks of the sequencer."""

    def check_signing(self) -> None:
        """That entries may be appended; raises Unavailable."""
        ...

    def open_log(self, origin: str) -> OpenLog:
        """A stored log, verified; raises NotFound."""
        ...

    def new_log(self, head: LogHead) -> OpenLog:
        """A log that is not stored yet, with its key."""
        ...

    def load_state(self, log: OpenLog) -> State:
        """The log's state, replayed from the store when it is not in memory."""
        ...


class Batch:
    """The buffers of one commit; only operations in the writer thread hold one.

    `stale` are logs that changed on the disk behind the batch: what is in memory of them is void.
    Nothing is stored before all operations of the batch have run. `mark` and `cut` undo the last operation.
    """

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self.pending: dict[str, Pending] = {}
        self.writes: list[Write] = []
        self.tainted: set[str] = set()
        self.stale: set[str] = set()
        self._journal: list[str] = []

    @property
    def empty(self) -> bool:
        """Whether there is nothing to commit."""
        return not self._journal and not self.writes

    def state(self, origin: str) -> State:
        """The log's replayed state, with what this batch has appended.

        Raises:
            NotFound: no such log.
        """
        return self._logs.load_state(self._log(origin))

    def size(self, origin: str) -> int:
        """The log's size, with what this batch has appended.

        Raises:
            NotFound: no such log.
        """
        pending = self.pending.get(origin)
        appended = len(pending.data) if pending else 0
        return self._log(origin).head.size + appended

    def vkey(self, origin: str) -> str:
        """The log's verifier key.

        Raises:
            NotFound: no such log.
        """
        return self._log(origin).head.vkey

    def root(self, origin: str) -> bytes:
        """The log's root, with what this batch has appended.

        Raises:
            NotFound: no such log.
        """
        edge = deepcopy(self._log(origin).edge)
        pending = self.pending.get(origin)
        edge.extend([leaf_hash(data) for data in pending.data] if pending else [])
        return edge.root()

    def append(self, origin: str, data: bytes, entry: Any) -> int:
        """Admit the entry to the log's state and queue its bytes; gives the index it will have.

        Raises:
            Refused: by the state; NotFound: no such log; TooLarge: more than `limits.ENTRY`.
            Unavailable: nothing is signed at the moment.
        """
        self._logs.check_signing()
        if len(data) > limits.ENTRY:
            raise TooLarge(f"a log entry holds at most {limits.ENTRY} bytes, not {len(data)}")
        log = self._log(origin)
        pending = self.pending.get(origin) or Pending(log)
        index = log.head.size + len(pending.data)
        state = self._logs.load_state(log)
        try:
            state.admit(index, entry)
        except Refused:
            raise
        except BaseException:
            # A fault, not a refusal: the state may be half changed.
            self.tainted.add(origin)
            raise
        self.pending[origin] = pending
        pending.data.append(data)
        pending.entries.append(entry)
        self._journal.append(origin)
        return index

    def create_log(
        self, origin: str, kind: str, *, space: str | None = None, ballot: str | None = None
    ) -> str:
        """Start a log (kind instance, space or ballot) and make its key; gives its vkey.

        Raises:
            AlreadyExists: the origin is taken.
            StorageUnavailable: the key cannot be stored; Unavailable: nothing is signed at the moment.
        """
        self._logs.check_signing()
        if origin in self.pending or self._exists(origin):
            raise AlreadyExists(f"the log {origin} exists")
        log = self._logs.new_log(LogHead(0, origin, kind, space, ballot, ""))
        self.pending[origin] = Pending(log, created=True)
        self._journal.append(origin)
        return log.head.vkey

    def succeed(self, name: str, size: int) -> LogHead:
        """Go on with the first `size` entries of a log under a new key; gives the new, still empty log.

        The state of the log is void until the commit.

        Raises:
            NotFound: no such log.
            StorageUnavailable: the key cannot be stored; Unavailable: nothing is signed at the moment.
        """
        self._logs.check_signing()
        old = self._log(name).head
        new = self._logs.new_log(replace(old, id=0, origin=next_origin(old.origin), size=0, root=EMPTY_ROOT))

        def sign(size: int, root: bytes) -> bytes:
            return sign_checkpoint(Checkpoint(new.head.origin, size, root), [new.signer])

        self.writes.append(lambda conn: successors.begin(conn, old, new.head, size, sign))
        self.stale.add(name)
        return new.head

    def put_blob(self, data: bytes) -> str:
        """Queue bytes to be stored by their digest; gives the digest.

        Raises:
            TooLarge: more than `limits.BLOB`.
        """
        name = blobs.check_blob(data)
        self.writes.append(lambda conn: blobs.put_blob(conn, data))
        return name

    def write(self, write: Write) -> None:
        """Queue any other change for the same transaction (drafts, a plugin's own tables)."""
        self.writes.append(write)

    def mark(self) -> tuple[int, int]:
        """The point to which `cut` goes back."""
        return len(self._journal), len(self.writes)

    def cut(self, mark: tuple[int, int]) -> set[str]:
        """Drop what was queued since the mark; gives the logs whose states no longer fit."""
        entries, writes = mark
        del self.writes[writes:]
        touched = set(self.tainted)
        while len(self._journal) > entries:
            origin = self._journal.pop()
            touched.add(origin)
            pending = self.pending[origin]
            if pending.data:
                pending.data.pop()
                pending.entries.pop()
            else:
                pending.created = False
            if not pending.data and not pending.created:
                del self.pending[origin]
        return touched

    def _log(self, origin: str) -> OpenLog:
        pending = self.pending.get(origin)
        return pending.log if pending else self._logs.open_log(origin)

    def _exists(self, origin: str) -> bool:
        try:
            self._logs.open_log(origin)
        except NotFound:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Committed:
    """The logs right after the commit; operations build their answers from it."""

    logs: dict[str, OpenLog]

    def head(self, origin: str) -> LogHead:
        """The new head of a log the batch appended to."""
        return self.logs[origin].head

    def proof(self, origin: str, index: int) -> list[bytes]:
        """The inclusion proof of an entry of this batch, at the new size."""
        return self.logs[origin].edge.proof(index)
