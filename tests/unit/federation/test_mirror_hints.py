"""Hints between instances: they save waiting, and can do nothing else."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from federation import cosigning, hints, mirror, peers, queue, seen
from federation.hints import Notes
from federation.tables import errands, witnessed
from governance.canonical import encode
from governance.errors import BadSignature, GovernanceError, NotAuthorised, OldCheckpoint
from governance.log.checkpoint import open_checkpoint
from governance.log.cosignature import Ed25519Cosigner, cosign
from governance.signing.note import Ed25519Verifier, add_signatures
from tests.support.fed_nodes import MemoryLog, make_node
from tests.support.mirrors import Pair, acquaint, pair

CHECKPOINTS = "https://us.example/federation/v1/checkpoints"
COSIGNATURES = "https://them.example/federation/v1/cosignatures"


def space_of(two: Pair) -> MemoryLog:
    return two.them.own.logs["them.example/spaces/nix"]


def asleep(two: Pair) -> None:
    """Our errand `pull` is due in a year."""
    queue.plan(two.us.node, {two.peer: {"pull"}})
    with two.us.node.db.write() as conn:
        conn.execute(sa.update(errands).values(due_at=two.clock.now + 10**7))


def is_woken(two: Pair) -> bool:
    with two.us.node.db.read() as conn:
        return bool(conn.scalar(sa.select(errands.c.due_at)) == two.clock.now)


def send(two: Pair, *notes: bytes) -> int:
    return two.them.node.client.post(CHECKPOINTS, encode(Notes(list(notes))), "application/json").status


def test_a_push_wakes_the_pull_which_then_looks_at_that_log() -> None:
    two = pair()
    two.pull()
    asleep(two)
    two.later(10**6)
    two.pull()
    log = space_of(two)
    log.append(b"news")
    two.later(1)
    asleep(two)
    assert hints.push(two.them.node, two.us.own.instance) is None
    assert is_woken(two)
    two.pull()
    assert two.copy(log).size == log.size


def test_a_push_says_everything_once() -> None:
    two = pair()
    two.pull()
    hints.push(two.them.node, two.us.own.instance)
    asked = len(two.network.asked)
    hints.push(two.them.node, two.us.own.instance)
    assert len(two.network.asked) == asked


def test_a_push_that_is_lost_is_repeated() -> None:
    two = pair()
    two.pull()
    space_of(two).append(b"news")
    two.network.drop = lambda _sender, _host: True
    with pytest.raises(GovernanceError):
        hints.push(two.them.node, two.us.own.instance)
    two.network.drop = lambda _sender, _host: False
    asleep(two)
    hints.push(two.them.node, two.us.own.instance)
    assert is_woken(two)


def test_many_logs_are_several_requests() -> None:
    two = pair()
    for i in range(100):
        two.them.own.add_space(f"s{i}")
    two.pull()
    for i in range(100):
        two.them.own.logs[f"them.example/spaces/s{i}"].append(b"news")
    hints.push(two.them.node, two.us.own.instance)
    assert sum(url == CHECKPOINTS for _, _, url in two.network.asked) == 2


def test_what_is_known_is_409_with_our_size() -> None:
    two = pair()
    log = space_of(two)
    log.append(*(b"%d" % i for i in range(9)))
    two.pull()
    asleep(two)
    for size in (10, 7):
        with pytest.raises(OldCheckpoint) as refused:
            send(two, log.checkpoint(size))
        assert refused.value.facts["size"] == 10
    assert not is_woken(two)


@pytest.mark.parametrize("state", ["observer", "pending", "blocked"])
def test_only_those_whom_we_mirror_are_heard(state: str) -> None:
    two = pair()
    two.pull()
    asleep(two)
    peers.change(two.us.node, two.peer, state=state)
    space_of(two).append(b"news")
    with pytest.raises(NotAuthorised):
        send(two, space_of(two).checkpoint())
    assert not is_woken(two)


def test_a_stranger_is_not_heard() -> None:
    two = pair()
    stranger = make_node("stranger.example", two.network, two.clock)
    with pytest.raises(NotAuthorised):
        stranger.node.client.post(
            CHECKPOINTS, encode(Notes([space_of(two).checkpoint()])), "application/json"
        )


def test_a_note_by_another_key_is_refused() -> None:
    two = pair()
    two.pull()
    asleep(two)
    other = MemoryLog(space_of(two).origin, b"\1" * 32)
    other.append(b"a", b"b", b"c")
    with pytest.raises(BadSignature):
        send(two, other.checkpoint())
    assert not is_woken(two)


def test_logs_of_others_are_no_hint() -> None:
    two = pair()
    two.pull()
    asleep(two)
    mine = two.us.own.instance_log
    with pytest.raises(OldCheckpoint):
        send(two, mine.checkpoint())
    assert not is_woken(two)


def test_a_log_of_a_third_instance_is_no_hint_of_this_one() -> None:
    two = pair()
    two.pull()
    third = make_node("third.example", two.network, two.clock)
    acquaint(two.us, third)
    mirror.pull(two.us.node, third.own.instance)
    asleep(two)
    third.own.instance_log.append(b"news")
    with pytest.raises(OldCheckpoint):
        send(two, third.own.instance_log.checkpoint())
    assert not is_woken(two)


def test_a_fork_in_a_hint_is_evidence() -> None:
    two = pair()
    log = space_of(two)
    log.append(b"one")
    two.pull()
    other = MemoryLog(log.origin, two.them.own._seed(log.origin))
    other.append(log.entries[0], b"other")
    with pytest.raises(OldCheckpoint):
        send(two, other.checkpoint())
    assert two.seen(log).frozen


def test_a_replayed_request_is_refused() -> None:
    two = pair()
    two.pull()
    space_of(two).append(b"news")
    seen_requests: list[httpx.Request] = []
    honest = two.network.answer

    def answer(sender: str, request: httpx.Request) -> httpx.Response:
        seen_requests.append(request)
        return honest(sender, request)

    two.network.answer = answer  # type: ignore[method-assign]
    assert send(two, space_of(two).checkpoint()) == 202
    (request,) = seen_requests
    again = honest("them.example", request)
    assert again.status_code in {401, 403, 409, 422}, again.text


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"notes":[]}', b'{"notes":["AAAA"]}', b'{"notes":[1]}', b"[" * 99]
)
def test_a_body_that_is_none_is_refused(body: bytes) -> None:
    two = pair()
    for url, sender in ((CHECKPOINTS, two.them), (COSIGNATURES, two.us)):
        with pytest.raises(GovernanceError):
            sender.node.client.post(url, body, "application/json")


# --- cosignatures ---


def cosigned(two: Pair, cosigner: Any, at: int | None = None) -> bytes:
    log = space_of(two)
    note = log.checkpoint()
    text = note.partition(b"\n\n")[0] + b"\n"
    return add_signatures(note, [cosign(text, cosigner, two.clock.now if at is None else at)])


def give(two: Pair, *notes: bytes) -> int:
    return two.us.node.client.post(COSIGNATURES, encode(Notes(list(notes))), "application/json").status


def kept(two: Pair) -> dict[int, bytes]:
    return two.them.own.notes.get(space_of(two).origin, {})


def test_cosignatures_of_a_peer_are_kept() -> None:
    two = pair()
    assert give(two, cosigned(two, two.us.node.keys.mirror[0])) == 200
    note = kept(two)[1]
    assert b"us.example/mirror" in note
    assert open_checkpoint(note, [Ed25519Verifier(space_of(two).signer.key)]).size == 1


@pytest.mark.parametrize("ahead", [301, 10**9, None])
def test_a_time_in_the_future_is_refused(ahead: int | None) -> None:
    two = pair()
    note = cosigned(two, two.us.node.keys.mirror[0], 0 if ahead is None else two.clock.now + ahead)
    with pytest.raises(GovernanceError):
        give(two, note)
    assert not kept(two)


def test_a_clock_a_little_ahead_is_borne() -> None:
    two = pair()
    assert give(two, cosigned(two, two.us.node.keys.mirror[0], two.clock.now + 300)) == 200


def test_lines_of_a_key_that_the_peer_does_not_name_are_refused() -> None:
    two = pair()
    for name in ("us.example/mirror", "them.example/mirror", "stranger.example"):
        with pytest.raises(GovernanceError):
            give(two, cosigned(two, Ed25519Cosigner(name, b"\5" * 32)))
    assert not kept(two)


def test_one_bad_note_does_not_spoil_the_others() -> None:
    two = pair()
    good, bad = cosigned(two, two.us.node.keys.mirror[0]), two.us.own.instance_log.checkpoint()
    assert give(two, bad, good) == 200
    assert kept(two)


def test_what_is_not_taken_is_brought_again() -> None:
    two = pair()
    log = space_of(two)
    two.network.drop = lambda _sender, host: False
    two.them.own.decided.clear()
    peers.change(two.them.node, two.us.own.instance, state="blocked")
    two.pull()
    assert two.copy(log).returned == 0
    peers.change(two.them.node, two.us.own.instance, state="mirror")
    two.later()
    two.pull()
    assert two.copy(log).returned == log.size


def test_a_third_instance_hears_of_the_copy_through_the_witness_row() -> None:
    """Our witness was asked first: the pull knows that there is more than it has, idle or not."""
    two = pair()
    log = space_of(two)
    two.pull()
    two.later(10**6)
    two.pull()
    log.append(b"news")
    two.later(10)
    with two.us.node.db.write() as conn:
        assert seen.advance(
            conn, log.origin, 1, size=2, root=log.root(), note=log.checkpoint(), now=two.clock.now
        )
    two.pull()
    assert two.copy(log).size == 2


def test_the_pause_grows_with_silence() -> None:
    two = pair()
    assert two.pull() == mirror.SOON
    two.later(mirror.SETTLING)
    assert two.pull() is None
    two.later(10**5)
    assert 300 < (two.pull() or 0) <= 3_600
    two.later(10**7)
    assert 1_800 <= (two.pull() or 0) <= 3_600


def test_two_who_know_each_other_are_needed() -> None:
    two = pair()
    acquaint(two.us, two.them, "observer")
    assert two.pull() is None
    assert not two.files()


def test_cosignatures_that_were_brought_back_are_not_asked_for() -> None:
    two = pair()
    acquaint(two.them, two.us)
    two.pull()
    asked = len(two.network.asked)
    assert cosigning.cosign(two.them.node, two.us.own.instance) is None
    assert len(two.network.asked) == asked
    space_of(two).append(b"news")
    cosigning.cosign(two.them.node, two.us.own.instance)
    assert [url for _, _, url in two.network.asked[asked:]] == ["https://us.example/witness/add-checkpoint"]


def test_an_older_cosignature_takes_nothing_back() -> None:
    two = pair()
    cosigning.acknowledge(two.them.node, "w", "them.example/instance", 7)
    cosigning.acknowledge(two.them.node, "w", "them.example/instance", 5)
    with two.them.node.db.read() as conn:
        assert conn.scalars(sa.select(witnessed.c.size).where(witnessed.c.witness == "w")).all() == [7]
