"""Getting to know each other: orders, greetings, states of trust, rotated keys, another one's address."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import msgspec
import pytest
from prometheus_client import REGISTRY

from federation import MIGRATIONS, errands, http_signatures, introductions, peers, queue
from federation.introductions import REFETCH
from federation.node import Node
from federation.peers import PeerRow
from governance.errors import (
    BadSignature,
    ClockSkew,
    GovernanceError,
    IdentityChanged,
    Malformed,
    NotAuthorised,
    RateLimited,
    Replayed,
)
from governance.service.instance import public, signed
from governance.signing.keyfile import Ed25519Key
from governance.store.engine import open_store
from tests.support.fed_nodes import Network, SimNode, VirtualClock, make_node

NEW_KEY = Ed25519Key(bytes(range(32)))


class Two:
    """Two instances that can reach each other."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.network = Network()
        self.a = make_node("a.example", self.network, self.clock)
        self.b = make_node("b.example", self.network, self.clock)

    def decide(self, one: SimNode, other: SimNode, state: str) -> None:
        one.own.decide(other.own, state)
        peers.settle(one.node)

    def run(self) -> None:
        for _ in range(4):
            errands.run_due(self.a.node)
            errands.run_due(self.b.node)
            self.clock.now += 1

    def row(self, one: SimNode, other: SimNode) -> PeerRow:
        return peers.require(one.node, other.own.instance)


@pytest.fixture
def two() -> Two:
    return Two()


def befriended(two: Two) -> Two:
    two.decide(two.a, two.b, "mirror")
    two.decide(two.b, two.a, "mirror")
    two.run()
    return two


def test_a_request_waits_for_the_other_operator(two: Two) -> None:
    two.decide(two.a, two.b, "mirror")
    two.run()
    asked = two.row(two.b, two.a)
    assert (asked.state, asked.theirs, asked.name) == ("pending", "mirror", "a.example")
    assert two.row(two.a, two.b).theirs == "pending"
    with two.b.node.db.read() as conn:
        assert queue.of_peer(conn, two.a.own.instance) == [], (
            "nothing is sent to somebody nobody decided about"
        )


def test_both_know_after_the_decision(two: Two) -> None:
    befriended(two)
    assert two.row(two.a, two.b).followed
    assert two.row(two.b, two.a).followed
    assert two.row(two.a, two.b).contact_at > 0


def test_a_blocked_peer_is_refused_with_the_reason(two: Two) -> None:
    befriended(two)
    two.b.own.decide(two.a.own, "blocked", "floods us")
    peers.settle(two.b.node)
    url = f"{two.b.own.base_url}/federation/v1/evidence"
    with pytest.raises(NotAuthorised, match="floods us"):
        two.a.node.client.post(url, b"{}", "application/json")
    with two.b.node.db.read() as conn:
        assert queue.of_peer(conn, two.a.own.instance) == []


def test_who_is_pending_can_do_nothing_but_ask(two: Two) -> None:
    two.decide(two.a, two.b, "mirror")
    two.run()
    url = f"{two.b.own.base_url}/federation/v1/checkpoints"
    with pytest.raises(NotAuthorised, match="not accepted"):
        two.a.node.client.post(url, b"{}", "application/json")


def test_another_instance_at_the_address_is_quarantined(two: Two) -> None:
    befriended(two)
    impostor = make_node("c.example", Network(), two.clock)
    impostor.own.host, impostor.own.base_url = "b.example", two.b.own.base_url
    two.network.nodes["b.example"] = impostor
    with pytest.raises(IdentityChanged):
        introductions.fetch_identity(two.a.node, two.b.own.instance)
    row = two.row(two.a, two.b)
    assert row.quarantine is not None
    assert not row.follows
    with two.a.node.db.read() as conn:
        kinds = {e.kind for e in queue.of_peer(conn, row.id)}
    assert kinds == {"identity"}, "only its return is looked for"


def test_a_peer_that_is_itself_again_leaves_quarantine(two: Two) -> None:
    befriended(two)
    two.network.nodes["b.example"] = make_node("x.example", Network(), two.clock)
    with pytest.raises(IdentityChanged):
        introductions.fetch_identity(two.a.node, two.b.own.instance)
    two.network.nodes["b.example"] = two.b
    introductions.fetch_identity(two.a.node, two.b.own.instance)
    assert two.row(two.a, two.b).quarantine is None


def test_a_rotated_request_key_is_looked_up_once_in_five_minutes(two: Two) -> None:
    befriended(two)
    federation = two.a.own.document().statement.federation  # type: ignore[attr-defined]
    two.clock.now += REFETCH
    rotate(two, NEW_KEY, federation)
    url = f"{two.b.own.base_url}/federation/v1/evidence"
    with pytest.raises(GovernanceError) as caught:
        two.a.node.client.post(url, b"{}", "application/json")
    assert caught.value.code == "malformed-evidence", "the signature was accepted, the evidence was not"
    assert two.row(two.b, two.a).serial == 2

    other = Ed25519Key(bytes(reversed(range(32))))
    rotate(two, other, federation)
    with pytest.raises(BadSignature):
        two.a.node.client.post(url, b"{}", "application/json")
    assert two.row(two.b, two.a).serial == 2, "not asked again so soon"


def rotate(two: Two, key: Ed25519Key, federation: object) -> None:
    changed = msgspec.structs.replace(federation, http_key=public(key), valid_until=two.clock.now + 9_999)
    two.a.own.publish_document(federation=changed)
    two.a.own.keys = replace(two.a.own.keys, http=key)


def test_a_repeated_request_changes_nothing(two: Two) -> None:
    befriended(two)
    headers: dict[str, str] = {}
    client = two.a.node.client
    sign = client._sign

    def same(*args: object) -> dict[str, str]:
        if not headers:
            headers.update(sign(*args))  # type: ignore[arg-type]
        return headers

    client._sign = same  # type: ignore[assignment]
    url = f"{two.b.own.base_url}/federation/v1/keys"
    client.get(url, 1 << 20, signed=True)
    with pytest.raises(Replayed):
        client.get(url, 1 << 20, signed=True)


@pytest.mark.parametrize("off", [301 + 300, -301 - 300])
def test_a_clock_that_is_off_is_told(two: Two, off: int) -> None:
    befriended(two)
    far = VirtualClock(two.clock.now + off)
    two.a.own.clock = far

    def skewed(method: str, url: str, body: bytes | None, media_type: str | None) -> dict[str, str]:
        return http_signatures.sign_request(
            method, url, body, media_type, key=two.a.own.keys.http, keyid=two.a.own.instance, now=far.now
        )

    two.a.node.client._sign = skewed
    with pytest.raises(ClockSkew) as caught:
        two.a.node.client.get(f"{two.b.own.base_url}/federation/v1/keys", 1 << 20, signed=True)
    assert caught.value.facts["now"] == two.clock.now


def test_clocks_are_compared_at_every_greeting(two: Two) -> None:
    befriended(two)
    two.b.node.clock = VirtualClock(two.clock.now + 120)
    introductions.greet(two.a.node, two.b.own.instance)
    assert two.row(two.a, two.b).skew == 120
    told = REGISTRY.get_sample_value("althing_peer_skew_seconds", {"peer": two.b.own.instance})
    assert told == 120


@pytest.mark.parametrize("now", ["-1", "9223372036854775808", "1e3", "true", '"0"', "1" + 400 * "0"])
def test_a_time_that_is_none_is_refused_as_the_peer_s_fault(two: Two, now: str) -> None:
    befriended(two)
    before = two.row(two.a, two.b)
    said = f'{{"now":{now},"state":"blocked"}}'.encode()
    two.b.respond = lambda *_: httpx.Response(200, content=said)  # type: ignore[method-assign]
    with pytest.raises(Malformed):
        introductions.greet(two.a.node, two.b.own.instance)
    assert two.row(two.a, two.b) == before


def test_a_new_root_is_followed_through_the_documents_between(two: Two) -> None:
    befriended(two)
    old, new = two.a.own.root_key, Ed25519Key(bytes([7] * 32))
    document = two.a.own.document()
    changed = msgspec.structs.replace(
        document.statement, serial=2, previous=document.identity, root=public(new)
    )
    entry = signed(changed, old, new)
    two.a.own._document = entry
    two.a.own.instance_log.append(entry.data)
    introductions.fetch_identity(two.b.node, two.a.own.instance)
    assert two.row(two.b, two.a).serial == 2


def test_a_new_root_without_the_old_signature_is_quarantined(two: Two) -> None:
    befriended(two)
    document = two.a.own.document()
    changed = msgspec.structs.replace(
        document.statement, serial=2, previous=document.identity, root=public(NEW_KEY)
    )
    entry = signed(changed, NEW_KEY)
    two.a.own._document = entry
    two.a.own.instance_log.append(entry.data)
    with pytest.raises(GovernanceError):
        introductions.fetch_identity(two.b.node, two.a.own.instance)
    assert two.row(two.b, two.a).quarantine is not None


def test_requests_for_peering_are_bounded(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "PENDING", 3)
    for i in range(5):
        stranger = make_node(f"s{i}.example", two.network, two.clock)
        two.decide(stranger, two.b, "mirror")
        errands.run_due(stranger.node)
        errands.run_due(stranger.node)
    with two.b.node.db.read() as conn:
        assert len(peers.everybody(conn)) == 3


# --- at once ---


def meanwhile(two: Two, act: object) -> None:
    """Something happens while the next request is on its way."""

    def happen(_sender: str, _host: str) -> bool:
        two.network.drop = lambda *_: False
        act()  # type: ignore[operator]
        return False

    two.network.drop = happen


def kinds(one: SimNode, other: SimNode) -> set[str]:
    with one.node.db.read() as conn:
        return {errand.kind for errand in queue.of_peer(conn, other.own.instance)}


def test_a_peer_blocked_while_its_identity_is_fetched_stays_blocked(two: Two) -> None:
    befriended(two)
    meanwhile(two, lambda: two.decide(two.a, two.b, "blocked"))
    introductions.fetch_identity(two.a.node, two.b.own.instance)
    assert two.row(two.a, two.b).state == "blocked"
    assert kinds(two.a, two.b) == set()


def test_a_decision_leaves_what_was_learned_meanwhile(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    befriended(two)
    known, read = two.row(two.a, two.b), peers.everybody
    peers.change(two.a.node, known.id, document=b"", serial=0)

    def slowly(conn: object) -> list[PeerRow]:
        rows = read(conn)  # type: ignore[arg-type]
        monkeypatch.undo()
        peers.change(two.a.node, known.id, document=known.document, serial=1, quarantine="an impostor")
        return rows

    monkeypatch.setattr(peers, "everybody", slowly)
    two.decide(two.a, two.b, "partner")
    row = two.row(two.a, two.b)
    assert (row.state, row.document, row.quarantine) == ("partner", known.document, "an impostor")


def test_a_greeting_leaves_what_was_learned_meanwhile(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    befriended(two)
    who, verify = two.a.own.instance, peers.verify

    def slowly(*given: object) -> str:
        peers.change(two.b.node, who, quarantine="an impostor")
        return verify(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(peers, "verify", slowly)
    introductions.greet(two.a.node, two.b.own.instance)
    assert two.row(two.b, two.a).quarantine == "an impostor"


def test_an_older_document_never_replaces_one_that_was_pinned_meanwhile(two: Two) -> None:
    befriended(two)
    row = two.row(two.a, two.b)
    newer = two.a.own.document().data  # any other one
    meanwhile(two, lambda: peers.change(two.a.node, row.id, document=newer, serial=2))
    assert introductions.fetch_identity(two.a.node, row.id) == 1, "looked for again soon"
    assert (two.row(two.a, two.b).document, two.row(two.a, two.b).serial) == (newer, 2)


def test_a_greeting_with_an_overtaken_document_is_asked_to_come_back(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    befriended(two)
    who, verify, newer = two.a.own.instance, peers.verify, two.b.own.document().data

    def slowly(*given: object) -> str:
        peers.change(two.b.node, who, document=newer, serial=2)
        return verify(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(peers, "verify", slowly)
    with pytest.raises(RateLimited, match="just now"):
        introductions.greet(two.a.node, two.b.own.instance)
    assert (two.row(two.b, two.a).document, two.row(two.b, two.a).serial) == (newer, 2)


def test_errands_follow_from_the_latest_rows(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow settlement that has read old rows does not take away the errands of a later one."""
    befriended(two)
    known = two.row(two.a, two.b)
    # Threads need connections of their own, which a database in memory has not.
    two.a.node.db = store = open_store(None, tmp_path / "a", migrations=[MIGRATIONS])
    peers.settle(two.a.node)
    assert kinds(two.a, two.b) == {"identity"}
    later = threading.Thread(target=peers.settle, args=(two.a.node,))
    plan = queue.plan

    def slowly(node: Node, wanted: object) -> None:
        monkeypatch.undo()
        peers.change(node, known.id, document=known.document, serial=1)
        later.start()
        later.join(0.5)
        plan(node, wanted)  # type: ignore[arg-type]

    monkeypatch.setattr(queue, "plan", slowly)
    peers.settle(two.a.node)
    later.join(20)
    assert "pull" in kinds(two.a, two.b)
    store.close()


def test_a_request_that_arrives_twice_at_once_counts_once(database: str | None, tmp_path: Path) -> None:
    store = open_store(database, tmp_path / "data", migrations=[MIGRATIONS])
    node = make_node("a.example", Network(), VirtualClock()).node
    node.db = store
    remembered = peers._Remembered(node)
    with ThreadPoolExecutor(8) as pool:
        used = list(pool.map(lambda n: remembered.use("a", f"nonce {n // 8}", 2**40), range(160)))
    assert sum(used) == 20
    store.close()
