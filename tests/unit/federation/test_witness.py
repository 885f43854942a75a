"""What the witness answers, and that it stores before it answers."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation import endpoints, seen, witness
from federation.endpoints import Answer, Request, route
from federation.node import Node
from federation.witness_routes import ROUTES as ALL
from governance.canonical import digest
from governance.errors import BadProof, GovernanceError, NotAuthorised
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.cosignature import Ed25519Cosigner, open_cosigned, verifier_for
from governance.log.evidence import parse_evidence, verify_evidence
from governance.log.policy import Policy
from governance.signing.note import Ed25519Signer, Ed25519Verifier, parse_note
from tests.support.growing_logs import NOW, GrowingLog, witness_node

LOG = GrowingLog()
ROUTES = (
    route("POST", "/w", lambda node, r, _: witness.add_checkpoint(node, r.body, node.clock(), no_fork)),
)
ALLOWED = {200, 400, 403, 404, 409, 413, 422, 429}


def no_fork(_node: Node, row: seen.SeenRow, _note: bytes) -> None:
    raise AssertionError(f"{row.origin} is no fork")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = witness_node(tmp_path, LOG)
    yield node
    node.db.close()  # type: ignore[attr-defined]


def fill_buckets() -> None:
    for buckets in (witness.KNOWN, witness.UNKNOWN):
        buckets._buckets.clear()


@pytest.fixture(autouse=True)
def _full_buckets() -> None:
    fill_buckets()


def post(node: Node, body: bytes, now: int = NOW) -> Answer:
    node.clock = lambda: now
    return endpoints.answer(node, ROUTES, Request("POST", "/w", {}, body))


def row(node: Node, origin: str = LOG.origin) -> seen.SeenRow:
    with node.db.read() as conn:
        found = seen.get(conn, origin)
    assert found is not None
    return found


def test_cosigns_what_grows(node: Node) -> None:
    for old, new in [(0, 1), (1, 3), (3, 3), (3, 64), (64, 300)]:
        answer = post(node, LOG.body(old, new), NOW + new)
        assert (answer.status, answer.media_type) == (200, "text/plain; charset=utf-8"), answer.body
        stored = row(node)
        assert (stored.size, stored.root, stored.seen_at) == (new, LOG.root(new), NOW + new)
        assert stored.note == LOG.note(new)
        assert stored.cosigned == LOG.note(new) + answer.body
        logs, witnesses = ([verifier_for(k)] for k in (LOG.signer.key, node.keys.witness[0].key))
        opened = open_cosigned(stored.cosigned, logs, witnesses)
        assert opened.checkpoint.size == new
        assert [c.time for c in opened.cosignatures] == [NOW + new]


def test_both_types_with_post_quantum_on(tmp_path: Path) -> None:
    node = witness_node(tmp_path, LOG, post_quantum=True)
    answer = post(node, LOG.body(0, 5))
    verifiers = [verifier_for(c.key) for c in node.keys.witness]
    opened = open_cosigned(LOG.note(5) + answer.body, [verifier_for(LOG.signer.key)], verifiers)
    assert [(c.key.kind, c.time) for c in opened.cosignatures] == [(4, NOW), (6, NOW)]
    assert post(node, LOG.body(5, 5)).body == answer.body
    node.db.close()  # type: ignore[attr-defined]


def test_the_empty_tree(node: Node) -> None:
    assert post(node, LOG.body(0, 0)).status == 200
    assert post(node, LOG.body(0, 7)).status == 200


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [(7, 3, 400), (3, 9, 409), (0, 9, 409), (0, 5, 409), (0, 3, 409), (9, 9, 409)],
)
def test_other_sizes(node: Node, old: int, new: int, status: int) -> None:
    assert post(node, LOG.body(0, 5)).status == 200
    answer = post(node, LOG.body(old, new, proof=[]))
    assert answer.status == status
    if status == 409:
        assert (answer.body, answer.media_type) == (b"5\n", "text/x.tlog.size")
    assert row(node).size == 5


@pytest.mark.parametrize(
    "proof",
    [[], LOG.proof(5, 8), LOG.proof(5, 9)[:-1], [*LOG.proof(5, 9), bytes(32)], LOG.proof(5, 9)[::-1]],
)
def test_wrong_proofs(node: Node, proof: list[bytes]) -> None:
    post(node, LOG.body(0, 5))
    before = row(node)
    assert post(node, LOG.body(5, 9, proof)).status == 422
    assert row(node) == before
    assert post(node, LOG.body(5, 9)).status == 200


def test_a_proof_where_none_belongs(node: Node) -> None:
    assert post(node, LOG.body(0, 5, [bytes(32)])).status == 422
    empty = sign_checkpoint(Checkpoint(LOG.origin, 0, bytes(32)), [LOG.signer])
    assert post(node, LOG.body(0, 0, note=empty)).status == 422
    post(node, LOG.body(0, 5))
    assert post(node, LOG.body(5, 5, [bytes(32)])).status == 422


def test_unknown_logs_are_turned_away_before_any_signature_is_looked_at(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, "open_note", no_fork)
    answer = post(node, GrowingLog("nobody.example").body(0, 5))
    assert answer.status == 404
    with node.db.read() as conn:
        assert seen.get(conn, "nobody.example") is None


def test_only_the_logs_own_key_counts(node: Node) -> None:
    other = Ed25519Signer(LOG.origin, bytes(32))
    witnessing = Ed25519Cosigner(LOG.origin, bytes(32)).at(NOW)
    for signers in ([other], [witnessing], [Ed25519Signer("other.example", bytes(32))]):
        assert post(node, LOG.body(0, 5, note=LOG.note(5, *signers))).status == 403
    bad = LOG.note(5).replace(LOG.note(5)[-10:-5], b"AAAAA")
    assert post(node, LOG.body(0, 5, note=bad)).status == 403
    assert post(node, LOG.body(0, 5, note=LOG.note(5, other, LOG.signer))).status == 200
    assert row(node).note == LOG.note(5), "only verified lines are stored"


def test_a_key_of_another_name_does_not_speak_for_the_log() -> None:
    other = Ed25519Signer("elsewhere.example", bytes(32))
    submission = witness.parse_submission(LOG.body(0, 5, note=LOG.note(5, other)))
    with pytest.raises(NotAuthorised):
        witness.opened(seen.SeenRow(LOG.origin, str(other.key), None), submission, [verifier_for(other.key)])


def test_a_log_that_is_not_trusted_any_more_keeps_its_row(node: Node) -> None:
    post(node, LOG.body(0, 5))
    trusted, node.foreign = node.foreign, Policy()
    assert post(node, LOG.body(5, 9)).status == 403
    assert post(node, LOG.body(0, 9)).status == 403
    node.foreign = trusted
    assert post(node, LOG.body(0, 9)).body == b"5\n"


def test_two_trees_of_one_size_are_told_and_freeze(node: Node) -> None:
    fork = GrowingLog(fork=4)
    told: list[tuple[bytes, bytes]] = []

    def accuse(node: Node, row: seen.SeenRow, note: bytes) -> None:
        told.append((row.note, note))
        with node.db.write() as conn:
            seen.freeze(conn, row.origin, "sha256:evidence")

    witness.add_checkpoint(node, LOG.body(0, 5), NOW, accuse)
    with pytest.raises(BadProof):
        witness.add_checkpoint(node, fork.body(5, 5), NOW, accuse)
    assert told == [(LOG.note(5), fork.note(5))]
    with pytest.raises(NotAuthorised, match="sha256:evidence"):
        witness.add_checkpoint(node, LOG.body(5, 9), NOW, accuse)
    assert len(told) == 1
    assert row(node).size == 5


def test_a_fork_ends_as_evidence_that_anybody_can_check(node: Node) -> None:
    fork = GrowingLog(fork=4)

    def ask(method: str, path: str, body: bytes = b"") -> Answer:
        return endpoints.answer(node, ALL, Request(method, path, {}, body))

    shown = f"/witness/{sha256(LOG.origin.encode()).hexdigest()}/checkpoint"
    assert ask("GET", shown).status == 404
    signed = ask("POST", "/witness/add-checkpoint", LOG.body(0, 5))
    assert ask("POST", "/witness/add-checkpoint", fork.body(5, 5)).status == 422
    ((origin, data),) = node.own.accused  # type: ignore[attr-defined]
    finding = verify_evidence(parse_evidence(data))
    assert (origin, finding.origin, finding.sizes) == (LOG.origin, LOG.origin, (5, 5))
    assert finding.roots == (LOG.root(5), fork.root(5))
    assert row(node).frozen == digest(data)
    for again in (LOG.body(5, 9), fork.body(5, 5)):
        assert ask("POST", "/witness/add-checkpoint", again).status == 403
    assert len(node.own.accused) == 1  # type: ignore[attr-defined]
    assert ask("GET", shown).body == LOG.note(5) + signed.body


def test_a_fork_is_told_whatever_size_its_sender_believes_us_to_have(node: Node) -> None:
    post(node, LOG.body(0, 5))
    told = []
    fork = GrowingLog(fork=4)
    body = fork.body(3, 5)
    answer = witness.add_checkpoint(node, body, NOW, lambda _n, _r, note: told.append(note))
    assert (answer.status, told) == (409, [fork.note(5)])


def test_a_fork_that_grew_is_refused_but_proves_nothing(node: Node) -> None:
    post(node, LOG.body(0, 5))
    assert post(node, GrowingLog(fork=4).body(5, 9)).status == 422
    assert row(node).frozen is None


def test_the_answer_within_one_second_is_the_same_and_costs_no_token(node: Node) -> None:
    first = post(node, LOG.body(0, 5))
    for _ in range(300):
        assert post(node, LOG.body(5, 5)) == first
    assert post(node, LOG.body(5, 5), NOW + 1).body != first.body


def test_floods(node: Node) -> None:
    nobody = GrowingLog("nobody.example").body(0, 5)
    statuses = [post(node, nobody).status for _ in range(210)]
    assert statuses == [404] * 200 + [429] * 10
    assert post(node, nobody).headers["retry-after"] == "1"
    assert post(node, LOG.body(0, 1)).status == 429, "a log that was never met is unknown like others"
    assert post(node, LOG.body(0, 1), NOW + 1).status == 200
    grown = [post(node, LOG.body(size, size + 1), NOW + 1).status for size in range(1, 120)]
    assert grown == [200] * 99 + [429] + [409] * 19
    assert post(node, LOG.body(100, 101), NOW + 2).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"old 0\n\n",
        b"old 0\n" + LOG.note(5),
        LOG.body(0, 5)[:-1],
        LOG.body(0, 5).replace(b"old 0", b"old 00"),
        LOG.body(0, 5).replace(b"old 0", b"old -1"),
        LOG.body(0, 5).replace(b"old 0", b"old"),
        LOG.body(0, 5).replace(b"old 0", b"0"),
        LOG.body(0, 5).replace(b"old 0", b"old 9223372036854775808"),
        LOG.body(0, 5).replace(b"old 0\n", b"old 0\r\n"),
        LOG.body(3, 5).replace(b"\n\n", b"=\n\n", 1),
        LOG.body(3, 5, [bytes(31)]),
        LOG.body(3, 5, [bytes(32)] * 64),
        LOG.body(0, 5, note=b"other.example/log\n5\n" + LOG.note(5)),
        LOG.body(0, 5) + b"more\n",
    ],
)
def test_malformed(node: Node, body: bytes) -> None:
    assert post(node, LOG.body(0, 5)).status == 200
    answer = post(node, body)
    assert (answer.status, answer.media_type) == (400, "application/problem+json")


def test_too_long(node: Node) -> None:
    assert post(node, LOG.body(0, 5, note=LOG.note(5) + b"\n" * witness.LIMIT)).status == 413


PARTS = st.lists(
    st.sampled_from(
        [
            b"old 0\n",
            b"old 5\n",
            b"\n",
            LOG.origin.encode() + b"\n",
            b"5\n",
            b"0\n",
            b"AAAA\n",
            LOG.note(5),
            LOG.note(5)[:-3],
            LOG.note(9),
            GrowingLog("nobody").note(5),
            "— a b\n".encode(),
        ]
    )
    | st.binary(max_size=40),
    max_size=8,
).map(b"".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    body=PARTS, old=st.integers(0, 9), new=st.integers(0, 9), cut=st.integers(0, 300), flip=st.integers(0, 7)
)
def test_hostile_bodies_get_an_answer(
    node: Node, body: bytes, old: int, new: int, cut: int, flip: int
) -> None:
    fill_buckets()
    right = bytearray(LOG.body(min(old, new), new))
    right[cut % len(right)] ^= 1 << flip
    for data in (body, b"old 0\n\n" + body, bytes(right), bytes(right[:cut])):
        assert post(node, data).status in ALLOWED


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=12))
def test_the_row_never_shrinks_and_what_was_signed_is_one_history(
    node: Node, steps: list[tuple[int, int]]
) -> None:
    fill_buckets()
    for old, new in steps:
        before = seen_size(node)
        answer = post(node, LOG.body(min(old, new), new), NOW + new)
        after = seen_size(node)
        assert (answer.status == 200) == (min(old, new) == before)
        assert after == (new if answer.status == 200 else before)


def seen_size(node: Node) -> int:
    with node.db.read() as conn:
        found = seen.get(conn, LOG.origin)
    return 0 if found is None else found.size


@pytest.mark.parametrize("forked", [False, True])
def test_of_two_that_race_one_wins(tmp_path: Path, forked: bool) -> None:
    """Real threads, a real file; with two histories, the loser is found to be the fork."""
    node = witness_node(tmp_path, LOG)
    others = [GrowingLog(fork=4 + i) if forked else LOG for i in range(8)]
    told: list[bytes] = []
    for round_ in range(4):
        start, end = 20 * round_, 20 * round_ + 20
        barrier = Barrier(8)
        answers: list[Any] = [None] * 8

        def ask(
            i: int,
            start: int = start,
            end: int = end,
            barrier: Barrier = barrier,
            answers: list[Any] = answers,
        ) -> None:
            barrier.wait()
            # Everybody read the row before anybody wrote it, more often than not.
            size = end if forked else end - i
            body = others[i].body(start, size, others[0].proof(start, size) if forked else None)
            try:
                given = witness.add_checkpoint(node, body, NOW, lambda _n, _r, n: told.append(n))
                answers[i] = given.status
            except GovernanceError as e:
                answers[i] = e.status

        threads = [Thread(target=ask, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers.count(200) == 1, answers
        if forked:
            assert len(told) == 7
            break
        assert sorted(answers)[1:] == [409] * 7
        seen_at = row(node).size
        assert start < seen_at <= end
        if seen_at != end:
            post(node, LOG.body(seen_at, end))
    node.db.close()  # type: ignore[attr-defined]


def test_the_last_cosigned_checkpoint(node: Node) -> None:
    name = sha256(LOG.origin.encode()).hexdigest()
    with node.db.read() as conn:
        assert seen.find(conn, name) is None
    with node.db.write() as conn:
        seen.learn(conn, seen.SeenRow(LOG.origin, LOG.vkey, None))
        assert seen.find(conn, name) is None, "it is known, and not cosigned"
    answer = post(node, LOG.body(0, 5))
    with node.db.write() as conn:
        # Seen by pulling, not cosigned: what we cosigned last stays what it was.
        assert seen.advance(conn, LOG.origin, 5, size=9, root=LOG.root(9), note=LOG.note(9), now=NOW)
        found = seen.find(conn, name)
    assert found is not None
    assert found.cosigned == LOG.note(5) + answer.body
    assert (found.size, found.note) == (9, LOG.note(9))
    again = post(node, LOG.body(9, 9))
    assert again.status == 200
    assert row(node).cosigned == LOG.note(9) + again.body


def test_rows(node: Node) -> None:
    with node.db.write() as conn:
        seen.learn(conn, seen.SeenRow("a", LOG.vkey, "peer"))
        seen.learn(conn, seen.SeenRow("a", "other", None))
        assert seen.get(conn, "a") == seen.SeenRow("a", LOG.vkey, "peer")
        step = {"root": b"r" * 32, "note": b"n", "now": NOW}
        assert seen.advance(conn, "a", 0, size=4, **step)
        assert not seen.advance(conn, "a", 0, size=5, **step)
        assert not seen.advance(conn, "a", 4, size=3, **step)
        assert not seen.advance(conn, "a", 4, size=4, **{**step, "root": b"s" * 32})
        assert seen.advance(conn, "a", 4, size=4, **step)
        assert not seen.advance(conn, "b", 0, size=4, **step)
        seen.freeze(conn, "a", "one")
        seen.freeze(conn, "a", "two")
        assert not seen.advance(conn, "a", 4, size=5, **step)
        found = seen.get(conn, "a")
    assert found is not None
    assert (found.frozen, found.size) == ("one", 4)


def test_lines_of_the_answer_are_ours(node: Node) -> None:
    answer = post(node, LOG.body(0, 5))
    lines = parse_note(LOG.note(5) + answer.body).signatures
    assert [line.name for line in lines] == [LOG.origin, "us.example/witness"]
    assert Ed25519Verifier(LOG.signer.key).verify(parse_note(LOG.note(5)).text, lines[0].signature)
