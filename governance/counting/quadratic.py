"""Quadratic voting: v votes for an option cost v squared credits; the highest sums of votes win.

No square root is taken anywhere: voters state votes, the check squares them. The rule needs one credential
per person. Whoever can split a holding over m accounts multiplies the influence of the same credits by the
square root of m, so a definition must say that accounts are checked to be persons, and is refused otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from governance.counting.approval import Seats
from governance.counting.checks import check_grades, check_limits, refuse
from governance.counting.cumulative import weighted_sums
from governance.counting.option import Option
from governance.counting.outcome import Outcome
from governance.counting.profile import Answer, Profile
from governance.counting.rule import ANONYMOUS, OPEN, Rule
from governance.counting.summed import summed_outcome
from governance.errors import InvalidDefinition

MAX_CREDITS = 1_000_000_000_000


class QuadraticParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`personhood`: whether everybody on the roll was checked to be one person with one credential.

    `credits` is what each voter may spend; `negative` allows votes against an option at the same price.
    """

    personhood: Literal["checked", "unchecked"]
    seats: Seats = 1
    credits: Annotated[int, Meta(ge=1, le=MAX_CREDITS)] = 100
    negative: bool = False


class Quadratic(Rule[QuadraticParams]):
    """s(c) = sum of weight times votes, under sum of squares of votes <= credits."""

    id: ClassVar[str] = "quadratic"
    title: ClassVar[str] = "Quadratic voting"
    reference: ClassVar[str] = "Lalley & Weyl, Quadratic voting, AEA Papers and Proceedings 108 (2018)"
    answer_form: ClassVar[str] = "score"
    tie_rule: ClassVar[str] = "lot"
    modes: ClassVar[frozenset[str]] = frozenset({OPEN, ANONYMOUS})
    Params = QuadraticParams

    def _check(self, options: Sequence[Option], params: QuadraticParams, pointer: str) -> None:
        check_limits(options, 0, None, params.seats, pointer)
        if params.personhood != "checked":
            raise InvalidDefinition(
                "quadratic voting needs a check that every voter is one person: who splits credits over "
                "several accounts or wallets gets more votes for them",
                pointer=f"{pointer}/params/personhood",
            )

    def check_answer(
        self, options: Sequence[Option], params: QuadraticParams, answer: Answer, pointer: str = ""
    ) -> None:
        """Whole numbers of votes whose squares together stay within the credits."""
        check_grades(options, answer, -params.credits if params.negative else 0, params.credits, pointer)
        cost = sum(votes * votes for votes in answer.values()) if isinstance(answer, dict) else 0
        if cost > params.credits:
            raise refuse(
                "budget-exceeded",
                f"Your votes cost {cost} credits (each number squared); you have {params.credits}.",
                pointer,
            )

    def count(
        self, options: Sequence[Option], params: QuadraticParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """The options in order of their votes."""
        sums = weighted_sums(options, profile)
        spent = sum(weight * _cost(answer) for answer, weight in profile.cast)
        return summed_outcome(
            self.id,
            sums,
            profile,
            seats=params.seats,
            lot=lot,
            note=f"Votes by voters of weight {profile.valid}, for {spent} credits; {profile.blank} blank.",
            more=[("credits_spent", spent)],
        )


def _cost(answer: Answer | None) -> int:
    return sum(votes * votes for votes in answer.values()) if isinstance(answer, dict) else 0
