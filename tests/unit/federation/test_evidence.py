"""Evidence that a log was forked: frozen, recorded once, told once, never taken back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from federation import compare, errands, evidence, mirror, peers, seen
from governance.canonical import digest, encode
from governance.errors import BadEvidence, GovernanceError, NotFound, StorageUnavailable
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.evidence import MEDIA_TYPE, different_sizes, parse_evidence, same_size, verify_evidence
from governance.signing.note import Ed25519Signer
from governance.statements.entry import read_entry
from governance.statements.peer import Evidence
from tests.support.fed_nodes import MemoryLog, Network, SimNode, VirtualClock, make_node


class Three:
    """`a` and `b` mirror each other and `liar`, whose log `nix` has a second history of other entries."""

    def __init__(self) -> None:
        self.clock, self.network = VirtualClock(), Network()
        self.a, self.b, self.liar = (
            make_node(f"{name}.example", self.network, self.clock) for name in ("a", "b", "liar")
        )
        self.log = self.liar.own.add_space("nix")
        self.log.append(*(b"story %d" % i for i in range(20)))
        self.other = MemoryLog(self.log.origin, self.liar.own._seed(self.log.origin))
        self.other.append(self.log.entries[0], *(b"another story %d" % i for i in range(30)))
        for one in (self.a, self.b, self.liar):
            for another in (self.a, self.b, self.liar):
                if one is not another:
                    one.own.decide(another.own, "mirror")
            peers.settle(one.node)
        self.run(4)

    def run(self, rounds: int = 1, step: int = 5) -> None:
        for _ in range(rounds):
            for one in (self.a, self.b, self.liar):
                errands.run_due(one.node)
            self.clock.now += step

    def both_views(self) -> bytes:
        return different_sizes(
            self.log.vkey, self.log.checkpoint(20), self.other.checkpoint(31), self.other.read_hash
        )


@pytest.fixture
def three() -> Three:
    return Three()


def frozen(node: SimNode, origin: str) -> str | None:
    with node.node.db.read() as conn:
        row = seen.get(conn, origin)
    assert row is not None
    return row.frozen


def held(node: SimNode) -> list[evidence.Found]:
    with node.node.db.read() as conn:
        return evidence.listed(conn)


def logged(node: SimNode) -> list[Evidence]:
    found = [read_entry(data).statement for data in node.own.instance_log.entries]
    return [statement for statement in found if isinstance(statement, Evidence)]


def test_found_freezes_and_is_recorded_once(three: Three) -> None:
    data = three.both_views()
    name = evidence.found(three.a.node, data, "test")
    assert frozen(three.a, three.log.origin) == name == digest(data)
    assert [e.evidence.digest for e in logged(three.a)] == [name]
    for _ in range(2):
        assert evidence.found(three.a.node, data, "again") == name
    assert len(logged(three.a)) == 1
    assert [(e.digest, e.source, e.logged) for e in held(three.a)] == [(name, "test", 1)]


def test_a_frozen_log_is_neither_copied_on_nor_cosigned(three: Three) -> None:
    with three.a.node.db.read() as conn:
        before = seen.get(conn, three.log.origin)
    evidence.found(three.a.node, three.both_views(), "test")
    three.log.append(b"more")
    three.clock.now += 4_000
    mirror.pull(three.a.node, three.liar.own.instance)
    with three.a.node.db.read() as conn:
        after = seen.get(conn, three.log.origin)
    assert before is not None
    assert after is not None
    assert (after.size, after.note, after.cosigned) == (before.size, before.note, before.cosigned)
    three.run(3, 2_000)
    assert frozen(three.a, three.log.origin) is not None, "nothing heals it"


def test_peers_are_told_once_and_act_themselves(three: Three) -> None:
    data = three.both_views()
    evidence.found(three.a.node, data, "test")
    three.run(3)
    for one in (three.a, three.b):
        assert frozen(one, three.log.origin) == digest(data)
        assert len(logged(one)) == 1
        assert verify_evidence(parse_evidence(held(one)[0].data)).origin == three.log.origin
    told = _posts(three)
    assert len(told) == len(set(told)), "nobody tells anybody twice"
    three.run(3, 5_000)
    assert _posts(three) == told
    assert held(three.b)[0].source == three.a.own.instance


def _posts(three: Three) -> list[tuple[str, str]]:
    return [(sender, url) for sender, _, url in three.network.asked if url.endswith("/v1/evidence")]


def test_a_peer_that_was_away_is_told_when_it_is_back(three: Three) -> None:
    three.network.drop = lambda _sender, host: host == "b.example"
    evidence.found(three.a.node, three.both_views(), "test")
    three.run(3)
    assert held(three.b) == []
    three.network.drop = lambda _sender, _host: False
    three.run(2, 5_000)
    assert len(held(three.b)) == 1


def test_what_could_not_be_recorded_is_recorded_later(three: Three, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(three.a.own, "log_evidence", _full)
        with pytest.raises(StorageUnavailable):
            evidence.found(three.a.node, three.both_views(), "test")
    assert frozen(three.a, three.log.origin) is not None, "frozen at once all the same"
    assert logged(three.a) == []
    three.run(2, 5_000)
    assert len(logged(three.a)) == 1
    assert len(held(three.b)) == 1


def _full(_origin: str, _evidence: bytes) -> None:
    raise StorageUnavailable("the disk is full")


def test_a_log_that_nobody_follows_is_404_and_asked_again_by_nobody(three: Three) -> None:
    stranger = MemoryLog("stranger.example/log", b"s" * 32)
    other = MemoryLog("stranger.example/log", b"s" * 32)
    stranger.append(b"one")
    other.append(b"other")
    data = same_size(stranger.vkey, stranger.checkpoint(), other.checkpoint())
    with pytest.raises(NotFound, match="does not follow"):
        evidence.found(three.a.node, data, "test")
    with pytest.raises(NotFound):
        three.b.node.client.post("https://a.example/federation/v1/evidence", data, MEDIA_TYPE)
    assert held(three.a) == []
    assert logged(three.a) == []


def test_a_forger_who_has_not_the_logs_key(three: Three) -> None:
    """The right origin, a key of somebody's own: no evidence against the log that is followed."""
    mine, other = MemoryLog(three.log.origin, b"f" * 32), MemoryLog(three.log.origin, b"f" * 32)
    mine.append(b"one")
    other.append(b"other")
    data = same_size(mine.vkey, mine.checkpoint(), other.checkpoint())
    with pytest.raises(NotFound, match="under that key"):
        evidence.found(three.a.node, data, "test")
    assert frozen(three.a, three.log.origin) is None


def _prefixes(three: Three) -> bytes:
    made = parse_evidence(three.both_views())
    honest = (three.other.checkpoint(20).decode(), made.notes[1])
    return encode({**_fields(three.both_views()), "notes": honest})


def _unsigned(three: Three) -> bytes:
    made = _fields(three.both_views())
    return encode({**made, "notes": [note.replace("— ", "— x") for note in made["notes"]]})


def _fields(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(data)
    return found


@pytest.mark.parametrize(
    "make",
    [_prefixes, _unsigned, lambda _: b"{}", lambda _: b"", lambda _: b"\xff" * 100],
    ids=["one-history", "not-signed", "empty-object", "nothing", "noise"],
)
def test_what_proves_nothing_changes_nothing(three: Three, make: Callable[[Three], bytes]) -> None:
    with pytest.raises(GovernanceError):
        three.b.node.client.post("https://a.example/federation/v1/evidence", make(three), MEDIA_TYPE)
    assert held(three.a) == []
    assert frozen(three.a, three.log.origin) is None


def test_one_history_is_named_as_such(three: Three) -> None:
    with pytest.raises(BadEvidence, match="one history"):
        evidence.found(three.a.node, _prefixes(three), "test")


def test_only_a_known_peer_may_send_it(three: Three) -> None:
    stranger = make_node("stranger.example", three.network, three.clock)
    with pytest.raises(GovernanceError, match="not accepted"):
        stranger.node.client.post("https://a.example/federation/v1/evidence", three.both_views(), MEDIA_TYPE)
    assert held(three.a) == []


def test_evidence_against_a_log_of_our_own_is_recorded_too(three: Three) -> None:
    own = three.a.own.add_space("nix")
    other = MemoryLog(own.origin, three.a.own._seed(own.origin))
    other.append(b"another beginning")
    data = same_size(own.vkey, own.checkpoint(1), other.checkpoint(1))
    three.b.node.client.post("https://a.example/federation/v1/evidence", data, MEDIA_TYPE)
    assert [e.origin for e in logged(three.a)] == [own.origin]


def test_compare_is_not_needed_for_what_was_told(three: Three) -> None:
    evidence.found(three.a.node, three.both_views(), "test")
    three.run(2)
    compare.compare(three.b.node, three.a.own.instance)
    assert len(held(three.b)) == 1


def test_nobody_can_accuse_a_log_of_ours_with_a_key_they_made() -> None:
    """The key is compared, too: a key of that name proves only what its maker did."""
    node = make_node("a.example", Network(()), VirtualClock())
    origin = node.own.instance_log.origin
    forger = Ed25519Signer(origin, bytes(range(32)))
    one, other = (sign_checkpoint(Checkpoint(origin, 1, bytes([n] * 32)), [forger]) for n in (1, 2))
    proof = same_size(str(forger.key), one, other)
    with pytest.raises(NotFound, match="under that key"):
        evidence.found(node.node, proof, "")
    with node.node.db.read() as conn:
        assert evidence.listed(conn) == []
