"""A space's log: who may enrol, revise, decide; and who may not."""

from __future__ import annotations

import msgspec
import pytest

from governance.errors import (
    AlreadyExists,
    BadSignature,
    InvalidStatement,
    MalformedKey,
    NotAuthorised,
    StaleRevision,
    Unsupported,
)
from governance.replay import space
from governance.replay.space import SpaceState, edition_of
from governance.signing.keyfile import HybridKey
from governance.statements.base import Key
from governance.statements.roadmap import Commitment, CommitmentUpdate, RoadmapEdition, RoadmapItem
from governance.statements.space import BallotNotice, Calendar, OutcomeNotice
from tests.support.world import BASE, NOW, VKEY, World, key, public, signed

ZERO = "sha256:" + "0" * 64


@pytest.fixture
def world() -> World:
    return World()


def refused(world, entry, error, pointer=None):
    state = world.space.state
    before = (state.size, dict(state.members), dict(state.items))
    with pytest.raises(error) as caught:
        world.space.add(entry)
    assert (state.size, state.members, state.items) == before
    if pointer is not None:
        assert caught.value.pointer == pointer


def item(name="oven", **changes):
    first = RoadmapItem(
        "nix",
        name,
        1,
        None,
        "Bread oven",
        None,
        "2027-Q1",
        None,
        None,
        "planned",
        "2 weeks",
        10,
        "",
        None,
        NOW,
    )
    return msgspec.structs.replace(first, **changes)


def test_enrolment_needs_the_new_key_and_a_registrar(world):
    dan = key(300)
    enrolment = world.enrolment(dan)
    refused(world, signed(enrolment, dan), NotAuthorised)
    refused(world, signed(enrolment, world.steward), BadSignature)
    refused(world, signed(enrolment, dan, world.voters[0]), NotAuthorised)
    world.space.add(signed(enrolment, dan, world.steward))
    assert world.space.state.roles_of(dan.member_id) == {"member"}
    refused(world, signed(msgspec.structs.replace(enrolment, weight="5"), dan, world.steward), StaleRevision)


def test_a_name_belongs_to_its_key(world):
    dan, eve = key(300), key(301)
    stolen = msgspec.structs.replace(world.enrolment(dan), key=public(eve))
    refused(world, signed(stolen, eve, world.steward), InvalidStatement, "/member")


def test_a_key_that_cannot_be_read_is_refused(world):
    dan = key(300)
    broken = msgspec.structs.replace(world.enrolment(dan), key=Key("ed25519", "z6Mkbroken"))
    refused(world, signed(broken, dan, world.steward), MalformedKey)


def test_members_rotate_their_own_key_but_not_their_roles(world):
    alice, fresh = world.voters[0], key(400)
    record = world.space.state.members[alice.member_id]
    rotated = world.enrolment(alice, key=public(fresh), previous=record.digest)
    refused(world, signed(rotated, alice), BadSignature)
    promoted = msgspec.structs.replace(rotated, roles=["steward"])
    refused(world, signed(promoted, alice, fresh), NotAuthorised)
    world.space.add(signed(rotated, alice, fresh))
    assert world.space.state.key_of(alice.member_id) == public(fresh)
    # The roll names the new key beside the old id.
    row = next(r for r in world.space.state.roll(["member"], "equal") if r.id == alice.member_id)
    assert row.public == fresh.public


def test_a_lost_key_is_replaced_by_the_registrar(world):
    alice, fresh = world.voters[0], key(400)
    record = world.space.state.members[alice.member_id]
    replaced = world.enrolment(alice, key=public(fresh), previous=record.digest)
    refused(world, signed(replaced, world.steward), BadSignature)  # the new key must be shown to exist
    world.space.add(signed(replaced, fresh, world.steward))
    assert world.space.state.key_of(alice.member_id) == public(fresh)


def test_the_suspended_neither_vote_nor_act(world):
    record = world.space.state.members[world.voters[0].member_id]
    gone = world.enrolment(world.voters[0], status="suspended", previous=record.digest)
    world.space.add(signed(gone, world.steward))
    assert len(world.space.state.roll(["member"], "equal")) == 2
    assert world.space.state.roles_of(world.voters[0].member_id) == frozenset()


def test_a_roll_is_drawn_while_somebody_is_enrolled(world, monkeypatch):
    """The writer may enrol between two rows that another thread reads."""
    late = signed(world.enrolment(key(300)), key(300), world.steward)
    draw = space.voter_row

    def enrolling(*row):
        if late.statement.member not in world.space.state.members:
            world.space.add(late)
        return draw(*row)

    monkeypatch.setattr(space, "voter_row", enrolling)
    assert len(world.space.state.roll(["member"], "equal")) == 3
    assert len(world.space.state.roll(["member"], "equal")) == 4


def test_weights_come_from_enrolment_only_when_asked(world):
    dan = key(300)
    world.space.add(
        signed(world.enrolment(dan, weight="340282366920938463463374607431768211455"), dan, world.steward)
    )
    nobody = key(301)
    world.space.add(signed(world.enrolment(nobody, weight="0"), nobody, world.steward))
    equal = {r.id: r.weight for r in world.space.state.roll(["member"], "equal")}
    enrolled = {r.id: r.weight for r in world.space.state.roll(["member"], "enrolled")}
    assert equal[dan.member_id] == "1"
    assert enrolled[dan.member_id] == "340282366920938463463374607431768211455"
    assert nobody.member_id not in enrolled


def test_hybrid_keys_are_written_beside_their_thumbprint(world):
    pq = HybridKey(bytes(64))
    world.space.add(signed(world.enrolment(pq), pq, world.steward))
    row = next(r for r in world.space.state.roll(["member"], "equal") if r.id == pq.member_id)
    assert row.id.startswith("sha256:")
    assert row.public == pq.public


def test_items_are_revised_one_after_another(world):
    first = signed(item(), world.steward)
    world.space.add(first)
    refused(world, signed(item(title="Another"), world.steward), StaleRevision, "/previous")
    refused(world, signed(item("bench"), world.voters[0]), NotAuthorised)
    second = item(revision=2, previous=first.identity, status="not-planned", details="too smoky")
    world.space.add(signed(second, world.steward))
    assert world.space.state.items["oven"].statement.status == "not-planned"


def test_the_same_statement_is_recorded_once(world):
    entry = signed(item(), world.steward)
    world.space.add(entry)
    refused(world, entry, AlreadyExists)


def test_an_edition_pins_the_roadmap(world):
    world.space.add(signed(item(), world.steward))
    count, root = edition_of(world.space.state)
    edition = RoadmapEdition("nix", "2027-Q1", count, root, NOW)
    refused(
        world,
        signed(msgspec.structs.replace(edition, root="0" * 64), world.steward),
        InvalidStatement,
        "/root",
    )
    world.space.add(signed(edition, world.steward))
    assert world.space.state.editions[-1].statement.items == 1


def test_the_constitution_is_amended_by_stewards(world):
    current = world.space.state.constitution
    amended = world.constitution(revision=2, previous=current.digest, text="Now with text")
    refused(world, signed(amended, world.voters[0]), NotAuthorised)
    locked = msgspec.structs.replace(
        amended, permissions={**amended.permissions, "constitution": ["auditor"]}
    )
    refused(world, signed(locked, world.steward), InvalidStatement, "/permissions/constitution")
    upside_down = msgspec.structs.replace(amended, calendar=Calendar(7, 21, 0, "2027-Q1"))
    refused(world, signed(upside_down, world.steward), InvalidStatement, "/calendar")
    world.space.add(signed(amended, world.steward))
    refused(world, signed(world.constitution(revision=2, text="x"), world.steward), StaleRevision)


def test_outcomes_belong_to_ballots_and_commitments_to_outcomes(world):
    notice = BallotNotice("nix", "q1", ZERO, f"{BASE}/spaces/nix/ballots/q1", VKEY, "2027-Q1", NOW)
    refused(world, signed(notice, world.steward), NotAuthorised)
    world.space.add(signed(notice, world.service))
    refused(world, signed(msgspec.structs.replace(notice, noted_at=NOW + 1), world.service), AlreadyExists)
    outcome = OutcomeNotice("nix", "q1", ZERO, "sha256:" + "1" * 64, 9, "2" * 64, {"q": ["oven"]}, NOW)
    refused(
        world,
        signed(msgspec.structs.replace(outcome, ballot="q2"), world.service),
        InvalidStatement,
        "/ballot",
    )
    world.space.add(signed(outcome, world.service))
    owner = world.voters[0].member_id
    commitment = Commitment(
        "nix", "oven-q1", "oven", "q1", outcome.outcome, owner, "2027-Q1", "by March", NOW
    )
    refused(world, signed(commitment, world.steward), InvalidStatement, "/item")
    world.space.add(signed(item(), world.steward))
    made = signed(commitment, world.steward)
    world.space.add(made)
    update = CommitmentUpdate("nix", "oven-q1", made.identity, "kept", "baked", NOW)
    refused(world, signed(msgspec.structs.replace(update, previous=ZERO), world.steward), StaleRevision)
    world.space.add(signed(update, world.steward))
    assert world.space.state.updates["oven-q1"][0].status == "kept"


def test_a_space_is_founded_once_by_an_operator(world):
    fresh = SpaceState(f"{BASE}/spaces/nix", world.instance.state.keys)
    with pytest.raises(InvalidStatement):
        fresh.admit(0, signed(world.constitution(), world.steward))
    with pytest.raises(NotAuthorised):
        fresh.admit(0, signed(world.founding(), world.steward))
    with pytest.raises(BadSignature):
        fresh.admit(0, signed(world.founding(), world.operator))
    weak = msgspec.structs.replace(world.founding(), founders=[world.enrolment(world.steward)])
    with pytest.raises(InvalidStatement):
        fresh.admit(0, signed(weak, world.operator, world.steward))
    refused(world, signed(world.founding(), world.operator, world.steward), AlreadyExists)


def test_other_logs_statements_do_not_belong_here(world):
    log = world.ballot()
    refused(world, signed(world.vote(log, world.voters[0], ["a"]), world.voters[0]), Unsupported)
    elsewhere = msgspec.structs.replace(item(), space="other")
    refused(world, signed(elsewhere, world.steward), InvalidStatement, "/space")


def test_identity_documents_form_a_chain(world):
    state = world.instance.state
    first = state.document
    second = msgspec.structs.replace(first, serial=2, previous=state.document_digest, name="Renamed")
    with pytest.raises(BadSignature):
        world.instance.add(signed(second, world.service))
    with pytest.raises(InvalidStatement):
        world.instance.add(signed(msgspec.structs.replace(second, serial=3), world.root))
    with pytest.raises(InvalidStatement):
        world.instance.add(signed(msgspec.structs.replace(second, id=ZERO), world.root))
    with pytest.raises(InvalidStatement):
        world.instance.add(signed(msgspec.structs.replace(second, vkey="other"), world.root))
    world.instance.add(signed(second, world.root))
    assert world.instance.state.document.name == "Renamed"
    notice = world.instance.entries[1]
    with pytest.raises(InvalidStatement):
        world.instance.add(notice)
