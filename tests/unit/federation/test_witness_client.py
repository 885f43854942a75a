"""Asking witnesses to cosign our logs: what is sent, what of the answers is believed, what follows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from federation import cosigning, endpoints, queue, seen, witness
from federation.cosigning import WINDOW, cosign
from federation.endpoints import Answer, Request, route
from federation.node import Node
from federation.queue import Errand, Kind
from federation.tables import witnessed
from governance.errors import (
    BadProof,
    BadSignature,
    Behind,
    MalformedAnswer,
    NoAnswer,
    NotAuthorised,
    NotFound,
    RateLimited,
    Unavailable,
)
from governance.log.checkpoint import open_checkpoint
from governance.log.cosignature import Ed25519Cosigner, open_cosigned, verifier_for
from governance.log.cosignature import cosign as cosign_text
from governance.log.policy import Policy, PolicyWitness
from governance.signing.note import Ed25519Signer, Ed25519Verifier, parse_note, sign_text
from tests.support.growing_logs import NOW, GrowingLog, Own, Wire, witness_node


class Sim:
    """We (`node`) with logs, and other nodes as witnesses `w0`, `w1` …, all on one clock."""

    def __init__(self, folder: Path, logs: list[GrowingLog], witnesses: int = 1) -> None:
        self.now = NOW
        self.wire = Wire()
        self.own = Own(*logs)
        self.others = [
            witness_node(folder / f"w{i}", *logs, clock=lambda: self.now, post_quantum=i == 1)
            for i in range(witnesses)
        ]
        keys = [Ed25519Cosigner(f"w{i}.example/witness", bytes([i]) * 32) for i in range(witnesses)]
        for i, other in enumerate(self.others):
            other.keys = type(other.keys)(other.keys.http, (keys[i],), ())
            self.wire.hosts[f"w{i}.example"] = lambda r, other=other: self.answer(other, r)
        known = tuple(PolicyWitness(f"w{i}", key.key, f"https://w{i}.example") for i, key in enumerate(keys))
        self.keys = keys
        self.node = witness_node(
            folder / "us",
            own=self.own,
            client=self.wire,
            clock=lambda: self.now,
            foreign=Policy(witnesses=known),
            chance=random.Random(1),
        )
        queue.plan(self.node, {f"witness:w{i}": {"cosign"} for i in range(witnesses)})

    def answer(self, other: Node, request: Request) -> Answer:
        if request.method == "GET":
            with other.db.read() as conn:
                row = seen.find(conn, request.path.split("/")[1])
            return Answer(404) if row is None else Answer(200, row.cosigned)
        routes = (
            route(
                "POST", "/add-checkpoint", lambda n, r, _: witness.add_checkpoint(n, r.body, n.clock(), _no)
            ),
        )
        return endpoints.answer(other, routes, request)

    def grow(self, size: int, origin: str | None = None) -> None:
        self.own.sizes[origin or next(iter(self.own.logs))] = size

    def acknowledged(self, i: int = 0) -> dict[str, int]:
        with self.node.db.read() as conn:
            rows = conn.execute(sa.select(witnessed).where(witnessed.c.witness == f"witness:w{i}"))
            return {row.origin: row.size for row in rows}

    def close(self) -> None:
        for node in (self.node, *self.others):
            node.db.close()  # type: ignore[attr-defined]


def _no(_node: Node, row: seen.SeenRow, _note: bytes) -> None:
    raise AssertionError(row.origin)


@pytest.fixture
def sims(tmp_path: Path) -> Iterator[Any]:
    made: list[Sim] = []

    def make(logs: list[GrowingLog] | None = None, witnesses: int = 1) -> Sim:
        made.append(Sim(tmp_path / str(len(made)), logs or [LOG], witnesses))
        return made[-1]

    for buckets in (witness.KNOWN, witness.UNKNOWN):
        buckets._buckets.clear()
    yield make
    for sim in made:
        sim.close()


LOG = GrowingLog("us.example/log")


def lines_of(sim: Sim, size: int) -> list[str]:
    note = sim.own.notes.get((LOG.origin, size))
    return [] if note is None else [s.name for s in parse_note(note).signatures[1:]]


def test_what_grew_is_cosigned_and_what_did_not_is_left_alone(sims: Any) -> None:
    sim = sims()
    for size in (1, 5, 300):
        sim.grow(size)
        sim.now += WINDOW
        assert cosign(sim.node, "witness:w0") is None
        assert lines_of(sim, size) == ["w0.example/witness"]
        assert sim.acknowledged() == {LOG.origin: size}
    count = len(sim.wire.sent)
    assert cosign(sim.node, "witness:w0") is None
    assert len(sim.wire.sent) == count == 3


def test_a_witness_that_saw_more_than_it_told_is_met_where_it_is(sims: Any) -> None:
    sim = sims()
    sim.grow(5)
    with sim.others[0].db.write() as conn:
        seen.learn(conn, seen.SeenRow(LOG.origin, LOG.vkey, None))
        assert seen.advance(conn, LOG.origin, 0, size=5, root=LOG.root(5), note=LOG.note(5), now=NOW)
    cosign(sim.node, "witness:w0")
    assert [r.body.split(b"\n")[0] for r in sim.wire.sent] == [b"old 0", b"old 5"]
    assert sim.acknowledged() == {LOG.origin: 5}


def test_all_witnesses_are_asked_for_one_checkpoint(sims: Any) -> None:
    """The log grows between any two requests, and still each checkpoint that is signed has all lines."""
    sim = sims(witnesses=3)
    size = 0
    for turn in range(40):
        size += 3
        sim.grow(size)
        sim.now += turn % 2
        cosign(sim.node, f"witness:w{turn % 3}")
    complete = [s for (_, s) in sim.own.notes if len(lines_of(sim, s)) == 3]
    assert len(complete) >= 12
    assert len(complete) >= len(sim.own.notes) - 1


def test_a_witness_that_is_down_holds_the_others_up_for_seconds_only(sims: Any) -> None:
    sim = sims(witnesses=2)
    sim.grow(3)
    cosign(sim.node, "witness:w0")
    sim.grow(4)
    assert cosign(sim.node, "witness:w0") == WINDOW, "w1 may still sign the tree of 3"
    sim.now += WINDOW
    assert cosign(sim.node, "witness:w0") is None
    assert sim.acknowledged() == {LOG.origin: 4}
    sim.grow(5)
    sim.wire.hosts["w1.example"] = lambda _r: Answer(503)
    failing = Kind("cosign", cosign, (60, 300))
    assert not queue.run(sim.node, Errand("witness:w1", "cosign", 0), failing)
    assert cosign(sim.node, "witness:w0") is None, "nobody waits for a witness that does not answer"
    assert sim.acknowledged() == {LOG.origin: 5}


def test_logs_that_the_witness_does_not_know(sims: Any) -> None:
    logs = [GrowingLog(f"us.example/{i}") for i in range(30)]
    sim = sims(logs)
    for log in logs:
        sim.grow(3, log.origin)
    sim.others[0].foreign = Policy(sim.others[0].foreign.logs[:2])
    asked: set[str] = set()
    for _ in range(20):
        sim.wire.sent.clear()
        assert cosign(sim.node, "witness:w0") == cosigning.SOON
        assert len(sim.wire.sent) <= 2 * cosigning.STRANGE
        asked |= {r.body.split(b"\n\n")[1].split(b"\n")[0].decode() for r in sim.wire.sent}
        sim.now += cosigning.SOON
    assert asked == set(sim.own.logs), "each has its turn"
    assert sim.acknowledged() == {"us.example/0": 3, "us.example/1": 3}


def test_more_logs_than_one_run_takes(sims: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cosigning, "LOGS", 4)
    monkeypatch.setattr(cosigning, "STRANGE", 1)
    logs = [GrowingLog(f"us.example/{i}") for i in range(10)]
    sim = sims(logs)
    for size in (3, 5):
        sim.now += WINDOW
        for log in logs:
            sim.grow(size, log.origin)
        while (pause := cosign(sim.node, "witness:w0")) is not None:
            assert pause == 1
            sim.now += pause
        assert sim.acknowledged() == dict.fromkeys(sim.own.logs, size)


def test_no_log_waits_for_ever_behind_busier_ones(sims: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cosigning, "LOGS", 4)
    monkeypatch.setattr(cosigning, "STRANGE", 1)
    logs = [GrowingLog(f"us.example/{i}") for i in range(12)]
    sim = sims(logs)
    for size in range(1, 13):
        for log in logs:
            sim.grow(size, log.origin)
        cosign(sim.node, "witness:w0")
        sim.now += WINDOW
    assert min(sim.acknowledged().values()) >= 9
    assert len(sim.acknowledged()) == 12


def test_being_behind_is_told_before_any_other_trouble(sims: Any) -> None:
    logs = [GrowingLog("us.example/a"), GrowingLog("us.example/b")]
    sim = sims(logs)
    for log in logs:
        sim.grow(9, log.origin)
    cosign(sim.node, "witness:w0")
    with sim.others[0].db.write() as conn:
        seen.freeze(conn, "us.example/b", "sha256:e")
    with sim.node.db.write() as conn:
        conn.execute(sa.delete(witnessed))
    sim.now += WINDOW
    for log in logs:
        sim.grow(5, log.origin)
    with pytest.raises(Behind):
        cosign(sim.node, "witness:w0")


def test_a_refusal_by_a_witness_that_has_nothing_yet_is_no_fork(sims: Any) -> None:
    sim = sims()
    sim.grow(5)
    reply(sim, Answer(422), Answer(200, LOG.note(0)))
    with pytest.raises(BadProof):
        cosign(sim.node, "witness:w0")


def test_a_run_is_bounded(sims: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cosigning, "LOGS", 4)
    monkeypatch.setattr(cosigning, "STRANGE", 5)
    logs = [GrowingLog(f"us.example/{i}") for i in range(10)]
    sim = sims(logs)
    for size in (3, 5):
        for log in logs:
            sim.grow(size, log.origin)
        sim.now += WINDOW
        sim.wire.sent.clear()
        cosign(sim.node, "witness:w0")
    assert len(sim.wire.sent) == 4


def test_a_witness_that_is_overloaded_is_left_alone(sims: Any) -> None:
    logs = [GrowingLog(f"us.example/{i}") for i in range(3)]
    sim = sims(logs)
    for log in logs:
        sim.grow(3, log.origin)
    reply(sim, Answer(429))
    with pytest.raises(RateLimited):
        cosign(sim.node, "witness:w0")
    assert len(sim.wire.sent) == 1


def reply(sim: Sim, *answers: Answer) -> None:
    """What `w0` answers from now on, in that order; the last one again and again."""
    left = list(answers)
    sim.wire.hosts["w0.example"] = lambda _r: left.pop(0) if len(left) > 1 else left[0]


def size_answer(size: object) -> Answer:
    return Answer(409, f"{size}\n".encode(), "text/x.tlog.size")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(403), NotAuthorised),
        (Answer(422), BadProof),
        (Answer(409), BadProof),
        (size_answer(0), BadProof),
        (Answer(400), MalformedAnswer),
        (Answer(301), MalformedAnswer),
        (Answer(200, b"yes\n"), MalformedAnswer),
        (Answer(200, b""), MalformedAnswer),
        (Answer(429, headers={"retry-after": "77"}), RateLimited),
        (Answer(503), NoAnswer),
        (size_answer(3), Unavailable),
    ],
)
def test_answers_that_are_no_cosignature(sims: Any, answer: Answer, error: type[Exception]) -> None:
    sim = sims()
    sim.grow(5)
    # Whoever answers 409 with another size each time is never satisfied.
    reply(sim, answer, size_answer(4) if error is Unavailable else answer)
    with pytest.raises(error) as raised:
        cosign(sim.node, "witness:w0")
    if error is RateLimited:
        assert getattr(raised.value, "retry_after", 0) == 77
    assert sim.acknowledged() == {}
    assert sim.own.notes == {}


def signed(key: Ed25519Cosigner, size: int, now: int, log: GrowingLog = LOG) -> bytes:
    return str(cosign_text(parse_note(log.note(size)).text, key, now)).encode()


def test_lines_that_are_not_believed(sims: Any) -> None:
    sim = sims()
    sim.grow(5)
    (key,) = sim.keys
    stranger = Ed25519Cosigner("stranger.example/witness", bytes(32))
    log_key = Ed25519Signer("w0.example/witness", bytes(32))
    wrong: list[tuple[bytes, type[Exception]]] = [
        (signed(key, 4, NOW), BadSignature),
        (signed(key, 5, NOW, GrowingLog("other.example")), BadSignature),
        (signed(stranger, 5, NOW), BadSignature),
        (signed(Ed25519Cosigner("w0.example/witness", b"x" * 32), 5, NOW), BadSignature),
        (str(sign_text(parse_note(LOG.note(5)).text, log_key)).encode(), BadSignature),
        (signed(key, 5, 0), MalformedAnswer),
        (signed(key, 5, NOW + 301), MalformedAnswer),
    ]
    for body, error in wrong:
        reply(sim, Answer(200, body))
        with pytest.raises(error):
            cosign(sim.node, "witness:w0")
    assert sim.own.notes == {}
    reply(sim, Answer(200, signed(stranger, 5, NOW) + signed(key, 5, NOW + 300)))
    cosign(sim.node, "witness:w0")
    assert lines_of(sim, 5) == ["w0.example/witness"]


def test_a_refused_log_does_not_keep_the_others_waiting(sims: Any) -> None:
    logs = [GrowingLog("us.example/a"), GrowingLog("us.example/b")]
    sim = sims(logs)
    for log in logs:
        sim.grow(3, log.origin)
        cosign(sim.node, "witness:w0")
    with sim.others[0].db.write() as conn:
        seen.freeze(conn, "us.example/a", "sha256:e")
    sim.now += WINDOW
    for log in logs:
        sim.grow(5, log.origin)
    with pytest.raises(NotAuthorised, match="sha256:e"):
        cosign(sim.node, "witness:w0")
    assert sim.acknowledged() == {"us.example/a": 3, "us.example/b": 5}


def test_rolled_back(sims: Any) -> None:
    """The witness shows our own signature under more entries than we have."""
    sim = sims()
    sim.grow(9)
    cosign(sim.node, "witness:w0")
    sim.now += WINDOW
    sim.grow(5)
    cosign(sim.node, "witness:w0")
    assert len(sim.wire.sent) == 1, "what was acknowledged above our size is not asked for again"
    with sim.node.db.write() as conn:
        conn.execute(sa.delete(witnessed))
    with pytest.raises(Behind) as raised:
        cosign(sim.node, "witness:w0")
    assert raised.value.facts == {"origin": LOG.origin, "size": 5, "seen": 9}
    assert sim.wire.sent[-1].path == f"/{sha256(LOG.origin.encode()).hexdigest()}/checkpoint"


def test_forked(sims: Any) -> None:
    """The witness holds what we once signed, and our records have another history now."""
    sim = sims()
    sim.grow(9)
    cosign(sim.node, "witness:w0")
    sim.now += WINDOW
    sim.own.logs[LOG.origin] = GrowingLog(LOG.origin, fork=7)
    sim.grow(12)
    with pytest.raises(Behind, match="does not extend"):
        cosign(sim.node, "witness:w0")


@pytest.mark.parametrize(
    "shown",
    [Answer(404), Answer(200, b"x"), Answer(200, LOG.note(9, Ed25519Signer("us.example/log", bytes(32))))],
)
def test_a_witness_that_only_says_that_we_are_behind(sims: Any, shown: Answer) -> None:
    sim = sims()
    sim.grow(5)
    reply(sim, size_answer(9), shown)
    with pytest.raises(MalformedAnswer):
        cosign(sim.node, "witness:w0")


def test_growth_while_the_witness_answers_is_not_being_behind(sims: Any) -> None:
    sim = sims()
    sim.grow(5)

    def later(request: Request) -> Answer:
        sim.grow(9)
        with sim.others[0].db.write() as conn:
            seen.learn(conn, seen.SeenRow(LOG.origin, LOG.vkey, None))
            seen.advance(conn, LOG.origin, 0, size=9, root=LOG.root(9), note=LOG.note(9), now=NOW)
        sim.wire.hosts["w0.example"] = lambda r: sim.answer(sim.others[0], r)
        return sim.answer(sim.others[0], request)

    sim.wire.hosts["w0.example"] = later
    cosign(sim.node, "witness:w0")
    assert sim.acknowledged() == {LOG.origin: 9}


def test_only_the_logs_own_signature_is_sent(sims: Any) -> None:
    sim = sims(witnesses=2)
    sim.grow(5)
    for i in range(2):
        cosign(sim.node, f"witness:w{i}")
    for request in sim.wire.sent:
        note = request.body.partition(b"\n\n")[2]
        assert open_checkpoint(note, [Ed25519Verifier(LOG.signer.key)]).size == 5
        assert len(parse_note(note).signatures) == 1
    both = open_cosigned(
        sim.own.notes[LOG.origin, 5],
        [Ed25519Verifier(LOG.signer.key)],
        [verifier_for(k.key) for k in sim.keys],
    )
    assert len(both.cosignatures) == 2


def test_unknown_witness(sims: Any) -> None:
    with pytest.raises(NotFound):
        cosign(sims().node, "witness:nobody")
