"""What a space admits as a delegation, which one a ballot asks, and the snapshot in the ballot's log."""

from __future__ import annotations

import json

import jsonschema
import msgspec
import pytest

from governance.cli.schemas import schema_files
from governance.counting.threshold import Threshold
from governance.errors import (
    BadSignature,
    BallotClosed,
    InvalidDefinition,
    InvalidStatement,
    MalformedStatement,
    NotAuthorised,
    Refused,
    StaleRevision,
    WrongBallot,
)
from governance.replay.definition import check_definition
from governance.replay.delegation_records import choose, scopes_of
from governance.replay.result import compute_result, result_bytes, winners_of
from governance.replay.schedule import quarter_number, quarter_of, quarter_start
from governance.statements.closing import Cancellation
from governance.statements.delegation import Delegation, DelegationRule
from governance.statements.member import Member
from governance.statements.space import Constitution, Quorum
from governance.statements.vote import LogHead
from tests.support.world import NOW, World, signed

HEAT = DelegationRule("energy/heat", "lost", None, None)


@pytest.fixture
def world() -> World:
    return World(5, delegation_quarters=2)


def refused(world, entry, error, pointer=None):
    """The space's log refuses the entry, and nothing is changed."""
    before, size = dict(world.space.state.delegations), world.space.state.size
    with pytest.raises(error) as caught:
        world.space.add(entry)
    assert (world.space.state.delegations, world.space.state.size) == (before, size)
    assert caught.value.pointer == pointer


def test_quarters_of_times():
    for year in range(1970, 2300, 3):
        for number in (1, 2, 3, 4):
            start = quarter_start(f"{year}-Q{number}")
            assert quarter_of(start) == f"{year}-Q{number}"
            assert quarter_number(quarter_of(start - 1)) == quarter_number(f"{year}-Q{number}") - 1
    assert quarter_of(253_402_300_799) == "9999-Q4"


def test_the_scopes_of_a_ballot_from_narrow_to_wide():
    assert scopes_of("q1", "a/b/c") == ["ballot:q1", "topic:a/b/c", "topic:a/b", "topic:a", "space"]
    assert scopes_of("q1", None) == ["ballot:q1", "space"]


@pytest.mark.parametrize(
    ("delegates", "changes", "error", "pointer"),
    [
        ((1,), {"sequence": 1}, StaleRevision, "/sequence"),
        ((0,), {}, InvalidStatement, "/delegates/0"),
        ((1, 2, 1), {}, InvalidStatement, "/delegates/2"),
        ((1,), {"delegates": ["sha256:" + "0" * 64]}, InvalidStatement, "/delegates/0"),
        ((1,), {"expires": "2027-Q2"}, InvalidStatement, "/expires"),
        ((1,), {"expires": "2026-Q2"}, InvalidStatement, "/expires"),
        ((1,), {"expires": None}, InvalidStatement, "/expires"),
        ((), {"expires": "2026-Q4"}, InvalidStatement, "/expires"),
        ((1,), {"space": "debian"}, InvalidStatement, "/space"),
    ],
)
def test_what_no_space_admits(world, delegates, changes, error, pointer):
    world.delegate(0, 2)
    refused(world, signed(world.delegation(0, *delegates, **changes), world.voters[0]), error, pointer)


def test_only_the_delegator_delegates(world):
    refused(world, signed(world.delegation(0, 1), world.voters[1]), BadSignature, "/signatures")


def test_only_active_members_delegate(world):
    who = world.voters[0]
    before = world.space.state.members[who.member_id]
    gone: Member = world.enrolment(who, status="suspended", previous=before.digest)
    world.space.add(signed(gone, who, world.steward))
    refused(world, signed(world.delegation(0, 1), who), NotAuthorised)
    stranger = msgspec.structs.replace(world.delegation(1, 2), delegator=world.service.member_id)
    refused(world, signed(stranger, world.service), NotAuthorised)


def test_without_the_constitutions_word_there_is_no_delegation():
    world = World()
    refused(world, signed(world.delegation(0, 1), world.voters[0]), InvalidStatement)
    with pytest.raises(InvalidDefinition) as caught:
        world.ballot(world.definition(delegation=HEAT))
    assert caught.value.pointer == "/delegation"


def test_a_member_delegates_in_so_many_scopes(world, monkeypatch):
    monkeypatch.setattr("governance.limits.DELEGATION_SCOPES", 2)
    world.delegate(0, 1, scope="space")
    world.delegate(0, 1, scope="topic:a")
    refused(
        world,
        signed(world.delegation(0, 1, scope="topic:b"), world.voters[0]),
        InvalidStatement,
        "/scope",
    )
    world.delegate(0, 2, scope="topic:a")


@pytest.mark.parametrize("scope", ["", "topic:", "topic:a//b", "topic:A", "ballot:a/b", "space:x", "space\n"])
def test_scopes_that_are_none(world, scope):
    with pytest.raises(MalformedStatement):
        signed(world.delegation(0, 1, scope=scope), world.voters[0])


def chosen(world, rule=HEAT, **changes):
    """The delegate that each voter's chosen delegation names first (None: none)."""
    definition = world.definition(delegation=rule, **changes)
    log = world.ballot(definition)
    found = choose(world.space.state.delegations, log.state.roll, definition, rule)
    ids = log.state.roll.ids()
    rows = [ids.index(v.member_id) for v in world.voters]
    return [
        None if found.index[r] < 0 else [v.member_id for v in world.voters].index(ids[found.delegates[r, 0]])
        for r in rows
    ]


def test_the_most_specific_scope_is_asked(world):
    world.delegate(0, 1, scope="ballot:q1")
    world.delegate(0, 2, scope="topic:energy/heat")
    world.delegate(0, 3, scope="topic:energy")
    world.delegate(0, 4, scope="space")
    for expected in (1, 2, 3, 4):
        assert chosen(world)[0] == expected
        scope = scopes_of("q1", "energy/heat")[expected - 1]
        world.delegate(0, scope=scope)
    assert chosen(world)[0] is None


def test_a_topic_is_a_path_and_no_prefix_of_letters(world):
    world.delegate(0, 1, scope="topic:energy/heat/pumps")
    world.delegate(1, 2, scope="topic:energy/hea")
    world.delegate(2, 3, scope="topic:energy")
    assert chosen(world) == [None, None, 3, None, None]


def test_the_latest_of_a_scope_counts_and_an_expired_one_does_not(world):
    world.delegate(0, 1)
    world.delegate(0, 2)
    world.delegate(1, 3, expires="2026-Q4")
    world.delegate(1, 4, scope="ballot:q1", expires="2026-Q3")
    assert chosen(world, quarter="2027-Q1")[:2] == [2, None]
    assert chosen(world, quarter="2026-Q4")[:2] == [2, 3]
    # Without a quarter of its own the ballot's is that of its planned close.
    assert chosen(world, quarter=None)[:2] == [2, 4]


def decided(world, log, votes):
    """The result after these votes of (voter, answer), snapshot and close."""
    for who, answer in votes:
        log.add(signed(world.vote(log, world.voters[who], answer), world.voters[who]))
    log.add(signed(world.snapshot(log), world.service))
    log.add(signed(world.closing(log), world.service))
    return compute_result(log.state, bytes(32))


def test_delegated_weight_counts_and_is_told(world):
    world.delegate(0, 1)
    world.delegate(2, 0)
    world.delegate(4, 1)
    log = world.ballot(world.definition(delegation=HEAT))
    result = decided(world, log, [(1, ["a"]), (3, ["b"]), (4, ["b"])])
    assert result.questions[0].outcome.totals == {"a": "3", "b": "2", "c": "0"}
    assert winners_of(result) == {"q": ["a"]}
    assert (result.voters, result.weight) == (3, "5")
    told = result.delegations
    assert (told.live, told.delegators, told.weight) == (3, 2, "2")
    assert [d.delegate for d in told.delegates] == [world.voters[1].member_id]
    assert (told.largest_share, told.gini) == ("3/5", "4/15")
    schema = json.loads(schema_files()["result.schema.json"])
    jsonschema.validate(json.loads(result_bytes(result)), schema)


def test_a_result_without_delegation_says_nothing_of_it(world):
    log = world.ballot()
    log.add(signed(world.closing(log), world.service))
    assert b"delegations" not in result_bytes(compute_result(log.state, bytes(32)))


@pytest.mark.parametrize(("abstentions", "quorum"), [(True, "met"), (False, "missed")])
def test_the_quorum_counts_carried_weight(world, abstentions, quorum):
    world.delegate(0, 1)
    world.delegate(2, 1)
    needed = Quorum(Threshold(3, 5, strict=False), abstentions)
    log = world.ballot(world.definition(delegation=HEAT, quorum=needed))
    result = decided(world, log, [(1, None)])
    assert (result.quorum, result.blank_voters, result.weight) == (quorum, 1, "3")


def test_a_close_needs_its_snapshot_right_before_it(world):
    log = world.ballot(world.definition(delegation=HEAT))
    alice = world.voters[0]
    with pytest.raises(InvalidStatement):
        log.add(signed(world.closing(log), world.service))
    log.add(signed(world.snapshot(log), world.service))
    with pytest.raises(BallotClosed):
        log.add(signed(world.vote(log, alice, ["a"]), alice))
    cancel = Cancellation(
        log.state.origin, log.entries[0].identity, world.order(log, "cancel"), world.steward.member_id,
        "because", NOW + 200,
    )  # fmt: skip
    for entry in (signed(cancel, world.service), signed(world.snapshot(log), world.service)):
        with pytest.raises(InvalidStatement):
            log.add(entry)
    log.add(signed(world.closing(log), world.service))
    with pytest.raises(BallotClosed):
        log.add(signed(world.closing(log), world.service))
    with pytest.raises(Refused):
        log.add(signed(world.snapshot(log), world.service))


def test_a_ballot_without_delegation_takes_no_snapshot(world):
    log = world.ballot()
    with pytest.raises(InvalidStatement):
        log.add(signed(world.snapshot(log), world.service))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"live": 7}, InvalidStatement),
        ({"ballot": "elsewhere.example/x"}, WrongBallot),
        ({"definition": "sha256:" + "0" * 64}, WrongBallot),
        ({"space": LogHead("althing.example/spaces/nix", 1, "0" * 64)}, InvalidStatement),
        ({"space": LogHead("althing.example/spaces/debian", 99, "0" * 64)}, InvalidStatement),
    ],
)
def test_snapshots_that_are_refused(world, changes, error):
    log = world.ballot(world.definition(delegation=HEAT))
    with pytest.raises(error):
        log.add(signed(world.snapshot(log, **changes), world.service))
    assert log.state.snapshot is None


def test_only_the_service_takes_the_snapshot(world):
    log = world.ballot(world.definition(delegation=HEAT))
    with pytest.raises(NotAuthorised):
        log.add(signed(world.snapshot(log), world.steward))


@pytest.mark.parametrize(("numerator", "denominator"), [(0, 5), (5, 5), (6, 5)])
def test_caps_that_make_no_sense(world, numerator, denominator):
    rule = DelegationRule(None, "lost", None, Threshold(numerator, denominator, strict=False))
    with pytest.raises(InvalidDefinition) as caught:
        check_definition(world.definition(delegation=rule), "sha256:" + "0" * 64)
    assert caught.value.pointer == "/delegation/cap"


def test_a_rule_that_takes_no_weights_takes_no_delegations(world, monkeypatch):
    from governance.counting.registry import get_rule

    monkeypatch.setattr(type(get_rule("approval")), "takes_weights", False)
    with pytest.raises(InvalidDefinition) as caught:
        check_definition(world.definition(delegation=HEAT), "sha256:" + "0" * 64)
    assert caught.value.pointer == "/questions/0/rule"


def test_a_constitution_without_delegation_has_the_bytes_it_always_had(world):
    data = World().constitution().to_bytes()
    assert b"delegation" not in data
    assert msgspec.json.decode(data, type=Constitution).delegation_quarters is None


def test_real_statements_follow_their_schemas(world):
    files = schema_files()
    world.delegate(0, 1, 2, scope="topic:energy/heat")
    log = world.ballot(world.definition(delegation=HEAT))
    log.add(signed(world.snapshot(log), world.service))
    for entry in (*world.space.entries, *log.entries):
        schema = json.loads(files[f"{entry.statement.KIND}.schema.json"])
        jsonschema.validate(json.loads(entry.envelope.payload), schema)
    assert isinstance(world.space.entries[-1].statement, Delegation)
