"""The one writer: takes what has queued, gives indices, commits, signs, answers (DESIGN 5).

There is no timer: a batch is whatever arrived while the last one was committing. Entries, root and checkpoint
are one transaction, so after a crash at any instant either all or none of a batch is there, and nobody was
answered for what is not.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from governance.errors import (
    GovernanceError,
    IntegrityFault,
    InvalidStatement,
    QueueFull,
    StorageUnavailable,
    Unavailable,
)
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.merkle import leaf_hash
from governance.service.batch import Batch, Committed, OpenLog, Pending, State
from governance.service.edge import Edge
from governance.service.log_keys import LogKeys
from governance.store import blobs, entries, imports
from governance.store.engine import Store
from governance.store.entries import Addition, LogHead
from governance.store.headcheck import verified_entries, verify_head

T = TypeVar("T")
Finish = Callable[[Committed], T]
Op = Callable[[Batch], Finish[T]]
LoadState = Callable[[LogHead, Iterator[bytes]], State]
"""(log, its stored entries in order) -> the log's state; called in the writer thread."""
Project = Callable[[sa.Connection, LogHead, Sequence[Any]], None]
"""(connection, log before the batch, entries from its size on); inside the batch's transaction."""
Observe = Callable[[list[LogHead]], None]

_log: Final = logging.getLogger(__name__)
MAX_BATCH: Final = 1024
TURNS: Final = 5


@dataclass(slots=True)
class _Task:
    op: Op[Any]
    future: Future[Any]


class Sequencer:
    """Runs operations one after another in its own thread and commits them in batches.

    Args:
        store: opened for writing; this is its only writer.
        keys: the logs' signing keys.
        load_state: replays a log.
        project: called for each log of a batch before its commit.
        observe: called with the new heads after each commit; what it raises is logged only.
        retire: called with the origin of a log whose state, as `load_state` gave it, is void.
        on_fatal: called once, in the writer thread, when nothing can be written any more.
        queue: operations that may wait; more are refused with QueueFull.
        keep: states of ballots kept in memory; the longest unused go first. Those of spaces and of the
            instance stay, because states of ballots refer to them.
    """

    def __init__(  # noqa: PLR0913  # all that the service joins to its writer
        self,
        store: Store,
        keys: LogKeys,
        load_state: LoadState,
        *,
        project: Sequence[Project] = (),
        observe: Sequence[Observe] = (),
        retire: Callable[[str], None] = lambda _origin: None,
        on_fatal: Callable[[IntegrityFault], None] | None = None,
        queue: int = 4096,
        keep: int = 64,
    ) -> None:
        self._store, self._keys, self._load = store, keys, load_state
        self._project, self._observe = tuple(project), tuple(observe)
        self._retire, self._on_fatal = retire, on_fatal
        self._limit, self._keep = queue, keep
        self._queue: deque[_Task] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._fault: IntegrityFault | None = None
        self._doubt = False
        self._stale: set[str] = set()
        self._held: tuple[str, ...] = ()
        self._logs: dict[str, OpenLog] = {}
        self._thread = threading.Thread(target=self._run, name="sequencer", daemon=True)

    @property
    def depth(self) -> int:
        """Operations waiting."""
        return len(self._queue)

    @property
    def fault(self) -> IntegrityFault | None:
        """Why nothing is written any more; None while all is well."""
        return self._fault

    @property
    def in_doubt(self) -> bool:
        """Whether the last commit failed; the next operation asks the database whether it works again."""
        return self._doubt

    @property
    def held(self) -> tuple[str, ...]:
        """Why nothing is signed at the moment; empty while all is well."""
        return self._held

    def hold(self, reasons: Sequence[str]) -> None:
        """Refuse to append, and so to sign, from the next operation on; no reasons lift it."""
        self._held = tuple(reasons)

    def take_back(self, log: LogHead, more: Iterable[bytes], note: bytes, data: Iterable[bytes]) -> None:
        """Store entries that we signed once and lost, with the blobs they name; nothing is signed.

        Waits for it. Works while the sequencer is held; states are replayed anew.

        Raises:
            Malformed, Refused: as `store.imports.take_back`; nothing is stored.
            StorageUnavailable: it cannot be stored.
        """

        def op(batch: Batch) -> Finish[None]:
            if not self._keys.fits(log.origin, log.vkey):
                raise InvalidStatement(f"the key of {log.origin} is not among the keys of this instance")
            with self._store.write() as conn:
                for blob in data:
                    blobs.put_blob(conn, blob)
                imports.take_back(conn, log, more, note)
            batch.stale.add(log.name)
            return lambda _committed: None

        self.submit(op).result()

    def start(self) -> None:
        """Verify every log's head, then begin to write.

        Raises:
            IntegrityFault: a log is damaged or its key is missing.
        """
        with self._store.read() as conn:
            for head in entries.heads(conn):
                self._logs[head.name] = self._opened(conn, head)
        self._thread.start()

    def submit(self, op: Op[T]) -> Future[T]:
        """Queue an operation; from any thread.

        The operation runs in the writer thread: it appends to the batch, or raises and has no effect. The
        function it returns runs after the commit and gives the future's result.

        Raises:
            QueueFull: try again later.
            IntegrityFault: the writer has stopped for good; Unavailable: it is closing.
        """
        future: Future[T] = Future()
        with self._wake:
            if self._fault is not None:
                raise copy(self._fault)
            if self._closing:
                raise Unavailable("this instance is shutting down", retry_after=10)
            if len(self._queue) >= self._limit:
                raise QueueFull(f"{self._limit} operations wait already; nothing was stored", retry_after=1)
            self._queue.append(_Task(op, future))
            self._wake.notify()
        return future

    def close(self) -> None:
        """Finish what waits, then end; returns when the thread has ended."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.ident is not None:
            self._thread.join()

    # --- the writer thread ---

    def _run(self) -> None:
        tasks: deque[_Task] = deque()
        try:
            while tasks := self._take():
                self._work(tasks)
        except BaseException as e:
            fault = e if isinstance(e, IntegrityFault) else IntegrityFault(f"the writer failed: {e!r}")
            # Our own faults say where; a traceback would only hide that.
            _log.critical("the sequencer stops: %s", fault.detail, exc_info=None if fault is e else e)
            self._stop(fault, tasks)

    def _take(self) -> deque[_Task]:
        with self._wake:
            while not self._queue and not self._closing:
                self._wake.wait()
        self._give_way()
        with self._wake:
            return deque(self._queue.popleft() for _ in range(min(len(self._queue), MAX_BATCH)))

    def _give_way(self) -> None:
        """Let other threads on as long as that brings more to write: a commit costs as much as many votes.

        This is no timer: when nobody else wants to run it returns at once.
        """
        for _ in range(TURNS):
            waiting = len(self._queue)
            time.sleep(0)
            if len(self._queue) == waiting:
                return

    def _stop(self, fault: IntegrityFault, tasks: deque[_Task]) -> None:
        with self._wake:
            self._fault = fault
            tasks.extend(self._queue)
            self._queue.clear()
        for task in tasks:
            future = task.future
            if not future.done() and (future.running() or future.set_running_or_notify_cancel()):
                _fail(task, fault)
        if self._on_fatal is not None:
            self._on_fatal(fault)

    def _work(self, tasks: deque[_Task]) -> None:
        """Commit the tasks; they stay in the deque until each has its answer."""
        if self._doubt and not self._recovered(tasks):
            return
        at = 0
        while at < len(tasks):
            batch = Batch(self)
            ran: list[tuple[_Task, Finish[Any]]] = []
            spoilt: set[str] = set()
            while at < len(tasks) and not spoilt:
                spoilt = self._run_op(tasks[at], batch, ran)
                at += 1
            self._commit(batch, ran)
            self._forget(spoilt)
        tasks.clear()
        self._evict()

    def _run_op(self, task: _Task, batch: Batch, ran: list[tuple[_Task, Finish[Any]]]) -> set[str]:
        """Run one operation; gives the logs whose states it has spoilt by failing half way."""
        if not task.future.set_running_or_notify_cancel():
            return set()
        mark = batch.mark()
        try:
            ran.append((task, task.op(batch)))
        except IntegrityFault:
            raise
        except Exception as e:
            if not isinstance(e, GovernanceError):
                _log.exception("an operation failed")
            task.future.set_exception(e)
            return batch.cut(mark)
        return batch.stale

    def _commit(self, batch: Batch, ran: list[tuple[_Task, Finish[Any]]]) -> None:
        try:
            heads = {} if batch.empty else self._write(batch)
        except IntegrityFault:
            raise
        except Exception as e:
            _log.error("a batch of %d operations was not stored: %s", len(ran), e)
            self._doubt = isinstance(e, StorageUnavailable)
            self._forget(set(batch.pending))
            for task, _ in ran:
                _fail(task, e)
            return
        for origin, head in heads.items():
            log = batch.pending[origin].log
            log.head = head
            self._logs[origin] = log
        self._answer(Committed(self._logs), ran)
        for origin in heads:
            self._logs[origin].edge.settle()
        self._tell(list(heads.values()))

    def _write(self, batch: Batch) -> dict[str, LogHead]:
        with self._store.write() as conn:
            heads = {origin: self._append(conn, pending) for origin, pending in batch.pending.items()}
            for write in batch.writes:
                write(conn)
        return heads

    def _append(self, conn: sa.Connection, pending: Pending) -> LogHead:
        log = pending.log
        old = entries.create(conn, log.head) if pending.created else log.head
        leaves = [leaf_hash(data) for data in pending.data]
        subtrees = log.edge.extend(leaves)

        def sign(size: int, root: bytes) -> bytes:
            return sign_checkpoint(Checkpoint(old.origin, size, root), [log.signer])

        new = entries.append(conn, old, Addition(pending.data, leaves, subtrees, log.edge.root()), sign)
        for project in self._project:
            project(conn, old, pending.entries)
        return new

    def _answer(self, committed: Committed, ran: list[tuple[_Task, Finish[Any]]]) -> None:
        for task, finish in ran:
            try:
                result = finish(committed)
            except Exception as e:
                _log.exception("an answer could not be made")
                task.future.set_exception(e)
            else:
                task.future.set_result(result)

    def _tell(self, heads: list[LogHead]) -> None:
        for observe in self._observe if heads else ():
            try:
                observe(heads)
            except Exception:
                _log.exception("an observer of commits failed")

    def _recovered(self, tasks: deque[_Task]) -> bool:
        """After a failed commit: whether the database takes anything again, before logs are replayed anew."""
        try:
            blobs.probe(self._store)
            self._refresh()
        except StorageUnavailable as e:
            for task in tasks:
                if task.future.set_running_or_notify_cancel():
                    _fail(task, e)
            tasks.clear()
            return False
        self._doubt = False
        return True

    def _forget(self, origins: set[str]) -> None:
        """Drop logs from memory; with a space or the instance all go, since other states refer to theirs."""
        lasting = {o for o in origins if o in self._logs and self._logs[o].head.kind != "ballot"}
        if lasting:
            self._logs.clear()
        for origin in origins:
            self._logs.pop(origin, None)
            if origin not in lasting:
                self._retire(origin)
        self._stale |= lasting
        try:
            self._refresh()
        except StorageUnavailable:
            self._doubt = True

    def _refresh(self) -> None:
        """Load what others always look at, and must not see with what was never stored."""
        for origin in sorted(self._stale):
            self.state_of(origin)
            self._stale.discard(origin)

    def _evict(self) -> None:
        loaded = [log for log in self._logs.values() if log.head.kind == "ballot" and log.state is not None]
        for log in loaded[: max(0, len(loaded) - self._keep)]:
            log.state = None

    # --- what batches and loaders ask, in the writer thread ---

    def check_signing(self) -> None:
        """That entries may be appended.

        Raises:
            Unavailable: this instance is held.
        """
        if self._held:
            raise Unavailable(f"nothing is recorded yet: {'; '.join(self._held)}", retry_after=2)

    def open_log(self, origin: str) -> OpenLog:
        """The log, verified when it was not in memory.

        Raises:
            NotFound: no such log.
        """
        log = self._logs.get(origin)
        if log is None:
            with self._store.read() as conn:
                log = self._logs[origin] = self._opened(conn, entries.head(conn, origin))
        return log

    def new_log(self, head: LogHead) -> OpenLog:
        """An empty log with its key on disk."""
        signer = self._keys.create(head.origin)
        return OpenLog(replace(head, vkey=str(signer.key)), Edge(), signer)

    def load_state(self, log: OpenLog) -> State:
        """The log's state, in memory or replayed.

        Raises:
            IntegrityFault: the log holds what its own rules refuse.
        """
        if log.state is None:
            stored = verified_entries(self._store, log.head)
            try:
                log.state = self._load(log.head, stored)
            except (StorageUnavailable, IntegrityFault):
                raise
            except GovernanceError as e:
                raise IntegrityFault(f"the log {log.head.origin} breaks its rules: {e.detail}") from e
        # The end of the dictionary is the recently used one.
        name = log.head.name
        if name in self._logs and log.head.kind == "ballot":
            self._logs[name] = self._logs.pop(name)
        return log.state

    def state_of(self, origin: str) -> State:
        """The state of a stored log, for loaders of states that refer to it.

        Raises:
            NotFound: no such log.
        """
        return self.load_state(self.open_log(origin))

    def _opened(self, conn: sa.Connection, head: LogHead) -> OpenLog:
        verify_head(conn, head)
        signer = self._keys.load(head.origin)
        if str(signer.key) != head.vkey:
            raise IntegrityFault(f"the key file of {head.origin} is not the key of that log")
        return OpenLog(head, Edge.load(head.size, entries.tree_hashes(conn, head).read_hash), signer)


def _fail(task: _Task, error: Exception) -> None:
    # Each waiting thread raises its own copy: a traceback grows on the one it is given.
    task.future.set_exception(copy(error) if isinstance(error, GovernanceError) else error)
