"""votelib (Jan Šimbera): pairwise counts, points and grades as whole numbers and fractions."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

from compare import Comparison, Found, Made, groups, top
from votelib.component.rankscore import Borda, Dowdall, SequenceBased
from votelib.convert import (
    ApprovalToSimpleVotes,
    RankedToCondorcetVotes,
    RankedToPositionalVotes,
    ScoreToSimpleVotes,
)
from votelib.evaluate.cardinal import MajorityJudgment
from votelib.evaluate.condorcet import Copeland, RankedPairs, Schulze, pairwise_wins
from votelib.evaluate.core import Tie, VotingSystemError
from votelib.evaluate.sequential import TransferableVoteSelector


def added(made: Made, form: Any) -> dict[Any, int]:
    votes: dict[Any, int] = {}
    for answer, weight in made["votes"]:
        votes[form(answer)] = votes.get(form(answer), 0) + weight
    return votes


def ranked(answer: Any) -> tuple[Any, ...]:
    return tuple(rank[0] if len(rank) == 1 else frozenset(rank) for rank in groups(answer))


def pairs(made: Made) -> dict[tuple[str, str], int]:
    below = made["params"].get("unranked") != "no-opinion"
    return RankedToCondorcetVotes(unranked_at_bottom=below).convert(added(made, ranked))


def seen(made: Made) -> bool:
    """Whether somebody ranks each option."""
    ranked_ones = {name for answer, _ in made["votes"] for rank in groups(answer) for name in rank}
    return len(ranked_ones) == len(made["options"])


def our_pairs(made: Made) -> dict[tuple[str, str], int]:
    """Between options that somebody ranked: votelib cannot know of the others."""
    rows = json.loads(made["outcome"]["facts"]["pairwise"])
    names = made["options"]
    named = {name for answer, _ in made["votes"] for rank in groups(answer) for name in rank}
    return {
        (names[a], names[b]): n
        for a, row in enumerate(rows)
        for b, n in enumerate(row)
        if n and {names[a], names[b]} <= named
    }


def flat(elected: list[Any]) -> set[str]:
    """The elected; all who tie for a place."""
    return {name for one in elected for name in (one if isinstance(one, Tie | frozenset | set) else [one])}


def totals(made: Made) -> dict[str, Fraction]:
    return {name: Fraction(total) for name, total in made["outcome"]["totals"].items()}


def filled(made: Made, found: dict[str, Any]) -> dict[str, Fraction]:
    """Their points; 0 for options that nobody ranked, which votelib cannot know of."""
    return {name: Fraction(found.get(name, 0)) for name in made["options"]}


def matrix(made: Made) -> Found:
    return Found(pairs(made), our_pairs(made))


def schulze(made: Made) -> Found:
    """votelib elects by the number of options beaten, with winning votes alone."""
    ours = totals(made)
    most = {name for name, total in ours.items() if total == max(ours.values())}
    found = flat(Schulze().evaluate(pairs(made))) or set(made["options"])
    return Found(found, most, _schulze_reason(made))


def _schulze_reason(made: Made) -> str:
    beats = our_pairs(made)
    won = [(n, beats.get((b, a), 0)) for (a, b), n in beats.items() if n > beats.get((b, a), 0)]
    again = len({n for n, _ in won}) < len(set(won))
    return "strength without losing votes" if again else "no majority at all" if not won else ""


def tideman(made: Made) -> Found:
    try:
        found = RankedPairs().evaluate(pairs(made))
    except (StopIteration, VotingSystemError):
        found = ["an error: no single order"]
    beats = our_pairs(made)
    won = [(n, beats.get((b, a), 0)) for (a, b), n in beats.items() if n > beats.get((b, a), 0)]
    level = any(n == beats.get((b, a), 0) for (a, b), n in beats.items())
    ties = len(set(won)) < len(won) or level or len(top(made)) > 1
    reason = "ties in no named order" if ties else "" if seen(made) else "unranked by all"
    return Found(set(found), set(made["outcome"]["winners"]), reason)


def copeland(made: Made) -> Found:
    """Wins less losses are twice our points less the number of others."""
    others = len(made["options"]) - 1
    ours = {name: 2 * total - others for name, total in totals(made).items()}
    reason = "" if seen(made) else "unranked by all"
    return Found(filled(made, Copeland.scores(pairwise_wins(pairs(made)))), ours, reason)


def _points(made: Made, scorer: Any) -> Found:
    # By number: it would read the name "10" as the options 1 and 0 at one rank.
    votes = added(made, lambda answer: tuple(map(int, answer)))
    found = RankedToPositionalVotes(scorer).convert(votes)
    return Found({name: Fraction(found.get(int(name), 0)) for name in made["options"]}, totals(made))


def positional(made: Made) -> Found:
    return _points(made, SequenceBased(made["params"]["points"]))


def approval(made: Made) -> Found:
    return Found(filled(made, ApprovalToSimpleVotes().convert(added(made, frozenset))), totals(made))


def _cards(made: Made) -> dict[Any, int]:
    return added(made, lambda answer: frozenset(answer.items()))


def score(made: Made) -> Found:
    return Found(filled(made, ScoreToSimpleVotes(function="sum").convert(_cards(made))), totals(made))


def judgment(made: Made) -> Found:
    try:
        found = flat(MajorityJudgment().evaluate(_cards(made)))
    except VotingSystemError:
        found = top(made) if len(top(made)) > 1 else {"nobody"}
    if found == top(made):
        return Found(found, found)
    values = {name: majority_value(made, name) for name in made["options"]}
    best = {name for name, value in values.items() if value == max(values.values())}
    return Found(found, top(made), "removes several medians at once" if best == top(made) else "")


def majority_value(made: Made, name: str) -> list[int]:
    """The lower medians as they are removed, one by one: the definition of Balinski and Laraki."""
    row = sorted(answer[name] for answer, weight in made["votes"] for _ in range(weight))
    return [row.pop((len(row) - 1) // 2) for _ in range(len(row))]


def runoff(made: Made) -> Found:
    try:
        found = flat(TransferableVoteSelector(quota_function="droop").evaluate(added(made, ranked), 1))
    except (VotingSystemError, NotImplementedError):
        return Found("error", "", "gives up at a tie")
    return Found(found, set(made["outcome"]["winners"]))


def scottish(made: Made) -> Found:
    selector = TransferableVoteSelector(quota_function="droop", transferer="Gregory")
    try:
        found = flat(selector.evaluate(added(made, ranked), made["params"]["seats"]))
    except (VotingSystemError, NotImplementedError):
        return Found("error", "", "gives up at a tie")
    at_once = any(len(step["options"]) > 1 for step in made["outcome"]["steps"] if step["action"] == "elect")
    return Found(found, set(made["outcome"]["winners"]), "several over the quota" if at_once else "")


_RANKED = ("schulze/strict", "schulze/weak", "schulze/no-opinion", "ranked-pairs/weak")

COMPARISONS = [
    Comparison("votelib RankedToCondorcetVotes", _RANKED, matrix),
    Comparison("votelib Schulze", _RANKED[:3], schulze),
    Comparison("votelib RankedPairs", ("ranked-pairs/strict", "ranked-pairs/weak"), tideman),
    Comparison("votelib Copeland", ("copeland",), copeland),
    Comparison("votelib Borda", ("borda/strict",), lambda made: _points(made, Borda(base=0))),
    Comparison("votelib SequenceBased", ("positional",), positional),
    Comparison("votelib Dowdall", ("positional/dowdall",), lambda made: _points(made, Dowdall())),
    Comparison("votelib ApprovalToSimpleVotes", ("approval",), approval),
    Comparison("votelib ScoreToSimpleVotes", ("score", "cumulative"), score),
    Comparison("votelib MajorityJudgment", ("majority-judgment",), judgment),
    Comparison("votelib TransferableVoteSelector, 1 seat", ("irv/strict", "irv/partial"), runoff),
    Comparison("votelib TransferableVoteSelector, Gregory", ("scottish-stv",), scottish),
]
