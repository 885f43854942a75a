"""A count in plain language, from nothing but its outcome: steps, ranking, lot and facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby, pairwise
from typing import Final

from governance.counting.outcome import Outcome, Step
from governance.counting.telling import Words, number, tell
from governance.counting.trace import rule_of

_OWN_TIE_RULES: Final = {
    "score": "more weight at the highest grade that differs put it first",
    "greedy": "the lower cost put it first",
}
"""How rules settle equal totals before the lot without a step that says so."""


def explain(outcome: Outcome, titles: Mapping[str, str] | None = None) -> list[str]:
    """The account line by line: the rule, each step with its reason, what was chosen, how ties were resolved.

    Args:
        outcome: of any rule, registered here or not.
        titles: names of the options, which an outcome does not hold; ids where they are left out.
    """
    words = Words(outcome, titles or {})
    steps = [f"{place}. {tell(step, words)}" for place, step in enumerate(outcome.steps, 1)]
    return [_opening(outcome), *steps, _chosen(words), *_ties(words)]


def _opening(outcome: Outcome) -> str:
    rule = rule_of(outcome)
    name = outcome.rule if rule is None else f"{rule.title} ({rule.reference})"
    valid, blank = outcome.facts.get("valid_weight"), outcome.facts.get("blank_weight")
    weights = "" if valid is None else f" Votes of weight {valid} were counted."
    return f"{name}.{weights}{f' Votes of weight {blank} were blank.' if blank not in (None, '0') else ''}"


def _chosen(words: Words) -> str:
    outcome = words.outcome
    decision = outcome.facts.get("decision")
    if decision is not None:
        return f"The decision: {decision.replace('-', ' ')}."
    return f"Chosen: {words.names(outcome.winners)}." if outcome.winners else "Nothing was chosen."


def _ties(words: Words) -> list[str]:
    outcome = words.outcome
    found = [*_told_ties(words), *_own_ties(words), *_equal_majorities(words), *_level_groups(words)]
    lot = f"The lot puts the options in this order: {words.names(outcome.lot)}."
    if not found:
        return ["There was no tie.", lot]
    return ["How ties were resolved:", *(f"- {text}" for text in found), lot]


def _told_ties(words: Words) -> Iterator[str]:
    for step in words.outcome.steps:
        if step.action == "tie" or (
            step.action == "compare" and words.outcome.rule == "majority-judgment" and not step.totals
        ):
            yield tell(step, words)


def _own_ties(words: Words) -> Iterator[str]:
    """Neighbours in the order with equal totals that the rule itself told apart."""
    how = _OWN_TIE_RULES.get(words.outcome.rule)
    for above, below in pairwise(words.outcome.ranking if how else ()):
        total = words.outcome.totals.get(above[0])
        if total is not None and total == words.outcome.totals.get(below[0]):
            yield f"{words.names(above)} before {words.names(below)}, both with {total}: {how}."


def _equal_majorities(words: Words) -> Iterator[str]:
    """Majorities of one strength, which ranked pairs takes in the order of the lot."""

    def strength(step: Step) -> tuple[str | None, ...]:
        return tuple(step.totals.get(option) for option in step.options)

    pairs = [
        step for step in words.outcome.steps if step.action in ("lock", "skip") and len(step.options) == 2
    ]
    for score, equal in groupby(pairs, strength):
        names = [f"{words.name(s.options[0])} over {words.name(s.options[1])}" for s in equal]
        if len(names) > 1 and None not in score:
            yield f"{'; '.join(names)}: all {score[0]} to {score[1]}, so taken in the order of the lot."


def _level_groups(words: Words) -> Iterator[str]:
    """Groups of the ranking that no step speaks of: the lot ordered them."""
    outcome = words.outcome
    told = {frozenset(step.options) for step in outcome.steps if step.action == "tie"}
    winners = set(outcome.winners)
    for group in outcome.ranking:
        if len(group) < 2 or frozenset(group) in told:
            continue
        chosen = [option for option in group if option in winners]
        effect = (
            f"it decided that {words.names(chosen)} won"
            if chosen and len(chosen) < len(group)
            else "which of them is chosen did not depend on it"
        )
        level = number(outcome.totals.get(group[0]))
        have = "" if level is None else f" at {outcome.totals[group[0]]}"
        yield f"{words.names(group)} are level{have}. The lot put them in this order; {effect}."
