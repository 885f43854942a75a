"""The result of a joint ballot: a function of its manifest and the communities' parts (protocol 7.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from governance.canonical import digest, encode
from governance.counting.lot import lot_seed
from governance.counting.outcome import Outcome
from governance.replay.joint_combine import Combined, Support, Veto, combine
from governance.replay.joint_manifest import manifest_digest, part_origin
from governance.replay.joint_parts import ShardTally, check_parts
from governance.replay.result import count_question, result_bytes
from governance.statements.base import Count, Value
from governance.statements.joint import Manifest

_NO_ROOT: Final = bytes(32)
"""Stands in the lot's seed for a part that is missing."""


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


def joint_result(manifest: Manifest, shards: Sequence[ShardTally]) -> JointResult:
    """The result over these parts, in whatever order they come.

    Args:
        manifest: the joint ballot's.
        shards: decided parts of it, each once, as `read_tally` gives them.

    Raises:
        InvalidStatement: parts that contradict each other; the fact `shard` names the one at fault.
    """
    parts = sorted(shards, key=lambda part: part.shard)
    check_parts(manifest, parts)
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
