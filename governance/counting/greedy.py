"""Greedy budgeting: the most voted first, until the money is spent.

Pabulib calls it `greedy`, `greedy-no-skip` and `greedy-threshold`. Most cities use it; it is not
proportional.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from governance import limits
from governance.counting.approval import Marks
from governance.counting.checks import (
    Amount,
    check_costs,
    check_grades,
    check_limits,
    check_marks,
    check_number,
    decimal,
    refuse,
    unaffordable,
)
from governance.counting.option import Option
from governance.counting.outcome import Outcome, Step, tie_groups
from governance.counting.profile import Answer, Profile
from governance.counting.rule import Rule
from governance.counting.score import MAX_GRADE
from governance.errors import InvalidDefinition

Points = Annotated[int, Meta(ge=1, le=MAX_GRADE)]


class GreedyParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The budget and what happens to an option that does not fit.

    `skip` False ends at the first option that does not fit; `threshold` is the least score an option needs.
    `answers` "points" takes whole numbers per option: at most `max_points` each and `max_sum` together.
    """

    budget: Amount
    skip: bool = True
    threshold: Amount = "0"
    answers: Literal["approval", "points"] = "approval"
    min_marks: Marks = 0
    max_marks: Annotated[int, Meta(ge=1, le=limits.OPTIONS)] | None = None
    max_points: Points | None = None
    max_sum: Points | None = None


class Greedy(Rule[GreedyParams]):
    """Options by descending score; each is taken if what is left of the budget pays for it."""

    id: ClassVar[str] = "greedy"
    title: ClassVar[str] = "Greedy budgeting"
    reference: ClassVar[str] = (
        "Rey & Maly, The (computational) social choice take on participatory budgeting (2023)"
    )
    answer_form: ClassVar[str] = "approval"
    tie_rule: ClassVar[str] = "lower cost, then lot"
    Params = GreedyParams

    def form(self, params: GreedyParams) -> str:
        """Approvals, or points where the definition says so."""
        return "score" if params.answers == "points" else self.answer_form

    def definition_notes(self, options: Sequence[Option], params: GreedyParams) -> list[str]:
        """Options beyond the whole budget."""
        return unaffordable(options, int(params.budget))

    def _check(self, options: Sequence[Option], params: GreedyParams, pointer: str) -> None:
        check_costs(options, pointer)
        check_limits(options, params.min_marks, params.max_marks, 1, pointer)
        if params.answers == "approval" and (params.max_points is not None or params.max_sum is not None):
            raise InvalidDefinition(
                "limits on points need answers in points", pointer=f"{pointer}/params/answers"
            )

    def check_answer(
        self, options: Sequence[Option], params: GreedyParams, answer: Answer, pointer: str = ""
    ) -> None:
        """Marks or points within the limits."""
        if params.answers == "approval":
            check_marks(options, answer, params.min_marks, params.max_marks, pointer)
            return
        check_grades(options, answer, 0, params.max_points or MAX_GRADE, pointer)
        points = [grade for grade in answer.values() if grade] if isinstance(answer, dict) else []
        check_number(len(points), params.min_marks, params.max_marks, pointer)
        if params.max_sum is not None and sum(points) > params.max_sum:
            raise refuse(
                "budget-exceeded",
                f"You gave {sum(points)} points in all; at most {params.max_sum} are allowed.",
                pointer,
            )

    def count(
        self, options: Sequence[Option], params: GreedyParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """The selected options in order, one step for each option."""
        scores = scores_of(options, profile)
        costs = {option.id: option.cost or 0 for option in options}
        ranking = tie_groups(scores, lambda option: (scores[option], -costs[option]), lot)
        order = [option for group in ranking for option in group]
        steps = _walk(order, scores, costs, params)
        winners = [step.options[0] for step in steps if step.action == "select"]
        spent = sum(costs[option] for option in winners)
        return Outcome(
            rule=self.id,
            options=[option.id for option in options],
            winners=winners,
            ranking=ranking,
            order=order,
            totals=decimal((option, scores[option]) for option in order),
            steps=steps,
            lot=list(lot),
            facts={
                **decimal([("valid_weight", profile.valid), ("blank_weight", profile.blank)]),
                **decimal([("budget", int(params.budget)), ("spent", spent)]),
            },
        )


def scores_of(options: Sequence[Option], profile: Profile) -> dict[str, int]:
    """Weight times points for each option; a mark is one point."""
    scores = {option.id: 0 for option in options}
    for answer, weight in profile.cast:
        if isinstance(answer, dict):
            for option, points in answer.items():
                scores[option] += points * weight
        else:
            for mark in answer or ():
                if isinstance(mark, str):
                    scores[mark] += weight
    return scores


def take_what_fits(order: Sequence[str], costs: dict[str, int], left: int) -> list[str]:
    """The options of `order` that `left` pays for, skipping what does not fit."""
    taken: list[str] = []
    for option in order:
        if costs[option] <= left:
            taken.append(option)
            left -= costs[option]
    return taken


def _walk(
    order: Sequence[str], scores: dict[str, int], costs: dict[str, int], params: GreedyParams
) -> list[Step]:
    left, stopped, steps = int(params.budget), False, []
    for option in order:
        cost = costs[option]
        if scores[option] < int(params.threshold):
            action, note = "drop", f"Below the least score of {params.threshold}."
        elif stopped:
            action, note = "stop", "After the first option that did not fit."
        elif cost > left:
            action, note = "skip", f"Costs {cost}; {left} is left."
            stopped = not params.skip
        else:
            left -= cost
            action, note = "select", f"Costs {cost}; {left} is left."
        steps.append(Step(action, [option], decimal([(option, scores[option])]), note))
    return steps
