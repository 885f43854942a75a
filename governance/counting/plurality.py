"""Plurality: each voter marks one option, or up to as many as there are seats; the most marked win."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from governance import limits
from governance.counting.approval import Seats
from governance.counting.checks import check_limits, check_marks, refuse
from governance.counting.option import Option
from governance.counting.outcome import Outcome
from governance.counting.profile import Answer, Profile
from governance.counting.rule import Rule
from governance.counting.summed import summed_outcome
from governance.errors import InvalidDefinition


class PluralityParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many win, and how many options a voter may mark (block vote: as many as win)."""

    seats: Seats = 1
    max_marks: Annotated[int, Meta(ge=1, le=limits.OPTIONS)] = 1


class Plurality(Rule[PluralityParams]):
    """s(c) = sum of the weights of the voters who mark c."""

    id: ClassVar[str] = "plurality"
    title: ClassVar[str] = "Plurality"
    reference: ClassVar[str] = "Brams & Fishburn, Voting procedures (2002), section 4"
    answer_form: ClassVar[str] = "choice"
    tie_rule: ClassVar[str] = "lot"
    Params = PluralityParams

    def form(self, params: PluralityParams) -> str:
        """One choice, or a list of marks when there may be several."""
        return self.answer_form if params.max_marks == 1 else "approval"

    def _check(self, options: Sequence[Option], params: PluralityParams, pointer: str) -> None:
        check_limits(options, 0, None, params.seats, pointer)
        if params.max_marks > params.seats:
            raise InvalidDefinition(
                f"{params.max_marks} marks for {params.seats} seats is no plurality vote; use approval",
                pointer=f"{pointer}/params/max_marks",
            )

    def definition_notes(self, options: Sequence[Option], params: PluralityParams) -> list[str]:
        """Plurality splits the votes of those who agree."""
        if len(options) > 2 and params.max_marks == 1:
            return ["with more than two options, similar ones take votes from each other under plurality"]
        return []

    def check_answer(
        self, options: Sequence[Option], params: PluralityParams, answer: Answer, pointer: str = ""
    ) -> None:
        """One option, or a list of distinct ones."""
        if params.max_marks > 1:
            check_marks(options, answer, 1, params.max_marks, pointer)
        elif not isinstance(answer, str):
            raise refuse("wrong-form", "Answer this question with one choice.", pointer)
        elif answer not in {option.id for option in options}:
            raise refuse("unknown-option", f"There is no choice {answer[:80]!r}.", pointer)

    def count(
        self, options: Sequence[Option], params: PluralityParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """The options in order of votes."""
        votes = {option.id: 0 for option in options}
        for answer, weight in profile.cast:
            for mark in [answer] if isinstance(answer, str) else answer or ():
                votes[str(mark)] += weight
        return summed_outcome(
            self.id,
            votes,
            profile,
            seats=params.seats,
            lot=lot,
            note=f"Votes of weight {profile.valid}; {profile.blank} blank.",
        )
