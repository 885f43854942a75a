"""What the Condorcet rules share: valid answers, the winner of every comparison, an outcome told in steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final, TypeVar

import msgspec

from governance.counting.checks import decimal
from governance.counting.option import Option
from governance.counting.outcome import Outcome, Step
from governance.counting.pairwise import (
    Comparison,
    Matrix,
    PairwiseParams,
    check_ranks,
    check_weak_ranking,
    compare,
)
from governance.counting.profile import Answer, Profile
from governance.counting.rule import ANONYMOUS, OPEN, Rule

P = TypeVar("P", bound=PairwiseParams)

TOLD: Final = 60
"""Options up to which an outcome holds the whole matrices; with more they would not fit a blob."""


class RankingRule(Rule[P]):
    """A rule that looks at nothing but who is ranked above whom."""

    answer_form: ClassVar[str] = "ranking"
    modes: ClassVar[frozenset[str]] = frozenset({OPEN, ANONYMOUS})

    def _check(self, options: Sequence[Option], params: P, pointer: str) -> None:
        check_ranks(options, params, pointer)

    def check_answer(self, options: Sequence[Option], params: P, answer: Answer, pointer: str = "") -> None:
        """A list of distinct options, most wanted first; equal ranks where the definition allows them."""
        check_weak_ranking(options, params, answer, pointer)

    def _compare(self, options: Sequence[Option], params: P, profile: Profile) -> Comparison:
        return compare([option.id for option in options], profile, params.unranked)


def preference_steps(ids: Sequence[str], beats: Matrix, profile: Profile) -> list[Step]:
    """The matrix row by row, and the option that wins every comparison, if there is one."""
    steps = [
        Step("count", [], {}, f"Rankings by votes of weight {profile.valid} compared; {profile.blank} blank.")
    ]
    others = range(len(ids))
    for a, name in enumerate(ids):
        won = sum(beats[a][b] > beats[b][a] for b in others)
        lost = sum(beats[a][b] < beats[b][a] for b in others)
        if len(ids) <= TOLD:
            row = decimal((ids[b], beats[a][b]) for b in others if b != a)
            note = f"The weight that prefers {name} to each other option: {won} won, {lost} lost."
            steps.append(Step("compare", [name], row, note))
        if won == len(ids) - 1 and won:
            steps.append(Step("condorcet-winner", [name], {}, f"{name} wins every comparison."))
    return steps


def matrix_text(rows: Sequence[Sequence[Any]]) -> str:
    """A matrix as compact JSON, for the facts of an outcome."""
    return msgspec.json.encode(rows).decode()


def pairwise_facts(beats: Matrix, profile: Profile) -> dict[str, str]:
    """The weights, and the matrix as JSON rows in the order of the options."""
    facts = decimal([("valid_weight", profile.valid), ("blank_weight", profile.blank)])
    return facts | ({"pairwise": matrix_text(beats)} if len(beats) <= TOLD else {})


def unbeaten_groups(
    members: Sequence[int], above: Callable[[int, int], bool], lot: Sequence[int]
) -> list[list[int]]:
    """Members level by level: those that no other member is above, then the same among the rest.

    `above` must be free of cycles. `lot` orders the members of each level.
    """
    wanted = set(members)
    rest = [member for member in lot if member in wanted]
    groups: list[list[int]] = []
    while rest:
        top = [a for a in rest if not any(above(b, a) for b in rest)]
        groups.append(top)
        rest = [a for a in rest if a not in top]
    return groups


def lot_numbers(ids: Sequence[str], lot: Sequence[str]) -> list[int]:
    """The options' numbers in the order of the lot."""
    number = {name: index for index, name in enumerate(ids)}
    return [number[name] for name in lot]


def ranked_outcome(
    rule: str,
    ids: Sequence[str],
    ranking: list[list[str]],
    totals: dict[str, str],
    steps: list[Step],
    *,
    elected: tuple[list[str], list[Step]],
    lot: Sequence[str],
    facts: dict[str, str],
) -> Outcome:
    """The outcome whose winners are what `elect` found in the ranking."""
    winners, last = elected
    order = [name for group in ranking for name in group]
    return Outcome(
        rule=rule,
        options=list(ids),
        winners=winners,
        ranking=ranking,
        order=order,
        totals={name: totals[name] for name in order},
        steps=[*steps, *last],
        lot=list(lot),
        facts=facts,
    )
