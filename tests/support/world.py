"""A small community built statement by statement, as values: for tests of the rules themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from governance.counting.registry import get_rule
from governance.log.merkle import Frontier, leaf_hash
from governance.replay.ballot import BallotState
from governance.replay.delegation_records import choose
from governance.replay.instance import InstanceState
from governance.replay.space import SpaceState
from governance.signing.envelope import normalise, sign_envelope
from governance.signing.keyfile import Ed25519Key, PrivateKey
from governance.statements.ballot import Ballot, Eligibility, OptionLine, Question, RuleChoice
from governance.statements.base import Key, Statement
from governance.statements.closing import Close
from governance.statements.delegation import Delegation, DelegationRule, DelegationSnapshot
from governance.statements.electorate import Electorate, pages, summarise
from governance.statements.entry import Entry, read_entry
from governance.statements.instance import Instance, Operator, SpaceNotice, instance_id
from governance.statements.member import Member
from governance.statements.space import BallotDefaults, BallotOrder, Constitution, Space
from governance.statements.vote import LogHead, Opening, Vote

NOW = 1_790_000_000
BASE = "althing.example"
VKEY = "test+00000000+AQ=="  # never verified by the folds


def key(number: int) -> Ed25519Key:
    """The nth test key. Test keys only: the seeds are counters."""
    return Ed25519Key(number.to_bytes(32, "big"))


def public(private: PrivateKey) -> Key:
    """The enrolled form of a key."""
    return Key(suite=private.suite, public=private.public)


def signed(statement: Statement, *keys: PrivateKey) -> Entry:
    """The entry of a statement signed by keys in turn."""
    return read_entry(normalise(sign_envelope(statement.payload_type(), statement.to_bytes(), keys)))


def full_params(rule: str, **given: Any) -> dict[str, Any]:
    """All parameters of a rule, defaults written down as a definition needs them."""
    params = get_rule(rule).parse_params(given)
    return dict(msgspec.to_builtins(params))


@dataclass
class Log:
    """Entries folded into a state, with the tree beside it."""

    state: Any
    entries: list[Entry] = field(default_factory=list)
    tree: Frontier = field(default_factory=Frontier)

    def add(self, entry: Entry) -> int:
        """Admit an entry; its index."""
        index = len(self.entries)
        self.state.admit(index, entry)
        self.entries.append(entry)
        self.tree.extend([leaf_hash(entry.data)])
        return index

    @property
    def head(self) -> LogHead:
        """Origin, size and root as statements name them."""
        return LogHead(self.state.origin, len(self.entries), self.tree.root().hex())


class World:
    """An instance with one space, a steward who is also registrar, and `voters` members."""

    def __init__(self, voters: int = 3, *, root: int = 1, **constitution: Any) -> None:
        self.root, self.service, self.operator = key(root), key(2), key(3)
        self.steward = key(4)
        self.voters = [key(100 + n) for n in range(voters)]
        self.instance = Log(InstanceState(f"{BASE}/instance"))
        self.instance.add(signed(self.identity_document(), self.root))
        self.instance.add(signed(SpaceNotice("nix", f"{BASE}/spaces/nix", VKEY, NOW), self.service))
        self.space = Log(SpaceState(f"{BASE}/spaces/nix", self.instance.state.keys))
        self.space.add(signed(self.founding(), self.operator, self.steward))
        self.space.add(signed(self.constitution(**constitution), self.steward))
        for voter in self.voters:
            self.space.add(signed(self.enrolment(voter), voter, self.steward))

    def identity_document(self, **changes: Any) -> Instance:
        """The instance's first identity document."""
        document = Instance(
            id=instance_id(public(self.root)),
            name="Test instance",
            base_url=f"https://{BASE}",
            serial=1,
            previous=None,
            issued_at=NOW,
            root=public(self.root),
            service=public(self.service),
            operators=[Operator(self.operator.member_id, public(self.operator))],
            origin=f"{BASE}/instance",
            vkey=VKEY,
        )
        return msgspec.structs.replace(document, **changes)

    def enrolment(self, who: PrivateKey, roles: Iterable[str] = ("member",), **changes: Any) -> Member:
        """A first enrolment."""
        first = Member("nix", who.member_id, public(who), list(roles), "1", "active", None, NOW)
        return msgspec.structs.replace(first, **changes)

    def founding(self) -> Space:
        """The first entry of the space."""
        founder = self.enrolment(self.steward, ("steward", "registrar"))
        return Space("nix", "Nix", self.instance.state.document.id, f"{BASE}/spaces/nix", [founder], NOW)

    def constitution(self, **changes: Any) -> Constitution:
        """The usual permissions."""
        steward = ["steward"]
        permissions = {
            "constitution": steward,
            "member": ["registrar"],
            "roadmap-item": steward,
            "roadmap-edition": steward,
            "ballot": steward,
            "ballot-order": steward,
            "commitment": steward,
            "commitment-update": steward,
            "dispute": ["auditor", "member"],
            "ruling": steward,
        }
        defaults = BallotDefaults("approval", None, 0, "equal")
        first = Constitution("nix", 1, None, "project", "", permissions, None, defaults, NOW)
        return msgspec.structs.replace(first, **changes)

    def definition(self, rule: str = "approval", **changes: Any) -> Ballot:
        """A ballot on options a, b, c, open for a day."""
        options = [OptionLine(o, o.upper(), "5", None) for o in "abc"]
        given = {"budget": "10"} if rule in {"equal-shares", "greedy"} else {}
        choice = RuleChoice(rule, 1, full_params(rule, **given))
        first = Ballot(
            protocol=1,
            space="nix",
            ballot="q1",
            origin=f"{BASE}/spaces/nix/ballots/q1",
            title="First quarter",
            text="",
            quarter="2027-Q1",
            privacy="open",
            questions=[Question("q", "What first?", "", options, choice, "rule-then-lot")],
            eligibility=Eligibility(["member"], "equal"),
            quorum=None,
            opens_at=NOW,
            closes_at=NOW + 86_400,
            early_close="steward",
            extension=0,
            revote="last-counts",
            delegation="none",
            nonce_holders=[],
            witness_policy="",
            requires=[],
            signer=self.steward.member_id,
            defined_at=NOW,
        )
        return msgspec.structs.replace(first, **changes)

    def ballot(self, definition: Ballot | None = None, *, opened: bool = True) -> Log:
        """A ballot's log up to its opening (or the roll, when not opened)."""
        log = Log(BallotState(f"{BASE}/spaces/nix/ballots/q1", self.instance.state.keys, self.space.state))
        ballot = definition or self.definition()
        log.add(signed(ballot, self.steward))
        rows = self.space.state.roll(ballot.eligibility.roles, ballot.eligibility.weights)
        for number, page in enumerate(pages(rows)):
            log.add(signed(Electorate(log.entries[0].identity, number, page), self.service))
        if opened:
            log.add(signed(self.opening(log), self.service))
        return log

    def opening(self, log: Log, **changes: Any) -> Opening:
        """The opening that fits the log so far."""
        eligibility = log.state.definition.ballot.eligibility
        rows = self.space.state.roll(eligibility.roles, eligibility.weights)
        first = Opening(
            ballot=log.state.origin,
            definition=log.entries[0].identity,
            instance=self.instance.state.document.id,
            vkey=VKEY,
            space=self.space.head,
            electorate=summarise(rows),
            order=None,
            opened_at=NOW,
        )
        return msgspec.structs.replace(first, **changes)

    def vote(self, log: Log, who: PrivateKey, answer: Any, cast_at: int = NOW + 60, **changes: Any) -> Vote:
        """A vote on question q."""
        first = Vote(log.state.origin, log.entries[0].identity, who.member_id, {"q": answer}, cast_at)
        return msgspec.structs.replace(first, **changes)

    def order(self, log: Log, action: str) -> str:
        """A steward's order recorded in the space's log; its digest."""
        digest = log.entries[0].identity
        order = BallotOrder("nix", "q1", digest, action, "because", self.steward.member_id, NOW + 100)
        entry = signed(order, self.steward)
        self.space.add(entry)
        return entry.identity

    def delegation(self, who: int, *delegates: int, scope: str = "space", **changes: Any) -> Delegation:
        """A delegation of the nth voter, the next in their sequence; without delegates a revocation."""
        records = self.space.state.delegations.get(self.voters[who].member_id, {})
        first = Delegation(
            space="nix",
            delegator=self.voters[who].member_id,
            delegates=[self.voters[d].member_id for d in delegates],
            scope=scope,
            expires="2027-Q1" if delegates else None,
            sequence=1 + max((r.sequence for r in records.values()), default=0),
            delegated_at=NOW,
        )
        return msgspec.structs.replace(first, **changes)

    def delegate(self, who: int, *delegates: int, **changes: Any) -> int:
        """Record it; its index in the space's log."""
        return self.space.add(signed(self.delegation(who, *delegates, **changes), self.voters[who]))

    def snapshot(self, log: Log, **changes: Any) -> DelegationSnapshot:
        """The delegation snapshot of the space as it is."""
        state = log.state
        rule = state.definition.ballot.delegation_rule or DelegationRule(None, "lost", None, None)
        live = choose(self.space.state.delegations, state.roll, state.definition.ballot, rule).live
        first = DelegationSnapshot(state.origin, log.entries[0].identity, self.space.head, live)
        return msgspec.structs.replace(first, **changes)

    def closing(self, log: Log, **changes: Any) -> Close:
        """The close on schedule."""
        votes = log.state.casts.accepted
        first = Close(log.state.origin, log.entries[0].identity, votes, None, NOW + 86_400)
        return msgspec.structs.replace(first, **changes)

    @staticmethod
    def root_after(log: Log, size: int) -> bytes:
        """The tree root over the first `size` entries."""
        tree = Frontier()
        tree.extend([leaf_hash(entry.data) for entry in log.entries[:size]])
        return tree.root()
