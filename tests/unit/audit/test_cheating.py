"""Operators who cheat and sign everything anew: each trick fails the audit by the check it breaks."""

from functools import cache

import msgspec
import pytest

from governance.replay.result import compute_result
from governance.statements.closing import Close
from governance.statements.electorate import Voter
from governance.statements.entry import read_entry
from governance.statements.member import Member
from tests.support.ballots import (
    BALLOT_ORIGIN,
    CLOSES,
    FOUNDED,
    OPENS,
    SPACE,
    SPACE_ORIGIN,
    World,
    announce,
    decide,
    definition_of,
    fold,
    log_folder,
    make_world,
    open_ballot,
    root_at,
    undecide,
)
from tests.support.memory import audit_files, failed
from tests.support.voters import entry_bytes, vote_by

VOTERS = 12


@cache
def honest():
    return make_world(VOTERS)


@pytest.fixture
def world():
    made = honest()
    copies = {name: list(getattr(made, name)) for name in ("instance", "space", "ballot")}
    return World(
        made.seed,
        **copies,
        blobs=dict(made.blobs),
        outcome_json=made.outcome_json,
        document=made.document,
        definition=made.definition,
        order=made.order,
        head=made.head,
        votes=made.votes,
    )


def judge(world):
    return failed(audit_files(world.files()))


def close_only(world, votes):
    """A close without an outcome, where the operator's own count would stumble."""
    close = Close(BALLOT_ORIGIN, world.definition, votes, None, CLOSES)
    world.ballot.append(entry_bytes(close, world.service))


def cast(world, key, answer=("o1",), cast_at=OPENS + 70):
    return vote_by(key, world.order, list(answer), cast_at)


def test_the_honest_world_passes(world):
    verdict = audit_files(world.files())
    assert verdict.passed
    verdict.raise_for_failure()


def test_vote_by_somebody_not_on_the_roll(world):
    undecide(world)
    world.ballot.append(cast(world, world.voter("stranger")))
    decide(world)
    check = judge(world)["eligibility"]
    assert check.entry == world.head + VOTERS
    assert check.log == BALLOT_ORIGIN


def test_vote_after_the_close(world):
    undecide(world)
    decide(world)
    world.ballot.insert(-1, cast(world, world.voter(0)))
    del world.space[-1]
    announce(world)
    assert judge(world)["deadline"].entry == len(world.ballot) - 2


def test_vote_before_the_opening(world):
    world.ballot.insert(world.head - 1, cast(world, world.voter(0)))
    assert judge(world)["deadline"].entry == world.head - 1


def test_vote_signed_by_another_key(world):
    undecide(world)
    entry = read_entry(cast(world, world.voter(0)))
    forged = msgspec.structs.replace(entry.statement, answers={"q1": ["o2"]})
    other = entry_bytes(forged, world.voter(1)).replace(
        world.voter(1).member_id.encode(), world.voter(0).member_id.encode()
    )
    world.ballot.append(other)
    decide(world)
    assert judge(world)["vote signatures"].entry == world.head + VOTERS


def test_invalid_answer(world):
    undecide(world)
    world.ballot.append(cast(world, world.voter(0), ["nobody"]))
    close_only(world, VOTERS + 1)
    assert judge(world)["answers"].entry == world.head + VOTERS


def test_one_vote_twice(world):
    undecide(world)
    world.ballot.append(world.ballot[world.head + 3])
    close_only(world, VOTERS + 1)
    assert judge(world)["replacements"].entry == world.head + VOTERS


def test_an_older_vote_after_its_replacement(world):
    """Re-ordering: the operator prefers what the voter first said."""
    undecide(world)
    early, late = (cast(world, world.voter(0), ["o1"], OPENS + t) for t in (80, 90))
    world.ballot += [late, early]
    close_only(world, VOTERS + 2)
    check = judge(world)["replacements"]
    assert check.entry == world.head + VOTERS + 1


def test_a_dropped_vote(world):
    """The vote is cut out and everything after it signed anew: the close tells how many there were."""
    del world.ballot[world.head + 5]
    assert judge(world)["closing"].entry == world.head + VOTERS - 1


def test_roll_padded_with_a_non_member(world):
    definition = world.ballot[0]
    votes = world.ballot[world.head : -2]
    undecide(world)
    del world.space[-1]
    rows = [
        Voter(id=world.voter(i).member_id, suite="ed25519", weight="1") for i in (*range(VOTERS), "ghost")
    ]
    open_ballot(world, definition, rows)
    world.ballot += votes
    world.ballot.append(cast(world, world.voter("ghost")))
    decide(world)
    check = judge(world)["entitlement"]
    assert check.entry == world.head - 1


def test_member_enrolled_after_the_head_that_the_opening_names(world):
    """The roll must be the one at the named head, not of a later, padded membership."""
    ghost = world.voter("late")
    member = Member(SPACE, ghost.member_id, ghost.key, ["member"], "1", "active", None, FOUNDED)
    world.space.append(entry_bytes(member, ghost, world.steward))
    assert not judge(world)


def test_opening_that_names_a_head_the_space_never_had(world):
    world.space.insert(2, world.space.pop(3))
    checks = judge(world)
    assert checks["entitlement"].log == BALLOT_ORIGIN


@pytest.mark.parametrize("lie", ["winners", "totals", "lot"])
def test_wrong_result(world, lie):
    undecide(world)
    state = fold(world)
    state.close = Close(BALLOT_ORIGIN, world.definition, VOTERS, None, CLOSES)
    result = compute_result(state, root_at(world.ballot, world.head))
    outcome = result.questions[0].outcome
    other = {
        "winners": {"winners": ["o4"] if outcome.winners != ["o4"] else ["o3"]},
        "totals": {"totals": dict.fromkeys(outcome.totals, "7")},
        "lot": {"lot": list(reversed(outcome.lot))},
    }[lie]
    question = msgspec.structs.replace(result.questions[0], outcome=msgspec.structs.replace(outcome, **other))
    decide(world, result=msgspec.structs.replace(result, questions=[question]))
    checks = judge(world)
    assert checks["count"].entry == len(world.ballot) - 1
    assert "questions" in checks["count"].detail
    assert ("outcome" in checks) == (lie == "winners")


def test_swapped_lot_seed(world):
    undecide(world)
    decide(world, lot_seed="00" * 32)
    assert judge(world)["lot"].entry == len(world.ballot) - 1


def test_wrong_open_root(world):
    undecide(world)
    decide(world, open_root="00" * 32)
    assert judge(world)["lot"].entry == len(world.ballot) - 1


def test_winners_other_than_the_result_says(world):
    undecide(world)
    decide(world, winners={"q1": ["o0", "o4"]})
    assert judge(world)["outcome"].entry == len(world.ballot) - 1


def test_outcome_signed_by_another_key(world):
    undecide(world)
    decide(world, signer=world.steward)
    assert judge(world)["authority"].entry == len(world.ballot) - 1


def test_outcome_never_announced(world):
    del world.space[-1]
    check = judge(world)["publication"]
    assert (check.log, check.entry) == (BALLOT_ORIGIN, len(world.ballot) - 1)


@pytest.mark.parametrize(
    "lie", [{"winners": {"q1": ["o9"]}}, {"root": "11" * 32}, {"outcome": "sha256:" + "22" * 32}]
)
def test_announced_otherwise(world, lie):
    del world.space[-1]
    announce(world, **lie)
    assert "publication" in judge(world)


def test_ballot_cut_off_after_its_announcement(world):
    del world.ballot[-2:]
    checks = judge(world)
    assert checks["publication"].log == BALLOT_ORIGIN


def test_hidden_ballot(world):
    """Notices dropped from the space's log: the ballot's files then belong to nothing."""
    del world.space[-2:]
    assert judge(world)["files"].file.startswith(log_folder(BALLOT_ORIGIN))


def test_dropped_ballot_notice_with_its_outcome_left(world):
    del world.space[-2]
    assert judge(world)["records"].entry == len(world.space) - 1


def test_ballot_log_under_another_key(world):
    files = world.files()
    other = World("other-keys")
    other.ballot = world.ballot
    folder = log_folder(BALLOT_ORIGIN)
    theirs = {k: v for k, v in other.files().items() if k.startswith(folder)}
    assert failed(audit_files(files | theirs))["log key"].file == f"{folder}/vkey"


def test_entry_not_in_normal_form(world):
    undecide(world)
    index = world.head + 2
    world.ballot[index] = world.ballot[index].replace(b'{"payload"', b'{ "payload"', 1)
    close_only(world, VOTERS)
    assert judge(world)["entries"].entry == index


def test_definition_signed_by_somebody_without_the_role(world):
    undecide(world)
    del world.space[-1]
    stranger = world.voter(0)
    ballot = definition_of(world, 5, "approval", signer=stranger.member_id)
    entry = entry_bytes(ballot, stranger)
    world.definition = read_entry(entry).identity
    rows = [Voter(id=world.voter(i).member_id, suite="ed25519", weight="1") for i in range(VOTERS)]
    open_ballot(world, entry, rows)
    assert judge(world)["authority"].entry == 0


def test_member_without_a_registrars_signature(world):
    ghost = world.voter("ghost")
    member = Member(SPACE, ghost.member_id, ghost.key, ["member"], "1", "active", None, FOUNDED)
    world.space.append(entry_bytes(member, ghost))
    check = judge(world)["records"]
    assert (check.log, check.entry) == (SPACE_ORIGIN, len(world.space) - 1)


def test_another_instance_than_expected(world):
    right = world.instance_id
    assert not failed(audit_files(world.files(), expected=right.removeprefix("sha256:")[:20].upper()))
    wrong = "sha256:" + "ab" * 32
    assert "fingerprint" in failed(audit_files(world.files(), expected=wrong))
    assert "fingerprint" in failed(audit_files(world.files(), expected=right[:12]))
