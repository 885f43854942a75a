"""Score (range) voting: a whole number for each option; the highest sums win (reference: Smith 2000)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, ClassVar, Literal

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

MAX_GRADE = 1_000_000
Grade = Annotated[int, Meta(ge=-MAX_GRADE, le=MAX_GRADE)]


class ScoreParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The grades, what an option without a grade gets, and how equal sums are settled.

    `unmarked`: "zero" and "lowest" count a missing grade as 0 or as `min_grade`, "refused" asks for all of
    them. `ties`: "top-grades" looks at the weight of the highest grade, then the next, before the lot; "lot"
    does not (encrypted sums do not show single grades).
    """

    seats: Seats = 1
    min_grade: Grade = 0
    max_grade: Grade = 5
    unmarked: Literal["zero", "lowest", "refused"] = "zero"
    ties: Literal["top-grades", "lot"] = "top-grades"

    @property
    def missing(self) -> int:
        """What an option without a grade counts."""
        return self.min_grade if self.unmarked == "lowest" else 0


class Score(Rule[ScoreParams]):
    """s(c) = sum of weight times grade, in whole numbers; no averages are compared."""

    id: ClassVar[str] = "score"
    title: ClassVar[str] = "Score voting"
    reference: ClassVar[str] = "Smith, Range voting (2000)"
    answer_form: ClassVar[str] = "score"
    tie_rule: ClassVar[str] = "more weight at the highest grade, then at the next, then lot"
    Params = ScoreParams

    def _check(self, options: Sequence[Option], params: ScoreParams, pointer: str) -> None:
        check_limits(options, 0, None, params.seats, pointer)
        if params.max_grade <= params.min_grade:
            raise InvalidDefinition(
                f"the highest grade {params.max_grade} must be above the lowest, {params.min_grade}",
                pointer=f"{pointer}/params/max_grade",
            )
        if params.unmarked == "zero" and not params.min_grade <= 0 <= params.max_grade:
            raise InvalidDefinition(
                f"a missing grade cannot count as 0: grades go from {params.min_grade} to {params.max_grade}",
                pointer=f"{pointer}/params/unmarked",
            )

    def check_answer(
        self, options: Sequence[Option], params: ScoreParams, answer: Answer, pointer: str = ""
    ) -> None:
        """Grades within the range, for all options where the definition asks for it."""
        check_grades(options, answer, params.min_grade, params.max_grade, pointer)
        if params.unmarked == "refused":
            missing = [option.id for option in options if option.id not in answer]
            if missing:
                raise refuse("below-minimum", f"Grade every option; {missing[0]!r} has no grade.", pointer)

    def count(
        self, options: Sequence[Option], params: ScoreParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """The options in order of their sums."""
        grades = _weight_by_grade(options, params, profile)
        sums = {c: sum(grade * weight for grade, weight in row.items()) for c, row in grades.items()}
        return summed_outcome(
            self.id,
            sums,
            profile,
            seats=params.seats,
            lot=lot,
            note=f"Sums of grades by votes of weight {profile.valid}; {profile.blank} blank.",
            noun="score",
            strength=_strength(params, grades, sums),
        )


def _weight_by_grade(
    options: Sequence[Option], params: ScoreParams, profile: Profile
) -> dict[str, dict[int, int]]:
    """For each option, the weight that gave it each grade, missing grades included."""
    grades: dict[str, dict[int, int]] = {option.id: {} for option in options}
    graded = dict.fromkeys(grades, 0)
    for answer, weight in profile.cast:
        if not isinstance(answer, dict):
            continue
        for option, grade in answer.items():
            row = grades[option]
            row[grade] = row.get(grade, 0) + weight
            graded[option] += weight
    valid = profile.valid
    for option, row in grades.items():
        row[params.missing] = row.get(params.missing, 0) + valid - graded[option]
    return grades


def _strength(
    params: ScoreParams, grades: dict[str, dict[int, int]], sums: dict[str, int]
) -> Callable[[str], tuple[int, ...]]:
    if params.ties == "lot":
        return lambda option: (sums[option],)
    levels = sorted({grade for row in grades.values() for grade in row}, reverse=True)
    return lambda option: (sums[option], *(grades[option].get(grade, 0) for grade in levels))
