"""The communities' decided parts of a joint ballot: read from their logs, and whether they go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from governance.canonical import digest
from governance.errors import InvalidStatement
from governance.replay.ballot import BallotState
from governance.replay.definition import Definition
from governance.replay.joint_manifest import check_shard_ballot, manifest_digest
from governance.replay.result import Result, compute_result, result_bytes, tally_of
from governance.statements.ballot import JointRef
from governance.statements.electorate import Voter
from governance.statements.joint import Manifest, ShardRef
from governance.statements.vote import Answer


@dataclass(frozen=True, slots=True)
class ShardTally:
    """A community's decided part, recomputed from its log.

    `size` and `root` (hex) are of the log right after its own outcome; `open_root` right after the opening.
    `roll` are the ids of those who could vote, ascending, `electorate` is their weight; `excluded` are those
    left out. `answers` are equal answers of one community added up, with their weight; `blank` is
    the weight of wholly blank votes.
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


def sound_parts(manifest: Manifest, shards: Sequence[ShardTally]) -> tuple[list[ShardTally], dict[int, str]]:
    """The parts that go together, and those at fault with the reason: the same for every reader.

    Args:
        manifest: the joint ballot's.
        shards: decided parts of it, each once.
    """
    parts, faults = list(shards), dict[int, str]()
    while parts:
        try:
            check_parts(manifest, sorted(parts, key=lambda part: part.shard))
        except InvalidStatement as e:
            fault = e.facts["shard"]
            faults.update({part.shard: e.detail for part in parts if part.shard == fault})
            parts = [part for part in parts if part.shard != fault]
        else:
            break
    return parts, faults


def check_parts(manifest: Manifest, parts: Sequence[ShardTally]) -> None:
    """That parts, in the manifest's order, go together.

    Raises:
        InvalidStatement: there is none; or the fact `shard` names one at fault.
    """
    if not parts:
        raise InvalidStatement("no part of this joint ballot is decided")
    for part, following in pairwise(parts):
        if part.shard == following.shard:
            raise InvalidStatement("a part stands twice", shard=part.shard)
    _check_acceptances(manifest, parts)
    homes: set[str] = set()
    for expected, part in enumerate(parts):
        twice = next((voter for voter in part.roll if voter in homes), None)
        if twice is not None:
            raise InvalidStatement(f"{twice} is on the roll of an earlier part as well", shard=part.shard)
        _check_excluded(part, homes, gap=part.shard > expected)
        homes.update(part.roll)


def _check_acceptances(manifest: Manifest, parts: Sequence[ShardTally]) -> None:
    """Its own part knows what a community has accepted: who names another acceptance of it is at fault."""
    name = manifest_digest(manifest)
    own = {part.shard: part.joint.acceptances[part.shard] for part in parts}
    for part in parts:
        named = part.joint.acceptances
        if part.joint.manifest != name or any(named[shard] != digest for shard, digest in own.items()):
            raise InvalidStatement("this part was made for other acceptances", shard=part.shard)
    for part in parts:
        if part.joint.acceptances != parts[0].joint.acceptances:
            raise InvalidStatement(
                "this part was made for another acceptance of a missing one", shard=part.shard
            )


def _check_excluded(part: ShardTally, homes: set[str], *, gap: bool) -> None:
    """Where an earlier part is missing, somebody left out may be on its roll: that waits for the part."""
    nowhere = next((member for member in part.excluded if member not in homes), None)
    if nowhere is not None and not gap:
        raise InvalidStatement(f"{nowhere} was left out, but is on no earlier roll", shard=part.shard)
