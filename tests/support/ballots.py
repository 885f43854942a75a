"""A complete instance, space and ballot as public files, without the service: for tests and benchmarks.

`make_world` gives lists of entries that a test may change as a cheating operator would; `World.publish` signs
whatever is there with the right keys, so only a real audit can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from governance.canonical import digest
from governance.counting.registry import get_rule
from governance.log.checkpoint import Checkpoint
from governance.log.merkle import Frontier, leaf_hash, leaf_hashes
from governance.replay.authority import InstanceKeys
from governance.replay.ballot import BallotState
from governance.replay.casts import Casts
from governance.replay.delegation_records import DelegationRecord, choose
from governance.replay.result import compute_result, result_bytes, seed_of, winners_of
from governance.replay.roll import Roll
from governance.replay.space import SpaceState
from governance.replay.vote import CheckedVote
from governance.signing.note import Ed25519Signer
from governance.statements.ballot import Ballot, Eligibility, OptionLine, Question, RuleChoice
from governance.statements.base import BlobRef
from governance.statements.closing import Close, Outcome
from governance.statements.delegation import Delegation, DelegationRule, DelegationSnapshot
from governance.statements.electorate import Electorate, Voter, pages, summarise
from governance.statements.entry import read_entry
from governance.statements.instance import Instance, Operator, SpaceNotice, instance_id
from governance.statements.member import Member
from governance.statements.space import BallotDefaults, BallotNotice, Constitution, OutcomeNotice, Space
from governance.statements.vote import LogHead, Opening, Vote
from tests.support.logs import public_files
from tests.support.voters import FastKey, Order, entry_bytes, key_of, make_voters

BASE = "althing.test"
SPACE, BALLOT = "nix", "2026-q1"
INSTANCE_ORIGIN = f"{BASE}/instance"
SPACE_ORIGIN = f"{BASE}/spaces/{SPACE}"
BALLOT_ORIGIN = f"{SPACE_ORIGIN}/ballots/{BALLOT}"
FOUNDED, OPENS, CLOSES = 1_760_000_000, 1_764_000_000, 1_765_000_000
KINDS = ("constitution", "member", "roadmap-item", "ballot", "ballot-order", "commitment", "dispute")


@dataclass
class World:
    """Entries of the three logs, blobs, and all the keys of their makers."""

    seed: str
    instance: list[bytes] = field(default_factory=list)
    space: list[bytes] = field(default_factory=list)
    ballot: list[bytes] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    outcome_json: bytes | None = None
    document: bytes = b""
    definition: str = ""
    order: Order | None = None
    head: int = 0
    votes: int = 0

    @property
    def service(self) -> FastKey:
        return key_of(self.seed, "service")

    @property
    def steward(self) -> FastKey:
        return key_of(self.seed, "steward")

    @property
    def instance_id(self) -> str:
        return instance_id(key_of(self.seed, "root").key)

    def voter(self, i: int) -> FastKey:
        return key_of(self.seed, i)

    def delegate(self, who: int, to: int, *, scope: str = "space", sequence: int = 1) -> None:
        """A delegation of one voter to another into the space's log."""
        key, delegates = self.voter(who), [self.voter(to).member_id]
        statement = Delegation(SPACE, key.member_id, delegates, scope, "2026-Q1", sequence, OPENS)
        self.space.append(entry_bytes(statement, key))

    def log_signer(self, origin: str) -> Ed25519Signer:
        return Ed25519Signer(origin, sha256(f"{self.seed}/log/{origin}".encode()).digest())

    def vkey(self, origin: str) -> str:
        return str(self.log_signer(origin).key)

    def logs(self) -> dict[str, list[bytes]]:
        return {INSTANCE_ORIGIN: self.instance, SPACE_ORIGIN: self.space, BALLOT_ORIGIN: self.ballot}

    def files(self) -> dict[str, bytes]:
        """Every public file by its path."""
        files = {".well-known/althing.json": self.document}
        for origin, entries in self.logs().items():
            if entries:
                folder = log_folder(origin)
                made = public_files(entries, [self.log_signer(origin)])
                files |= {f"{folder}/{path}": data for path, data in made.items()}
        if self.outcome_json is not None:
            files[f"{log_folder(BALLOT_ORIGIN)}/outcome.json"] = self.outcome_json
        return files | {f"blobs/sha256/{name}": data for name, data in self.blobs.items()}

    def publish(self, path: Path) -> Path:
        """The directory, with every public file written."""
        for name, data in self.files().items():
            target = path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return path


def log_folder(origin: str) -> str:
    return "logs" + origin.removeprefix(BASE)


def root_at(entries: Sequence[bytes], size: int) -> bytes:
    tree = Frontier()
    hashes = leaf_hashes(entries[:size])
    tree.extend(hashes[at : at + 32] for at in range(0, len(hashes), 32))
    return tree.root()


def make_world(
    voters: int,
    *,
    options: int = 5,
    rule: str = "approval",
    seed: str = "world",
    rounds: int = 1,
    **extra: Any,
) -> World:
    """A decided ballot in which every voter votes `rounds` times; `extra` replaces definition fields."""
    world, votes = _opened(voters, options, rule, seed, rounds, extra)
    world.ballot += votes
    decide(world)
    return world


def open_world(voters: int, *, options: int = 5, rule: str = "approval", seed: str, **extra: Any) -> World:
    """A ballot that has opened, without any vote yet."""
    return _opened(voters, options, rule, seed, 0, extra)[0]


def _opened(
    voters: int, options: int, rule: str, seed: str, rounds: int, extra: dict[str, Any]
) -> tuple[World, list[bytes]]:
    world = World(seed)
    _found(world, 4 if "delegation" in extra else None)
    definition = definition_of(world, options, rule, **extra)
    entry = entry_bytes(definition, world.steward)
    world.definition = read_entry(entry).identity
    form = get_rule(rule).answer_form
    world.order = Order(
        seed, SPACE, BALLOT_ORIGIN, world.definition, definition.questions[0], form, FOUNDED + 10, OPENS + 60
    )
    made = make_voters(world.order, voters, rounds)
    world.space += made.members
    open_ballot(world, entry, made.rows)
    return world, made.votes


def make_delegated_world(
    voters: int, *, topic: str = "energy", seed: str = "delegated", **lies: Any
) -> World:
    """A decided ballot in which every third voter votes and the others delegate to the one after them.

    `lies` replaces fields of the delegation snapshot.
    """
    rule = DelegationRule("energy/heat", "lost", None, None)
    world, votes = _opened(voters, 5, "approval", seed, 1, {"delegation": rule})
    for i in (i for i in range(voters) if i % 3 != 2):
        world.delegate(i, (i + 1) % voters, scope=f"topic:{topic}")
    voting = {world.voter(i).member_id for i in range(2, voters, 3)}
    world.ballot += [data for data in votes if read_entry(data).statement.voter in voting]  # type: ignore[attr-defined]
    decide(world, snapshot=lies)
    return world


def make_public_dir(path: Path, voters: int, **choices: Any) -> World:
    """`make_world`, published in a directory."""
    world = make_world(voters, **choices)
    world.publish(path)
    return world


def _found(world: World, delegation_quarters: int | None) -> None:
    root, service, steward = (key_of(world.seed, n) for n in ("root", "service", "steward"))
    operator = key_of(world.seed, "operator")
    world.document = entry_bytes(
        Instance(
            id=world.instance_id,
            name="Test",
            base_url=f"https://{BASE}",
            serial=1,
            previous=None,
            issued_at=FOUNDED,
            root=root.key,
            service=service.key,
            operators=[Operator(operator.member_id, operator.key)],
            origin=INSTANCE_ORIGIN,
            vkey=world.vkey(INSTANCE_ORIGIN),
        ),
        root,
    )
    notice = SpaceNotice(SPACE, SPACE_ORIGIN, world.vkey(SPACE_ORIGIN), FOUNDED)
    world.instance = [world.document, entry_bytes(notice, service)]
    roles = ["steward", "registrar"]
    founder = Member(SPACE, steward.member_id, steward.key, roles, "1", "active", None, FOUNDED)
    space = Space(SPACE, "Nix", world.instance_id, SPACE_ORIGIN, [founder], FOUNDED)
    permissions = dict.fromkeys(KINDS, roles)
    defaults = BallotDefaults(rule="approval", quorum=None, extension=0, weights="equal")
    rules = Constitution(
        SPACE, 1, None, "plain", "", permissions, None, defaults, FOUNDED, delegation_quarters
    )
    world.space = [entry_bytes(space, operator, steward), entry_bytes(rules, steward)]


def definition_of(world: World, options: int, rule: str, **extra: Any) -> Ballot:
    """The definition of a one-question ballot."""
    lines = [OptionLine(id=f"o{i}", title=f"Option {i}", cost=None, item=None) for i in range(options)]
    if rule == "yes-no":
        lines = [OptionLine(id=i, title=i, cost=None, item=None) for i in ("yes", "no")]
    params = msgspec.to_builtins(get_rule(rule).Params())
    question = Question("q1", "Which?", "", lines, RuleChoice(rule, 1, params), "rule-then-lot")
    fields: dict[str, Any] = {
        "protocol": 1,
        "space": SPACE,
        "ballot": BALLOT,
        "origin": BALLOT_ORIGIN,
        "title": "Priorities",
        "text": "",
        "quarter": "2026-Q1",
        "privacy": "open",
        "questions": [question],
        "eligibility": Eligibility(["member"], "equal"),
        "quorum": None,
        "opens_at": OPENS,
        "closes_at": CLOSES,
        "early_close": "never",
        "extension": 0,
        "revote": "last-counts",
        "delegation": "none",
        "nonce_holders": [],
        "witness_policy": "",
        "requires": ["open-ballot/v1"],
        "signer": world.steward.member_id,
        "defined_at": FOUNDED + 20,
    }
    return Ballot(**(fields | extra))


def open_ballot(world: World, definition: bytes, rows: Iterable[Voter]) -> None:
    """Definition, roll and opening into the ballot's log; the notice into the space's."""
    roll = sorted(rows, key=lambda row: row.id)
    world.ballot = [definition]
    for number, page in enumerate(pages(roll)):
        world.ballot.append(entry_bytes(Electorate(world.definition, number, page), world.service))
    size = len(world.space)
    opening = Opening(
        ballot=BALLOT_ORIGIN,
        definition=world.definition,
        instance=world.instance_id,
        vkey=world.vkey(BALLOT_ORIGIN),
        space=LogHead(SPACE_ORIGIN, size, root_at(world.space, size).hex()),
        electorate=summarise(roll),
        order=None,
        opened_at=OPENS,
    )
    world.ballot.append(entry_bytes(opening, world.service))
    world.head = len(world.ballot)
    vkey = world.vkey(BALLOT_ORIGIN)
    notice = BallotNotice(SPACE, BALLOT, world.definition, BALLOT_ORIGIN, vkey, "2026-Q1", OPENS)
    world.space.append(entry_bytes(notice, world.service))


def fold(world: World) -> BallotState:
    """The ballot's state after its votes, signatures taken on trust (they are our own)."""
    state = BallotState(BALLOT_ORIGIN, InstanceKeys(), SpaceState(SPACE_ORIGIN, InstanceKeys()))
    first = read_entry(world.ballot[0])
    from governance.replay.definition import check_definition

    assert isinstance(first.statement, Ballot)
    state.definition = check_definition(first.statement, first.identity)
    state.roll, state.size = Roll(), world.head
    for data in world.ballot[1 : world.head]:
        statement = read_entry(data).statement
        if isinstance(statement, Electorate):
            state.roll.add_page(statement)
        elif isinstance(statement, Opening):
            state.opening, state.opening_index = statement, world.head - 1
    state.casts = Casts(state.roll)
    encoder = msgspec.json.Encoder(order="sorted")
    for index in range(world.head, len(world.ballot)):
        entry = read_entry(world.ballot[index])
        vote = entry.statement
        assert isinstance(vote, Vote)
        row = state.roll.row_of(vote.voter)
        if row is None:
            continue
        identity = bytes.fromhex(entry.identity[7:])
        key = state.roll.key(vote.voter, row)
        checked = CheckedVote(vote.voter, vote.cast_at, encoder.encode(vote.answers), identity, key)
        state.casts.record(index, state.casts.check(checked), checked)
    return state


def decide(world: World, **lies: Any) -> None:
    """Close, count and outcome into the log, the blob and the notice; `lies` replaces outcome fields."""
    state = fold(world)
    world.votes = len(world.ballot) - world.head
    take_snapshot(world, state, **lies.pop("snapshot", {}))
    close = Close(BALLOT_ORIGIN, world.definition, world.votes, None, CLOSES)
    world.ballot.append(entry_bytes(close, world.service))
    state.close, state.close_index = close, len(world.ballot) - 1
    open_root = root_at(world.ballot, world.head)
    result = lies.pop("result", None) or compute_result(state, open_root)
    data = result_bytes(result)
    fields: dict[str, Any] = {
        "ballot": BALLOT_ORIGIN,
        "definition": world.definition,
        "close": state.close_index,
        "open_root": open_root.hex(),
        "lot_seed": seed_of(state, open_root).hex(),
        "result": BlobRef(digest=digest(data), length=len(data)),
        "winners": winners_of(result),
        "counted_at": CLOSES,
    }
    signer = lies.pop("signer", world.service)
    outcome = Outcome(**(fields | lies))
    world.ballot.append(entry_bytes(outcome, signer))
    world.outcome_json = data
    world.blobs = {digest(data).removeprefix("sha256:"): data}
    announce(world)


def take_snapshot(world: World, state: BallotState, **lies: Any) -> None:
    """The delegation snapshot into the ballot's log, where its definition has a rule."""
    assert state.definition is not None
    ballot, rule = state.definition.ballot, state.definition.ballot.delegation_rule
    if rule is None:
        return
    size = lies.get("space", LogHead(SPACE_ORIGIN, len(world.space), "")).size
    delegated: dict[str, dict[str, DelegationRecord]] = {}
    for index, data in enumerate(world.space[:size]):
        new = read_entry(data).statement
        if isinstance(new, Delegation):
            record = DelegationRecord(tuple(new.delegates), new.expires, new.sequence, index)
            delegated.setdefault(new.delegator, {})[new.scope] = record
    state.chosen = choose(delegated, state.roll, ballot, rule)
    head = LogHead(SPACE_ORIGIN, size, root_at(world.space, size).hex())
    fields = {
        "ballot": BALLOT_ORIGIN,
        "definition": world.definition,
        "space": head,
        "live": state.chosen.live,
    }
    state.snapshot = DelegationSnapshot(**(fields | lies))
    world.ballot.append(entry_bytes(state.snapshot, world.service))


def announce(world: World, **lies: Any) -> None:
    """The outcome-notice into the space's log."""
    entry = read_entry(world.ballot[-1])
    assert isinstance(entry.statement, Outcome)
    fields: dict[str, Any] = {
        "space": SPACE,
        "ballot": BALLOT,
        "definition": world.definition,
        "outcome": entry.identity,
        "size": len(world.ballot),
        "root": root_at(world.ballot, len(world.ballot)).hex(),
        "winners": entry.statement.winners,
        "noted_at": CLOSES,
    }
    world.space.append(entry_bytes(OutcomeNotice(**(fields | lies)), world.service))


def checkpoint_of(world: World, origin: str) -> Checkpoint:
    """The checkpoint that `publish` signs for a log."""
    entries = world.logs()[origin]
    tree = Frontier()
    tree.extend(map(leaf_hash, entries))
    return Checkpoint(origin, len(entries), tree.root())


def undecide(world: World) -> None:
    """Takes back close, outcome and notice, so that a test may decide anew."""
    del world.ballot[-2:]
    del world.space[-1]
    world.blobs, world.outcome_json = {}, None
