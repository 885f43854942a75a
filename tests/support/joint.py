"""Several communities on instances of their own with one joint ballot, as values: for tests of its rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from governance.canonical import digest, encode
from governance.log.merkle import leaf_hash, root
from governance.replay.ballot import BallotState
from governance.replay.instance import InstanceState
from governance.replay.joint_manifest import overlaps, roll_bytes, roll_ref, shard_ballot
from governance.replay.joint_parts import Pinned, ShardTally, read_tally
from governance.replay.joint_result import JointResult, joint_bytes, joint_result
from governance.replay.result import compute_result, result_bytes, seed_of, winners_of
from governance.replay.space import SpaceState
from governance.signing.note import Ed25519Signer
from governance.statements.ballot import Ballot, Eligibility, NonceHolder, OptionLine, Question, RuleChoice
from governance.statements.base import BlobRef
from governance.statements.closing import Close, NonceReveal, Outcome
from governance.statements.electorate import Electorate, Voter, pages, summarise
from governance.statements.entry import Entry
from governance.statements.instance import Instance, Operator, SpaceNotice, instance_id
from governance.statements.joint import (
    Differing,
    JointAcceptance,
    JointDispute,
    JointOutcome,
    Manifest,
    Pooled,
    Shard,
)
from governance.statements.member import Member
from governance.statements.space import BallotDefaults, BallotNotice, Constitution, OutcomeNotice, Space
from governance.statements.vote import LogHead, NonceCommitment, Opening, Vote
from tests.support.logs import public_files
from tests.support.world import Log, full_params, key, public, signed

NOW = 1_790_000_000
OPENS, CLOSES, GRACE = NOW + 1_000, NOW + 2_000, 500


def log_signer(origin: str) -> Ed25519Signer:
    """The log's key; its vkey is `str(signer.key)`."""
    return Ed25519Signer(origin, sha256(f"log/{origin}".encode()).digest())


def question(rule: str = "approval", name: str = "q", options: str = "abc", **params: Any) -> Question:
    """A question on one-letter options, or on yes, no and abstain."""
    ids = ["yes", "no", "abstain"] if rule == "yes-no" else list(options)
    lines = [OptionLine(o, o.upper(), "5", None) for o in ids]
    return Question(
        name, "What?", "", lines, RuleChoice(rule, 1, full_params(rule, **params)), "rule-then-lot"
    )


class Community:
    """An instance with one space; `members` are key numbers."""

    def __init__(self, number: int, members: Sequence[int], **permissions: list[str]) -> None:
        base = f"c{number}.example"
        self.base_url, self.number = f"https://{base}", number
        seed = 10_000 * (number + 1)
        self.root, self.service, self.operator, self.steward = (key(seed + n) for n in range(4))
        self.nonce_key = key(seed + 9)
        self.instance = Log(InstanceState(f"{base}/instance"))
        self.origin = f"{base}/spaces/club"
        vkey = str(log_signer(self.origin).key)
        self.instance.add(signed(self._document(base), self.root))
        self.instance.add(signed(SpaceNotice("club", self.origin, vkey, NOW), self.service))
        self.space = Log(SpaceState(self.origin, self.instance.state.keys))
        founder = Member(
            "club",
            self.steward.member_id,
            public(self.steward),
            ["steward", "registrar"],
            "1",
            "active",
            None,
            NOW,
        )
        founding = Space("club", f"Club {number}", self.instance_id, self.origin, [founder], NOW)
        self.space.add(signed(founding, self.operator, self.steward))
        allowed = {"constitution": ["steward"], "member": ["registrar"], "ballot": ["steward"]} | permissions
        defaults = BallotDefaults("approval", None, 0, "equal")
        rules = Constitution("club", 1, None, "plain", "", allowed, None, defaults, NOW)
        self.space.add(signed(rules, self.steward))
        for member in members:
            self.enrol(member)
        self.part: Log | None = None
        self.frozen: tuple[Voter, ...] = ()
        self.definition: Ballot | None = None
        self.nonce = b""
        self.blobs: dict[str, bytes] = {}
        self.outcome_json = b""

    @property
    def instance_id(self) -> str:
        return instance_id(public(self.root))

    def _document(self, base: str) -> Instance:
        return Instance(
            id=self.instance_id,
            name=base,
            base_url=self.base_url,
            serial=1,
            previous=None,
            issued_at=NOW,
            root=public(self.root),
            service=public(self.service),
            operators=[Operator(self.operator.member_id, public(self.operator))],
            origin=f"{base}/instance",
            vkey=str(log_signer(f"{base}/instance").key),
        )

    def enrol(self, member: int, weight: str = "1") -> None:
        """Enrol a member by key number."""
        who = key(member)
        new = Member("club", who.member_id, public(who), ["member"], weight, "active", None, NOW)
        self.space.add(signed(new, who, self.steward))

    def shard(self, *, nonce: bool = False) -> Shard:
        """This community as a manifest names it."""
        holders = []
        if nonce:
            holders = [NonceHolder(self.nonce_key.member_id, public(self.nonce_key))]
        vkey = str(log_signer(self.origin).key)
        return Shard(
            self.instance_id, self.base_url, "club", self.origin, vkey, f"Club {self.number}", holders
        )

    def acceptance(self, manifest: Manifest, **changes: Any) -> JointAcceptance:
        """An acceptance with the roll as it is now."""
        rows = self.space.state.roll(manifest.eligibility.roles, manifest.eligibility.weights)
        first = JointAcceptance(
            space="club",
            manifest=encode(manifest).decode(),
            roll=roll_ref(rows),
            electorate=summarise(rows),
            signer=self.steward.member_id,
            accepted_at=NOW + 10,
        )
        return msgspec.structs.replace(first, **changes)

    def accept(self, manifest: Manifest) -> Entry:
        """Record it."""
        self.frozen = tuple(self.space.state.roll(manifest.eligibility.roles, manifest.eligibility.weights))
        entry = signed(self.acceptance(manifest), self.steward)
        self.space.add(entry)
        self.add_blob(roll_bytes(self.frozen))
        return entry

    def open(self, definition: Ballot, rows: Sequence[Voter] | None = None) -> Log:
        """The part's log up to its opening; the roll as the space gives it, or other rows."""
        part = Log(BallotState(definition.origin, self.instance.state.keys, self.space.state))
        part.add(signed(definition, self.steward))
        name = part.entries[0].identity
        roll = self.space.state.shard_roll(definition) if rows is None else list(rows)
        for number, page in enumerate(pages(roll)):
            part.add(signed(Electorate(name, number, page), self.service))
        if definition.nonce_holders:
            self.nonce = sha256(f"nonce {self.number}".encode()).digest()
            hidden = sha256(self.nonce).hexdigest()
            holder = NonceCommitment(name, self.nonce_key.member_id, hidden, NOW + 20)
            part.add(signed(holder, self.nonce_key))
        vkey = str(log_signer(definition.origin).key)
        head: LogHead = self.space.head
        opening = Opening(
            definition.origin, name, self.instance_id, vkey, head, summarise(roll), None, definition.opens_at
        )
        part.add(signed(opening, self.service))
        notice = BallotNotice(
            "club", definition.ballot, name, definition.origin, vkey, definition.quarter, OPENS
        )
        self.space.add(signed(notice, self.service))
        self.part, self.definition = part, definition
        return part

    def vote(self, member: int, answers: dict[str, Any], cast_at: int = OPENS + 60) -> None:
        """A member's vote."""
        assert self.part is not None
        who = key(member)
        vote = Vote(self.part.state.origin, self.part.entries[0].identity, who.member_id, answers, cast_at)
        self.part.add(signed(vote, who))

    def decide(self, *, reveal: bool = True) -> None:
        """Close, reveal the nonce, count, announce."""
        part = self.part
        assert part is not None
        state, name = part.state, part.entries[0].identity
        part.add(signed(Close(state.origin, name, state.casts.accepted, None, CLOSES), self.service))
        if self.nonce and reveal:
            shown = NonceReveal(name, self.nonce_key.member_id, self.nonce.hex(), CLOSES + 1)
            part.add(signed(shown, self.nonce_key))
        result = compute_result(state, self.open_root)
        data = self.outcome_json = result_bytes(result)
        outcome = Outcome(
            ballot=state.origin,
            definition=name,
            close=state.close_index,
            open_root=self.open_root.hex(),
            lot_seed=seed_of(state, self.open_root).hex(),
            result=self.add_blob(data),
            winners=winners_of(result),
            counted_at=CLOSES + 2,
        )
        entry = signed(outcome, self.service)
        part.add(entry)
        head = part.head
        notice = OutcomeNotice(
            "club",
            self.definition_name,
            name,
            entry.identity,
            head.size,
            head.root,
            outcome.winners,
            CLOSES + 2,
        )
        self.space.add(signed(notice, self.service))

    def add_blob(self, data: bytes) -> BlobRef:
        """Publish a blob; its name."""
        self.blobs[digest(data)] = data
        return BlobRef(digest(data), len(data))

    def files(self) -> dict[str, bytes]:
        """Every public file of the instance by its path."""
        base = self.base_url.partition("://")[2]
        logs = [self.instance, self.space, *([] if self.part is None else [self.part])]
        files = {".well-known/althing.json": self.instance.entries[0].data}
        for log in logs:
            folder = "logs" + log.state.origin.removeprefix(base)
            made = public_files([entry.data for entry in log.entries], [log_signer(log.state.origin)])
            files |= {f"{folder}/{path}": data for path, data in made.items()}
        if self.outcome_json:
            files[f"logs/spaces/club/ballots/{self.definition_name}/outcome.json"] = self.outcome_json
        return files | {f"blobs/sha256/{name[7:]}": data for name, data in self.blobs.items()}

    @property
    def definition_name(self) -> str:
        assert self.definition is not None
        return self.definition.ballot

    @property
    def open_root(self) -> bytes:
        assert self.part is not None
        entries = self.part.entries[: self.part.state.opening_index + 1]
        return root([leaf_hash(entry.data) for entry in entries])

    def tally(self, manifest: Manifest) -> ShardTally:
        """The part as every participant reads it."""
        assert self.part is not None
        notice = self.space.state.outcomes[manifest.ballot]
        pinned = Pinned(self.open_root, notice.size, notice.root)
        return read_tally(manifest, self.number, self.frozen, self.part.state, pinned)


@dataclass
class Joint:
    """A manifest and its communities, in its order."""

    manifest: Manifest
    communities: list[Community]
    acceptances: list[str]
    excluded: list[list[int]]

    def definition(self, number: int) -> Ballot:
        steward = self.communities[number].steward.member_id
        return shard_ballot(self.manifest, number, self.acceptances, self.excluded[number], steward, NOW + 20)

    def open(self) -> None:
        for number, community in enumerate(self.communities):
            community.open(self.definition(number))

    def tallies(self, *numbers: int) -> list[ShardTally]:
        wanted = numbers or range(len(self.communities))
        return [self.communities[n].tally(self.manifest) for n in wanted]

    def result(self, *numbers: int) -> JointResult:
        return joint_result(self.manifest, self.tallies(*numbers))

    def outcome(self, *numbers: int, **changes: Any) -> JointOutcome:
        """The outcome over these parts (all when none is named), the first in the log."""
        tallies = self.tallies(*numbers)
        data = joint_bytes(joint_result(self.manifest, tallies))
        there = {tally.shard for tally in tallies}
        first = JointOutcome(
            space="club",
            manifest=digest(encode(self.manifest)),
            shards=[tally.ref for tally in tallies],
            missing=[n for n in range(len(self.communities)) if n not in there],
            result=BlobRef(digest(data), len(data)),
            supersedes=None,
            counted_at=CLOSES + GRACE,
        )
        return msgspec.structs.replace(first, **changes)

    def conclude(self, *numbers: int, **changes: Any) -> None:
        """Log the outcome over these parts, or all, in the communities whose parts they are."""
        data = joint_bytes(self.result(*numbers))
        for community in (self.communities[n] for n in numbers or range(len(self.communities))):
            community.space.add(signed(self.outcome(*numbers, **changes), community.service))
            community.add_blob(data)

    def dispute(self, **changes: Any) -> JointDispute:
        """A dispute of community 0 over its latest outcome."""
        name = digest(encode(self.manifest))
        latest = self.communities[0].space.state.joints[name].latest
        ours = latest.statement.result.digest if latest else "sha256:" + "0" * 64
        theirs = [Differing(1, "sha256:" + "1" * 64)]
        return msgspec.structs.replace(JointDispute("club", name, ours, theirs, CLOSES + 600), **changes)


def manifest_of(communities: Sequence[Community], **changes: Any) -> Manifest:
    """A manifest on one approval question, pooled, two parts needed."""
    nonce = changes.pop("nonce", False)
    first = Manifest(
        protocol=1,
        title="Together",
        text="",
        ballot="together",
        quarter=None,
        questions=[question()],
        eligibility=Eligibility(["member"], "equal"),
        quorum=None,
        shards=[community.shard(nonce=nonce) for community in communities],
        opens_at=OPENS,
        closes_at=CLOSES,
        grace=GRACE,
        minimum=min(2, len(communities)),
        partial="count",
        overlap="first-shard",
        combine=Pooled(),
        witness_policy="",
        requires=[],
    )
    return msgspec.structs.replace(first, **changes)


def make_joint(*members: Sequence[int], **changes: Any) -> Joint:
    """Communities with these members (key numbers), all of which have accepted the manifest."""
    communities = [Community(number, who) for number, who in enumerate(members)]
    manifest = manifest_of(communities, **changes)
    acceptances = [community.accept(manifest).identity for community in communities]
    excluded = overlaps([community.frozen for community in communities])
    return Joint(manifest, communities, acceptances, excluded)


def decided(
    votes: Sequence[dict[int, dict[str, Any]]], members: Sequence[Sequence[int]] = (), **changes: Any
) -> Joint:
    """A joint ballot in which these members of each community have voted; all parts decided."""
    joint = make_joint(*(members or [list(cast) for cast in votes]), **changes)
    joint.open()
    for community, cast in zip(joint.communities, votes, strict=True):
        for member, answers in cast.items():
            community.vote(member, answers)
        community.decide()
    return joint
