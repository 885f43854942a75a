"""How federation joins the service: its hooks, its jobs, its policy file."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from federation import MIGRATIONS, errands, plugin, queue, rotation
from federation.controllers import ROUTES
from federation.errands import Runner
from federation.node import Node
from federation.plugin import Federation
from federation.queue import Kind
from federation.running import POLICY, Pulse, _foreign, renew
from governance.errors import NoAnswer, SetupFault
from governance.plugins import load_plugins
from governance.store.engine import open_store
from tests.support.cosigners import ONE
from tests.support.fed_nodes import Network, SimNode, VirtualClock, make_node
from tests.support.fed_scene import Scene
from tests.support.fed_service import befriend, mirror_at, real, run
from tests.support.people import key, recorded

JOBS = Federation.background_jobs


def test_the_installed_plugin_is_ours() -> None:
    names = dict(load_plugins().list_name_plugin())
    assert names["federation"] is plugin.plugin
    assert plugin.plugin.tables() == [MIGRATIONS]
    assert [name for name, _ in plugin.plugin.commands()][:2] == ["peer", "restore"]


def test_jobs_and_routes_of_a_service(tmp_path: Path) -> None:
    joined = Federation()
    with real(tmp_path / "data", Network(), VirtualClock()) as us:
        jobs = {job.name: job for job in JOBS(joined, us.service)}
        assert {"errands", "identity", "joint", "scrub"} <= set(jobs)
        assert all(job.every > 0 for job in jobs.values())
        assert joined.node(us.service) is joined.node(us.service), "one node for each service"
        assert joined.routes(us.service)


def test_every_route_for_instances_is_served_and_documented(tmp_path: Path) -> None:
    with real(tmp_path / "data", Network(), VirtualClock()) as us:
        documented = us.running.client.get("/api/openapi.json").json()["paths"]
        for known in ROUTES:
            path = known.pattern.pattern
            for name, value in (("log", "0" * 64), ("instance", "0" * 64), ("path", "x")):
                path = _filled(path, name, value)
            given = us.running.client.request(known.method, path)
            assert given.status_code not in {405, 500}, path
        assert "/witness/add-checkpoint" in documented
        assert "/federation/v1/{what}" in documented


def _filled(pattern: str, name: str, value: str) -> str:
    return re.sub(rf"\(\?P<{name}>[^)]*\)", value, pattern)


def test_a_policy_file_names_logs_and_witnesses_of_others(tmp_path: Path) -> None:
    assert _foreign(tmp_path / POLICY).witnesses == ()
    (tmp_path / POLICY).write_text(f"witness W {ONE.key} https://one.example\nquorum none\n")
    (witness,) = _foreign(tmp_path / POLICY).witnesses
    assert (witness.name, witness.url) == ("W", "https://one.example")


@pytest.mark.parametrize(
    "text", ["nonsense\n", "log\n", "witness W nokey\n", "quorum none\nquorum none\n", "\0"]
)
def test_a_policy_file_that_cannot_be_read_stops_the_start_with_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / POLICY).write_text(text)
    with pytest.raises(SetupFault, match=POLICY), real(tmp_path / "data", Network(), VirtualClock()):
        pass


def test_a_policy_that_is_no_file(tmp_path: Path) -> None:
    (tmp_path / POLICY).mkdir()
    with pytest.raises(SetupFault, match=POLICY):
        _foreign(tmp_path / POLICY)


def test_nobody_cosigns_us_so_nothing_is_held(tmp_path: Path) -> None:
    clock, network = VirtualClock(), Network()
    other = mirror_at("m.example", network, clock)
    with real(tmp_path / "data", network, clock) as us:
        us.order(other, "mirror")
        run(clock, us.node, other.node)
        assert plugin.plugin.holds(us.service.store) == [], "it has not said yet that it cosigns us"
        befriend(us, other)
        run(clock, us.node, other.node)
        assert len(plugin.plugin.holds(us.service.store)) == 1


def test_the_pulse_confirms_before_it_does_anything_else(tmp_path: Path) -> None:
    clock, network = VirtualClock(), Network()
    other = mirror_at("m.example", network, clock)
    with real(tmp_path / "data", network, clock) as us:
        befriend(us, other)
        run(clock, us.node, other.node)
    with real(tmp_path / "data", network, clock) as us:
        network.drop = lambda _sender, host: host == "m.example"
        pulse = Pulse(us.service, us.node)
        pulse.beat()
        renew(us.service, us.node)
        assert us.service.held
        network.drop = lambda _sender, _host: False
        pulse.beat()
        assert us.service.held == ()


def test_what_grows_wakes_the_errands_of_followers(tmp_path: Path) -> None:
    clock, network = VirtualClock(), Network()
    other = mirror_at("m.example", network, clock)
    with real(tmp_path / "data", network, clock) as us:
        befriend(us, other)
        run(clock, us.node, other.node, rounds=6)
        pulse = Pulse(us.service, us.node)
        pulse._runner.tick = lambda: None  # type: ignore[method-assign]
        pulse.beat()
        before = woken(us.node, other)
        pulse.beat()
        assert woken(us.node, other) == before, "nothing has grown"
        us.running.community.found()
        us.running.community.enrol(key(100))
        pulse.beat()
        assert woken(us.node, other) == {kind: count + 1 for kind, count in before.items()}


def test_the_release_names_new_cosigners_and_everybody_is_greeted(tmp_path: Path) -> None:
    scene = Scene(tmp_path, mirrors=1)
    scene.live()
    scene.lose()
    (other,) = scene.mirrors
    with scene.up() as us:
        pulse = Pulse(us.service, us.node)
        pulse._runner.tick = lambda: None  # type: ignore[method-assign]
        pulse.beat()
        assert us.service.held == ()
        assert us.node.cosigning.vkeys == us.node.keys.vkeys, "a document names them, without another beat"
        before = greeted(us.node, other)
        pulse.beat()
        assert greeted(us.node, other) == before + 1
        recorded(us.running.community.cast(key(102), ["a"]))
        pulse.beat()
        assert greeted(us.node, other) == before + 1, "no other document"
        rotation.renew(us.service, us.service.data_dir / "keys" / "root")
        pulse.beat()
        assert greeted(us.node, other) == before + 2


def greeted(node: Node, other: SimNode) -> int:
    with node.db.read() as conn:
        return next(e.woken for e in queue.of_peer(conn, other.own.instance) if e.kind == "greet")


def woken(node: Node, other: SimNode) -> dict[str, int]:
    with node.db.read() as conn:
        found = queue.of_peer(conn, other.own.instance)
    return {e.kind: e.woken for e in found if e.kind in {"cosign", "push"}}


# --- errands in threads ---


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SimNode]:
    monkeypatch.setattr(errands, "KINDS", {})
    made = make_node("one.example", Network(), VirtualClock())
    # Threads need connections of their own, which a database in memory has not.
    made.node.db = store = open_store(None, tmp_path / "one", migrations=[MIGRATIONS])
    yield made
    store.close()


def work(kind: str, todo: Callable[[str], int | None]) -> None:
    errands.KINDS[kind] = Kind(kind, lambda _node, peer: todo(peer), (60, 60))


def until(what: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 30
    while not what():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_a_slow_peer_holds_up_no_other(one: SimNode) -> None:
    """Every errand of one peer hangs; those of twelve others are done meanwhile."""
    hanging, done = threading.Event(), []

    def pull(peer: str) -> None:
        if peer == "slow":
            hanging.wait(60)
        done.append(peer)

    kinds = {"pull", "keys", "greet"}
    for kind in kinds:
        work(kind, pull)
    others = {f"peer{i}" for i in range(12)}
    queue.plan(one.node, dict.fromkeys((*others, "slow"), kinds))
    runner = Runner(one.node)
    try:
        until(lambda: runner.tick() is not None or len(done) == 3 * len(others))  # type: ignore[func-returns-value]
        assert "slow" not in done
        assert sum(peer == "slow" for peer, _ in runner._busy) <= errands.PER_PEER
    finally:
        hanging.set()
        runner.close()


def test_an_errand_that_runs_is_not_begun_again(one: SimNode) -> None:
    begun, go = [], threading.Event()

    def pull(peer: str) -> None:
        begun.append(peer)
        go.wait(20)

    work("pull", pull)
    queue.plan(one.node, {"peer": {"pull"}})
    runner = Runner(one.node)
    try:
        runner.tick()
        until(lambda: bool(begun))
        for _ in range(5):
            queue.wake(one.node, "peer", "pull")
            runner.tick()
        assert begun == ["peer"]
    finally:
        go.set()
        runner.close()


def test_a_fault_of_ours_ends_no_thread_and_is_logged(one: SimNode, caplog: pytest.LogCaptureFixture) -> None:
    done = []

    def pull(peer: str) -> None:
        if not done:
            done.append(peer)
            raise ZeroDivisionError("ours")
        done.append(peer)

    work("pull", pull)
    queue.plan(one.node, {"peer": {"pull"}})
    runner = Runner(one.node)
    try:
        runner.tick()
        until(lambda: not runner._busy)
        runner.tick()
        assert done == ["peer"]
        assert "by a fault of ours" in caplog.text
        one.clock.now += queue.FIRST
        until(lambda: runner.tick() is not None or len(done) == 2)  # type: ignore[func-returns-value]
    finally:
        runner.close()


def test_run_due_does_everything_even_when_some_fails(one: SimNode) -> None:
    done = []

    def pull(peer: str) -> None:
        done.append(peer)
        if peer == "bad":
            raise NoAnswer("nobody there")

    work("pull", pull)
    queue.plan(one.node, {peer: {"pull"} for peer in ("bad", "good")})
    assert errands.run_due(one.node) == 2
    assert sorted(done) == ["bad", "good"]
    assert errands.run_due(one.node) == 0
