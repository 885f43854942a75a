"""Ballots with delegation: what an audit recomputes, and operators who cheat and sign all anew."""

from __future__ import annotations

import json

import msgspec
import pytest

from governance.audit.alone import audit_log
from governance.statements.delegation import DelegationSnapshot
from governance.statements.entry import read_entry
from governance.statements.vote import LogHead
from tests.support.ballots import (
    BALLOT_ORIGIN,
    SPACE_ORIGIN,
    log_folder,
    make_delegated_world,
    root_at,
)
from tests.support.memory import MemoryFiles, audit_files, failed
from tests.support.voters import entry_bytes

VOTERS = 9


def judge(world):
    return failed(audit_files(world.files()))


def test_an_honest_ballot_passes_and_counts_the_carried():
    world = make_delegated_world(VOTERS)
    verdict = audit_files(world.files())
    assert verdict.passed, verdict.failures
    (check,) = [c for c in verdict.checks if c.name == "delegations"]
    assert (check.status, check.numbers) == ("passed", {"live": 6})
    result = json.loads(world.outcome_json)
    assert (result["voters"], result["weight"]) == (3, "9")
    assert result["delegations"]["weight"] == "6"


def test_a_log_of_many_bundles_passes():
    assert audit_files(make_delegated_world(400, seed="many").files()).passed


@pytest.mark.parametrize(
    "lies",
    [
        {"live": 5},
        {"space": LogHead(SPACE_ORIGIN, 20, "0" * 64)},
        {"space": LogHead(SPACE_ORIGIN, 10_000, "0" * 64)},
        {"space": LogHead("althing.test/spaces/debian", 19, "0" * 64)},
    ],
)
def test_a_snapshot_of_another_space_or_head_fails(lies):
    found = judge(make_delegated_world(VOTERS, **lies))
    assert "delegations" in found, found


def test_a_head_from_before_the_opening_fails():
    world = make_delegated_world(VOTERS)
    size = 3
    early = LogHead(SPACE_ORIGIN, size, root_at(world.space, size).hex())
    assert "delegations" in judge(make_delegated_world(VOTERS, space=early, live=0))


def replaced_snapshot(world, **lies):
    """The snapshot signed anew with lies in it; close and outcome stay as they were."""
    index = len(world.ballot) - 3
    old = read_entry(world.ballot[index]).statement
    assert isinstance(old, DelegationSnapshot)
    world.ballot[index] = entry_bytes(msgspec.structs.replace(old, **lies), world.service)
    return index


def test_an_older_head_does_not_give_the_published_result():
    world = make_delegated_world(VOTERS)
    size = len(world.space) - 3
    head = LogHead(SPACE_ORIGIN, size, root_at(world.space, size).hex())
    replaced_snapshot(world, space=head, live=4)
    assert "count" in judge(world)


def test_a_close_without_its_snapshot_fails():
    world = make_delegated_world(VOTERS)
    del world.ballot[-3]
    assert judge(world)["closing"].entry == len(world.ballot) - 2


def test_a_vote_between_snapshot_and_close_fails():
    world = make_delegated_world(VOTERS)
    world.ballot.insert(len(world.ballot) - 2, world.ballot[world.head])
    assert judge(world)["delegations"].entry == len(world.ballot) - 4


def test_a_snapshot_signed_by_somebody_else_fails():
    world = make_delegated_world(VOTERS)
    statement = read_entry(world.ballot[-3]).statement
    world.ballot[-3] = entry_bytes(statement, world.steward)
    assert "authority" in judge(world)


def test_a_delegation_that_the_member_did_not_sign_fails():
    world = make_delegated_world(VOTERS)
    index = next(i for i, e in enumerate(world.space) if b"delegation.v1" in e)
    statement = read_entry(world.space[index]).statement
    world.space[index] = entry_bytes(statement, world.steward)
    assert judge(world)["signatures"].entry == index


def test_a_log_by_itself_says_that_delegations_stand_elsewhere():
    files = make_delegated_world(VOTERS).files()
    folder = log_folder(BALLOT_ORIGIN) + "/"
    own = {p.removeprefix(folder): d for p, d in files.items() if p.startswith(folder)}
    verdict = audit_log(MemoryFiles(own))
    assert verdict.passed, verdict.failures
    skipped = {c.name: c.detail for c in verdict.checks if c.status == "skipped"}
    assert {"delegations", "count", "lot", "outcome"} <= skipped.keys()
    assert "space" in skipped["count"]
