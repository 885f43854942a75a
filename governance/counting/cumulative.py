"""Cumulative voting ("dots"): each voter spreads points over the options; the highest sums win."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from governance.counting.approval import Seats
from governance.counting.checks import check_grades, check_limits, refuse
from governance.counting.option import Option
from governance.counting.outcome import Outcome
from governance.counting.profile import Answer, Profile
from governance.counting.rule import Rule
from governance.counting.summed import summed_outcome
from governance.errors import InvalidDefinition

MAX_POINTS = 1_000_000
Points = Annotated[int, Meta(ge=1, le=MAX_POINTS)]


class CumulativeParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many win, how many points a voter has, and how many of them one option may get (None: all)."""

    seats: Seats = 1
    max_sum: Points = 10
    max_points: Points | None = None


class Cumulative(Rule[CumulativeParams]):
    """s(c) = sum of weight times points."""

    id: ClassVar[str] = "cumulative"
    title: ClassVar[str] = "Cumulative voting"
    reference: ClassVar[str] = "Sawyer & MacRae, Game theory and cumulative voting, APSR 56 (1962)"
    answer_form: ClassVar[str] = "score"
    tie_rule: ClassVar[str] = "lot"
    Params = CumulativeParams

    def _check(self, options: Sequence[Option], params: CumulativeParams, pointer: str) -> None:
        check_limits(options, 0, None, params.seats, pointer)
        if params.max_points is not None and params.max_points > params.max_sum:
            raise InvalidDefinition(
                f"one option may get {params.max_points} points, but a voter has only {params.max_sum}",
                pointer=f"{pointer}/params/max_points",
            )

    def check_answer(
        self, options: Sequence[Option], params: CumulativeParams, answer: Answer, pointer: str = ""
    ) -> None:
        """Points from 0 to the limit, together not more than a voter has."""
        check_grades(options, answer, 0, params.max_points or params.max_sum, pointer)
        check_sum(answer, params.max_sum, pointer)

    def count(
        self, options: Sequence[Option], params: CumulativeParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """The options in order of their points."""
        sums = weighted_sums(options, profile)
        return summed_outcome(
            self.id,
            sums,
            profile,
            seats=params.seats,
            lot=lot,
            note=f"Points by votes of weight {profile.valid}; {profile.blank} blank.",
            noun="points",
        )


def check_sum(answer: Answer, most: int, pointer: str) -> None:
    """The points of a voter together are within the limit.

    Raises:
        InvalidAnswer: reason `budget-exceeded`.
    """
    spent = sum(answer.values()) if isinstance(answer, dict) else 0
    if spent > most:
        raise refuse("budget-exceeded", f"You gave {spent} points; you have {most}.", pointer)


def weighted_sums(options: Sequence[Option], profile: Profile) -> dict[str, int]:
    """For each option, the sum of weight times number."""
    sums = {option.id: 0 for option in options}
    for answer, weight in profile.cast:
        if isinstance(answer, dict):
            for option, number in answer.items():
                sums[option] += weight * number
    return sums
