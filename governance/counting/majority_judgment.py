"""Majority judgment (Balinski & Laraki 2007, 2011): the best median grade wins; ties by removing medians.

The majority grade is the lower median. Options with the same one are told apart by removing that grade once
from each of them and looking again. The grades so removed stand, in ascending order of all grades, at the
middle, then alternately below and above it. So counts of grades are compared from the middle outwards, block
by block: no vote is unfolded, whatever its weight. A missing grade counts as the lowest; `unmarked` says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cmp_to_key
from typing import ClassVar, Literal, TypeAlias

import msgspec

from governance.counting.approval import Seats
from governance.counting.checks import check_grades, check_limits, decimal, refuse
from governance.counting.condorcet import ranked_outcome
from governance.counting.option import Option
from governance.counting.outcome import Outcome, Step, elect
from governance.counting.profile import Answer, Profile
from governance.counting.rule import ANONYMOUS, OPEN, Rule
from governance.counting.score import Grade
from governance.errors import InvalidDefinition

Counts: TypeAlias = list[tuple[int, int]]
"""(grade, weight) in ascending order of grades, without zero weights."""

Runs: TypeAlias = list[tuple[int, int, int]]
"""(length, lower grade, upper grade)"""


class MajorityJudgmentParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The grades, and whether an option without a grade gets the lowest or makes the answer invalid."""

    seats: Seats = 1
    min_grade: Grade = 0
    max_grade: Grade = 5
    unmarked: Literal["lowest", "refused"] = "lowest"


class MajorityJudgment(Rule[MajorityJudgmentParams]):
    """Options in order of their majority values."""

    id: ClassVar[str] = "majority-judgment"
    title: ClassVar[str] = "Majority judgment"
    reference: ClassVar[str] = "Balinski & Laraki, PNAS 104 (2007); Majority Judgment (2011)"
    answer_form: ClassVar[str] = "score"
    tie_rule: ClassVar[str] = "majority grades removed one after the other; lot when all grades are equal"
    modes: ClassVar[frozenset[str]] = frozenset({OPEN, ANONYMOUS})
    Params = MajorityJudgmentParams

    def _check(self, options: Sequence[Option], params: MajorityJudgmentParams, pointer: str) -> None:
        check_limits(options, 0, None, params.seats, pointer)
        if params.max_grade <= params.min_grade:
            raise InvalidDefinition(
                f"the highest grade {params.max_grade} must be above the lowest, {params.min_grade}",
                pointer=f"{pointer}/params/max_grade",
            )

    def check_answer(
        self, options: Sequence[Option], params: MajorityJudgmentParams, answer: Answer, pointer: str = ""
    ) -> None:
        """Grades within the range, for all options where the definition asks for it."""
        check_grades(options, answer, params.min_grade, params.max_grade, pointer)
        if params.unmarked == "refused":
            missing = [option.id for option in options if option.id not in answer]
            if missing:
                raise refuse("below-minimum", f"Grade every option; {missing[0]!r} has no grade.", pointer)

    def count(
        self,
        options: Sequence[Option],
        params: MajorityJudgmentParams,
        profile: Profile,
        lot: Sequence[str],
    ) -> Outcome:
        """The options in order; those with equal counts of every grade share a group."""
        ids = [option.id for option in options]
        counts = _counts(ids, params, profile)
        runs = {name: _outwards(row) for name, row in counts.items()}
        drawn = sorted(lot, key=cmp_to_key(lambda a, b: _compare(runs[str(b)], runs[str(a)])))
        ranking: list[list[str]] = []
        for name in drawn:
            if ranking and counts[ranking[-1][0]] == counts[name]:
                ranking[-1].append(name)
            else:
                ranking.append([name])
        medians = {name: str(majority_grade(counts[name])) if counts[name] else "none" for name in drawn}
        note = f"Grades by votes of weight {profile.valid}; {profile.blank} blank. The lower median counts."
        steps = [Step("count", drawn, medians, note)]
        for name in drawn:
            tally = decimal((str(grade), weight) for grade, weight in counts[name])
            steps.append(Step("grades", [name], tally, f"Majority grade {medians[name]}."))
        return ranked_outcome(
            self.id,
            ids,
            ranking,
            medians,
            [*steps, *_tie_steps(ranking, medians)],
            elected=elect(ranking, params.seats, "every grade"),
            lot=lot,
            facts=decimal([("valid_weight", profile.valid), ("blank_weight", profile.blank)]),
        )


def _counts(ids: Sequence[str], params: MajorityJudgmentParams, profile: Profile) -> dict[str, Counts]:
    grades: dict[str, dict[int, int]] = {name: {} for name in ids}
    graded = dict.fromkeys(ids, 0)
    for answer, weight in profile.cast:
        for name, grade in answer.items() if isinstance(answer, dict) else ():
            row = grades[name]
            row[grade] = row.get(grade, 0) + weight
            graded[name] += weight
    for name, row in grades.items():
        row[params.min_grade] = row.get(params.min_grade, 0) + profile.valid - graded[name]
    return {name: [(g, row[g]) for g in sorted(row) if row[g]] for name, row in grades.items()}


def majority_grade(counts: Counts) -> int:
    """The lower median: the grade at place floor((n-1)/2) in ascending order."""
    left = (sum(weight for _, weight in counts) - 1) // 2
    for grade, weight in counts:
        if left < weight:
            return grade
        left -= weight
    raise ValueError("no grades, no median")


def _outwards(counts: Counts) -> Runs:
    """Runs of equal pairs from the middle of the ascending grades outwards.

    The middle of an odd number stands on both sides of its run of length 1.
    """
    total = sum(weight for _, weight in counts)
    half, odd = divmod(total, 2)
    below, above = _take(counts, half), _take(counts[::-1], half)
    runs = [(1, majority_grade(counts), majority_grade(counts))] if odd else []
    # Both sides were taken from the ends; the middle is where they stop.
    below.reverse()
    above.reverse()
    while below and above:
        (low, left), (high, right) = below[0], above[0]
        length = min(left, right)
        runs.append((length, low, high))
        below = below[1:] if left == length else [(low, left - length), *below[1:]]
        above = above[1:] if right == length else [(high, right - length), *above[1:]]
    return runs


def _take(counts: Counts, weight: int) -> Counts:
    """The first part of the counts, of exactly that weight."""
    taken: Counts = []
    for grade, available in counts:
        part = min(available, weight)
        if part:
            taken.append((grade, part))
        weight -= part
    return taken


def _compare(one: Runs, other: Runs) -> int:
    """Positive when the majority value of the first is higher. Both have the same weight in all."""
    i = j = 0
    used_one = used_other = 0
    while i < len(one) and j < len(other):
        if one[i][1:] != other[j][1:]:
            return 1 if one[i][1:] > other[j][1:] else -1
        length = min(one[i][0] - used_one, other[j][0] - used_other)
        used_one, used_other = used_one + length, used_other + length
        if used_one == one[i][0]:
            i, used_one = i + 1, 0
        if used_other == other[j][0]:
            j, used_other = j + 1, 0
    return 0


def _tie_steps(ranking: Sequence[Sequence[str]], medians: dict[str, str]) -> list[Step]:
    """One step for each majority grade that several options share."""
    shared: dict[str, list[str]] = {}
    for group in ranking:
        for name in group:
            shared.setdefault(medians[name], []).append(name)
    return [
        Step(
            "compare",
            names,
            {},
            f"{len(names)} options have the majority grade {grade}; it was removed from each, once at a "
            "time, until their next majority grades differed.",
        )
        for grade, names in shared.items()
        if len(names) > 1 and grade != "none"
    ]
