"""Cosignatures of our checkpoints: what is kept, what is refused, and what is published of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from governance import limits
from governance.errors import BadSignature, Behind, GovernanceError, NotFound
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.cosignature import Ed25519Cosigner, cosign, open_cosigned, verifier_for
from governance.log.policy import Policy, PolicyLog, parse_policy
from governance.log.receipt import parse_receipt, verify_receipt
from governance.service import cosigned, publishing, receipts
from governance.service.log_keys import LogKeys
from governance.signing.note import NoteSignature, add_signatures, parse_note, parse_vkey
from governance.store import cosigned as rows
from governance.store import entries
from tests.support.cosigners import (
    ONE,
    STRANGER,
    THREE,
    TWO,
    cosigned_by,
    policy_text,
    quantum_witness,
    verifiers,
    witness,
)
from tests.support.people import key, recorded
from tests.support.service import NOW, Running, running

BALLOT = "/api/v1/spaces/nix/ballots/q1"


def head_of(live: Running, origin: str | None = None):
    with live.service.store.read() as conn:
        return entries.head(conn, origin or live.community.origin)


def stored(live: Running, origin: str | None = None):
    with live.service.store.read() as conn:
        return rows.from_size(conn, entries.head(conn, origin or live.community.origin).id)


def collect(live: Running, *witnesses, note: bytes | None = None, now: int = NOW, origin: str | None = None):
    """The witnesses cosign the checkpoint (the present one unless another is given)."""
    head = head_of(live, origin)
    noted = cosigned_by(note or head.checkpoint, now, *witnesses)
    cosigned.record(live.service, head.origin, noted, verifiers(*witnesses))
    return head


def public(live: Running, path: str) -> bytes:
    with live.service.store.snapshot() as conn:
        return publishing.log_file(conn, live.service.states.base, path).data


def names(note: bytes) -> list[str]:
    return [line.name for line in parse_note(note).signatures]


def test_lines_come_together_under_one_checkpoint(live):
    head = collect(live, ONE)
    collect(live, TWO, THREE)
    (kept,) = stored(live)
    opened = open_cosigned(kept.note, [verifier_for(parse_vkey(head.vkey))], verifiers(ONE, TWO, THREE))
    assert (opened.checkpoint.size, opened.checkpoint.root) == (head.size, head.root)
    assert {c.key for c in opened.cosignatures} == {ONE.key, TWO.key, THREE.key}
    assert public(live, "spaces/nix/checkpoint") == public(live, "spaces/nix/cosigned") == kept.note
    with live.service.store.read() as conn:
        assert [s.name for s in cosigned.lines_at(conn, head, head.size)] == names(kept.note)[1:]
        assert cosigned.lines_at(conn, head, head.size - 1) == ()


def test_only_told_verifiers_and_only_cosigners_count(lite):
    head = head_of(lite)
    note = cosigned_by(head.checkpoint, NOW, ONE, STRANGER)
    cosigned.record(lite.service, head.origin, note, [])
    assert stored(lite) == []
    cosigned.record(lite.service, head.origin, note, [verifier_for(parse_vkey(head.vkey))])
    assert stored(lite) == []
    cosigned.record(lite.service, head.origin, note, verifiers(ONE))
    assert [names(kept.note) for kept in stored(lite)] == [[head.origin, ONE.key.name]]


def test_a_wrong_line_of_a_told_verifier_rejects_all(lite):
    head = head_of(lite)
    line = cosign(head.checkpoint.split(b"\n\n")[0] + b"\n", ONE, NOW)
    bad = NoteSignature(line.name, line.key_id, line.signature[:-1] + bytes([line.signature[-1] ^ 1]))
    note = add_signatures(cosigned_by(head.checkpoint, NOW, TWO), [bad])
    with pytest.raises(BadSignature):
        cosigned.record(lite.service, head.origin, note, verifiers(ONE, TWO))
    assert stored(lite) == []


def test_a_note_that_our_log_did_not_sign_is_refused(lite):
    head = head_of(lite)
    text = Checkpoint(head.origin, head.size, head.root)
    forged = sign_checkpoint(text, [ONE.at(NOW)])
    with pytest.raises(BadSignature):
        cosigned.record(lite.service, head.origin, forged, verifiers(ONE))
    with pytest.raises(NotFound):
        cosigned.record(lite.service, "elsewhere.example/log", forged, verifiers(ONE))


@pytest.mark.parametrize("more", [0, 1], ids=["another root", "a larger tree"])
def test_our_own_signature_on_what_we_do_not_have_is_an_alarm(lite, caplog, more):
    head = head_of(lite)
    signer = LogKeys(lite.service.data_dir).load(head.origin)
    note = sign_checkpoint(Checkpoint(head.origin, head.size + more, bytes(32)), [signer])
    with pytest.raises(Behind) as caught:
        cosigned.record(lite.service, head.origin, cosigned_by(note, NOW, ONE), verifiers(ONE))
    assert caught.value.facts == {"origin": head.origin, "size": head.size, "seen": head.size + more}
    assert "our signature" in caplog.text
    assert stored(lite) == []


def test_the_root_of_an_earlier_size_is_recomputed(lite):
    signer = LogKeys(lite.service.data_dir).load(lite.community.origin)
    early = head_of(lite)
    lite.community.enrol(*(key(200 + i) for i in range(5)))
    collect(lite, ONE, note=early.checkpoint)
    assert [kept.size for kept in stored(lite)] == [early.size]
    wrong = sign_checkpoint(Checkpoint(early.origin, early.size, bytes(32)), [signer])
    with pytest.raises(Behind):
        cosigned.record(lite.service, early.origin, cosigned_by(wrong, NOW, ONE), verifiers(ONE))
    # The present checkpoint has no line yet, the older one is what the file `cosigned` shows.
    assert public(lite, "spaces/nix/checkpoint") == head_of(lite).checkpoint
    assert names(public(lite, "spaces/nix/cosigned"))[1:] == [ONE.key.name]


def test_the_first_line_of_a_key_stays(lite):
    collect(lite, ONE, now=NOW)
    (first,) = stored(lite)
    collect(lite, ONE, now=NOW + 50)
    assert stored(lite) == [first]


def test_few_sizes_are_kept(lite):
    for number in range(rows.KEPT + 3):
        lite.community.enrol(key(300 + number))
        collect(lite, ONE)
    sizes = [kept.size for kept in stored(lite)]
    last = head_of(lite).size
    assert sizes == list(range(last, last - rows.KEPT, -1))


def open_ballot(live: Running, policy: str):
    community = live.community
    community.open(community.definition(witness_policy=policy))
    return f"{community.origin}/ballots/q1"


def test_the_newest_that_satisfies_the_policy_is_kept_and_shown(lite):
    origin = open_ballot(lite, policy_text(ONE, TWO))
    enough = collect(lite, ONE, TWO, origin=origin)
    for turn in range(rows.KEPT + 2):
        recorded(lite.community.cast(key(100), ["a"], cast_at=NOW - 50 + turn))
        collect(lite, ONE, origin=origin)
    kept = stored(lite, origin)
    assert [n.final for n in kept] == [True] + [False] * rows.KEPT
    assert kept[0].size == enough.size
    assert public(lite, "spaces/nix/ballots/q1/cosigned") == kept[0].note


def test_a_key_that_passes_for_one_of_the_policy_is_left_out(lite):
    """Ids have four bytes: a second key of the same name and id can be searched for."""
    origin = open_ballot(lite, policy_text(ONE))
    twin = Ed25519Cosigner(ONE.key.name, bytes(range(32)))
    object.__setattr__(twin.key, "key_id", ONE.key.key_id)
    head = head_of(lite, origin)
    note = cosigned_by(head.checkpoint, NOW, twin)
    cosigned.record(lite.service, origin, note, verifiers(twin))
    assert stored(lite, origin) == []


def test_a_note_is_filled_with_those_asked_for_first(lite):
    origin = open_ballot(lite, policy_text(ONE, TWO))
    crowd = [quantum_witness(f"w{n}.example/witness", 400 + n) for n in range(45)]
    collect(lite, *crowd[:30], origin=origin)
    collect(lite, *crowd[30:], origin=origin)
    collect(lite, ONE, TWO, origin=origin)
    (kept,) = stored(lite, origin)
    assert kept.final
    assert len(kept.note) <= limits.NOTE
    assert names(kept.note)[1:3] == [ONE.key.name, TWO.key.name]
    assert 30 < len(names(kept.note)) < 45
    crowd = [witness(f"x{n}.example/witness", 500 + n) for n in range(63)]
    collect(lite, *crowd)
    collect(lite, witness("last.example/witness", 999))
    (kept,) = stored(lite)
    assert len(parse_note(kept.note).signatures) == limits.NOTE_SIGNATURES


def test_nothing_is_kept_of_a_transaction_that_fails(lite, monkeypatch):
    collect(lite, ONE)
    before = stored(lite)

    def fail(*_args, **_options):
        raise RuntimeError("killed")

    monkeypatch.setattr(sa, "delete", fail)
    with pytest.raises(RuntimeError):
        collect(lite, TWO)
    monkeypatch.undo()
    assert stored(lite) == before
    collect(lite, TWO)
    assert len(names(stored(lite)[0].note)) == 3


def test_a_restart_knows_the_cosignatures(tmp_path):
    with running(tmp_path / "data") as first:
        collect(first, ONE)
        before = stored(first)
    with running(tmp_path / "data", found=False) as again:
        with again.service.store.read() as conn:
            (space,) = (head for head in entries.heads(conn) if head.kind == "space")
        assert stored(again, space.origin) == before


def test_lines_that_arrive_at_once_are_all_kept(live):
    crowd = [witness(f"c{n}.example/witness", 700 + n) for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda each: collect(live, each), crowd))
    (kept,) = stored(live)
    assert set(names(kept.note)[1:]) == {each.key.name for each in crowd}


def test_listeners_hear_of_cosignatures(lite):
    heard = []
    lite.service.feed.listen(lite.community.origin, lambda: heard.append(1))
    head = collect(lite, ONE)
    collect(lite, ONE)
    assert heard == [1]
    assert lite.service.feed.cosignings(head.origin) == (head.size, 1)


def test_receipts_carry_the_best_cosignatures_that_cover_the_entry(lite):
    text = policy_text(ONE, TWO)
    origin = open_ballot(lite, text)
    recorded(lite.community.cast(key(100), ["a"]))
    enough = collect(lite, ONE, TWO, origin=origin)
    recorded(lite.community.cast(key(101), ["b"]))
    one = collect(lite, ONE, origin=origin)
    recorded(lite.community.cast(key(102), ["b"]))
    wanted = parse_policy(text.encode())
    wanted = Policy((PolicyLog(parse_vkey(enough.vkey)),), wanted.witnesses, wanted.groups, wanted.quorum)
    sizes = {}
    for index in range(6):
        data = lite.client.get(f"{BALLOT}/receipts/{index}").content
        entry = lite.client.get(f"{BALLOT}/entries/{index}").content
        policy = wanted if index < enough.size else Policy(logs=wanted.logs)
        verified = verify_receipt(parse_receipt(data), entry, policy)
        sizes[index] = verified.cosigned.checkpoint.size
    assert sizes == {0: 4, 1: 4, 2: 4, 3: 4, 4: 5, 5: 6}
    assert (enough.size, one.size) == (4, 5)


def test_without_a_policy_more_cosignatures_are_the_better_receipt(lite):
    more = collect(lite, ONE, TWO)
    lite.community.enrol(key(600))
    collect(lite, ONE)
    receipt = parse_receipt(receipts.stored(lite.service.store, more.origin, 0).encode())
    assert names(receipt.checkpoint)[1:] == [ONE.key.name, TWO.key.name]


def test_a_space_may_be_called_like_a_file(lite):
    with pytest.raises(NotFound, match="there is no log"):
        public(lite, "spaces/checkpoint/checkpoint")
    with pytest.raises(NotFound, match="nobody has cosigned"):
        public(lite, "spaces/nix/cosigned")
    assert lite.client.get("/logs/spaces/nix/cosigned").status_code == 404
    for path in ("checkpoint", "spaces/nix", "spaces/nix/", "spaces/nix/tile", "spaces//checkpoint"):
        with pytest.raises(GovernanceError):
            public(lite, path)


def test_an_export_holds_both(lite, tmp_path):
    head = collect(lite, ONE)
    publishing.export(lite.service.store, tmp_path / "out")
    folder = tmp_path / "out" / "logs" / "spaces" / "nix"
    assert (folder / "cosigned").read_bytes() == (folder / "checkpoint").read_bytes()
    assert names((folder / "cosigned").read_bytes()) == [head.origin, ONE.key.name]
    assert not (tmp_path / "out" / "logs" / "instance" / "cosigned").exists()
