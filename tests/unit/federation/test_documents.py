"""Identity documents that lead from one root key to the next, and who may make us look for them."""

from __future__ import annotations

import msgspec
import pytest

from federation import errands, introductions, peers
from federation.documents import documents_since
from federation.introductions import REFETCH, Greeting
from governance.canonical import encode
from governance.errors import BadSignature, GovernanceError, IdentityChanged, MalformedTile
from governance.service.instance import public, signed
from governance.signing.keyfile import Ed25519Key
from governance.statements.entry import Entry
from governance.statements.instance import Instance
from tests.support.fed_nodes import Network, SimNode, VirtualClock, make_node

NEW_ROOT = Ed25519Key(b"new root".ljust(32))


class Two:
    """`a` and `b`, who mirror each other."""

    def __init__(self) -> None:
        self.clock, self.network = VirtualClock(), Network()
        self.a, self.b = (make_node(f"{n}.example", self.network, self.clock) for n in "ab")
        for one, other in ((self.a, self.b), (self.b, self.a)):
            one.own.decide(other.own, "mirror")
            peers.settle(one.node)
        for _ in range(4):
            errands.run_due(self.a.node)
            errands.run_due(self.b.node)
            self.clock.now += 1

    def row(self) -> peers.PeerRow:
        return peers.require(self.a.node, self.b.own.instance)

    def rotate(self, *, both: bool = True) -> Entry:
        """b has a new root key; the document that says so is signed by the old one too, or not."""
        own = self.b.own
        old = own.root_key
        own.root_key = NEW_ROOT
        document = own.publish_document(root=public(NEW_ROOT)).statement
        assert isinstance(document, Instance)
        keys = (old, NEW_ROOT) if both else (NEW_ROOT,)
        entry = signed(document, *keys)
        own.instance_log.entries[-1:] = []
        own.instance_log.leaves[-1:] = []
        own.instance_log.append(entry.data)
        own._document = entry
        return entry


@pytest.fixture
def two() -> Two:
    return Two()


def asked(two: Two, sender: str) -> list[str]:
    return [url for who, _, url in two.network.asked if who == sender]


def test_documents_after_a_serial_in_their_order(two: Two) -> None:
    for _ in range(3):
        two.b.own.instance_log.append(b"no entry at all")
        two.b.own.publish_document()
    row, newest = two.row(), two.b.own.document().statement
    assert isinstance(newest, Instance)
    found = documents_since(two.a.node, row, newest, row.serial)
    assert [e.statement.serial for e in found] == [2, 3, 4]  # type: ignore[attr-defined]
    assert documents_since(two.a.node, row, newest, 4) == []


def test_a_log_too_long_to_search_is_not_fetched(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("federation.documents._ENTRIES", 2)
    two.b.own.instance_log.append(b"1", b"2")
    document = two.b.own.document().statement
    assert isinstance(document, Instance)
    before = len(two.network.asked)
    with pytest.raises(IdentityChanged, match="too long"):
        documents_since(two.a.node, two.row(), document, 0)
    assert len(two.network.asked) == before + 1, "the checkpoint alone"


def test_a_bundle_with_too_few_entries(two: Two) -> None:
    document = two.b.own.document().statement
    assert isinstance(document, Instance)
    two.b.own.instance_log.append(b"1")
    short = two.b.own.file("logs/instance/tile/entries/000.p/1")
    two.b.view = lambda _, path: short if "entries" in path else None
    with pytest.raises(MalformedTile):
        documents_since(two.a.node, two.row(), document, 0)


def test_a_checkpoint_of_another_key_is_not_believed(two: Two) -> None:
    document = two.b.own.document().statement
    assert isinstance(document, Instance)
    other = two.a.own.instance_log.checkpoint()
    two.b.view = lambda _, path: other if "checkpoint" in path else None
    with pytest.raises(BadSignature):
        documents_since(two.a.node, two.row(), document, 0)


def test_a_greeting_after_a_rotated_root_is_followed_at_the_known_address(two: Two) -> None:
    two.rotate()
    two.clock.now += REFETCH + 1
    introductions.greet(two.b.node, two.a.own.instance)
    row = two.row()
    assert row.quarantine is None
    assert row.instance is not None
    assert row.instance.root == public(NEW_ROOT)
    assert row.instance.id == two.b.own.instance, "the id stays"


def test_a_greeting_with_a_root_that_the_old_one_did_not_sign(two: Two) -> None:
    pinned = two.row().document
    two.rotate(both=False)
    two.clock.now += REFETCH + 1
    with pytest.raises(GovernanceError):
        introductions.greet(two.b.node, two.a.own.instance)
    assert two.row().document == pinned
    assert two.row().quarantine is not None


def _greeting_of(attacker: SimNode, **claims: object) -> bytes:
    document = attacker.own.document().statement
    assert isinstance(document, Instance)
    claimed = signed(msgspec.structs.replace(document, **claims), attacker.own.root_key)
    return encode(Greeting(claimed.data, "mirror"))


def test_a_stranger_makes_us_fetch_nothing(two: Two) -> None:
    """A document with an id that its root key does not prove, as after a rotation."""
    evil = make_node("evil.example", two.network, two.clock)
    body = _greeting_of(evil, id="sha256:" + "e" * 64, serial=7, previous="sha256:" + "0" * 64)
    before = asked(two, "a.example")
    for _ in range(3):
        with pytest.raises(GovernanceError):
            evil.node.client.post("https://a.example/federation/v1/peers", body, "application/json")
    assert asked(two, "a.example") == before


def test_who_claims_to_be_a_known_peer_makes_us_ask_that_peer_once(two: Two) -> None:
    evil = make_node("evil.example", two.network, two.clock)
    pinned = two.row()
    body = _greeting_of(evil, id=two.b.own.instance, serial=7, previous="sha256:" + "0" * 64)
    two.clock.now += REFETCH + 1
    before = len(asked(two, "a.example"))
    for _ in range(5):
        with pytest.raises(IdentityChanged):
            evil.node.client.post("https://a.example/federation/v1/peers", body, "application/json")
    new = asked(two, "a.example")[before:]
    assert new == ["https://b.example/.well-known/althing.json"]
    assert two.row().document == pinned.document
    assert two.row().quarantine is None
