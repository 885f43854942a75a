"""Projections say what the logs say, whatever the batches were, and come out the same when folded again."""

from __future__ import annotations

import random
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from governance.errors import IntegrityFault
from governance.log.merkle import Frontier, leaf_hash
from governance.statements.base import BlobRef, Statement
from governance.statements.closing import Cancellation, Close, Extension, Outcome
from governance.statements.entry import Entry
from governance.statements.roadmap import Commitment, CommitmentUpdate, RoadmapItem
from governance.statements.space import BallotNotice, OutcomeNotice
from governance.store import entries, rebuild
from governance.store.engine import Store, open_store
from governance.store.entries import Addition, LogHead, table_of
from governance.store.projected import (
    PROJECTED,
    BallotNoticeRow,
    BallotRow,
    CommitmentRow,
    DelegationRow,
    ItemRow,
    MemberRow,
    OutcomeNoticeRow,
    SpaceRow,
    StatementRow,
    VoteRow,
)
from governance.store.projections import project
from governance.store.tables import LogEntry
from tests.support.world import NOW, VKEY, World, signed

DIGEST = "sha256:" + "0" * 64
HASH = "0" * 64
SPACE = LogHead(0, "althing.example/spaces/nix", "space", "nix", None, VKEY)
BALLOT = LogHead(0, "althing.example/spaces/nix/ballots/q1", "ballot", "nix", "q1", VKEY)


def put(store: Store, log: LogHead, new: list[Entry], sizes: list[int]) -> LogHead:
    """Append and project the entries in batches of the given sizes."""
    with store.write() as conn:
        log = entries.create(conn, log)
    tree = Frontier()
    while new:
        count = sizes.pop(0) if sizes else len(new)
        part, new = new[:count], new[count:]
        leaves = [leaf_hash(e.data) for e in part]
        subtrees = tree.extend(leaves)
        addition = Addition([e.data for e in part], leaves, subtrees, tree.root())
        with store.write() as conn:
            old, log = log, entries.append(conn, log, addition, lambda _size, _root: b"")
            project(conn, old, part)
    return log


def rows(store: Store, model: type[SQLModel]) -> list[dict[str, Any]]:
    with store.read() as conn:
        return [dict(row) for row in conn.execute(sa.select(table_of(model))).mappings()]


def item(revision: int, previous: str | None, **changes: Any) -> RoadmapItem:
    values: dict[str, Any] = {
        "space": "nix", "item": "cache", "revision": revision, "previous": previous, "title": "Binary cache",
        "product": None, "quarter": "2027-Q1", "phase": None, "theme": None, "status": "planned",
        "effort": "2 weeks", "effort_days": 10, "details": "", "source": None, "revised_at": NOW + revision,
    }  # fmt: skip
    return RoadmapItem(**{**values, **changes})


def space_entries(world: World) -> list[Entry]:
    steward, service = world.steward, world.service
    first = signed(item(1, None), steward)
    commitment = signed(
        Commitment("nix", "build-cache", "cache", "q1", DIGEST, steward.member_id, "2027-Q2", "We do.", NOW),
        steward,
    )
    more: list[tuple[Statement, Any]] = [
        (item(2, first.identity, title="A\0B", status="done", effort_days=None, quarter=None), steward),
        (BallotNotice("nix", "q1", DIGEST, BALLOT.origin, VKEY, "2027-Q1", NOW), service),
        (OutcomeNotice("nix", "q1", DIGEST, DIGEST, 9, HASH, {"q": ["b", "a"]}, NOW), service),
        (world.delegation(0, 1, 2), world.voters[0]),
        (world.delegation(0, 1, scope="topic:a/b", sequence=2), world.voters[0]),
        (world.delegation(0, sequence=3), world.voters[0]),
    ]
    updates: list[tuple[Statement, Any]] = [
        (CommitmentUpdate("nix", "build-cache", commitment.identity, "late", "Soon.", NOW + 5), steward),
        (CommitmentUpdate("nix", "build-cache", DIGEST, "kept", "Done.", NOW + 9), steward),
    ]
    return [
        *world.space.entries,
        first,
        *(signed(s, k) for s, k in more),
        commitment,
        *(signed(s, k) for s, k in updates),
    ]


def ballot_entries(world: World, ending: str) -> list[Entry]:
    log = world.ballot()
    voters = world.voters
    result = list(log.entries)
    for number, choice in enumerate([0, 1, 0, 2, 0, 1]):
        vote = world.vote(log, voters[choice], ["a"], NOW + 60 + number)
        result.append(signed(vote, voters[choice]))
    origin, definition = BALLOT.origin, log.entries[0].identity
    endings: dict[str, list[Statement]] = {
        "open": [],
        "decided": [
            Extension(origin, definition, NOW + 90_000, NOW + 86_400),
            Close(origin, definition, 6, None, NOW + 90_000),
            Outcome(origin, definition, 12, HASH, HASH, BlobRef(DIGEST, 5), {"q": ["a"]}, NOW + 90_001),
        ],
        "cancelled": [
            Cancellation(origin, definition, DIGEST, world.steward.member_id, "Wrong roll", NOW + 70)
        ],
    }
    return result + [signed(s, world.service) for s in endings[ending]]


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def test_space_at_its_latest(store: Store, world: World) -> None:
    new = space_entries(world)
    put(store, SPACE, new, [])
    (space,) = rows(store, SpaceRow)
    assert (space["space"], space["title"], space["constitution_revision"]) == ("nix", "Nix", 1)
    assert space["constitution"] == new[1].identity
    members = {row["member"]: row for row in rows(store, MemberRow)}
    assert set(members) == {world.steward.member_id, *(v.member_id for v in world.voters)}
    assert members[world.steward.member_id]["roles"] == '["steward","registrar"]'
    assert members[world.voters[0].member_id]["public"] == world.voters[0].public
    (found,) = rows(store, ItemRow)
    assert (found["revision"], found["status"], found["effort_days"], found["idx"]) == (2, "done", None, 6)
    assert found["title"] == "A\ufffdB"
    (notice,) = rows(store, BallotNoticeRow)
    assert (notice["origin"], notice["idx"]) == (BALLOT.origin, 7)
    (outcome,) = rows(store, OutcomeNoticeRow)
    assert (outcome["winners"], outcome["size"]) == ('{"q":["b","a"]}', 9)
    (commitment,) = rows(store, CommitmentRow)
    assert (commitment["status"], commitment["updates"], commitment["note"]) == ("kept", 2, "Done.")
    assert commitment["identity"] == new[-1].identity


def test_history_of_a_thing(store: Store, world: World) -> None:
    new = space_entries(world)
    put(store, SPACE, new, [])
    history = [r for r in rows(store, StatementRow) if (r["kind"], r["subject"]) == ("roadmap-item", "cache")]
    assert [(r["idx"], r["identity"]) for r in history] == [(5, new[5].identity), (6, new[6].identity)]
    assert len(rows(store, StatementRow)) == len(new)


def test_votes_count_once_and_remember_the_replaced(store: Store, world: World) -> None:
    new = ballot_entries(world, "open")
    put(store, BALLOT, new, [4, 2])
    votes = {row["voter"]: row for row in rows(store, VoteRow)}
    assert [votes[v.member_id]["replaced"] for v in world.voters] == [2, 1, 0]
    last = votes[world.voters[0].member_id]
    assert (last["idx"], last["cast_at"]) == (7, NOW + 64)
    assert "sha256:" + last["identity"].hex() == new[7].identity
    assert not [r for r in rows(store, StatementRow) if r["kind"] == "vote"]


def test_the_latest_delegation_of_a_scope(store: Store, world: World) -> None:
    put(store, SPACE, space_entries(world), [2, 1])
    found = {row["scope"]: row for row in rows(store, DelegationRow)}
    assert found.keys() == {"space", "topic:a/b"}
    whole, topic = found["space"], found["topic:a/b"]
    assert (whole["delegates"], whole["expires"], whole["sequence"]) == ("[]", None, 3)
    delegator, delegate = world.voters[0].member_id, world.voters[1].member_id
    assert (topic["delegator"], topic["delegates"]) == (delegator, f'["{delegate}"]')
    assert topic["expires"] == "2027-Q1"


def test_phases_of_a_ballot(store: Store, world: World) -> None:
    put(store, BALLOT, ballot_entries(world, "decided"), [1, 1, 1])
    (row,) = rows(store, BallotRow)
    assert (row["phase"], row["ballot"], row["voters"], row["weight"]) == ("decided", "q1", 3, "3")
    assert (row["opening"], row["close"], row["votes"], row["extended"]) == (2, 10, 6, 1)
    assert (row["closes_at"], row["closed_at"], row["result"]) == (NOW + 90_000, NOW + 90_000, DIGEST)
    assert row["winners"] == '{"q":["a"]}'


def test_cancelled_ballot(store: Store, world: World) -> None:
    put(store, BALLOT, ballot_entries(world, "cancelled"), [])
    (row,) = rows(store, BallotRow)
    assert (row["phase"], row["reason"]) == ("cancelled", "Wrong roll")


@pytest.mark.parametrize("seed", range(3))
def test_rebuilding_changes_nothing_whatever_the_batches_were(store: Store, world: World, seed: int) -> None:
    chance = random.Random(seed)
    put(store, BALLOT, ballot_entries(world, "decided"), [chance.randint(1, 4) for _ in range(20)])
    put(store, SPACE, space_entries(world), [chance.randint(1, 4) for _ in range(20)])
    before = {model: rows(store, model) for model in PROJECTED}
    assert all(before.values()), "every projection has rows"
    assert rebuild.check(store) == []
    assert rebuild.rebuild(store) == []
    for model in PROJECTED:
        assert sorted(map(str, rows(store, model))) == sorted(map(str, before[model]))


def test_rebuilding_puts_a_table_right(store: Store, database: str | None, world: World) -> None:
    put(store, BALLOT, ballot_entries(world, "decided"), [])
    with store.write() as conn:
        conn.execute(sa.update(table_of(BallotRow)).values(winners='{"q":["b"]}'))
        conn.execute(sa.delete(table_of(VoteRow)).where(table_of(VoteRow).c.replaced == 0))
    beside = open_store(database, store.data_dir, read_only=True)
    assert rebuild.check(beside) == ["ballots", "votes"]
    beside.close()
    assert rebuild.rebuild(store) == ["ballots", "votes"]
    assert rebuild.check(store) == []
    assert rows(store, BallotRow)[0]["winners"] == '{"q":["a"]}'


def test_rebuilding_from_a_damaged_log_changes_nothing(store: Store, world: World) -> None:
    put(store, BALLOT, ballot_entries(world, "decided"), [])
    before = rows(store, VoteRow)
    with store.write() as conn:
        conn.execute(sa.update(table_of(LogEntry)).where(table_of(LogEntry).c.idx == 3).values(data=b"{}"))
    with pytest.raises(IntegrityFault):
        rebuild.rebuild(store)
    with pytest.raises(IntegrityFault):
        rebuild.check(store)
    assert rows(store, VoteRow) == before
