"""A ballot's log refuses what breaks a rule and folds the rest."""

from __future__ import annotations

import msgspec
import pytest

from governance.counting.threshold import Threshold
from governance.errors import (
    AlreadyExists,
    BadSignature,
    BallotClosed,
    BallotNotOpen,
    InvalidAnswer,
    InvalidDefinition,
    InvalidStatement,
    NotAuthorised,
    NotOnRoll,
    Refused,
    StaleVote,
    Unsupported,
    WrongBallot,
    WrongSuite,
)
from governance.log.cosignature import Ed25519Cosigner
from governance.replay.result import compute_result, result_bytes, winners_of
from governance.signing.note import Ed25519Signer
from governance.statements.ballot import NonceHolder
from governance.statements.closing import Cancellation, Extension, NonceReveal
from governance.statements.space import Quorum
from governance.statements.vote import Dispute, NonceCommitment, Ruling
from tests.support.world import NOW, World, key, public, signed

_LOG, _W = Ed25519Signer("log.example", bytes(32)).key, Ed25519Cosigner("w.example", bytes(32)).key


@pytest.fixture
def world() -> World:
    return World()


def refused(log, entry, error, pointer=None):
    """The entry is refused and the state is as before."""
    size, accepted = log.state.size, log.state.casts.accepted
    with pytest.raises(error) as caught:
        log.add(entry)
    assert (log.state.size, log.state.casts.accepted) == (size, accepted)
    if pointer is not None:
        assert caught.value.pointer == pointer
    return caught.value


def test_the_last_vote_counts(world):
    log = world.ballot()
    alice, bob, _ = world.voters
    log.add(signed(world.vote(log, alice, ["a"]), alice))
    log.add(signed(world.vote(log, bob, ["b"]), bob))
    changed = log.add(signed(world.vote(log, alice, ["b", "c"], NOW + 61), alice))
    assert log.state.casts.counting_index(alice.member_id) == changed
    log.add(signed(world.closing(log), world.service))
    result = compute_result(log.state, b"\0" * 32)
    assert result.questions[0].outcome.totals == {"b": "2", "c": "1", "a": "0"}
    assert (result.votes_accepted, result.votes_replaced, result.voters) == (3, 1, 2)
    assert winners_of(result) == {"q": ["b"]}
    assert result_bytes(result) == result_bytes(compute_result(log.state, b"\0" * 32))


def test_the_lot_depends_on_the_opening_root(world):
    log = world.ballot()
    log.add(signed(world.closing(log), world.service))
    lots = {tuple(compute_result(log.state, bytes([n]) * 32).questions[0].outcome.lot) for n in range(30)}
    assert len(lots) > 1


def test_a_vote_signed_by_another_is_refused(world):
    log = world.ballot()
    alice, bob, _ = world.voters
    forged = signed(world.vote(log, alice, ["a"]), bob)
    refused(log, forged, BadSignature)
    # Bob's signature under Alice's key id.
    genuine = signed(world.vote(log, alice, ["a"]), alice)
    swapped = msgspec.structs.replace(genuine.envelope.signatures[0], sig=forged.envelope.signatures[0].sig)
    envelope = msgspec.structs.replace(genuine.envelope, signatures=(swapped,))
    from governance.signing.envelope import normalise
    from governance.statements.entry import read_entry

    refused(log, read_entry(normalise(envelope)), BadSignature, "/signatures/0/sig")
    long = msgspec.structs.replace(swapped, sig=b"SSHSIG" + bytes(100))
    refused(log, read_entry(normalise(msgspec.structs.replace(envelope, signatures=(long,)))), WrongSuite)


def test_a_vote_with_a_second_signature_is_refused(world):
    log = world.ballot()
    alice, bob, _ = world.voters
    refused(log, signed(world.vote(log, alice, ["a"]), alice, bob), InvalidStatement, "/signatures")


def test_strangers_and_strange_votes_are_refused(world):
    log = world.ballot()
    alice = world.voters[0]
    stranger = key(999)
    refused(log, signed(world.vote(log, stranger, ["a"]), stranger), NotOnRoll, "/voter")
    refused(log, signed(world.vote(log, alice, ["zz"]), alice), InvalidAnswer, "/answers/q/0")
    refused(
        log, signed(world.vote(log, alice, ["a"], answers={"x": ["a"]}), alice), InvalidAnswer, "/answers/x"
    )
    refused(
        log, signed(world.vote(log, alice, ["a"], ballot="other.example/b"), alice), WrongBallot, "/ballot"
    )
    other = "sha256:" + "0" * 64
    refused(log, signed(world.vote(log, alice, ["a"], definition=other), alice), WrongBallot, "/definition")
    refused(log, signed(world.vote(log, alice, ["a"], NOW + 10**6), alice), InvalidStatement, "/cast_at")


def test_duplicates_and_stale_votes(world):
    log = world.ballot()
    alice = world.voters[0]
    first = signed(world.vote(log, alice, ["a"], NOW + 10), alice)
    index = log.add(first)
    assert refused(log, first, AlreadyExists).facts["index"] == index
    log.add(signed(world.vote(log, alice, ["b"], NOW + 20), alice))
    assert refused(log, first, AlreadyExists).facts["index"] == index
    refused(log, signed(world.vote(log, alice, ["c"], NOW + 15), alice), StaleVote, "/cast_at")
    log.add(signed(world.vote(log, alice, ["c"], NOW + 20), alice))


def test_no_vote_before_opening_or_after_close(world):
    log = world.ballot(opened=False)
    alice = world.voters[0]
    refused(log, signed(world.vote(log, alice, ["a"]), alice), BallotNotOpen)
    log.add(signed(world.opening(log), world.service))
    log.add(signed(world.closing(log), world.service))
    error = refused(log, signed(world.vote(log, alice, ["a"]), alice), BallotClosed)
    assert error.facts["closed_at"] == NOW + 86_400


def test_the_roll_must_be_the_members(world):
    log = world.ballot(opened=False)
    fewer = world.opening(log)
    fewer = msgspec.structs.replace(fewer, electorate=msgspec.structs.replace(fewer.electorate, count=2))
    refused(log, signed(fewer, world.service), InvalidStatement, "/electorate")
    late = key(500)
    world.space.add(signed(world.enrolment(late), late, world.steward))
    # The space has a member more than the pages: the roll no longer matches it.
    stale = msgspec.structs.replace(world.opening(log), electorate=log.state.roll.summary())
    refused(log, signed(stale, world.service), InvalidStatement, "/electorate")


def test_only_the_service_opens_and_closes(world):
    log = world.ballot(opened=False)
    refused(log, signed(world.opening(log), world.steward), NotAuthorised)
    refused(log, signed(world.opening(log, opened_at=NOW - 1), world.service), InvalidStatement, "/opened_at")
    refused(
        log, signed(world.opening(log, opened_at=NOW + 86_400), world.service), InvalidStatement, "/opened_at"
    )
    log.add(signed(world.opening(log), world.service))
    refused(log, signed(world.closing(log), world.steward), NotAuthorised)
    refused(log, signed(world.closing(log, closed_at=NOW + 5), world.service), InvalidStatement, "/closed_at")
    refused(log, signed(world.closing(log, votes=7), world.service), InvalidStatement, "/votes")


def test_closing_early_needs_a_recorded_order(world):
    log = world.ballot()
    invented = "sha256:" + "1" * 64
    refused(
        log,
        signed(world.closing(log, order=invented, closed_at=NOW + 5), world.service),
        InvalidStatement,
        "/order",
    )
    order = world.order(log, "close")
    log.add(signed(world.closing(log, order=order, closed_at=NOW + 5), world.service))
    strict = World()
    log = strict.ballot(strict.definition(early_close="never"))
    order = strict.order(log, "close")
    refused(
        log,
        signed(strict.closing(log, order=order, closed_at=NOW + 5), strict.service),
        InvalidStatement,
        "/order",
    )


def test_an_extension_happens_once_and_only_without_quorum(world):
    quorum = Quorum(Threshold(2, 3, False), abstentions_count=False)
    definition = world.definition(quorum=quorum, extension=3_600)
    log = world.ballot(definition)
    alice, bob, carol = world.voters
    digest = log.entries[0].identity
    origin = log.state.origin
    late = Extension(origin, digest, NOW + 90_000, NOW + 86_400)
    refused(
        log, signed(msgspec.structs.replace(late, closes_at=NOW + 99_000), world.service), InvalidStatement
    )
    refused(log, signed(msgspec.structs.replace(late, extended_at=NOW), world.service), InvalidStatement)
    log.add(signed(world.vote(log, alice, ["a"]), alice))
    log.add(signed(world.vote(log, bob, None), bob))
    assert not log.state.quorum_met()  # a blank vote does not count towards this quorum
    log.add(signed(world.vote(log, bob, ["a"], NOW + 60), bob))
    assert log.state.quorum_met()
    log.add(signed(world.vote(log, bob, None, NOW + 61), bob))
    assert not log.state.quorum_met()
    log.add(signed(late, world.service))
    refused(log, signed(late, world.service), InvalidStatement)
    refused(log, signed(world.closing(log), world.service), InvalidStatement, "/closed_at")
    log.add(signed(world.vote(log, carol, ["b"], NOW + 87_000), carol))
    assert log.state.quorum_met()
    log.add(signed(world.closing(log, closed_at=NOW + 90_000), world.service))
    assert compute_result(log.state, b"\0" * 32).quorum == "met"


def test_a_missed_quorum_decides_nothing(world):
    log = world.ballot(world.definition(quorum=Quorum(Threshold(2, 3, False), abstentions_count=True)))
    alice = world.voters[0]
    log.add(signed(world.vote(log, alice, ["a"]), alice))
    log.add(signed(world.closing(log), world.service))
    result = compute_result(log.state, b"\0" * 32)
    assert result.quorum == "missed"
    assert winners_of(result) == {"q": []}
    assert result.questions[0].outcome.totals["a"] == "1"


def test_nonces_are_committed_before_and_revealed_after(world):
    from governance.canonical import sha256

    holder = key(50)
    log = world.ballot(
        world.definition(nonce_holders=[NonceHolder(holder.member_id, public(holder))]), opened=False
    )
    digest = log.entries[0].identity
    nonce = bytes(range(32))
    log.add(signed(NonceCommitment(digest, holder.member_id, sha256(nonce).hex(), NOW), holder))
    again = NonceCommitment(digest, holder.member_id, sha256(b"x").hex(), NOW)
    refused(log, signed(again, holder), Refused)
    log.add(signed(world.opening(log), world.service))
    reveal = NonceReveal(digest, holder.member_id, nonce.hex(), NOW + 90_000)
    refused(log, signed(reveal, holder), InvalidStatement)
    log.add(signed(world.closing(log), world.service))
    unrevealed = compute_result(log.state, b"\0" * 32)
    assert unrevealed.nonces_missing == [holder.member_id]
    wrong = msgspec.structs.replace(reveal, nonce="ab" * 32)
    refused(log, signed(wrong, holder), InvalidStatement, "/nonce")
    log.add(signed(reveal, holder))
    assert compute_result(log.state, b"\0" * 32).lot_seed != unrevealed.lot_seed


def test_a_cancelled_ballot_takes_no_votes(world):
    log = world.ballot()
    digest = log.entries[0].identity
    order = world.order(log, "cancel")
    wrong = Cancellation(
        log.state.origin, digest, order, world.steward.member_id, "another reason", NOW + 200
    )
    refused(log, signed(wrong, world.service), InvalidStatement, "/reason")
    log.add(signed(msgspec.structs.replace(wrong, reason="because"), world.service))
    alice = world.voters[0]
    refused(log, signed(world.vote(log, alice, ["a"]), alice), BallotClosed)


def test_disputes_and_rulings(world):
    log = world.ballot()
    alice = world.voters[0]
    digest = log.entries[0].identity
    log.add(signed(world.closing(log), world.service))
    dispute = Dispute(log.state.origin, digest, 0, "the text changed", alice.member_id, NOW)
    refused(log, signed(msgspec.structs.replace(dispute, entry=99), alice), InvalidStatement, "/entry")
    entry = signed(dispute, alice)
    log.add(entry)
    ruling = Ruling(
        log.state.origin, digest, entry.identity, "rejected", "it did not", world.steward.member_id, NOW
    )
    refused(log, signed(msgspec.structs.replace(ruling, signer=alice.member_id), alice), NotAuthorised)
    log.add(signed(ruling, world.steward))
    refused(log, signed(msgspec.structs.replace(ruling, reason="again"), world.steward), InvalidStatement)


@pytest.mark.parametrize(
    ("changes", "error", "pointer"),
    [
        ({"closes_at": NOW}, InvalidDefinition, "/closes_at"),
        ({"extension": 100}, InvalidDefinition, "/extension"),
        ({"requires": ["telepathy/v1"]}, Unsupported, "/requires"),
        ({"witness_policy": "nonsense"}, InvalidDefinition, "/witness_policy"),
        ({"witness_policy": "quorum none\n"}, InvalidDefinition, "/witness_policy"),
        ({"witness_policy": f"log {_LOG}\nwitness W {_W}\nquorum W\n"}, InvalidDefinition, "/witness_policy"),
        ({"witness_policy": f"witness W {_W}\n"}, InvalidDefinition, "/witness_policy"),
        ({"quorum": Quorum(Threshold(3, 2, False), True)}, InvalidDefinition, "/quorum/participation"),
    ],
)
def test_definitions_that_make_no_sense(world, changes, error, pointer):
    log = world.ballot()
    fresh = type(log.state)(log.state.origin, world.instance.state.keys, world.space.state)
    with pytest.raises(error) as caught:
        fresh.admit(0, signed(world.definition(**changes), world.steward))
    assert caught.value.pointer == pointer
    assert fresh.size == 0


def test_every_rule_parameter_is_written_down(world):
    definition = world.definition()
    question = definition.questions[0]
    silent = msgspec.structs.replace(
        question, rule=msgspec.structs.replace(question.rule, params={"seats": 1})
    )
    log = type(world.ballot().state)(definition.origin, world.instance.state.keys, world.space.state)
    with pytest.raises(InvalidDefinition, match="min_marks"):
        log.admit(0, signed(msgspec.structs.replace(definition, questions=[silent]), world.steward))


def test_a_definition_needs_a_steward(world):
    alice = world.voters[0]
    definition = world.definition(signer=alice.member_id)
    log = type(world.ballot().state)(definition.origin, world.instance.state.keys, world.space.state)
    with pytest.raises(NotAuthorised):
        log.admit(0, signed(definition, alice))


def test_a_dispute_outlives_its_authors_role(world):
    """An audit long after knows the members as they are then, and still accepts what was right when made."""
    log = world.ballot()
    alice, mallory = world.voters[0], key(777)
    digest = log.entries[0].identity
    record = world.space.state.members[alice.member_id]
    gone = world.enrolment(alice, status="suspended", previous=record.digest)
    world.space.add(signed(gone, world.steward))
    log.add(signed(Dispute(log.state.origin, digest, 0, "why?", alice.member_id, NOW), alice))
    refused(
        log,
        signed(Dispute(log.state.origin, digest, 0, "me", mallory.member_id, NOW), mallory),
        NotAuthorised,
    )
    refused(
        log,
        signed(Dispute(log.state.origin, digest, 1, "as her", alice.member_id, NOW), mallory),
        BadSignature,
    )


def test_votes_stay_apart_for_a_rule_whose_weights_do_not_add_up():
    """Four votes of weight 1 are four roots: by one root of weight 4 the option would lose half its score."""
    world = World(voters=4)
    heavy = key(600)
    world.space.add(signed(world.enrolment(heavy, weight="9"), heavy, world.steward))
    definition = world.definition("snapshot-quadratic")
    definition = msgspec.structs.replace(
        definition, eligibility=msgspec.structs.replace(definition.eligibility, weights="enrolled")
    )
    log = world.ballot(definition)
    for voter in world.voters:
        log.add(signed(world.vote(log, voter, {"a": 1}), voter))
    log.add(signed(world.vote(log, heavy, {"b": 1}), heavy))
    log.add(signed(world.closing(log), world.service))
    # (1+1+1+1)^2 = 16 against 3^2 = 9.
    assert winners_of(compute_result(log.state, bytes(32))) == {"q": ["a"]}
