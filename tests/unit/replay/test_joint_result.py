"""The joint result: equal to the pooled count, the same for everybody, partial ones named as such."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import jsonschema
import msgspec
import pytest
from msgspec.structs import replace

from governance.canonical import digest, encode
from governance.cli.schemas import schema_files
from governance.counting.files.count import count_file
from governance.counting.files.sniff import read_ballot_file
from governance.counting.lot import lot_order
from governance.counting.registry import get_rule
from governance.counting.threshold import Threshold
from governance.errors import InvalidStatement
from governance.replay.joint_parts import sound_parts
from governance.replay.joint_result import joint_bytes, joint_result
from governance.replay.result import compute_result, result_bytes
from governance.statements.ballot import OptionLine, Question, RuleChoice
from governance.statements.joint import DoubleMajority, VetoShare
from governance.statements.space import Quorum
from tests.support.joint import Joint, decided, make_joint, question
from tests.support.world import key, signed

DATA = Path(__file__).parents[2] / "data" / "elections"
A, B = {"q": ["a"]}, {"q": ["b"]}
THREE = [{100: A, 101: B}, {200: A}, {300: B, 301: B}]
YES, NO, ABSTAIN, BLANK = {"q": "yes"}, {"q": "no"}, {"q": "abstain"}, {"q": None}
HALF, TWO_THIRDS = Threshold(1, 2, True), Threshold(2, 3, False)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("schulze_debian-leader-2012.toc", "schulze"),
        ("schulze_debian-leader-2012.toc", "ranked-pairs"),
        ("pb-mes_Netherlands_Assen_2024.pb", "equal-shares"),
        ("pb-mes_Netherlands_Assen_2024.pb", "greedy"),
        ("pb-mes_Netherlands_Assen_2024.pb", "phragmen"),
        ("stv-meek-wigm_42.blt", "meek-stv"),
    ],
)
def test_the_pooled_count_is_the_count_of_all_ballots_in_one_file(name, rule):
    """A real election dealt out to three communities, against `althing count` of all its ballots."""
    file = read_ballot_file((DATA / name).read_bytes(), name)
    known = {f.name for f in msgspec.structs.fields(get_rule(rule).Params)}
    params = get_rule(rule).parse_params({k: v for k, v in file.params.items() if k in known})
    answers = [line.answer for line in file.ballots for _ in range(line.count)]
    lines = [OptionLine(o.id, o.id, None if o.cost is None else str(o.cost), None) for o in file.options]
    choice = RuleChoice(rule, 1, msgspec.to_builtins(params))
    votes: list[dict] = [{}, {}, {}]
    for place, answer in enumerate(answers):
        votes[place % 3][1_000 + place] = {"q": answer}
    joint = decided(votes, questions=[Question("q", "What?", "", lines, choice, "rule-then-lot")])
    result = joint.result()
    pooled = {
        "format": "althing/ballot-file/v1",
        "rule": rule,
        "params": choice.params,
        "options": [
            {"id": o.id, "title": o.id} | ({} if o.cost is None else {"cost": o.cost}) for o in lines
        ],
        "ballots": [{"answer": answer} for answer in answers],
        "lot": list(lot_order(bytes.fromhex(result.lot_seed), "q", [o.id for o in lines])),
    }
    counted = count_file(json.dumps(pooled).encode(), name="pooled.json")
    outcome = msgspec.to_builtins(result.questions[0].outcome)
    assert {name: counted[name] for name in outcome} == outcome
    assert counted["ballots"]["invalid"] == 0
    assert result.questions[0].winners == counted["winners"]
    assert [sub.shard for sub in result.questions[0].communities] == [0, 1, 2]


def test_every_order_of_reading_gives_the_same_bytes():
    joint = decided(THREE, nonce=True)
    made = {joint_bytes(joint_result(joint.manifest, order)) for order in permutations(joint.tallies())}
    assert len(made) == 1
    assert json.loads(made.pop())["status"] == "full"


def test_sub_tallies_are_those_of_the_parts_own_results():
    joint = decided(THREE)
    result = joint.result()
    for number, club in enumerate(joint.communities):
        own = compute_result(club.part.state, club.open_root)
        sub = result.questions[0].communities[number]
        assert (sub.totals, sub.winners) == (
            own.questions[0].outcome.totals,
            own.questions[0].outcome.winners,
        )
        assert result.communities[number].result == digest(result_bytes(own))
        assert result.communities[number].size == club.space.state.outcomes["together"].size
    assert result.questions[0].outcome.totals == {"a": "2", "b": "3", "c": "0"}


def test_a_partial_result_says_so_and_is_no_full_one():
    joint = decided(THREE)
    partial = joint.result(0, 2)
    assert partial.status == "partial (2 of 3)"
    assert [m.origin for m in partial.missing] == ["c1.example/spaces/club/ballots/together"]
    assert partial.lot_seed != joint.result().lot_seed
    made = [joint_bytes(joint.result(*numbers)) for numbers in ((), (0, 1), (0, 2), (1, 2), (1,))]
    assert len(set(made)) == 5


def test_the_lot_depends_on_every_open_root_and_nonce():
    joint = decided(THREE, nonce=True)
    tallies = joint.tallies()
    seeds = {joint.result().lot_seed}
    for n, tally in enumerate(tallies):
        for change in ({"open_root": bytes(32)}, {"nonces": (b"",)}):
            changed = [*tallies[:n], _changed(tally, **change), *tallies[n + 1 :]]
            seeds.add(joint_result(joint.manifest, changed).lot_seed)
    assert len(seeds) == 7


def _changed(tally, **change):
    from dataclasses import replace as new

    return new(tally, **change)


def test_a_nonce_that_is_not_revealed_still_gives_a_result():
    joint = make_joint([100], [200], nonce=True)
    joint.open()
    for club, member in zip(joint.communities, (100, 200), strict=True):
        club.vote(member, A)
        club.decide(reveal=club.number == 0)
    assert joint.tallies()[1].nonces == (b"",)
    assert joint.result().status == "full"


def test_several_questions_are_counted_each_by_its_rule():
    asked = [question(), question("irv", "second", "xyz")]
    cast = {"q": ["a"], "second": ["z", "x"]}
    result = decided([{100: cast}, {200: cast}], questions=asked).result()
    assert [(q.question, q.winners) for q in result.questions] == [("q", ["a"]), ("second", ["z"])]


# Quorum


def test_the_quorum_is_of_all_parts_together():
    quorum = Quorum(Threshold(1, 2, False), abstentions_count=False)
    members = [[100, 101], [200, 201]]
    met = decided([{100: A, 101: A}, {}], members, quorum=quorum).result()
    missed = decided([{100: A, 101: BLANK}, {}], members, quorum=quorum).result()
    assert (met.quorum, met.questions[0].winners) == ("met", ["a"])
    assert (missed.quorum, missed.questions[0].winners) == ("missed", [])


# Combining


def yes_no(votes, combine, **params):
    asked = question("yes-no", **params)
    return decided(votes, questions=[asked], combine=combine).result().questions[0]


def test_double_majority_needs_members_and_communities():
    double = DoubleMajority(HALF, TWO_THIRDS)
    large = dict.fromkeys(range(100, 110), YES)
    alone = yes_no([large, {200: NO}, {300: NO}], double)
    assert (alone.outcome.winners, alone.winners) == (["yes"], ["no"])
    assert [(s.members, s.communities, s.reached) for s in alone.support] == [(True, [0], False)]
    both = yes_no([large, {200: YES}, {300: NO}], double)
    assert (both.winners, both.support[0].share) == (["yes"], "11/12")
    small = yes_no([dict.fromkeys(range(100, 110), NO), {200: YES}, {300: YES}], double)
    assert (small.winners, small.support[0].members) == (["no"], False)


def test_ties_abstentions_and_silence_are_no_majority():
    double = DoubleMajority(HALF, TWO_THIRDS)
    asked = yes_no([{100: YES, 101: YES}, {200: YES, 201: NO}, {300: ABSTAIN, 301: BLANK}], double)
    assert asked.support[0].communities == [0]
    assert asked.winners == ["no"]
    loose = DoubleMajority(Threshold(0, 1, False), Threshold(0, 1, False))
    silent = yes_no([{100: NO}, {200: BLANK}], loose)
    assert silent.support[0].communities == []


def test_missing_communities_count_as_not_reached():
    asked = question("yes-no")
    joint = decided(
        [{100: YES}, {200: YES}, {300: YES}],
        questions=[asked],
        combine=DoubleMajority(HALF, Threshold(1, 1, False)),
    )
    assert joint.result().questions[0].winners == ["yes"]
    assert joint.result(0, 1).questions[0].winners == ["no"]


def test_double_majority_of_approvals_is_judged_option_by_option():
    double = DoubleMajority(HALF, TWO_THIRDS)
    both, only = {"q": ["a", "b"]}, {"q": ["b"]}
    votes = [{100: both, 101: both, 102: both}, {200: only}, {300: only}]
    result = decided(votes, questions=[question(seats=2)], combine=double).result().questions[0]
    assert sorted(result.outcome.winners) == ["a", "b"]
    assert result.winners == ["b"]
    assert [(s.option, s.share, s.communities) for s in result.support] == [
        ("a", "3/5", [0]),
        ("b", "5/5", [0, 1, 2]),
        ("c", "0/5", []),
    ]


def test_a_veto_needs_its_share_of_votes_or_of_the_roll():
    votes = [dict.fromkeys(range(100, 110), YES), {200: YES, 201: NO, 202: ABSTAIN}]
    by_votes = yes_no(votes, VetoShare(Threshold(1, 2, False), "votes"))
    assert (by_votes.outcome.winners, by_votes.winners) == (["yes"], ["no"])
    assert [(v.shard, v.share) for v in by_votes.vetoes] == [(1, "1/2")]
    by_roll = yes_no(votes, VetoShare(Threshold(1, 2, False), "electorate"))
    assert (by_roll.winners, by_roll.vetoes) == (["yes"], [])
    strict = yes_no(votes, VetoShare(Threshold(1, 2, True), "votes"))
    assert strict.winners == ["yes"]


def test_nothing_is_vetoed_that_was_not_adopted():
    result = yes_no([{100: NO}, {200: NO}], VetoShare(Threshold(1, 3, False), "votes"))
    assert (result.winners, len(result.vetoes)) == (["no"], 2)


# Parts that contradict each other


def faulty(joint: Joint, tallies) -> int:
    with pytest.raises(InvalidStatement) as caught:
        joint_result(joint.manifest, tallies)
    return caught.value.facts["shard"]


def test_a_member_on_two_rolls_is_no_result_but_a_name():
    members = [[100, 500], [200, 500], [300]]
    joint = make_joint(*members)
    joint.excluded[1] = []
    joint.open()
    for club, cast in zip(joint.communities, ([100, 500], [200, 500], [300]), strict=True):
        for member in cast:
            club.vote(member, A)
        club.decide()
    tallies = joint.tallies()
    assert faulty(joint, tallies) == 1
    kept, faults = sound_parts(joint.manifest, tallies[::-1])
    assert list(faults) == [1]
    assert joint_result(joint.manifest, kept).status == "partial (2 of 3)"


def test_a_member_left_out_without_being_elsewhere_is_no_result_but_a_name():
    joint = make_joint([100], [200, 201], [300])
    joint.excluded[1] = [0]
    joint.open()
    for club in joint.communities:
        club.decide()
    assert faulty(joint, joint.tallies()) == 1
    assert faulty(joint, joint.tallies(0, 1)) == 1
    # The first part is missing: whether that member is on its roll is not known yet.
    assert joint.result(1, 2).status == "partial (2 of 3)"


def test_parts_of_different_acceptances_do_not_go_together():
    joint = decided(THREE)
    tallies = joint.tallies()
    names = tallies[0].joint.acceptances
    wrong = "sha256:" + "0" * 64
    # The first part names another acceptance of the second one: the first is at fault, not the second.
    first = _changed(tallies[0], joint=replace(tallies[0].joint, acceptances=[names[0], wrong, names[2]]))
    assert faulty(joint, [first, *tallies[1:]]) == 0
    kept, faults = sound_parts(joint.manifest, [first, *tallies[1:]])
    assert ([part.shard for part in kept], list(faults)) == ([1, 2], [0])
    # Who is right about a part that is missing, nobody can tell: the later one waits.
    second = _changed(tallies[1], joint=replace(tallies[1].joint, acceptances=[*names[:2], wrong]))
    assert faulty(joint, [tallies[0], second]) == 1
    assert sound_parts(joint.manifest, tallies) == (tallies, {})
    assert sound_parts(joint.manifest, []) == ([], {})


def test_parts_of_another_manifest_or_twice_or_none():
    joint = decided(THREE)
    tallies = joint.tallies()
    with pytest.raises(InvalidStatement):
        joint_result(replace(joint.manifest, title="Other"), tallies)
    assert sound_parts(replace(joint.manifest, title="Other"), tallies)[0] == []
    assert faulty(joint, [tallies[0], tallies[0]]) == 0
    with pytest.raises(InvalidStatement):
        joint_result(joint.manifest, [])


def test_a_part_that_is_not_decided_or_lies_is_not_read():
    joint = make_joint([100], [200])
    joint.open()
    club = joint.communities[0]
    club.vote(100, A)
    joint.communities[1].decide()
    club.decide()
    good = club.frozen
    club.frozen = ()
    with pytest.raises(InvalidStatement, match="frozen"):
        club.tally(joint.manifest)
    club.frozen = good
    state = club.part.state
    state.outcome = replace(state.outcome, result=replace(state.outcome.result, digest="sha256:" + "0" * 64))
    with pytest.raises(InvalidStatement, match="another result"):
        club.tally(joint.manifest)
    state.outcome = None
    with pytest.raises(InvalidStatement, match="not decided"):
        club.tally(joint.manifest)


def test_overlapping_members_are_counted_once_at_home():
    joint = decided([{500: A, 100: A}, {200: B}], [[100, 500], [200, 500]])
    result = joint.result()
    assert result.voters_on_roll == 3
    assert [c.excluded for c in result.communities] == [0, 1]
    assert key(500).member_id in joint.tallies()[1].excluded
    assert encode(result) == joint_bytes(result)


def test_what_a_joint_ballot_writes_follows_its_schemas():
    joint = decided(THREE, nonce=True)
    club = joint.communities[0]
    club.space.add(signed(joint.outcome(0, 1), club.service))
    club.space.add(signed(joint.dispute(), club.service))
    schemas = {name: json.loads(text) for name, text in schema_files().items()}
    written = [*club.space.entries[-6:], *club.part.entries]
    for entry in written:
        jsonschema.validate(
            json.loads(entry.envelope.payload), schemas[f"{entry.statement.KIND}.schema.json"]
        )
    kinds = {entry.statement.KIND for entry in written}
    assert kinds >= {"joint-acceptance", "joint-outcome", "joint-dispute", "ballot"}
    jsonschema.validate(json.loads(encode(joint.manifest)), schemas["joint-manifest.schema.json"])
    for numbers in ((), (0, 2)):
        jsonschema.validate(
            json.loads(joint_bytes(joint.result(*numbers))), schemas["joint-result.schema.json"]
        )
