"""The result of a joint ballot: a function of its manifest and the communities' parts (protocol 7.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from governance.canonical import digest, encode
from governance.counting.lot import lot_seed
from governance.counting.outcome import Outcome
from governance.errors import InvalidStatement
from governance.replay.ballot import BallotState
from governance.replay.definition import Definition
from governance.replay.joint_combine import Combined, Support, Veto, combine
from governance.replay.joint_manifest import check_shard_ballot, manifest_digest, part_origin
from governance.replay.result import Result, compute_result, count_question, result_bytes, tally_of
from governance.statements.ballot import JointRef
from governance.statements.base import Count, Value
from governance.statements.electorate import Voter
from governance.statements.joint import Manifest, ShardRef
from governance.statements.vote import Answer

_NO_ROOT: Final = bytes(32)
"""Stands in the lot's seed for a part that is missing."""


@dataclass(frozen=True, slots=True)
class ShardTally:
    """A community's decided part, recomputed from its log.

    `size` and `root` (hex) are of the log right after its own outcome; `open_root` right after the opening.
    `roll` are the ids of those who could vote, ascending, `electorate` is their weight; `excluded` names those
    left out of it. `answers` are equal answers of one community added up, with their weight; `blank` is the
    weight of wholly blank votes.
    """

    shard: int
    origin: str
    size: int
    root: str
    open_root: bytes
    nonces: tuple[bytes, ...]
    definition: Definition
    joint: JointRef
    result: Result
    roll: tuple[str, ...]
    excluded: tuple[str, ...]
    electorate: int
    answers: tuple[tuple[dict[str, Answer | None], int], ...]
    weight: int
    blank: int

    @property
    def ref(self) -> ShardRef:
        """The part as a `joint-outcome` names it."""
        return ShardRef(self.shard, self.origin, self.size, self.root)


class Community(Value, frozen=True):
    """A part that was counted; `result` is the digest of its own result, `excluded` who votes elsewhere."""

    shard: Count
    origin: str
    size: Count
    root: str
    definition: str
    result: str
    voters_on_roll: Count
    weight_on_roll: str
    excluded: Count
    votes_accepted: Count
    votes_replaced: Count
    voters: Count
    weight: str
    blank_voters: Count


class Missing(Value, frozen=True):
    """A part that is not in this result."""

    shard: Count
    origin: str


class SubTally(Value, frozen=True):
    """What one community's own votes give: taken from its own result, which holds every step."""

    shard: Count
    winners: list[str]
    totals: dict[str, str]
    facts: dict[str, str]


class JointQuestion(Value, frozen=True):
    """One question: `outcome` by all votes together, `winners` after the rule of combining.

    `support` is there for a double majority, `vetoes` for a veto share; `note` tells it in words.
    """

    question: str
    winners: list[str]
    outcome: Outcome
    communities: list[SubTally]
    support: list[Support]
    vetoes: list[Veto]
    note: str


class JointResult(Value, frozen=True):
    """What a joint outcome's blob holds, as canonical JSON.

    `status` is `full`, or `partial (2 of 3)`. `quorum` is `met`, `missed` or `none`; when missed, nothing is
    decided and no question has winners.
    """

    manifest: str
    ballot: str
    status: str
    combine: str
    communities: list[Community]
    missing: list[Missing]
    voters_on_roll: Count
    weight_on_roll: str
    voters: Count
    weight: str
    quorum: str
    lot_seed: str
    questions: list[JointQuestion]


@dataclass(frozen=True, slots=True)
class Pinned:
    """Where a part was read: root right after the opening; size and root (hex) right after the outcome."""

    open_root: bytes
    size: int
    root: str


def read_tally(
    manifest: Manifest, position: int, frozen: Sequence[Voter], state: BallotState, pinned: Pinned
) -> ShardTally:
    """A community's part from the fold of its log.

    Args:
        manifest: the joint ballot's.
        position: of the community among the manifest's.
        frozen: the roll that its acceptance froze.
        state: the part, decided.
        pinned: sizes and roots of its log.

    Raises:
        InvalidDefinition: the log is not the part that the manifest gives.
        InvalidStatement: not decided, or roll or result are not what they should be; fact `shard`.
    """
    definition, outcome = state.definition, state.outcome
    if definition is None or outcome is None:
        raise InvalidStatement("this part is not decided", shard=position)
    joint = check_shard_ballot(manifest, position, definition.ballot)
    result = compute_result(state, pinned.open_root)
    if digest(result_bytes(result)) != outcome.result.digest:
        raise InvalidStatement("the votes of this part give another result than its log says", shard=position)
    left_out = frozenset(joint.excluded)
    roll = tuple(state.roll.ids())
    if tuple(voter.id for row, voter in enumerate(frozen) if row not in left_out) != roll:
        raise InvalidStatement("the roll of this part is not the frozen one", shard=position)
    tally = tally_of(state, definition)
    return ShardTally(
        shard=position,
        origin=state.origin,
        size=pinned.size,
        root=pinned.root,
        open_root=pinned.open_root,
        nonces=tuple(state.nonces.get(holder, b"") for holder in state.commitments),
        definition=definition,
        joint=joint,
        result=result,
        roll=roll,
        excluded=tuple(frozen[row].id for row in joint.excluded),
        electorate=int(state.roll.summary().weight),
        answers=tuple(tally.grouped),
        weight=tally.weight,
        blank=tally.blank_weight,
    )


def joint_result(manifest: Manifest, shards: Sequence[ShardTally]) -> JointResult:
    """The result over these parts, in whatever order they come.

    Args:
        manifest: the joint ballot's.
        shards: decided parts of it, each once, as `read_tally` gives them.

    Raises:
        InvalidStatement: parts that contradict each other; the fact `shard` names the one at fault.
    """
    parts = sorted(shards, key=lambda part: part.shard)
    _check_parts(manifest, parts)
    there = {part.shard: part for part in parts}
    seed = joint_seed(manifest, there)
    electorate = sum(part.electorate for part in parts)
    quorum = _quorum(manifest, parts, electorate)
    questions = [_question(manifest, place, parts, seed, quorum) for place in range(len(manifest.questions))]
    total = len(manifest.shards)
    return JointResult(
        manifest=manifest_digest(manifest),
        ballot=manifest.ballot,
        status="full" if len(parts) == total else f"partial ({len(parts)} of {total})",
        combine=str(type(manifest.combine).__struct_config__.tag),
        communities=[_community(part) for part in parts],
        missing=[Missing(n, part_origin(manifest, n)) for n in range(total) if n not in there],
        voters_on_roll=sum(len(part.roll) for part in parts),
        weight_on_roll=str(electorate),
        voters=sum(part.result.voters for part in parts),
        weight=str(sum(part.weight for part in parts)),
        quorum=quorum,
        lot_seed=seed.hex(),
        questions=questions,
    )


def joint_bytes(result: JointResult) -> bytes:
    """The canonical bytes that a joint outcome's digest names."""
    return encode(result)


def joint_seed(manifest: Manifest, parts: dict[int, ShardTally]) -> bytes:
    """The lot seed: of the manifest, all parts' open roots, and their nonces, in the manifest's order."""
    present = [parts.get(position) for position in range(len(manifest.shards))]
    roots = b"".join(_NO_ROOT if part is None else part.open_root for part in present)
    nonces = [nonce for part in present if part is not None for nonce in part.nonces]
    return lot_seed(manifest_digest(manifest), roots, nonces)


def _check_parts(manifest: Manifest, parts: Sequence[ShardTally]) -> None:
    """Nobody is on two rolls, and nobody was left out without being on an earlier one."""
    if not parts:
        raise InvalidStatement("no part of this joint ballot is decided")
    name, acceptances = manifest_digest(manifest), parts[0].joint.acceptances
    homes: set[str] = set()
    for expected, part in enumerate(parts):
        if expected and part.shard == parts[expected - 1].shard:
            raise InvalidStatement("a part stands twice", shard=part.shard)
        if part.joint.manifest != name or part.joint.acceptances != acceptances:
            raise InvalidStatement("this part was made for other acceptances", shard=part.shard)
        twice = next((voter for voter in part.roll if voter in homes), None)
        if twice is not None:
            raise InvalidStatement(f"{twice} is on the roll of an earlier part as well", shard=part.shard)
        _check_excluded(part, homes, gap=part.shard > expected)
        homes.update(part.roll)


def _check_excluded(part: ShardTally, homes: set[str], *, gap: bool) -> None:
    """Where an earlier part is missing, somebody left out may be on its roll: that waits for the part."""
    nowhere = next((member for member in part.excluded if member not in homes), None)
    if nowhere is not None and not gap:
        raise InvalidStatement(f"{nowhere} was left out, but is on no earlier roll", shard=part.shard)


def _question(
    manifest: Manifest, place: int, parts: Sequence[ShardTally], seed: bytes, quorum: str
) -> JointQuestion:
    asked = parts[0].definition.questions[place]
    grouped = [group for part in parts for group in part.answers]
    electorate = sum(part.electorate for part in parts)
    outcome = count_question(asked, grouped, electorate, seed).outcome
    communities = [(part.shard, part.answers, part.electorate) for part in parts]
    found = combine(manifest, asked, outcome, communities)
    if quorum == "missed":
        found = Combined([], found.support, found.vetoes, "The quorum was missed; nothing is decided.")
    return JointQuestion(
        question=asked.question.id,
        winners=found.winners,
        outcome=outcome,
        communities=[_sub_tally(part, place) for part in parts],
        support=found.support,
        vetoes=found.vetoes,
        note=found.note,
    )


def _sub_tally(part: ShardTally, place: int) -> SubTally:
    outcome = part.result.questions[place].outcome
    return SubTally(part.shard, outcome.winners, outcome.totals, outcome.facts)


def _community(part: ShardTally) -> Community:
    result = part.result
    return Community(
        shard=part.shard,
        origin=part.origin,
        size=part.size,
        root=part.root,
        definition=result.definition,
        result=digest(result_bytes(result)),
        voters_on_roll=result.voters_on_roll,
        weight_on_roll=result.weight_on_roll,
        excluded=len(part.joint.excluded),
        votes_accepted=result.votes_accepted,
        votes_replaced=result.votes_replaced,
        voters=result.voters,
        weight=result.weight,
        blank_voters=result.blank_voters,
    )


def _quorum(manifest: Manifest, parts: Sequence[ShardTally], electorate: int) -> str:
    if manifest.quorum is None:
        return "none"
    blank = 0 if manifest.quorum.abstentions_count else sum(part.blank for part in parts)
    took_part = sum(part.weight for part in parts) - blank
    return "met" if manifest.quorum.participation.met(took_part, electorate) else "missed"
