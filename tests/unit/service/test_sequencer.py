"""The writer: what one operation may do to the others, to the store, and to itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from governance import limits
from governance.errors import (
    AlreadyExists,
    IntegrityFault,
    NotFound,
    QueueFull,
    Refused,
    StorageUnavailable,
    TooLarge,
    Unavailable,
)
from governance.log.checkpoint import open_checkpoint
from governance.log.merkle import leaf_hash
from governance.log.proofs import verify_inclusion
from governance.service.batch import Batch, Committed
from governance.service.log_keys import LogKeys
from governance.service.sequencer import MAX_BATCH, Sequencer
from governance.signing.note import Ed25519Verifier, parse_vkey
from governance.store import blobs, entries
from governance.store.engine import Store
from governance.store.entries import LogHead, table_of
from governance.store.tables import Log, LogEntry, TileHash
from tests.support.sequences import ORIGIN, Appended, Words, add, create, load_words, running

WAIT = 30


@contextmanager
def held(sequencer: Sequencer) -> Iterator[None]:
    """What is submitted in this block runs in one batch after it."""
    gate, running_ = threading.Event(), threading.Event()

    def op(_batch: Batch) -> Callable[[Committed], None]:
        running_.set()
        gate.wait(WAIT)
        return lambda _done: None

    sequencer.submit(op)
    running_.wait(WAIT)
    try:
        yield
    finally:
        gate.set()


def stored(store: Store, origin: str = ORIGIN) -> list[bytes]:
    with store.read() as conn:
        return entries.read_entries(conn, entries.head(conn, origin).id, 0, 10_000)


def result(future: Future[Any]) -> Any:
    return future.result(WAIT)


@pytest.fixture
def heads() -> list[LogHead]:
    """Every head after every commit."""
    return []


@pytest.fixture
def sequencer(store: Store, heads: list[LogHead]) -> Iterator[Sequencer]:
    with running(store, observe=[heads.extend]) as started:
        result(started.submit(create()))
        yield started


def test_answer_is_index_proof_and_signed_head(sequencer: Sequencer, store: Store) -> None:
    words = [b"word %d" % i for i in range(300)]
    with held(sequencer):
        futures = [sequencer.submit(add(word)) for word in words]
    answers: list[Appended] = [result(f) for f in futures]
    assert [a.index for a in answers] == list(range(300))
    for word, answer in zip(words, answers, strict=True):
        head = answer.head
        checkpoint = open_checkpoint(head.checkpoint, [Ed25519Verifier(parse_vkey(head.vkey))])
        assert (checkpoint.size, checkpoint.root) == (head.size, head.root)
        verify_inclusion(answer.index, head.size, leaf_hash(word), answer.proof, head.root)
    assert stored(store) == words
    with store.read() as conn:
        assert entries.head(conn, ORIGIN) == answers[-1].head


def test_what_waits_becomes_one_batch(sequencer: Sequencer, heads: list[LogHead]) -> None:
    with held(sequencer):
        futures = [sequencer.submit(add(b"%d" % i)) for i in range(50)]
        assert sequencer.depth == 50
    assert {result(f).head.size for f in futures} == {50}
    assert [h.size for h in heads] == [0, 50]


def test_batches_have_an_end(sequencer: Sequencer, heads: list[LogHead]) -> None:
    with held(sequencer):
        futures = [sequencer.submit(add(b"%d" % i)) for i in range(MAX_BATCH + 5)]
    result(futures[-1])
    assert [h.size for h in heads] == [0, MAX_BATCH, MAX_BATCH + 5]


def test_refused_operation_fails_alone(sequencer: Sequencer, store: Store, heads: list[LogHead]) -> None:
    with held(sequencer):
        first, bad, again, last = (sequencer.submit(add(w)) for w in (b"a", b"bad", b"a", b"b"))
    with pytest.raises(Refused):
        result(bad)
    with pytest.raises(AlreadyExists, match="entry 0"):
        result(again)
    assert (result(first).index, result(last).index) == (0, 1)
    assert stored(store) == [b"a", b"b"]
    assert [h.size for h in heads] == [0, 2]


def test_half_done_operation_is_cut_back(sequencer: Sequencer, store: Store, heads: list[LogHead]) -> None:
    with held(sequencer):
        first, half, last = (
            sequencer.submit(add(b"a")),
            sequencer.submit(add(b"b", b"bad")),
            sequencer.submit(add(b"b")),
        )
    with pytest.raises(Refused):
        result(half)
    assert (result(first).index, result(last).index) == (0, 1)
    assert stored(store) == [b"a", b"b"]
    assert [h.size for h in heads] == [0, 1, 2]


def test_fault_in_a_rule_costs_its_operation_and_the_state_is_replayed(
    sequencer: Sequencer, store: Store
) -> None:
    with held(sequencer):
        first, bug, last = (sequencer.submit(add(w)) for w in (b"a", b"bug", b"b"))
    with pytest.raises(RuntimeError):
        result(bug)
    assert (result(first).index, result(last).index) == (0, 1)
    assert stored(store) == [b"a", b"b"]


def test_half_done_operation_over_two_logs(sequencer: Sequencer, store: Store) -> None:
    result(sequencer.submit(create("example.org/space", "space")))

    def both(batch: Batch) -> Callable[[Committed], None]:
        batch.append("example.org/space", b"a", b"a")
        batch.put_blob(b"blob")
        batch.create_log("example.org/new", "ballot")
        batch.append("example.org/new", b"a", b"a")
        batch.append(ORIGIN, b"bad", b"bad")
        return lambda _done: None

    with held(sequencer):
        before, failing = sequencer.submit(add(b"x", origin="example.org/space")), sequencer.submit(both)
    with pytest.raises(Refused):
        result(failing)
    assert result(before).index == 0
    assert stored(store, "example.org/space") == [b"x"]
    with store.read() as conn, pytest.raises(NotFound):
        entries.head(conn, "example.org/new")
    with store.read() as conn:
        assert not blobs.has_blob(conn, blobs.check_blob(b"blob"))
    assert result(sequencer.submit(add(b"a", origin="example.org/space"))).index == 1


def test_one_operation_over_two_logs_with_a_blob_and_a_draft(sequencer: Sequencer, store: Store) -> None:
    def op(batch: Batch) -> Callable[[Committed], tuple[int, int]]:
        vkey = batch.create_log("example.org/b", "ballot", space="nix", ballot="b")
        index = batch.append("example.org/b", vkey.encode(), vkey.encode())
        batch.append(ORIGIN, b"notice", b"notice")
        batch.put_blob(b"blob")
        batch.write(lambda conn: blobs.put_draft(conn, "nix", "c", b"draft", 1))
        assert batch.size("example.org/b") == 1
        assert isinstance(batch.state(ORIGIN), Words)
        return lambda done: (index, done.head("example.org/b").size)

    assert result(sequencer.submit(op)) == (0, 1)
    with store.read() as conn:
        head = entries.head(conn, "example.org/b")
        assert entries.read_entries(conn, head.id, 0, 9) == [head.vkey.encode()]
        assert blobs.get_blob(conn, blobs.check_blob(b"blob")) == b"blob"
        assert blobs.get_draft(conn, "nix", "c") == b"draft"


def test_log_is_created_once(sequencer: Sequencer) -> None:
    with pytest.raises(AlreadyExists):
        result(sequencer.submit(create()))
    with held(sequencer):
        first, second = sequencer.submit(create("example.org/z")), sequencer.submit(create("example.org/z"))
    result(first)
    with pytest.raises(AlreadyExists):
        result(second)


def test_unknown_log_and_long_entry(sequencer: Sequencer) -> None:
    with pytest.raises(NotFound):
        result(sequencer.submit(add(b"a", origin="example.org/none")))
    with pytest.raises(TooLarge):
        result(sequencer.submit(add(bytes(limits.ENTRY + 1))))
    assert result(sequencer.submit(add(bytes(limits.ENTRY)))).index == 0


def test_full_queue(store: Store) -> None:
    with running(store, queue=2) as sequencer:
        result(sequencer.submit(create()))
        with held(sequencer):
            futures = [sequencer.submit(add(b"a")), sequencer.submit(add(b"b"))]
            with pytest.raises(QueueFull) as e:
                sequencer.submit(add(b"c"))
        assert e.value.retry_after >= 1
        assert [result(f).index for f in futures] == [0, 1]
        assert result(sequencer.submit(add(b"c"))).index == 2


def test_cancelled_operation_has_no_effect(sequencer: Sequencer, store: Store) -> None:
    with held(sequencer):
        gone = sequencer.submit(add(b"gone"))
        assert gone.cancel()
        stays = sequencer.submit(add(b"stays"))
    assert result(stays).index == 0
    assert stored(store) == [b"stays"]


def test_closing_finishes_what_waits(store: Store) -> None:
    with running(store) as sequencer:
        result(sequencer.submit(create()))
        with held(sequencer):
            future = sequencer.submit(add(b"a"))
    assert result(future).index == 0
    with pytest.raises(Unavailable):
        sequencer.submit(add(b"b"))


def test_answer_that_fails_is_stored_all_the_same(sequencer: Sequencer, store: Store) -> None:
    def op(batch: Batch) -> Callable[[Committed], None]:
        batch.append(ORIGIN, b"a", b"a")

        def finish(_done: Committed) -> None:
            raise ValueError("no answer")

        return finish

    with held(sequencer):
        failing, other = sequencer.submit(op), sequencer.submit(add(b"b"))
    with pytest.raises(ValueError, match="no answer"):
        result(failing)
    assert result(other).index == 1
    assert stored(store) == [b"a", b"b"]


def test_observer_that_fails_is_only_an_observer(store: Store, heads: list[LogHead]) -> None:
    def broken(_heads: list[LogHead]) -> None:
        raise ValueError

    with running(store, observe=[broken, heads.extend]) as sequencer:
        result(sequencer.submit(create()))
        assert result(sequencer.submit(add(b"a"))).index == 0
    assert [h.size for h in heads] == [0, 1]


def test_projection_runs_in_the_transaction(store: Store) -> None:
    seen: list[tuple[int, list[bytes]]] = []

    def project(_conn: sa.Connection, log: LogHead, new: list[bytes]) -> None:
        seen.append((log.size, list(new)))
        if b"odd" in new:
            raise LookupError("cannot project")

    with running(store, project=[project]) as sequencer:
        result(sequencer.submit(create()))
        result(sequencer.submit(add(b"a", b"b")))
        with pytest.raises(LookupError):
            result(sequencer.submit(add(b"odd")))
        assert stored(store) == [b"a", b"b"]
        assert result(sequencer.submit(add(b"c"))).index == 2
    assert seen == [(0, []), (0, [b"a", b"b"]), (2, [b"odd"]), (2, [b"c"])]


def test_read_only_database_refuses_and_recovers(sequencer: Sequencer, store: Store) -> None:
    refuse = True

    def checkout(connection: Any, _record: object, _proxy: object) -> None:
        if store.postgres:
            connection.read_only = refuse
        else:
            connection.execute(f"PRAGMA query_only = {int(refuse)}")

    result(sequencer.submit(add(b"a")))
    sa.event.listen(store.engine, "checkout", checkout)
    with held(sequencer):
        futures = [sequencer.submit(add(b"%d" % i)) for i in range(5)]
    futures.append(sequencer.submit(add(b"7")))
    for future in futures:
        with pytest.raises(StorageUnavailable) as e:
            result(future)
        assert e.value.retry_after >= 1
    with pytest.raises(StorageUnavailable):
        result(sequencer.submit(add(b"8")))
    assert stored(store) == [b"a"]
    refuse = False
    assert result(sequencer.submit(add(b"0"))).index == 1
    assert sequencer.fault is None


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_full_disk_refuses_and_recovers(sequencer: Sequencer, store: Store) -> None:
    pages = 0

    def limit(conn: sa.Connection) -> None:
        conn.exec_driver_sql(f"PRAGMA max_page_count = {pages or 1_000_000}")

    result(sequencer.submit(add(b"a")))
    with store.read() as conn:
        pages = int(conn.exec_driver_sql("PRAGMA page_count").scalar_one())
    sa.event.listen(store.engine, "begin", limit)
    big = [bytes([i]) * 50_000 for i in range(5)]
    with held(sequencer):
        futures = [sequencer.submit(add(word)) for word in big]
    for future in futures:
        with pytest.raises(StorageUnavailable, match="full"):
            result(future)
    with pytest.raises(StorageUnavailable, match="full"):
        result(sequencer.submit(add(b"small, but the probe comes first")))
    assert stored(store) == [b"a"]
    pages = 0
    assert [result(sequencer.submit(add(word))).index for word in big] == [1, 2, 3, 4, 5]


def _beside(store: Store) -> Store:
    """A second store of the same database, past the lock."""
    url = store.engine.url
    engine = sa.create_engine(url)
    for name in ("connect", "begin"):
        for listener in getattr(store.engine.dispatch, name, ()) or getattr(
            store.engine.pool.dispatch, name, ()
        ):
            sa.event.listen(engine, name, listener)
    return Store(engine, store.data_dir, ExitStack(), read_only=False)


def test_second_writer_past_the_lock_stops_without_signing(sequencer: Sequencer, store: Store) -> None:
    result(sequencer.submit(add(b"a")))
    faults: list[IntegrityFault] = []
    seen: list[LogHead] = []
    other = _beside(store)
    with running(other, on_fatal=faults.append, observe=[seen.extend]) as second:
        result(sequencer.submit(add(b"b")))
        with held(second):
            futures = [second.submit(add(b"c")), second.submit(add(b"d"))]
        for future in futures:
            with pytest.raises(IntegrityFault):
                result(future)
        with pytest.raises(IntegrityFault):
            second.submit(add(b"e"))
        assert second.fault is not None
    other.close()
    assert len(faults) == 1
    assert seen == []
    assert stored(store) == [b"a", b"b"]
    assert result(sequencer.submit(add(b"c"))).head.size == 3


def test_restart_goes_on_where_it_stopped(store: Store) -> None:
    with running(store) as sequencer:
        result(sequencer.submit(create()))
        result(sequencer.submit(add(*(b"%d" % i for i in range(300)))))
    with running(store) as sequencer:
        with pytest.raises(AlreadyExists):
            result(sequencer.submit(add(b"7")))
        answer = result(sequencer.submit(add(b"300")))
    assert answer.index == 300
    verify_inclusion(300, 301, leaf_hash(b"300"), answer.proof, answer.head.root)


def _damage_entry(conn: sa.Connection) -> None:
    conn.execute(sa.update(table_of(LogEntry)).where(table_of(LogEntry).c.idx == 299).values(data=b"other"))


def _damage_leaf(conn: sa.Connection) -> None:
    conn.execute(sa.update(table_of(LogEntry)).where(table_of(LogEntry).c.idx == 299).values(leaf=bytes(32)))


def _damage_tile(conn: sa.Connection) -> None:
    conn.execute(sa.update(table_of(TileHash)).values(hash=bytes(32)))


def _lose_tile(conn: sa.Connection) -> None:
    conn.execute(sa.delete(table_of(TileHash)))


def _lose_entry(conn: sa.Connection) -> None:
    conn.execute(sa.delete(table_of(LogEntry)).where(table_of(LogEntry).c.idx == 299))


def _extra_entry(conn: sa.Connection) -> None:
    row = {"log_id": 1, "idx": 300, "leaf": leaf_hash(b"x"), "data": b"x"}
    conn.execute(sa.insert(table_of(LogEntry)), [row])


def _damage_size(conn: sa.Connection) -> None:
    conn.execute(sa.update(table_of(Log)).values(size=299))


def _damage_root(conn: sa.Connection) -> None:
    conn.execute(sa.update(table_of(Log)).values(root=bytes(32)))


def _damage_checkpoint(conn: sa.Connection) -> None:
    conn.execute(sa.update(table_of(Log)).values(checkpoint=b"example\n1\n"))


DAMAGES = [
    _damage_entry, _damage_leaf, _damage_tile, _lose_tile, _lose_entry, _extra_entry, _damage_size,
    _damage_root, _damage_checkpoint,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.__name__.strip("_"))
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_damaged_log_is_not_written_on(damage: Callable[[sa.Connection], None], store: Store) -> None:
    with running(store) as sequencer:
        result(sequencer.submit(create()))
        result(sequencer.submit(add(*(b"%d" % i for i in range(300)))))
    with store.write() as conn:
        damage(conn)
    broken = Sequencer(store, LogKeys(store.data_dir), load_words)
    with pytest.raises(IntegrityFault, match=ORIGIN):
        broken.start()


def test_missing_or_exchanged_key_stops_the_start(store: Store) -> None:
    with running(store) as sequencer:
        result(sequencer.submit(create()))
    keys = LogKeys(store.data_dir)
    keys.path(ORIGIN).unlink()
    with pytest.raises(IntegrityFault):
        Sequencer(store, keys, load_words).start()
    keys.create(ORIGIN)
    with pytest.raises(IntegrityFault, match="not the key"):
        Sequencer(store, keys, load_words).start()


def test_log_that_breaks_its_own_rules_stops_the_writer(store: Store) -> None:
    def load(log: LogHead, found: Iterator[bytes]) -> Words:
        if log.size:
            raise Refused("entry 0 is refused")
        return load_words(log, found)

    with running(store) as sequencer:
        result(sequencer.submit(create()))
        result(sequencer.submit(add(b"a")))
    with (
        running(store, load_state=load) as sequencer,
        pytest.raises(IntegrityFault, match="breaks its rules"),
    ):
        result(sequencer.submit(add(b"b")))


def test_fault_in_the_writer_itself_leaves_nobody_waiting(store: Store) -> None:
    faults: list[IntegrityFault] = []

    def op(_batch: Batch) -> Callable[[Committed], None]:
        raise KeyboardInterrupt

    with running(store, on_fatal=faults.append) as sequencer:
        with held(sequencer):
            futures = [sequencer.submit(op), sequencer.submit(add(b"a"))]
        for future in futures:
            with pytest.raises(IntegrityFault):
                result(future)
    assert len(faults) == 1


def test_states_of_unused_ballots_are_let_go_and_replayed(store: Store) -> None:
    loads: list[str] = []

    def load(log: LogHead, found: Iterator[bytes]) -> Words:
        loads.append(log.origin)
        return load_words(log, found)

    with running(store, load_state=load, keep=2) as sequencer:
        for name in "abc":
            result(sequencer.submit(create(name)))
            result(sequencer.submit(add(b"x", origin=name)))
        assert loads == ["a", "b", "c"]
        result(sequencer.submit(add(b"y", origin="c")))
        result(sequencer.submit(add(b"y", origin="b")))
        assert loads == ["a", "b", "c"]
        result(sequencer.submit(add(b"y", origin="a")))
        assert loads == ["a", "b", "c", "a"]
        result(sequencer.submit(add(b"z", origin="b")))
        assert loads == ["a", "b", "c", "a"]
        result(sequencer.submit(add(b"z", origin="c")))
        assert loads == ["a", "b", "c", "a", "c"]
