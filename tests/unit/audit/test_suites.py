"""Votes under every suite, and under a key that replaced the one in the member's id."""

import pytest

from governance.signing.keyfile import HybridKey, SshKey
from governance.statements.base import Key
from governance.statements.electorate import voter_row
from governance.statements.entry import assumed_key, read_entry
from governance.statements.member import Member
from tests.support.ballots import (
    FOUNDED,
    SPACE,
    decide,
    definition_of,
    make_world,
    open_ballot,
    undecide,
)
from tests.support.keys import openssh, ssh_private
from tests.support.memory import audit_files, failed
from tests.support.voters import entry_bytes, key_of, vote_by


class Renamed:
    """A key that signs for the member who enrolled another one first."""

    def __init__(self, key, member_id):
        self.member_id, self.sign = member_id, key.sign


def enrol(world, key, member_id=None, previous=None, signers=()):
    public = Key(key.suite, key.public)
    member = Member(
        SPACE, member_id or key.member_id, public, ["member"], "1", "active", previous, FOUNDED + 11
    )
    world.space.append(entry_bytes(member, *(signers or (key, world.steward))))
    return voter_row(member.member, public, "1"), read_entry(world.space[-1]).identity


@pytest.fixture(scope="module")
def mixed():
    """A ballot by six kinds of key; the last voter has rotated theirs."""
    world = make_world(3, seed="mixed")
    undecide(world)
    del world.space[-1]
    keys = [SshKey(openssh(ssh_private(kind))) for kind in ("ed25519", "ecdsa256", "rsa")]
    keys.append(HybridKey(bytes(range(64))))
    rows = [enrol(world, key)[0] for key in keys]
    old, new = key_of("mixed", "old"), key_of("mixed", "new")
    _, digest = enrol(world, old)
    rows.append(enrol(world, new, old.member_id, digest, (new, world.steward))[0])
    rows += [voter_row(world.voter(i).member_id, world.voter(i).key, "1") for i in range(3)]
    definition = entry_bytes(definition_of(world, 5, "approval"), world.steward)
    open_ballot(world, definition, rows)
    keys += [Renamed(new, old.member_id), *(world.voter(i) for i in range(3))]
    world.ballot += [vote_by(key, world.order, ["o1"]) for key in keys]
    decide(world)
    return world, old


def test_every_suite_verifies(mixed):
    verdict = audit_files(mixed[0].files())
    assert verdict.passed, verdict.failures
    votes = next(check for check in verdict.checks if check.name == "vote signatures")
    assert votes.numbers["votes"] == 8


def test_the_replaced_key_no_longer_votes(mixed):
    """A worker, which knows only the key in the id, takes this vote for a good one; the fold must not."""
    world, old = mixed
    index = next(i for i, e in enumerate(world.ballot) if i >= world.head and old.member_id.encode() in e)
    kept = world.ballot[index]
    world.ballot[index] = vote_by(old, world.order, ["o1"])
    try:
        assert failed(audit_files(world.files()))["vote signatures"].entry == index
    finally:
        world.ballot[index] = kept


@pytest.mark.parametrize(
    ("voter", "signature"), [("", b""), ("sha256:" + "00" * 32, bytes(64)), ("did:key:z6Mkx", b"SSHSI")]
)
def test_no_key_is_assumed(voter, signature):
    assert assumed_key(voter, signature) is None
