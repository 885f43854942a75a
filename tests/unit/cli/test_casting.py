"""A service that lies about a vote is found out before the voter is thanked."""

import base64
from pathlib import Path

import httpx
import msgspec
import pytest

from governance.cli import casting, publiclog, receipts
from governance.cli.client import Client
from governance.cli.publiclog import WholeLog
from governance.cli.signing import of, signed
from governance.errors import BadProof, BadSignature, MalformedAnswer, NotOnRoll
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.merkle import leaf_hash, root
from governance.log.proofs import verify_inclusion
from governance.log.receipt import Receipt
from governance.service.answers import VoteRecorded
from governance.signing.keyfile import Ed25519Key
from governance.signing.note import Ed25519Signer
from governance.statements.vote import Vote

ORIGIN = "vote.example.org/spaces/nix/ballots/q1"
LOG = Ed25519Signer(ORIGIN, bytes(32))
VOTER = of(Ed25519Key(bytes([1]) * 32))


def vote(mark="a"):
    return signed(Vote(ORIGIN, "sha256:" + "0" * 64, VOTER.member_id, {"q": [mark]}, 100), VOTER)


def log_of(entries, signer=LOG, origin=ORIGIN):
    checkpoint = Checkpoint(origin, len(entries), root([leaf_hash(e) for e in entries]))
    return checkpoint, sign_checkpoint(checkpoint, [signer])


def proof(entries, index, **log):
    """The receipt of an entry in a log of two."""
    other = leaf_hash(entries[1 - index])
    checkpoint, note = log_of(entries, **log)
    verify_inclusion(index, 2, leaf_hash(entries[index]), [other], checkpoint.root)
    return bytes(Receipt(index, (other,), note))


def answer(envelope, **changes):
    """What an honest service answers, with changes."""
    entries = [b"something before", envelope]
    honest = VoteRecorded(
        index=1,
        digest="sha256:" + "1" * 64,
        voter=VOTER.member_id,
        receipt=proof(entries, 1).decode(),
        entry=base64.b64encode(envelope).decode(),
        vkey=str(LOG.key),
        closes_at=200,
        replaces=None,
    )
    return msgspec.structs.replace(honest, **changes)


def send(said, envelope):
    def handler(_request):
        return httpx.Response(201, content=msgspec.json.encode(said))

    with Client("https://vote.example.org", transport=httpx.MockTransport(handler)) as client:
        return casting.send(client, "nix", "q1", envelope)


def test_an_honest_answer_is_kept_and_checks_offline(tmp_path):
    cast = send(answer(vote()), vote())
    path = casting.keep(tmp_path, "q1", cast, VOTER)
    assert path.name == "q1-1.tlog-proof"
    kept = receipts.load(path)
    assert kept.verify().index == 1
    assert kept.check_signature() == "ed25519"
    assert not path.with_suffix(".signer").exists()
    assert casting.keep(tmp_path, "q1", cast, VOTER) == path


def test_the_receipt_of_another_vote():
    with pytest.raises(BadProof, match="another vote"):
        send(answer(vote("b")), vote("a"))


def test_a_receipt_that_proves_another_entry():
    said = answer(vote(), receipt=proof([vote("b"), vote("c")], 1).decode())
    with pytest.raises(BadProof):
        send(said, vote())


def test_a_receipt_at_another_place_than_said():
    with pytest.raises(BadProof, match="entry 1"):
        send(answer(vote(), index=0), vote())


def test_a_receipt_of_another_log():
    other = "vote.example.org/spaces/nix/ballots/q2"
    signer = Ed25519Signer(other, bytes(32))
    receipt = proof([b"before", vote()], 1, signer=signer, origin=other).decode()
    with pytest.raises(BadProof, match="of the log"):
        send(answer(vote(), receipt=receipt, vkey=str(signer.key)), vote())


def test_a_head_signed_by_another_key():
    with pytest.raises(BadSignature):
        send(answer(vote(), vkey=str(Ed25519Signer(ORIGIN, bytes([7]) * 32).key)), vote())


def test_an_entry_that_is_not_base64():
    with pytest.raises(MalformedAnswer):
        send(answer(vote(), entry="?"), vote())


def test_a_second_receipt_of_the_same_name_gets_another_one(tmp_path):
    first = casting.keep(tmp_path, "q1", send(answer(vote("a")), vote("a")))
    second = casting.keep(tmp_path, "q1", send(answer(vote("b")), vote("b")))
    assert first != second
    assert receipts.load(first).entry == vote("a")
    assert receipts.load(second).entry == vote("b")
    assert receipts.listed(tmp_path) == sorted([first, second])
    assert receipts.listed(Path("/nowhere")) == []


def test_a_signature_that_is_not_the_voter_s(tmp_path):
    forged = signed(Vote(ORIGIN, "sha256:" + "0" * 64, VOTER.member_id, {"q": ["a"]}, 100), VOTER)
    other = signed(Vote(ORIGIN, "sha256:" + "0" * 64, VOTER.member_id, {"q": ["b"]}, 100), VOTER)
    mixed = forged.replace(forged.split(b'"sig":"')[1][:80], other.split(b'"sig":"')[1][:80])
    path = receipts.save(tmp_path, "q1-1", proof([b"x", mixed], 1), mixed, str(LOG.key))
    kept = receipts.load(path)
    assert kept.verify().index == 1
    with pytest.raises(BadSignature):
        kept.check_signature()


# --- receipts against the final log


def whole(entries):
    checkpoint, note = log_of(entries)
    return WholeLog(note, checkpoint, (), tuple(entries))


def test_what_a_final_log_does_not_bear_out():
    entries = [b"a", b"b", b"c"]
    log = whole(entries)
    early, _ = log_of(entries[:2])
    forked, _ = log_of([b"a", b"x"])
    beyond = Checkpoint(ORIGIN, 9, bytes(32))
    proofs = [
        (1, b"b", early),
        (1, b"x", early),
        (0, b"a", forked),
        (2, b"c", log.checkpoint),
        (2, b"c", beyond),
        (7, b"c", log.checkpoint),
    ]
    assert publiclog.unproven(log, proofs) == [1, 2, 4, 5]


def test_roots_of_earlier_sizes():
    entries = [bytes([i]) for i in range(7)]
    found = whole(entries).roots(range(8))
    assert found == {n: root([leaf_hash(e) for e in entries[:n]]) for n in range(8)}


def test_a_refusal_reaches_the_voter_as_it_is():
    def handler(_request):
        return httpx.Response(403, json={"code": "not-on-roll", "detail": "not on the roll"})

    transport = httpx.MockTransport(handler)
    with Client("https://vote.example.org", transport=transport) as client, pytest.raises(NotOnRoll):
        casting.send(client, "nix", "q1", vote())
