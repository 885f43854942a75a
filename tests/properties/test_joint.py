"""Joint ballots under everything a participant or a network may do to them."""

from __future__ import annotations

import json
from contextlib import suppress

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.canonical import canonical, encode
from governance.counting.threshold import Threshold
from governance.errors import GovernanceError, Refused
from governance.replay.joint_manifest import check_manifest, overlaps, parse_manifest, shard_ballot
from governance.replay.joint_result import joint_bytes, joint_result
from governance.statements.ballot import Ballot
from governance.statements.electorate import Voter
from governance.statements.joint import DoubleMajority, JointOutcome, Pooled, VetoShare
from tests.support.joint import CLOSES, GRACE, Community, decided, make_joint, manifest_of, question
from tests.support.world import key, signed

MANIFEST = manifest_of([Community(0, [100]), Community(1, [200]), Community(2, [300])], nonce=True)
JSON = msgspec.to_builtins(MANIFEST)
SHARES = st.builds(Threshold, st.integers(1, 2), st.integers(3, 5), st.booleans())
WAYS = (
    st.just(Pooled())
    | st.builds(DoubleMajority, SHARES, SHARES)
    | st.builds(VetoShare, SHARES, st.sampled_from(["votes", "electorate"]))
)


# Hostile manifests


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_anything_is_a_manifest_or_our_own_error(data):
    with suppress(GovernanceError):
        parse_manifest(data)


def leaves(value, path=()):
    if isinstance(value, dict):
        for name in value:
            yield (*path, name)
            yield from leaves(value[name], (*path, name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield (*path, place)
            yield from leaves(item, (*path, place))


PLACES = sorted(leaves(JSON), key=str)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.text(max_size=20),
    st.sampled_from(
        [[], {}, "yes-no", "schulze", "veto-share", "count", "refuse", 0, 1, 2**53 - 1, "a" * 400]
    ),
    st.lists(st.integers(0, 3), max_size=3),
)


@settings(max_examples=400)
@given(st.data())
def test_a_changed_manifest_is_refused_or_gives_parts_that_any_reader_takes(data):
    """Whatever is changed: a named error, or a definition that reads back as the same definition."""
    changed = json.loads(json.dumps(JSON))
    for _ in range(data.draw(st.integers(1, 3))):
        *path, last = data.draw(st.sampled_from(PLACES))
        place = changed
        try:
            for step in path:
                place = place[step]
            place[last] = data.draw(VALUES)
        except (KeyError, IndexError, TypeError):
            continue
    try:
        manifest = parse_manifest(canonical(changed))
        check_manifest(manifest)
    except GovernanceError:
        return
    for position in range(len(manifest.shards)):
        names = ["sha256:" + "0" * 64] * len(manifest.shards)
        part = shard_ballot(manifest, position, names, [], key(1).member_id, 0)
        assert msgspec.json.decode(part.to_bytes(), type=Ballot) == part
        assert len(part.to_bytes()) < 40_000


# Overlaps


@given(st.lists(st.sets(st.integers(0, 12)), min_size=2, max_size=5))
def test_every_member_votes_once_and_in_the_first_community(rolls):
    ordered = [[Voter(f"sha256:{n:064x}", "ed25519", "1") for n in sorted(roll)] for roll in rolls]
    found = overlaps(ordered)
    left = [
        [voter.id for row, voter in enumerate(roll) if row not in rows]
        for roll, rows in zip(ordered, found, strict=True)
    ]
    everybody = [member for roll in left for member in roll]
    assert len(everybody) == len(set(everybody))
    assert set(everybody) == {voter.id for roll in ordered for voter in roll}
    for position, roll in enumerate(left):
        for member in roll:
            assert all(member not in {v.id for v in earlier} for earlier in ordered[:position])


# Results


ANSWERS = st.sampled_from(["yes", "no", "abstain", None])


@settings(max_examples=60)
@given(st.data())
def test_the_result_does_not_depend_on_the_order_of_reading(data):
    votes = [
        {100 * c + n: {"q": data.draw(ANSWERS)} for n in range(data.draw(st.integers(1, 3)))}
        for c in (1, 2, 3)
    ]
    way = data.draw(WAYS)
    joint = decided(votes, questions=[question("yes-no")], combine=way, nonce=data.draw(st.booleans()))
    tallies = joint.tallies()
    subset = data.draw(st.lists(st.sampled_from(tallies), min_size=1, unique_by=lambda t: t.shard))
    result = joint_result(joint.manifest, subset)
    again = joint_result(joint.manifest, data.draw(st.permutations(subset)))
    assert joint_bytes(result) == joint_bytes(again)
    # A partial result never has the bytes of another, and pooling is adding up.
    full = joint_result(joint.manifest, tallies)
    assert (joint_bytes(full) == joint_bytes(result)) == (len(subset) == len(tallies))
    totals = full.questions[0].outcome.totals
    for option in totals:
        parts = [int(sub.totals[option]) for sub in full.questions[0].communities]
        assert int(totals[option]) == sum(parts)
    # Combining can only stop what the pooled votes adopt.
    if full.questions[0].winners != full.questions[0].outcome.winners:
        assert (full.questions[0].outcome.winners, full.questions[0].winners) == (["yes"], ["no"])


JOINT = decided([{100: {"q": ["a"]}}, {200: {"q": ["b"]}}, {300: {"q": ["a"]}}])


@settings(max_examples=80)
@given(st.lists(st.sets(st.integers(0, 2), min_size=1), min_size=1, max_size=5), st.data())
def test_outcomes_only_ever_grow(orders, data):
    """Whatever outcomes a service tries to log, those that are folded name more and more parts."""
    joint = JOINT
    club = make_joint([100], [200], [300]).communities[0]
    club.open(joint.definition(0))
    club.vote(100, {"q": ["a"]})
    club.decide()
    assert club.space.state.outcomes == joint.communities[0].space.state.outcomes
    (name,) = club.space.state.joints
    for time, numbers in enumerate(orders):
        latest = club.space.state.joints[name].latest
        honest = None if latest is None else latest.digest
        supersedes = data.draw(st.sampled_from([honest, None, "sha256:" + "0" * 64]))
        new: JointOutcome = joint.outcome(
            *sorted(numbers), supersedes=supersedes, counted_at=CLOSES + GRACE + time
        )
        try:
            club.space.add(signed(new, club.service))
        except Refused:
            continue
    outcomes = [o.statement for o in club.space.state.joints[name].outcomes]
    sizes = [len(o.shards) for o in outcomes]
    assert sizes == sorted(set(sizes))
    assert all(0 in {ref.shard for ref in o.shards} for o in outcomes)
    assert [o.supersedes for o in outcomes] == [
        None,
        *(o.digest for o in club.space.state.joints[name].outcomes[:-1]),
    ][: len(outcomes)]
    assert encode(joint.manifest)
