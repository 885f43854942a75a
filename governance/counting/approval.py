"""Approval voting (Brams & Fishburn 1978): mark any options you support; the most marked win."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Annotated, ClassVar, cast

import msgspec
from msgspec import Meta

from governance import limits
from governance.counting.checks import check_limits, check_marks
from governance.counting.option import Option
from governance.counting.outcome import Outcome
from governance.counting.profile import Answer, Profile
from governance.counting.rule import Rule
from governance.counting.summed import summed_outcome

Marks = Annotated[int, Meta(ge=0, le=limits.OPTIONS)]
Seats = Annotated[int, Meta(ge=1, le=limits.OPTIONS)]


class ApprovalParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many win, and how many options a voter may mark (`max_marks` None: all)."""

    seats: Seats = 1
    min_marks: Marks = 0
    max_marks: Annotated[int, Meta(ge=1, le=limits.OPTIONS)] | None = None


class Approval(Rule[ApprovalParams]):
    """s(c) = sum of the weights of the voters who mark c."""

    id: ClassVar[str] = "approval"
    title: ClassVar[str] = "Approval voting"
    reference: ClassVar[str] = "Brams & Fishburn, Approval Voting, APSR 72 (1978)"
    answer_form: ClassVar[str] = "approval"
    tie_rule: ClassVar[str] = "lot"
    Params = ApprovalParams

    def _check(self, options: Sequence[Option], params: ApprovalParams, pointer: str) -> None:
        check_limits(options, params.min_marks, params.max_marks, params.seats, pointer)

    def check_answer(
        self, options: Sequence[Option], params: ApprovalParams, answer: Answer, pointer: str = ""
    ) -> None:
        """A list of distinct options within the limits."""
        check_marks(options, answer, params.min_marks, params.max_marks, pointer)

    def count(
        self, options: Sequence[Option], params: ApprovalParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """The options in order of approvals."""
        support = approvals(options, profile)
        return summed_outcome(
            self.id,
            support,
            profile,
            seats=params.seats,
            lot=lot,
            note=f"Approvals by votes of weight {profile.valid}; {profile.blank} blank.",
            noun="approvals",
        )


def approvals(options: Sequence[Option], profile: Profile) -> dict[str, int]:
    """The weight that marks each option."""
    support = {option.id: 0 for option in options}
    for answer, weight in profile.cast:
        for mark in answer or ():
            if isinstance(mark, str):
                support[mark] += weight
    return support


def grouped(options: Sequence[Option], profile: Profile) -> list[tuple[list[str], int]]:
    """The distinct sets of marks and their weights, without empty sets and weights of 0."""
    # A set as a number: a million small sets of their own take four times as long.
    bit = {option.id: 1 << number for number, option in enumerate(options)}.__getitem__
    marked: dict[int, list[str]] = {}
    weights: dict[int, int] = {}
    for marks, weight in cast("tuple[tuple[list[str] | None, int], ...]", profile.cast):
        if marks and weight:
            key = reduce(or_, map(bit, marks))
            marked[key] = marks
            weights[key] = weights.get(key, 0) + weight
    return list(zip(marked.values(), weights.values(), strict=True))
