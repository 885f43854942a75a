"""Joint ballots in spaces' and ballots' logs: acceptance, the frozen roll, outcomes, disputes."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from governance.canonical import digest, encode
from governance.errors import (
    AlreadyExists,
    InvalidDefinition,
    InvalidStatement,
    NotAuthorised,
    StaleRevision,
    Unsupported,
)
from governance.replay.ballot import BallotState
from governance.replay.joint_manifest import overlaps
from governance.statements.ballot import Ballot
from governance.statements.electorate import summarise
from governance.statements.entry import read_entry
from governance.statements.joint import Differing
from governance.statements.member import Member
from tests.support.joint import (
    CLOSES,
    GRACE,
    NOW,
    OPENS,
    Community,
    Joint,
    decided,
    make_joint,
    manifest_of,
    question,
)
from tests.support.world import Log, key, signed

A, B = {"q": ["a"]}, {"q": ["b"]}
THREE = [{100: A, 101: B}, {200: A}, {300: B, 301: B}]


def refused(log: Log, entry, error, pointer=None):
    """The entry is refused and the state is as before."""
    size, before = log.state.size, dict(getattr(log.state, "joints", {}))
    with pytest.raises(error) as caught:
        log.add(entry)
    assert (log.state.size, getattr(log.state, "joints", {})) == (size, before)
    if pointer is not None:
        assert caught.value.pointer == pointer
    return caught.value


def record(joint: Joint, number: int = 0):
    (found,) = joint.communities[number].space.state.joints.values()
    return found


# Acceptance


def test_acceptance_freezes_the_roll_although_members_join_and_leave_later():
    joint = make_joint([100, 101], [200])
    club = joint.communities[0]
    club.enrol(102)
    gone = club.space.state.members[key(101).member_id]
    leaving = Member("club", gone.id, gone.key, ["member"], "1", "suspended", gone.digest, NOW + 30)
    club.space.add(signed(leaving, club.steward))
    part = club.open(joint.definition(0))
    assert part.state.roll.ids() == sorted(key(n).member_id for n in (100, 101))
    club.vote(101, A)


def test_the_roll_of_the_present_members_is_refused_at_the_opening():
    joint = make_joint([100, 101], [200])
    club = joint.communities[0]
    club.enrol(102)
    eligibility = joint.manifest.eligibility
    with pytest.raises(InvalidStatement) as caught:
        club.open(joint.definition(0), club.space.state.roll(eligibility.roles, eligibility.weights))
    assert caught.value.pointer == "/electorate"


def test_an_acceptance_needs_the_roll_as_it_is_now():
    club, other = Community(0, [100]), Community(1, [200])
    manifest = manifest_of([club, other])
    stale = signed(club.acceptance(manifest), club.steward)
    club.enrol(101)
    refused(club.space, stale, StaleRevision, "/electorate")
    right = club.acceptance(manifest)
    refused(
        club.space, signed(replace(right, roll=other.acceptance(manifest).roll), club.steward), StaleRevision
    )
    club.space.add(signed(right, club.steward))


def test_accepted_once_before_opening_and_only_by_one_who_takes_part():
    club, other = Community(0, [100]), Community(1, [200])
    manifest = manifest_of([club, other])
    late = club.acceptance(manifest, accepted_at=OPENS)
    refused(club.space, signed(late, club.steward), InvalidStatement, "/accepted_at")
    stranger = Community(2, [300])
    refused(
        stranger.space, signed(stranger.acceptance(manifest), stranger.steward), InvalidStatement, "/manifest"
    )
    entry = club.accept(manifest)
    assert record(Joint(manifest, [club], [], [])).accepted == entry.identity
    again = club.acceptance(manifest, accepted_at=NOW + 11)
    refused(club.space, signed(again, club.steward), AlreadyExists)


def test_a_manifest_of_another_instance_under_our_origin_is_refused():
    club, other = Community(0, [100]), Community(1, [200])
    manifest = manifest_of([club, other])
    shards = [replace(manifest.shards[0], instance=other.instance_id), manifest.shards[1]]
    changed = replace(manifest, shards=shards)
    refused(club.space, signed(club.acceptance(changed), club.steward), InvalidStatement, "/manifest")


def test_an_acceptance_for_the_other_community_of_that_name_is_none_here():
    club, other = Community(0, [100]), Community(1, [200])
    manifest = manifest_of([club, other])
    assert club.space.state.space.space == other.space.state.space.space
    theirs = club.acceptance(manifest, instance=other.instance_id)
    refused(club.space, signed(theirs, club.steward), InvalidStatement, "/instance")
    club.space.add(signed(replace(theirs, instance=club.instance_id), club.steward))


def test_the_manifest_has_one_form_and_no_unknown_part():
    club, other = Community(0, [100]), Community(1, [200])
    manifest = manifest_of([club, other])
    text = encode(manifest).decode()
    for odd in (text.replace(":", ": ", 1), text[:-1] + ',"extra":1}', "{}", "[" * 99, text + " "):
        entry = signed(replace(club.acceptance(manifest), manifest=odd), club.steward)
        refused(club.space, entry, InvalidStatement, "/manifest")


def test_a_ballot_of_that_name_that_was_opened_stands_in_the_way():
    joint = make_joint([100], [200])
    club = joint.communities[0]
    club.open(joint.definition(0))
    changed = replace(joint.manifest, title="Another")
    refused(club.space, signed(club.acceptance(changed), club.steward), AlreadyExists, "/manifest")


@pytest.mark.parametrize(
    ("permissions", "good"),
    [
        ({}, True),
        ({"joint-acceptance": ["steward"]}, True),
        ({"joint-acceptance": []}, False),
        ({"joint-acceptance": ["auditor"]}, False),
        ({"ballot": []}, False),
        ({"ballot": [], "joint-acceptance": ["registrar"]}, True),
    ],
)
def test_who_may_accept(permissions, good):
    club, other = Community(0, [100], **permissions), Community(1, [200])
    manifest = manifest_of([club, other])
    entry = signed(club.acceptance(manifest), club.steward)
    if good:
        club.space.add(entry)
    else:
        refused(club.space, entry, NotAuthorised)
    member = key(100)
    forged = club.acceptance(manifest, signer=member.member_id, accepted_at=NOW + 12)
    refused(club.space, signed(forged, member), AlreadyExists if good else NotAuthorised)


def test_nobody_to_vote_is_no_part():
    club, other = Community(0, []), Community(1, [200])
    manifest = manifest_of([club, other])
    refused(club.space, signed(club.acceptance(manifest), club.steward), InvalidStatement, "/electorate")


def test_a_rule_this_version_does_not_know_is_refused_at_the_acceptance():
    club, other = Community(0, [100]), Community(1, [200])
    for manifest in (
        manifest_of([club, other], requires=["secret/v9"]),
        manifest_of([club, other], questions=[_renamed("telepathy")]),
    ):
        refused(club.space, signed(club.acceptance(manifest), club.steward), Unsupported)


def _renamed(rule: str):
    asked = question()
    return replace(asked, rule=replace(asked.rule, id=rule))


# The part


def test_a_part_is_exactly_what_the_manifest_gives():
    joint = make_joint([100, 101], [200, 201])
    club = joint.communities[0]
    right = joint.definition(0)
    changes = {
        "/title": {"title": "Something else"},
        "/questions": {"questions": [question(options="abcd")]},
        "/eligibility": {"eligibility": replace(right.eligibility, weights="enrolled")},
        "/closes_at": {"closes_at": right.closes_at + 1},
        "/early_close": {"early_close": "steward"},
        "/quarter": {"quarter": "2027-Q1"},
        "/requires": {"requires": ["open-ballot/v1"]},
        "/text": {"text": "Vote a!"},
        "/joint/manifest": {"joint": replace(right.joint, manifest="sha256:" + "a" * 64)},
        "/joint/acceptances/0": {"joint": replace(right.joint, acceptances=joint.acceptances[::-1])},
        "/joint/acceptances": {"joint": replace(right.joint, acceptances=joint.acceptances * 2)},
        "/joint/excluded": {"joint": replace(right.joint, excluded=[2])},
    }
    for pointer, change in changes.items():
        with pytest.raises(InvalidDefinition) as caught:
            club.open(replace(right, **change))
        assert caught.value.pointer == pointer
    with pytest.raises(InvalidDefinition):
        club.open(replace(right, joint=replace(right.joint, excluded=[1, 0])))
    club.open(right)


def test_old_definitions_have_the_same_bytes():
    joint = make_joint([100], [200])
    plain = replace(joint.definition(0), joint=None)
    assert b'joint"' not in plain.to_bytes()
    assert msgspec.json.decode(plain.to_bytes(), type=Ballot) == plain


def test_the_frozen_roll_is_forgotten_once_the_part_has_opened():
    joint = make_joint([100], [200])
    joint.communities[0].open(joint.definition(0))
    assert record(joint).rows is None
    assert record(joint, 1).rows is not None
    with pytest.raises(InvalidDefinition, match="opened before"):
        joint.communities[0].open(replace(joint.definition(0), defined_at=NOW + 21))


def test_a_member_of_two_communities_votes_in_the_first_one():
    joint = make_joint([100, 101, 500], [200, 500], [300, 500, 101])
    assert [len(rows) for rows in joint.excluded] == [0, 1, 2]
    joint.open()
    rolls = [set(c.part.state.roll.ids()) for c in joint.communities]
    both = key(500).member_id
    assert [both in roll for roll in rolls] == [True, False, False]
    assert sum(map(len, rolls)) == len(set.union(*rolls))


def test_overlaps_are_bounded_with_a_clear_error(monkeypatch):
    monkeypatch.setattr("governance.limits.JOINT_EXCLUDED", 1)
    with pytest.raises(InvalidDefinition, match="at most 1") as caught:
        make_joint([100, 101], [100, 101, 102])
    assert caught.value.pointer == "/shards/1"
    assert overlaps([[], []]) == [[], []]


# Outcomes


def test_full_outcome():
    joint = decided(THREE)
    club = joint.communities[0]
    club.space.add(signed(joint.outcome(), club.service))
    assert record(joint).state == "decided"


def test_partial_is_superseded_when_the_late_part_comes():
    joint = decided(THREE)
    club = joint.communities[0]
    early = joint.outcome(0, 1, counted_at=CLOSES + GRACE - 1)
    refused(club.space, signed(early, club.service), InvalidStatement, "/counted_at")
    first = signed(joint.outcome(0, 1), club.service)
    club.space.add(first)
    assert record(joint).state == "partial"
    for wrong in (None, "sha256:" + "2" * 64):
        entry = signed(joint.outcome(supersedes=wrong, counted_at=CLOSES + 900), club.service)
        refused(club.space, entry, StaleRevision, "/supersedes")
    same = joint.outcome(0, 1, supersedes=first.identity, counted_at=CLOSES + 901)
    refused(club.space, signed(same, club.service), InvalidStatement, "/shards")
    other = joint.outcome(0, 2, supersedes=first.identity)
    refused(club.space, signed(other, club.service), InvalidStatement, "/shards")
    full = joint.outcome(supersedes=first.identity)
    moved = [full.shards[0], replace(full.shards[1], size=99), full.shards[2]]
    refused(club.space, signed(replace(full, shards=moved), club.service), InvalidStatement, "/shards")
    club.space.add(signed(full, club.service))
    assert record(joint).state == "decided"
    assert record(joint).latest.statement.result != record(joint).outcomes[0].statement.result


def test_all_parts_need_not_wait_for_the_grace_period():
    joint = decided(THREE)
    club = joint.communities[0]
    refused(
        club.space,
        signed(joint.outcome(counted_at=CLOSES - 1), club.service),
        InvalidStatement,
        "/counted_at",
    )
    club.space.add(signed(joint.outcome(counted_at=CLOSES), club.service))


def test_minimum_and_refusal_of_partial_results():
    joint = decided(THREE, minimum=3)
    club = joint.communities[0]
    refused(club.space, signed(joint.outcome(0, 1), club.service), InvalidStatement, "/shards")
    joint = decided(THREE, minimum=3, partial="refuse")
    club = joint.communities[0]
    refused(club.space, signed(joint.outcome(0, 1), club.service), InvalidStatement, "/shards")
    club.space.add(signed(joint.outcome(), club.service))


def test_what_an_outcome_may_not_say():
    joint = decided(THREE)
    club = joint.communities[0]
    full, part = joint.outcome(), joint.outcome(0, 1)
    own = [replace(full.shards[0], root="0" * 64), *full.shards[1:]]
    elsewhere = [full.shards[0], replace(full.shards[1], origin="evil.example/x"), full.shards[2]]
    for wrong, pointer in (
        (replace(full, shards=full.shards[::-1]), "/shards"),
        (replace(full, shards=[*full.shards, full.shards[2]]), "/shards"),
        (replace(part, missing=[]), "/missing"),
        (replace(full, missing=[2]), "/missing"),
        (replace(part, missing=[2, 2]), "/shards"),
        (replace(full, shards=own), "/shards"),
        (replace(full, shards=elsewhere), "/shards/1/origin"),
        (joint.outcome(1, 2), "/missing"),
        (replace(full, manifest="sha256:" + "3" * 64), "/manifest"),
    ):
        refused(club.space, signed(wrong, club.service), InvalidStatement, pointer)
    refused(club.space, signed(full, club.steward), NotAuthorised)


def test_an_own_part_that_is_not_decided_cannot_be_there():
    joint = decided(THREE)
    lazy = make_joint([100, 101], [200], [300, 301]).communities[0]
    assert lazy.space.state.joints.keys() == joint.communities[0].space.state.joints.keys()
    refused(lazy.space, signed(joint.outcome(), lazy.service), InvalidStatement, "/shards")
    lazy.space.add(signed(joint.outcome(1, 2), lazy.service))


# Disputes


def test_a_dispute_ends_it():
    joint = decided(THREE)
    club = joint.communities[0]
    refused(club.space, signed(joint.dispute(), club.service), InvalidStatement, "/ours")
    first = signed(joint.outcome(0, 1), club.service)
    club.space.add(first)
    good = joint.dispute()
    for wrong, pointer in (
        (replace(good, ours="sha256:" + "4" * 64), "/ours"),
        (replace(good, theirs=[Differing(1, good.ours)]), "/theirs"),
        (replace(good, theirs=[Differing(0, "sha256:" + "1" * 64)]), "/theirs"),
        (replace(good, theirs=[Differing(7, "sha256:" + "1" * 64)]), "/theirs"),
        (replace(good, theirs=[good.theirs[0], good.theirs[0]]), "/theirs"),
    ):
        refused(club.space, signed(wrong, club.service), InvalidStatement, pointer)
    refused(club.space, signed(good, club.steward), NotAuthorised)
    club.space.add(signed(good, club.service))
    assert record(joint).state == "disputed"
    later = joint.outcome(supersedes=first.identity)
    refused(club.space, signed(later, club.service), InvalidStatement)
    refused(club.space, signed(replace(good, noted_at=CLOSES + 700), club.service), AlreadyExists)


def test_folding_the_stored_bytes_again_gives_the_same_state():
    joint = decided(THREE)
    club = joint.communities[0]
    club.space.add(signed(joint.outcome(0, 1), club.service))
    again = Log(type(club.space.state)(club.origin, club.instance.state.keys))
    for entry in club.space.entries:
        again.add(read_entry(entry.data))
    assert again.state.joints == club.space.state.joints
    assert digest(encode(joint.manifest)) in again.state.joints


def test_a_plain_ballot_of_the_same_space_is_as_ever():
    joint = make_joint([100], [200])
    club = joint.communities[0]
    club.enrol(101)
    plain = replace(joint.definition(0), ballot="alone", origin=f"{club.origin}/ballots/alone", joint=None)
    eligibility = plain.eligibility
    part = club.open(plain, club.space.state.roll(eligibility.roles, eligibility.weights))
    assert isinstance(part.state, BallotState)
    assert len(part.state.roll) == 2
    assert part.state.opening.electorate == summarise(part.state.roll.voters())
