"""The result of a closed ballot: a function of definition, roll, counted votes and lot seed (DESIGN 2.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from governance.canonical import encode
from governance.counting.lot import lot_order, lot_seed
from governance.counting.outcome import Outcome as CountOutcome
from governance.counting.profile import Profile
from governance.replay.ballot import BallotState
from governance.replay.carried import Delegations, report
from governance.replay.definition import Asked, Definition
from governance.replay.delegation import Resolved, resolve
from governance.replay.vote import parse_answers
from governance.statements.base import Value
from governance.statements.vote import Answer


class QuestionResult(Value, frozen=True):
    """One question's outcome."""

    question: str
    outcome: CountOutcome


class Result(Value, frozen=True, omit_defaults=True):
    """What the outcome's blob holds, as canonical JSON.

    `quorum` is `met`, `missed` or `none`. When missed, the outcomes say what was counted, but nothing is
    decided: the outcome entry then names no winners. `weight` and the quorum include weight that voters carry
    for others; `voters` and `blank_voters` count who voted themselves. `delegations` is left out where the
    definition allows none.
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
    delegations: Delegations | None = None


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
    tally = tally_of(state, definition)
    roll = state.roll.summary()
    electorate = int(roll.weight)
    return Result(
        ballot=state.origin,
        definition=definition.digest,
        voters_on_roll=roll.count,
        weight_on_roll=roll.weight,
        votes_accepted=state.casts.accepted,
        votes_replaced=state.casts.replaced(),
        voters=state.casts.voters,
        weight=str(tally.weight),
        blank_voters=tally.blank_voters,
        quorum=_quorum(definition, tally, electorate),
        lot_seed=seed.hex(),
        nonces_revealed=len(state.nonces),
        nonces_missing=[h for h in state.commitments if h not in state.nonces],
        questions=[count_question(asked, tally.grouped, electorate, seed) for asked in definition.questions],
        delegations=tally.delegations,
    )


def result_bytes(result: Result) -> bytes:
    """The canonical bytes that the outcome's digest names."""
    return encode(result)


def winners_of(result: Result) -> dict[str, list[str]]:
    """The winners by question; empty lists when the quorum was missed."""
    missed = result.quorum == "missed"
    return {q.question: [] if missed else list(q.outcome.winners) for q in result.questions}


@dataclass(frozen=True, slots=True)
class Tally:
    """The counting votes: equal answers added up before they are parsed, since few are distinct."""

    grouped: list[tuple[dict[str, Answer | None], int]]
    weight: int
    blank_weight: int
    blank_voters: int
    delegations: Delegations | None


def _quorum(definition: Definition, tally: Tally, electorate: int) -> str:
    quorum = definition.ballot.quorum
    if quorum is None:
        return "none"
    blank = 0 if quorum.abstentions_count else tally.blank_weight
    return "met" if quorum.participation.met(tally.weight - blank, electorate) else "missed"


def _resolved(state: BallotState, definition: Definition) -> Resolved | None:
    rule = definition.ballot.delegation_rule
    if rule is None:
        return None
    if state.chosen is None:
        raise ValueError("the result of a ballot whose delegations are not known")
    weights = [state.roll.weight(row) for row in range(len(state.roll))]
    return resolve(state.chosen, state.casts.voted(), weights, rule)


def tally_of(state: BallotState, definition: Definition) -> Tally:
    """The counting votes of a closed ballot."""
    resolved = _resolved(state, definition)
    carried = {} if resolved is None else resolved.carried
    # Equal answers are added up, except for a rule that counts two votes of weight 1 otherwise than one of 2.
    additive = all(asked.rule.additive for asked in definition.questions)
    weights: dict[tuple[bytes, int], int] = defaultdict(int)
    counted: list[int] = []
    total = blank_weight = blank_voters = 0
    for vote in state.casts.counted():
        weight = state.roll.weight(vote.row)
        if resolved is not None:
            weight += carried.get(vote.row, (0, 0))[1]
            counted.append(weight)
        weights[vote.answers, 0 if additive else vote.row] += weight
        total += weight
        if vote.blank:
            blank_voters += 1
            blank_weight += weight
    delegations = None
    if resolved is not None and state.chosen is not None:
        delegations = report(resolved, state.chosen.live, state.roll.ids(), counted)
    grouped = [(parse_answers(text), weight) for (text, _), weight in weights.items()]
    return Tally(grouped, total, blank_weight, blank_voters, delegations)


def count_question(
    asked: Asked, grouped: Iterable[tuple[dict[str, Answer | None], int]], electorate: int, seed: bytes
) -> QuestionResult:
    """One question counted by its rule.

    Args:
        asked: the question.
        grouped: answers by question and their weight.
        electorate: weight of everybody who could vote.
        seed: of the lot.
    """
    name = asked.question.id
    profile = Profile.from_answers(((answers.get(name), weight) for answers, weight in grouped), electorate)
    lot = lot_order(seed, name, [o.id for o in asked.options])
    return QuestionResult(name, asked.rule.count(asked.options, asked.params, profile, lot))
