"""The sign-guard: an instance restored from an old backup takes back what others hold before it signs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from federation import guard, mirror_files
from federation.endpoints import Request, Route
from federation.tables import copies
from governance.errors import IntegrityFault, NotFound
from governance.log.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from governance.log.tiles import Bundle, encode_bundle, parse_bundle
from governance.service.log_keys import LogKeys
from governance.signing.note import parse_note
from tests.support.fed_nodes import Network, VirtualClock
from tests.support.fed_service import HOST, Real, befriend, mirror_at, real, run
from tests.support.people import Community, key, recorded

Q1, Q2 = (f"{HOST}/spaces/nix/ballots/{name}" for name in ("q1", "q2"))


class Scene:
    """An instance with an old backup of its data, and mirrors that hold what happened since."""

    def __init__(self, folder: Path, mirrors: int = 2) -> None:
        self.data, self.backup = folder / "data", folder / "backup"
        self.clock, self.network = VirtualClock(), Network()
        self.mirrors = [mirror_at(f"m{i}.example", self.network, self.clock) for i in range(mirrors)]
        self.community: Community | None = None
        self.heads: dict[str, bytes] = {}

    @contextmanager
    def up(self) -> Iterator[Real]:
        """The instance runs."""
        with real(self.data, self.network, self.clock) as us:
            if self.community is None:
                self.community = us.running.community
            self.community.client = us.running.client
            us.running.community = self.community
            yield us

    def live(self) -> None:
        """Two ballots, the second begun after the backup; the mirrors have all of it."""
        with self.up() as us:
            here = us.running.community
            here.found()
            here.enrol(key(100), key(101), key(102))
            for other in self.mirrors:
                befriend(us, other)
            here.open()
            recorded(here.cast(key(102), ["c"]))
            self.exchange(us)
        shutil.copytree(self.data, self.backup)
        with self.up() as us:
            assert guard.confirm(us.service, us.node)
            here = us.running.community
            for number in (100, 101):
                recorded(here.cast(key(number), ["a"]))
            here.open(here.definition("q2"))
            recorded(here.cast(key(102), ["b"], "q2"))
            self.exchange(us)
            self.heads = us.heads()

    def exchange(self, us: Real) -> None:
        """Until every mirror has every log whole."""
        self.clock.now += 400
        run(self.clock, us.node, *(m.node for m in self.mirrors), rounds=6)
        for other in self.mirrors:
            for head in us.node.own.heads():
                copied = mirror_files.log_note(other.node, us.instance, head.origin)
                assert f"\n{head.size}\n".encode() in copied, f"{other.own.host} lacks {head.origin}"

    def lose(self, *, keys: bool = True) -> None:
        """The disk is gone; the old backup is put in its place, with today's keys or the old ones."""
        if keys:
            shutil.rmtree(self.backup / "keys")
            shutil.copytree(self.data / "keys", self.backup / "keys")
        shutil.rmtree(self.data)
        shutil.copytree(self.backup, self.data)

    def size(self, origin: str) -> int:
        """How many entries a log had at the end."""
        return parse_checkpoint(parse_note(self.heads[origin]).text).size

    def cut(self, *hosts: str) -> None:
        """Nobody reaches these."""
        self.network.drop = lambda _sender, host: host in hosts


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = Scene(tmp_path)
    made.live()
    return made


def test_the_first_start_is_not_held(tmp_path: Path) -> None:
    with Scene(tmp_path).up() as us:
        assert us.service.held == ()


def test_an_old_store_takes_its_entries_back_and_goes_on(scene: Scene) -> None:
    scene.lose()
    with scene.up() as us:
        assert us.service.held == (guard.REASON,)
        assert guard.confirm(us.service, us.node)
        assert us.service.held == ()
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


def test_a_log_begun_after_the_backup_waits_for_its_key(scene: Scene) -> None:
    scene.lose(keys=False)
    with scene.up() as us:
        assert not guard.confirm(us.service, us.node)
        assert us.service.held, "without its key nobody can go on with that log"
        with pytest.raises(NotFound):
            us.node.own.head(Q2)
        assert us.node.own.head(Q1).checkpoint == scene.heads[Q1], "the others are back"


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
