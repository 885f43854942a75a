"""The running service: store, writer, states and hooks, joined; the other modules here work on it."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from governance import limits
from governance.errors import IntegrityFault, InvalidStatement, SetupFault, StorageUnavailable, TooLarge
from governance.fetch.egress import PUBLIC, Egress
from governance.hooks import Event, HookCaller
from governance.replay.instance import InstanceState
from governance.service import figures, instance
from governance.service.clock import Clock, system_clock
from governance.service.feed import Feed
from governance.service.instance import Wanted
from governance.service.log_keys import LogKeys
from governance.service.sequencer import Op, Sequencer
from governance.service.states import States
from governance.signing.keyfile import PrivateKey
from governance.statements.base import Statement
from governance.statements.entry import Entry, read_envelope
from governance.store import entries
from governance.store.engine import Store
from governance.store.projections import project

_log: Final = logging.getLogger("althing.service")

CLOCK_SKEW: Final = 300
"""Seconds that a statement's own time may lie ahead of ours."""
LIVE_BALLOTS: Final = 256
"""Ballots whose state stays in memory."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a service runs."""

    wanted: Wanted
    queue: int = 4096
    post_quantum: bool = False
    mirror_limit: int = 4096
    egress: Egress = PUBLIC


class Service:
    """One instance at work. All public names are for the other modules of the service and for plugins."""

    def __init__(
        self,
        store: Store,
        hooks: HookCaller,
        options: Options,
        *,
        clock: Clock = system_clock,
        on_fatal: Callable[[IntegrityFault], None] | None = None,
    ) -> None:
        self.store, self.hooks, self.clock = store, hooks, clock
        self.options = options
        self.base_url = options.wanted.base_url
        self._wanted = options.wanted
        self.states = States(instance.choose_base(store, options.wanted))
        self.feed = Feed()
        self.sequencer = Sequencer(
            store,
            LogKeys(store.data_dir),
            self.states.load,
            project=[project],
            observe=[self.feed.publish, figures.note],
            retire=self.states.retire,
            on_fatal=on_fatal,
            queue=options.queue,
            keep=LIVE_BALLOTS,
        )
        writer = self.sequencer
        figures.watch(lambda: writer.depth, lambda: writer.fault is not None, lambda: bool(writer.held))
        self.states.parent = self.sequencer.state_of
        self.states.stored = self._stored
        self._observers = ThreadPoolExecutor(1, thread_name_prefix="observers")
        self._key: PrivateKey | None = None

    @property
    def data_dir(self) -> Path:
        """The data directory."""
        return self.store.data_dir

    @property
    def egress(self) -> Egress:
        """What requests to other machines may ask."""
        return self.options.egress

    @property
    def key(self) -> PrivateKey:
        """The service key."""
        if self._key is None:
            self._key = instance.key_of(self.data_dir, "service", create=False)
        return self._key

    @property
    def instance(self) -> InstanceState:
        """The state of the instance's log."""
        return self.states.get(self.states.instance_origin, InstanceState)

    def start(self) -> None:
        """Verify the logs, make the instance if there is none, load what is open.

        Raises:
            IntegrityFault, SetupFault: with what is wrong.
        """
        self.sequencer.hold(self.hooks.holds(self.store))
        self.sequencer.start()
        self._establish()
        with self.store.read() as conn:
            names = [head.name for head in entries.heads(conn) if head.kind == "space"]
        for name in names:
            self.load(name)

    def _establish(self) -> None:
        wanted = replace(self._wanted, name=None) if self.held else self._wanted
        state = instance.establish(self.sequencer, self.states, self.data_dir, wanted, self.clock())
        if state.document is not None:
            self.base_url = state.document.base_url
        self._key = instance.key_of(self.data_dir, "service", create=False)

    @property
    def held(self) -> tuple[str, ...]:
        """Why nothing is signed at the moment; empty while all is well."""
        return self.sequencer.held

    def release(self, reason: str) -> None:
        """A reason of the hook `holds` is none any more; after the last one, first do what had to wait.

        Raises:
            SetupFault: our service key is none any more, which holds us until a restart with the right one.
            StorageUnavailable: it cannot be done.
        """
        if reason not in self.held:
            return
        left = [other for other in self.held if other != reason]
        if not left:
            try:
                # What was taken back may name another key than the one that was here at the start.
                self._replay(self.states.instance_origin)
                self._key = instance.service_key(self.data_dir, self.instance)
            except SetupFault as e:
                self.sequencer.hold([e.detail])
                raise
        self.sequencer.hold(left)
        if not left:
            self._establish()

    def close(self) -> None:
        """Finish what waits, then stop writing."""
        self.sequencer.close()
        self._observers.shutdown()

    def load(self, origin: str) -> object:
        """The writer's state of a log, which is published unless the log's ballot was finished meanwhile.

        Raises:
            NotFound: no such log.
        """
        state = self._replay(origin)
        # States stay and hold no cycles: a full collection would walk every voter again, 100 ms for 20,000.
        gc.collect()
        gc.freeze()
        return state

    def _replay(self, origin: str) -> object:
        return self.submit(lambda batch: _done(batch.state(origin))).result()

    def check_ready(self) -> None:
        """That statements can be recorded.

        After a commit that failed the writer is asked to try the database again: nobody else might, once a
        load balancer has turned away from an instance that is not ready.

        Raises:
            StorageUnavailable: they cannot at the moment, or not before a restart.
        """
        if self.sequencer.fault is not None:
            raise StorageUnavailable("the writer has stopped; this instance has to be restarted")
        if self.sequencer.in_doubt:
            self.settle()
        with self.store.read() as conn:
            conn.exec_driver_sql("SELECT 1")

    def settle(self) -> None:
        """Wait until what the writer has admitted so far is stored, or given up.

        Raises:
            StorageUnavailable, QueueFull: nothing can be stored at the moment.
        """
        self.submit(lambda _batch: lambda _committed: None).result()

    def submit(self, op: Op[object]) -> Future[object]:
        """Queue an operation for the writer."""
        return self.sequencer.submit(op)

    def sign(self, statement: Statement) -> Entry:
        """A statement by the instance's service key."""
        return instance.signed(statement, self.key)

    def read(self, body: bytes, now: int) -> Entry:
        """The statement that somebody sent.

        Raises:
            TooLarge, Malformed: it cannot be read.
            InvalidStatement: its time lies in the future.
        """
        if len(body) > limits.STATEMENT_BODY:
            raise TooLarge(f"a statement has at most {limits.STATEMENT_BODY} bytes")
        entry = read_envelope(body)
        check_time(entry.statement, now)
        return entry

    def observed(self, origin: str, index: int, statement: Statement) -> None:
        """Tell the plugins, in a thread of their own, what is recorded."""
        if self.hooks.observers:
            self._observers.submit(self.hooks.after_record, origin, index, statement)

    def notify(self, event: Event) -> None:
        """Tell the notifiers, in a thread of their own, what has happened."""
        _log.info("%s %s/%s at %d", event.kind, event.space, event.ballot, event.at)
        if self.hooks.notifiers:
            self._observers.submit(self.hooks.notify, event)

    def _stored(self, origin: str, size: int) -> Iterator[bytes]:
        with self.store.read() as conn:
            head = entries.head(conn, origin)
        return entries.stream_entries(self.store, head.id, 0, size)


def _done(state: object) -> Callable[[object], object]:
    return lambda _committed: state


_TIMES: Final = (
    "cast_at", "enrolled_at", "founded_at", "adopted_at", "revised_at", "published_at", "committed_at",
    "updated_at", "ordered_at", "defined_at", "revealed_at", "raised_at", "ruled_at",
    "delegated_at", "accepted_at", "issued_at",
)  # fmt: skip


def check_time(statement: Statement, now: int) -> None:
    """That a statement does not come from the future.

    Raises:
        InvalidStatement: its own time is more than `CLOCK_SKEW` ahead.
    """
    for name in _TIMES:
        said = getattr(statement, name, None)
        if said is not None and said > now + CLOCK_SKEW:
            raise InvalidStatement(
                f"{name} lies {said - now} seconds in the future; check the clock of the device",
                pointer=f"/{name}",
                now=now,
            )
