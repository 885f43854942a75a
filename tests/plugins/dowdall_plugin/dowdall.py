"""An example plugin: the counting rule of Nauru, named after Desmond Dowdall, who thought of it in 1971.

A voter ranks the options; the first rank counts 1, the second 1/2, the third 1/3, and so on. This file is all
that a counting rule needs:

1. `Params`: a frozen msgspec Struct, with bounds where there are numbers. A ballot's definition writes every
   parameter down, so a default here is only for `althing ballot new` and files.
2. `_check`: can a ballot with these options and parameters be counted? Raise `InvalidDefinition` with the
   JSON pointer of what does not fit.
3. `check_answer`: is this one voter's answer valid? Raise `InvalidAnswer`, in the voter's words.
4. `count`: a pure function of the profile and the lot; exact numbers only, the same on every machine.

An installed package announces it in its pyproject.toml:

    [project.entry-points.governance]
    dowdall = "dowdall"

Whoever audits such a ballot needs the plugin as well; without it an audit refuses to guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from governance.counting.option import Option
from governance.counting.outcome import Outcome, Step, elect, tie_groups
from governance.counting.profile import Answer, Profile
from governance.counting.rule import ANONYMOUS, OPEN, Rule
from governance.errors import InvalidAnswer, InvalidDefinition
from governance.hooks import hookimpl


class DowdallParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many win."""

    seats: Annotated[int, Meta(ge=1, le=1_000)] = 1


class Dowdall(Rule[DowdallParams]):
    """s(c) = sum over the voters who rank c of weight / rank."""

    id: ClassVar[str] = "dowdall"
    title: ClassVar[str] = "Dowdall system"
    reference: ClassVar[str] = "Fraenkel & Grofman, The Borda Count and its real-world alternatives (2014)"
    answer_form: ClassVar[str] = "ranking"
    tie_rule: ClassVar[str] = "lot"
    modes: ClassVar[frozenset[str]] = frozenset({OPEN, ANONYMOUS})
    Params = DowdallParams

    def _check(self, options: Sequence[Option], params: DowdallParams, pointer: str) -> None:
        if params.seats >= len(options):
            raise InvalidDefinition("there are no more options than seats", pointer=f"{pointer}/params/seats")

    def check_answer(
        self, options: Sequence[Option], params: DowdallParams, answer: Answer, pointer: str = ""
    ) -> None:
        """A list of distinct options, best first; those left out get nothing."""
        if not isinstance(answer, list):
            raise InvalidAnswer("rank the options in a list, best first", pointer=pointer)
        known = {option.id for option in options}
        for place, mark in enumerate(answer):
            if not isinstance(mark, str) or mark not in known:
                raise InvalidAnswer("this is not one of the options", pointer=f"{pointer}/{place}")
            if mark in answer[:place]:
                raise InvalidAnswer("this option is ranked twice", pointer=f"{pointer}/{place}")

    def count(
        self, options: Sequence[Option], params: DowdallParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """The options by their points, exact."""
        points = {option.id: Fraction(0) for option in options}
        for answer, weight in profile.groups:
            for rank, option in enumerate(answer, 1):
                points[str(option)] += Fraction(weight, rank)
        ranking = tie_groups(points, points.__getitem__, lot)
        order = [option for group in ranking for option in group]
        totals = {option: str(points[option]) for option in order}
        winners, steps = elect(ranking, params.seats, "points")
        return Outcome(
            rule=self.id,
            options=[option.id for option in options],
            winners=winners,
            ranking=ranking,
            order=order,
            totals=totals,
            steps=[Step("count", order, totals, "First ranks count 1, second 1/2, third 1/3."), *steps],
            lot=list(lot),
            facts={"valid_weight": str(profile.valid), "blank_weight": str(profile.blank)},
        )


RULE = Dowdall()


@hookimpl
def counting_rules() -> Sequence[Rule[Any]]:
    """The hook by which the rule joins in."""
    return (RULE,)
