"""What people are told about peers: trust, lag, errands, evidence."""

from __future__ import annotations

import pytest

from federation import cosigning, errands, evidence, mirror, peers, queue, views
from federation.identity import fingerprint_words
from governance.errors import NotFound
from governance.log.evidence import same_size
from tests.support.fed_nodes import MemoryLog
from tests.support.mirrors import Pair, pair


@pytest.fixture
def two() -> Pair:
    made = pair()
    made.network.routes = ()
    for one, other in ((made.us, made.them), (made.them, made.us)):
        one.own.decide(other.own, "mirror", "a friend")
        peers.settle(one.node)
    return made


def status(two: Pair) -> views.PeerStatus:
    return views.peer_status(two.us.node, two.peer)


def test_a_peer_with_its_trust_and_order(two: Pair) -> None:
    (shown,) = views.peer_page(two.us.node).items
    assert shown.id == two.peer
    assert shown.words == fingerprint_words(two.peer)
    assert (shown.state, shown.theirs, shown.reason) == ("mirror", "mirror", "a friend")
    assert shown.order == two.us.own.decided[two.peer].digest
    assert shown.protocol == [1, 1]
    assert shown.valid_until == two.clock.now + 7 * 86_400


def test_nothing_is_known_of_who_was_only_ordered() -> None:
    made = pair()
    made.us.own.decide(made.them.own, "observer")
    with made.us.node.db.write() as conn:
        conn.execute(peers.peers.delete())
    peers.settle(made.us.node)
    shown = views.peer_status(made.us.node, made.peer)
    assert (shown.name, shown.serial, shown.theirs) == ("", 0, None)
    assert (shown.protocol, shown.valid_until) == (None, None)
    assert shown.copies == shown.witnessed == []


def test_copies_with_their_lag_and_trouble(two: Pair) -> None:
    two.pull()
    log = two.them.own.logs["them.example/spaces/nix"]
    shown = {c.origin: c for c in status(two).copies}
    assert set(shown) == set(two.them.own.logs)
    assert (shown[log.origin].size, shown[log.origin].lag, shown[log.origin].cosigned_size) == (1, 0, 1)
    log.append(b"a", b"b")
    cosigning.cosign(two.them.node, two.us.own.instance)
    assert {c.origin: c.lag for c in status(two).copies}[log.origin] == 2, "seen as a witness, not copied yet"
    two.later()
    two.pull()
    assert {c.origin: c.lag for c in status(two).copies}[log.origin] == 0
    other = MemoryLog(log.origin, two.them.own._seed(log.origin))
    other.append(b"x", b"y", b"z")
    name = evidence.found(two.us.node, same_size(log.vkey, log.checkpoint(), other.checkpoint()), "test")
    assert {c.origin: c.frozen for c in status(two).copies}[log.origin] == name
    (item,) = views.evidence_page(two.us.node).items
    assert (item.digest, item.origin, item.source) == (name, log.origin, "test")


def test_what_a_peer_has_cosigned_of_ours(two: Pair) -> None:
    mirror.pull(two.them.node, two.us.own.instance)
    cosigning.cosign(two.us.node, two.peer)
    (shown,) = status(two).witnessed
    assert (shown.origin, shown.lag, shown.at) == ("us.example/instance", 0, two.clock.now)
    two.us.own.instance_log.append(b"more")
    (shown,) = status(two).witnessed
    assert shown.lag == 1


def test_errands_with_their_failures(two: Pair) -> None:
    two.network.drop = lambda _sender, _host: True
    errands.run_due(two.us.node)
    failed = [e for e in status(two).errands if e.failures]
    assert {e.kind for e in failed} >= {"pull", "greet", "identity"}
    assert all("nobody answers" in e.error and e.next_at > two.clock.now for e in failed)
    assert all(e.last_ok == 0 for e in failed)
    queue.wake(two.us.node, two.peer)
    assert all(e.failures == 0 for e in status(two).errands)


@pytest.mark.parametrize("length", [8, 20, 64])
def test_a_peer_is_found_by_the_beginning_of_its_id(two: Pair, length: int) -> None:
    digits = two.peer[7 : 7 + length]
    for name in (digits, f"sha256:{digits}", digits.upper()):
        assert views.peer_status(two.us.node, name).id == two.peer


def test_none_or_several(two: Pair) -> None:
    with pytest.raises(NotFound, match="no peers"):
        views.peer_status(two.us.node, "sha256:" + "0" * 64)
    with two.us.node.db.write() as conn:
        last = "0" if two.peer[-1] != "0" else "1"
        peers.add(conn, peers.PeerRow(two.peer[:-1] + last, "https://x.example"))
    with pytest.raises(NotFound, match="2 peers"):
        views.peer_status(two.us.node, two.peer[:20])
