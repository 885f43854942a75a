"""The sign-guard: an instance restored from an old backup takes back what others hold before it signs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client import REGISTRY

from federation import guard
from federation.endpoints import Request, Route
from federation.tables import copies
from governance.errors import IntegrityFault
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.tiles import Bundle, encode_bundle, parse_bundle
from governance.service.log_keys import LogKeys
from tests.support.fed_scene import Q1, Q2, Scene
from tests.support.fed_service import HOST
from tests.support.people import key, recorded


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = Scene(tmp_path)
    made.live()
    return made


def test_the_first_start_is_not_held(tmp_path: Path) -> None:
    with Scene(tmp_path).up() as us:
        assert us.service.held == ()
        assert REGISTRY.get_sample_value("althing_held") == 0


def test_an_old_store_takes_its_entries_back_and_goes_on(scene: Scene) -> None:
    scene.lose()
    with scene.up() as us:
        assert us.service.held == (guard.REASON,)
        assert REGISTRY.get_sample_value("althing_held") == 1
        assert guard.confirm(us.service, us.node)
        assert us.service.held == ()
        assert REGISTRY.get_sample_value("althing_held") == 0
        assert us.heads() == scene.heads, "byte for byte as before, our own signatures included"
        answer = us.running.community.cast(key(102), ["a"])
        assert recorded(answer).json()["index"] == us.node.own.head(Q1).size - 1


def test_of_two_followers_one_is_enough(scene: Scene) -> None:
    scene.lose()
    scene.cut("m0.example")
    with scene.up() as us:
        assert guard.confirm(us.service, us.node)
        assert us.heads() == scene.heads


def test_held_while_nobody_answers_and_nothing_is_signed(scene: Scene) -> None:
    scene.lose()
    scene.cut("m0.example", "m1.example")
    with scene.up() as us:
        before = us.heads()
        for _ in range(3):
            assert not guard.confirm(us.service, us.node)
        assert us.running.community.cast(key(101), ["b"]).status_code == 503
        assert us.running.client.get("/readyz").status_code == 200, "what is recorded is still served"
        assert us.heads() == before
        scene.cut()
        assert guard.confirm(us.service, us.node)
        assert us.heads() == scene.heads
        recorded(us.running.community.cast(key(101), ["b"]))


def test_one_of_three_is_not_half(tmp_path: Path) -> None:
    scene = Scene(tmp_path, mirrors=3)
    scene.live()
    scene.lose()
    scene.cut("m0.example", "m1.example")
    with scene.up() as us:
        assert not guard.confirm(us.service, us.node)
        assert us.heads() == scene.heads, "what the one has is taken back all the same"
        assert us.service.held
        scene.cut("m1.example")
        assert guard.confirm(us.service, us.node)


def test_an_unchanged_store_is_confirmed_and_takes_nothing(scene: Scene) -> None:
    with scene.up() as us:
        assert us.service.held
        assert guard.confirm(us.service, us.node)
        assert us.heads() == scene.heads


def test_our_own_second_history_is_an_integrity_fault(scene: Scene) -> None:
    """A mirror holds a head that our key signed and our entries do not lead to."""
    head = Checkpoint(Q1, 4, bytes(32))
    forged = sign_checkpoint(head, [LogKeys(scene.data).load(Q1)])
    _show(scene, 0, Q1, forged)
    with scene.up() as us:
        before = us.heads()
        with pytest.raises(IntegrityFault, match="4 entries"):
            guard.confirm(us.service, us.node)
        assert us.service.held
        assert us.running.community.cast(key(101), ["b"]).status_code == 503
        assert us.heads() == before


def test_a_larger_head_of_ours_that_nobody_has_entries_for_holds_us(scene: Scene) -> None:
    """Half have answered, but one shows what we signed beyond our log: going on would be a second history."""
    head = Checkpoint(Q1, 1_000, bytes(32))
    _show(scene, 0, Q1, sign_checkpoint(head, [LogKeys(scene.data).load(Q1)]))
    with scene.up() as us:
        assert not guard.confirm(us.service, us.node)
        assert us.service.held


def test_wrong_entries_are_refused_and_another_mirror_has_the_right_ones(scene: Scene) -> None:
    _show_entries(scene, 0, Q1)
    _show_entries(scene, 1, Q1)
    scene.lose()
    with scene.up() as us:
        old = us.node.own.head(Q1)
        assert not guard.confirm(us.service, us.node)
        assert us.node.own.head(Q1) == old, "nothing of it was taken"
        _honest(scene, 1)
        assert guard.confirm(us.service, us.node)
        assert us.heads() == scene.heads


def test_a_head_by_another_key_counts_as_no_answer(scene: Scene) -> None:
    head = Checkpoint(Q1, 1_000, bytes(32))
    forged = sign_checkpoint(head, [LogKeys(scene.data).load(Q2)])
    for number in (0, 1):
        _show(scene, number, Q1, forged)
    with scene.up() as us:
        assert not guard.confirm(us.service, us.node)
        _honest(scene, 0)
        assert guard.confirm(us.service, us.node), "what the other says is not signed by us, and binds nobody"


def test_a_follower_without_any_copy_has_nothing_against_us(scene: Scene) -> None:
    for other in scene.mirrors:
        other.node.copies.files.clear()  # type: ignore[attr-defined]
        with other.node.db.write() as conn:
            conn.execute(copies.delete())
    with scene.up() as us:
        assert guard.confirm(us.service, us.node)
        assert us.heads() == scene.heads


def test_who_only_observes_or_is_blocked_holds_nobody(scene: Scene) -> None:
    with scene.up() as us:
        assert guard.confirm(us.service, us.node)
        for other in scene.mirrors:
            us.order(other, "blocked", "gone")
    scene.cut("m0.example", "m1.example")
    with scene.up() as us:
        assert us.service.held == ()


# --- mirrors that show something else ---


def _show(scene: Scene, number: int, origin: str, note: bytes) -> None:
    _serve(scene, number, f"logs/{origin.removeprefix(HOST + '/')}/checkpoint", lambda _: note)


def _show_entries(scene: Scene, number: int, origin: str) -> None:
    def swapped(data: bytes) -> bytes:
        entries = parse_bundle(data, int(name.rpartition(".p/")[2]))
        return encode_bundle([*entries[:-1], entries[0]])

    size = scene.size(origin)
    name = f"logs/{origin.removeprefix(HOST + '/')}/{Bundle(0, size).path}"
    _serve(scene, number, name, swapped)


def _serve(scene: Scene, number: int, name: str, change: Callable[[bytes], bytes]) -> None:
    node = scene.mirrors[number]
    respond = type(node).respond

    def other(request: Request, routes: tuple[Route, ...], sender: str = "") -> httpx.Response:
        answer = respond(node, request, routes, sender)
        if request.path.endswith(name):
            return httpx.Response(200, content=change(answer.content))
        return answer

    node.respond = other  # type: ignore[method-assign]


def _honest(scene: Scene, number: int) -> None:
    del scene.mirrors[number].respond
