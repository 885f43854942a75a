"""How communities' parts are combined: pooled, double majority, veto share (protocol 7.4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from governance.counting.outcome import Outcome
from governance.counting.yes_no import NO, YES
from governance.replay.definition import Asked
from governance.statements.base import Count, Value
from governance.statements.joint import DoubleMajority, Manifest, VetoShare
from governance.statements.vote import Answer

Grouped = Iterable[tuple[dict[str, Answer | None], int]]


class Support(Value, frozen=True):
    """How an option fared in a double majority: pooled `share` as `part/whole`, and who reached it."""

    option: str
    share: str
    members: bool
    communities: list[Count]
    reached: bool


class Veto(Value, frozen=True):
    """A community whose votes against reached the veto share, `part/whole`."""

    shard: Count
    share: str


@dataclass(frozen=True, slots=True)
class Combined:
    """What the rule of combining makes of the pooled outcome."""

    winners: list[str]
    support: list[Support]
    vetoes: list[Veto]
    note: str


def combine(
    manifest: Manifest, asked: Asked, pooled: Outcome, communities: Sequence[tuple[int, Grouped, int]]
) -> Combined:
    """The winners of a question.

    Args:
        manifest: the joint ballot's.
        asked: the question.
        pooled: its outcome by all votes together.
        communities: place, answers and weight on the roll of each part that is there.
    """
    rule = manifest.combine
    if isinstance(rule, DoubleMajority):
        return _double(rule, len(manifest.shards), asked, pooled, communities)
    if isinstance(rule, VetoShare):
        return _veto(rule, asked, pooled, communities)
    return Combined(list(pooled.winners), [], [], "All votes together decide.")


def _double(
    rule: DoubleMajority,
    total: int,
    asked: Asked,
    pooled: Outcome,
    communities: Sequence[tuple[int, Grouped, int]],
) -> Combined:
    named = [YES] if asked.rule.id == "yes-no" else [option.id for option in asked.options]
    shares = [(shard, _shares(asked, answers)) for shard, answers, _ in communities]
    support = []
    for option in named:
        part = sum(own[option][0] for _, own in shares)
        whole = sum(own[option][1] for _, own in shares)
        members = part > 0 and rule.members.met(part, whole)
        agreeing = [n for n, own in shares if own[option][0] > 0 and rule.members.met(*own[option])]
        reached = members and rule.communities.met(len(agreeing), total)
        support.append(Support(option, f"{part}/{whole}", members, agreeing, reached))
    carried = {s.option for s in support if s.reached}
    stopped = [w for w in pooled.winners if w in named and w not in carried]
    note = f"Needed: {rule.members} of the votes, and that in {rule.communities} of {total} communities."
    winners = [w for w in pooled.winners if w not in stopped]
    if stopped == [YES]:
        winners = [NO]
    return Combined(winners, support, [], note)


def _veto(
    rule: VetoShare, asked: Asked, pooled: Outcome, communities: Sequence[tuple[int, Grouped, int]]
) -> Combined:
    vetoes = []
    for shard, answers, electorate in communities:
        against, voted = _shares(asked, answers)[NO]
        whole = voted if rule.base == "votes" else electorate
        if against > 0 and rule.share.met(against, whole):
            vetoes.append(Veto(shard, f"{against}/{whole}"))
    stopped = bool(vetoes) and pooled.winners == [YES]
    of = "the votes" if rule.base == "votes" else "the roll"
    note = f"All votes together decide, unless {rule.share} of {of} of one community is against."
    return Combined([NO] if stopped else list(pooled.winners), [], vetoes, note)


def _shares(asked: Asked, answers: Grouped) -> dict[str, tuple[int, int]]:
    """Weight for each option, and the weight it is a share of: yes and no votes, or votes that mark anything.

    Blank answers and abstentions are in neither.
    """
    ids = [option.id for option in asked.options]
    weights = dict.fromkeys(ids, 0)
    valid = 0
    for by_question, weight in answers:
        answer = by_question.get(asked.question.id)
        if answer is None:
            continue
        valid += weight
        for mark in [answer] if isinstance(answer, str) else answer:
            if isinstance(mark, str):
                weights[mark] += weight
    if asked.rule.id == "yes-no":
        valid = weights[YES] + weights[NO]
    return {option: (weight, valid) for option, weight in weights.items()}
