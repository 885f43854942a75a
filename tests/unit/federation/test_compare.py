"""Comparing what two instances saw of a third: a split view comes to light, honest growth never does."""

from __future__ import annotations

import httpx
import pytest

from federation import compare, evidence, mirror, peers
from federation.endpoints import Request, Route
from governance.errors import BadSignature, GovernanceError, NoAnswer
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.evidence import parse_evidence, verify_evidence
from tests.support.fed_nodes import MemoryLog, Network, SimNode, VirtualClock, make_node
from tests.support.mirrors import acquaint


class Third:
    """`a` and `b` follow each other and a third one, which shows `b` another history of its log `nix`."""

    def __init__(self, ours: int, theirs: int, *, common: int = 1) -> None:
        self.clock, self.network = VirtualClock(), Network()
        self.a, self.b, self.third = (
            make_node(f"{name}.example", self.network, self.clock) for name in ("a", "b", "third")
        )
        for one, another in ((0, 1), (0, 2), (1, 0), (1, 2)):
            nodes = (self.a, self.b, self.third)
            acquaint(nodes[one], nodes[another])
        self.log = self.third.own.add_space("nix")
        self.other = MemoryLog(self.log.origin, self.third.own._seed(self.log.origin))
        for log, name, size in ((self.log, b"a", ours), (self.other, b"b", theirs)):
            log.entries.clear()
            log.leaves.clear()
            log.append(*(b"common %d" % i for i in range(common)))
            log.append(*(b"%s %d" % (name, i) for i in range(common, size)))
        self.third.view = self._view

    def _view(self, sender: str, path: str) -> bytes | None:
        folder = "/logs/spaces/nix/"
        return self.other.file(path.removeprefix(folder)) if self._lies(sender, path, folder) else None

    @staticmethod
    def _lies(sender: str, path: str, folder: str) -> bool:
        return sender == "b.example" and path.startswith(folder)

    def pull(self) -> None:
        for one in (self.a, self.b):
            mirror.pull(one.node, self.third.own.instance)

    def ask(self, one: SimNode, another: SimNode) -> None:
        compare.compare(one.node, another.own.instance)


def proofs(node: SimNode) -> list[evidence.Found]:
    with node.node.db.read() as conn:
        return evidence.listed(conn)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(2, 2), (300, 2), (300, 256), (257, 256), (600, 599), (3, 2)], ids=str
)
def test_a_split_view_is_proven_from_the_larger_side(ours: int, theirs: int) -> None:
    third = Third(ours, theirs)
    third.pull()
    third.ask(third.a, third.b)
    (found,) = proofs(third.a)
    finding = verify_evidence(parse_evidence(found.data))
    assert finding.origin == third.log.origin
    assert set(finding.sizes) == {ours, theirs}
    assert found.source == third.b.own.instance


@pytest.mark.parametrize(("ours", "theirs"), [(2, 300), (256, 300)])
def test_from_the_smaller_side_nothing_is_said_yet_and_the_other_finds_it(ours: int, theirs: int) -> None:
    third = Third(ours, theirs)
    third.pull()
    third.ask(third.a, third.b)
    assert proofs(third.a) == []
    third.ask(third.b, third.a)
    assert len(proofs(third.b)) == 1


@pytest.mark.parametrize("common", [1, 2, 255, 256, 257, 299, 300])
def test_where_they_part_does_not_matter(common: int) -> None:
    third = Third(302, 301, common=common)
    third.pull()
    third.ask(third.a, third.b)
    assert len(proofs(third.a)) == 1


@pytest.mark.parametrize("lag", [0, 1, 44, 45, 299])
def test_honest_growth_is_never_accused(lag: int) -> None:
    third = Third(300, 300 - lag, common=300 - lag)
    third.pull()
    for one, another in ((third.a, third.b), (third.b, third.a)):
        third.ask(one, another)
        assert proofs(one) == []


def test_after_the_proof_nothing_is_compared_again() -> None:
    third = Third(9, 7)
    third.pull()
    third.ask(third.a, third.b)
    third.clock.now += compare.ANEW
    asked = len(third.network.asked)
    third.ask(third.a, third.b)
    again = [url for _, _, url in third.network.asked[asked:]]
    assert len(again) == 1, "only the third one's instance log, which is not forked"


def test_what_agreed_is_compared_again_when_it_has_grown_or_a_day_is_over() -> None:
    third = Third(9, 9, common=9)

    def asked() -> int:
        before = len(third.network.asked)
        third.ask(third.a, third.b)
        return len(third.network.asked) - before

    third.pull()
    assert [asked(), asked()] == [2, 0]
    third.log.append(b"news")
    mirror.pull(third.a.node, third.third.own.instance)
    assert [asked(), asked()] == [1, 1], "the other one has not seen it yet"
    third.clock.now += compare.ANEW
    assert asked() == 2


def test_a_checkpoint_by_another_key_proves_nothing_and_hides_no_other_log() -> None:
    """What one answer is unusable for must not keep a split view of another log in the dark."""
    third = Third(9, 7)
    first = third.third.own.add_space("aaa")
    third.pull()
    forged = MemoryLog(first.origin, b"f" * 32)
    forged.append(b"x")
    honest = third.b.respond

    def answer(request: Request, routes: tuple[Route, ...], sender: str = "") -> httpx.Response:
        given = honest(request, routes, sender)
        if given.status_code == 200 and first.origin.encode() in given.content:
            return httpx.Response(200, content=forged.checkpoint())
        return given

    third.b.respond = answer  # type: ignore[method-assign]
    with pytest.raises(BadSignature):
        third.ask(third.a, third.b)
    assert [e.origin for e in proofs(third.a)] == [third.log.origin]


def test_a_checkpoint_of_another_log_is_refused() -> None:
    third = Third(9, 9, common=9)
    third.pull()
    other = third.third.own.add_space("other")
    note = other.checkpoint()
    with pytest.raises(GovernanceError):
        compare.judge(third.a.node, third.log.origin, note, "test")
    assert proofs(third.a) == []


def test_a_log_that_we_have_no_copy_of_is_not_judged() -> None:
    third = Third(9, 7)
    assert compare.judge(third.a.node, third.log.origin, third.other.checkpoint(), "test") is False


def test_an_empty_tree_of_another_root_accuses_nobody() -> None:
    third = Third(9, 9, common=9)
    third.pull()
    odd = sign_checkpoint(Checkpoint(third.log.origin, 0, bytes(32)), [third.log.signer])
    with pytest.raises(GovernanceError):
        compare.judge(third.a.node, third.log.origin, odd, "test")
    assert proofs(third.a) == []


def test_nobody_there_is_tried_again() -> None:
    third = Third(9, 7)
    third.pull()
    third.network.drop = lambda _sender, host: host == "b.example"
    with pytest.raises(NoAnswer):
        third.ask(third.a, third.b)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "PER_RUN", 2)


@pytest.mark.usefixtures("few")
def test_more_logs_than_one_run_compares_have_their_turn() -> None:
    third = Third(9, 7)
    for number in range(6):
        third.third.own.add_space(f"space{number}")
    third.pull()
    for _ in range(40):
        third.ask(third.a, third.b)
        if proofs(third.a):
            break
    assert len(proofs(third.a)) == 1
    assert peers.require(third.a.node, third.third.own.instance).follows
