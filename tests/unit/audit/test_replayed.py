"""A ballot replayed from public files: the votes that count with what they carry, no ballot in disorder."""

import pytest

from governance.audit.replayed import replay_ballot
from governance.canonical import digest
from governance.errors import AuditFailed, NotFound, Refused
from governance.replay.result import result_bytes
from governance.statements.entry import read_entry
from tests.support.ballots import (
    BALLOT,
    BALLOT_ORIGIN,
    SPACE,
    log_folder,
    make_delegated_world,
    make_world,
    open_world,
)
from tests.support.memory import MemoryFiles


def replayed(world, **changed):
    return replay_ballot(MemoryFiles(world.files() | changed), SPACE, BALLOT)


def test_the_last_votes_count():
    world = make_world(20, rounds=2, seed="replayed")
    found = replayed(world)
    votes = {vote.voter: vote for vote in found.counted()}
    assert len(votes) == 20
    for index in range(world.head, world.head + world.votes):
        cast = read_entry(world.ballot[index]).statement
        if votes[cast.voter].index == index:
            assert votes[cast.voter].answers == cast.answers
        else:
            assert votes[cast.voter].index > index
    assert {vote.weight for vote in votes.values()} == {1}
    assert digest(result_bytes(found.result)).removeprefix("sha256:") in world.blobs


def test_delegated_weight_is_counted():
    world = make_delegated_world(9)
    assert sorted(vote.weight for vote in replayed(world).counted()) == [3, 3, 3]


def test_what_is_not_there_or_not_decided():
    files = MemoryFiles(make_world(3, seed="replayed").files())
    with pytest.raises(NotFound, match="names no space"):
        replay_ballot(files, "other", BALLOT)
    with pytest.raises(AuditFailed, match="no ballot other"):
        replay_ballot(files, SPACE, "other")
    with pytest.raises(Refused, match="not decided"):
        replayed(open_world(3, seed="replayed-open"))
    with pytest.raises(AuditFailed, match="identity"):
        replay_ballot(MemoryFiles({}), SPACE, BALLOT)


def test_a_changed_entry_is_no_ballot_to_explain():
    world = make_world(5, seed="replayed")
    folder = log_folder(BALLOT_ORIGIN)
    (path,) = [p for p in world.files() if p.startswith(f"{folder}/tile/entries/")]
    data = bytearray(world.files()[path])
    data[-40] ^= 1
    with pytest.raises(AuditFailed):
        replayed(world, **{path: bytes(data)})


def test_a_result_that_is_not_the_votes():
    world = make_world(5, seed="replayed")
    other = make_world(6, seed="replayed")
    assert replayed(world).result != replayed(other).result
    world.ballot[-1] = other.ballot[-1]
    with pytest.raises(AuditFailed):
        replayed(world)
