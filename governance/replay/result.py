"""The result of a closed ballot: a function of definition, roll, counted votes and lot seed (DESIGN 2.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from governance.canonical import encode
from governance.counting.lot import lot_order, lot_seed
from governance.counting.outcome import Outcome as CountOutcome
from governance.counting.profile import Profile
from governance.replay.ballot import BallotState
from governance.replay.definition import Asked, Definition
from governance.replay.vote import parse_answers
from governance.statements.base import Value
from governance.statements.vote import Answer


class QuestionResult(Value, frozen=True):
    """One question's outcome."""

    question: str
    outcome: CountOutcome


class Result(Value, frozen=True):
    """What the outcome's blob holds, as canonical JSON.

    `quorum` is `met`, `missed` or `none`. When missed, the outcomes say what was counted, but nothing is
    decided: the outcome entry then names no winners.
    """

    ballot: str
    definition: str
    voters_on_roll: int
    weight_on_roll: str
    votes_accepted: int
    votes_replaced: int
    voters: int
    weight: str
    blank_voters: int
    quorum: str
    lot_seed: str
    nonces_revealed: int
    nonces_missing: list[str]
    questions: list[QuestionResult]


def seed_of(state: BallotState, open_root: bytes) -> bytes:
    """The lot seed over ballot, root right after the opening, and revealed nonces in commitment order."""
    return lot_seed(state.origin, open_root, [state.nonces.get(h, b"") for h in state.commitments])


def compute_result(state: BallotState, open_root: bytes) -> Result:
    """The result of a state whose close is folded.

    Args:
        state: a closed ballot.
        open_root: the 32-byte tree root right after the opening entry.
    """
    definition = state.definition
    if definition is None or state.close is None:
        raise ValueError("the result of a ballot that is not closed")
    seed = seed_of(state, open_root)
    grouped, blank_voters = _group(state)
    roll = state.roll.summary()
    return Result(
        ballot=state.origin,
        definition=definition.digest,
        voters_on_roll=roll.count,
        weight_on_roll=roll.weight,
        votes_accepted=state.casts.accepted,
        votes_replaced=state.casts.replaced(),
        voters=state.casts.voters,
        weight=str(state.casts.weight),
        blank_voters=blank_voters,
        quorum=_quorum(state, definition),
        lot_seed=seed.hex(),
        nonces_revealed=len(state.nonces),
        nonces_missing=[h for h in state.commitments if h not in state.nonces],
        questions=[_count(asked, grouped, int(roll.weight), seed) for asked in definition.questions],
    )


def result_bytes(result: Result) -> bytes:
    """The canonical bytes that the outcome's digest names."""
    return encode(result)


def winners_of(result: Result) -> dict[str, list[str]]:
    """The winners by question; empty lists when the quorum was missed."""
    missed = result.quorum == "missed"
    return {q.question: [] if missed else list(q.outcome.winners) for q in result.questions}


def _quorum(state: BallotState, definition: Definition) -> str:
    if definition.ballot.quorum is None:
        return "none"
    return "met" if state.quorum_met() else "missed"


def _group(state: BallotState) -> tuple[list[tuple[dict[str, Answer | None], int]], int]:
    """Equal answers added up before they are parsed: few are distinct."""
    weights: dict[bytes, int] = defaultdict(int)
    blank = 0
    for vote in state.casts.counted():
        weights[vote.answers] += state.roll.weight(vote.row)
        blank += vote.blank
    return [(parse_answers(text), weight) for text, weight in weights.items()], blank


def _count(
    asked: Asked, grouped: Iterable[tuple[dict[str, Answer | None], int]], electorate: int, seed: bytes
) -> QuestionResult:
    name = asked.question.id
    profile = Profile.from_answers(((answers.get(name), weight) for answers, weight in grouped), electorate)
    lot = lot_order(seed, name, [o.id for o in asked.options])
    return QuestionResult(name, asked.rule.count(asked.options, asked.params, profile, lot))
