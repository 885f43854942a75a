"""Errands: planned, done, tried again later and later, woken."""

from __future__ import annotations

import random

import pytest
from prometheus_client import REGISTRY

from federation import queue
from federation.queue import CAP, FIRST, Kind
from governance.errors import NoAnswer, NotFound
from tests.support.fed_nodes import Network, SimNode, VirtualClock, make_node


@pytest.fixture
def one() -> SimNode:
    return make_node("a.example", Network(), VirtualClock())


def at(one: SimNode, peer: str = "p", kind: str = "pull") -> queue.Errand:
    with one.node.db.read() as conn:
        return next(e for e in queue.of_peer(conn, peer) if e.kind == kind)


def kind(work: object, pause: tuple[int, int] = (100, 100)) -> Kind:
    return Kind("pull", work, pause)  # type: ignore[arg-type]


def fails(error: Exception) -> object:
    def work(_node: object, _peer: str) -> None:
        raise error

    return work


def test_what_is_wanted_is_planned_once_and_what_is_not_is_dropped(one: SimNode) -> None:
    queue.plan(one.node, {"p": {"pull", "tell"}})
    first = at(one)
    one.clock.now += 50
    queue.plan(one.node, {"p": {"pull"}})
    assert at(one) == first
    with one.node.db.read() as conn:
        assert [e.kind for e in queue.of_peer(conn, "p")] == ["pull"]


def test_a_done_errand_comes_again_after_its_pause(one: SimNode) -> None:
    queue.plan(one.node, {"p": {"pull"}})
    (errand,) = queue.due(one.node)
    assert queue.run(one.node, errand, kind(lambda _n, _p: None))
    assert queue.due(one.node) == []
    assert at(one).due_at == one.clock.now + 100
    assert at(one).last_ok == one.clock.now


def test_a_failed_errand_waits_longer_each_time_but_never_beyond_the_cap() -> None:
    chance = random.Random(1)
    for attempts in range(1, 40):
        bound = min(CAP, FIRST * 2 ** (attempts - 1))
        waits = [queue.back_off(attempts, chance) for _ in range(200)]
        assert min(waits) >= 1
        assert max(waits) <= bound
        assert max(waits) > bound * 0.9, "the jitter uses the whole range"
        assert min(waits) < bound * 0.2 or bound < 40


def test_failures_are_counted_with_their_reason_and_forgotten_after_a_success(one: SimNode) -> None:
    queue.plan(one.node, {"p": {"pull"}})
    for n in (1, 2, 3):
        assert not queue.run(one.node, at(one), kind(fails(NotFound("nothing there"))))
        assert (at(one).attempts, at(one).error) == (n, "nothing there")
    assert queue.run(one.node, at(one), kind(lambda _n, _p: None))
    assert (at(one).attempts, at(one).error) == (0, "")


def test_failures_are_shown_as_a_figure_for_as_long_as_the_errand_is_wanted(one: SimNode) -> None:
    def shown() -> float | None:
        return REGISTRY.get_sample_value("althing_errand_failures", {"peer": "figure", "kind": "pull"})

    queue.plan(one.node, {"figure": {"pull"}})
    for n in (1, 2):
        queue.run(one.node, at(one, "figure"), kind(fails(NotFound("nothing there"))))
        assert shown() == n
    queue.run(one.node, at(one, "figure"), kind(lambda _n, _p: None))
    assert shown() == 0
    queue.plan(one.node, {})
    assert shown() is None
    queue.plan(one.node, {"figure": {"pull"}})
    queue.plan(one.node, {})


def test_retry_after_is_kept(one: SimNode) -> None:
    queue.plan(one.node, {"p": {"pull"}})
    queue.run(one.node, at(one), kind(fails(NoAnswer("later", retry_after=5_000))))
    assert at(one).due_at >= one.clock.now + 5_000


def test_a_hostile_retry_after_is_capped(one: SimNode) -> None:
    queue.plan(one.node, {"p": {"pull"}})
    queue.run(one.node, at(one), kind(fails(NoAnswer("never", retry_after=10**9))))
    assert at(one).due_at <= one.clock.now + CAP


def test_waking_makes_due_at_once_and_forgives(one: SimNode) -> None:
    queue.plan(one.node, {"p": {"pull"}, "q": {"pull"}})
    for peer in "pq":
        queue.run(one.node, at(one, peer), kind(fails(NotFound("x"))))
    queue.wake(one.node, "p", "pull")
    assert [e.peer for e in queue.due(one.node)] == ["p"]
    assert at(one).attempts == 0


def test_a_call_that_comes_while_the_errand_runs_is_not_lost(one: SimNode) -> None:
    queue.plan(one.node, {"p": {"pull"}})

    def work(_node: object, _peer: str) -> None:
        queue.wake(one.node, "p", "pull")

    queue.run(one.node, at(one), kind(work))
    assert [e.peer for e in queue.due(one.node)] == ["p"]
    assert at(one).last_ok == one.clock.now


def test_how_an_errand_went_is_stored_although_it_was_called_again_meanwhile(one: SimNode) -> None:
    queue.plan(one.node, {"p": {"pull"}})
    queue.run(one.node, at(one), kind(lambda _n, _p: None))
    done = one.clock.now
    one.clock.now += 500

    def work(_node: object, _peer: str) -> None:
        queue.wake(one.node, "p")
        raise NotFound("gone")

    queue.run(one.node, at(one), kind(work))
    assert (at(one).error, at(one).attempts, at(one).last_ok) == ("gone", 0, done)
    queue.run(one.node, at(one), kind(lambda _n, _p: queue.wake(one.node, "p")))
    assert (at(one).error, at(one).last_ok) == ("", one.clock.now)
    with one.node.db.read() as conn:
        assert queue.last_ok(conn, "p", "pull") == one.clock.now
        assert queue.last_ok(conn, "p", "tell") == 0
    assert [e.due_at for e in queue.due(one.node)] == [one.clock.now]


def test_a_sign_of_life_revives_only_what_had_failed(one: SimNode) -> None:
    queue.plan(one.node, {"p": {"pull", "tell"}})
    queue.run(one.node, at(one), kind(fails(NotFound("x"))))
    queue.run(one.node, at(one, kind="tell"), Kind("tell", lambda _n, _p: None, (100, 100)))
    queue.revive(one.node, "p")
    assert [e.kind for e in queue.due(one.node)] == ["pull"]


def test_an_errand_that_was_dropped_meanwhile_stays_dropped(one: SimNode) -> None:
    queue.plan(one.node, {"p": {"pull"}})
    errand = at(one)
    queue.plan(one.node, {})
    queue.run(one.node, errand, kind(lambda _n, _p: None))
    with one.node.db.read() as conn:
        assert queue.of_peer(conn, "p") == []
