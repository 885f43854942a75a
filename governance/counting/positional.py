"""Positional scoring: points by place, as listed (Kraków: 3, 2, 1) or 1, 1/2, 1/3 … (Dowdall).

Places past the list and options left out get nothing. Options at one rank share the mean of the places they
take. Not recommended for decisions, for the reasons of the Borda count.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from governance import limits
from governance.counting.approval import Seats
from governance.counting.option import Option
from governance.counting.outcome import Outcome
from governance.counting.pairwise import check_ranks, check_weak_ranking
from governance.counting.profile import Answer, Profile
from governance.counting.rule import ANONYMOUS, OPEN, Rule
from governance.counting.summed import summed_outcome
from governance.errors import InvalidDefinition

Point = Annotated[int, Meta(ge=0, le=1_000_000)]
Vector = Annotated[list[Point], Meta(min_length=1, max_length=limits.OPTIONS)]


class PositionalParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`points` by place from the first on, or "dowdall"; the rest as every rule of rankings."""

    points: Vector | Literal["dowdall"]
    seats: Seats = 1
    min_ranks: Annotated[int, Meta(ge=0, le=limits.OPTIONS)] = 0
    max_ranks: Annotated[int, Meta(ge=1, le=limits.OPTIONS)] | None = None
    ties: Literal["allowed", "refused"] = "refused"


class Positional(Rule[PositionalParams]):
    """s(c) = sum of weight times the points of the place at which c is ranked."""

    id: ClassVar[str] = "positional"
    title: ClassVar[str] = "Positional scoring"
    reference: ClassVar[str] = "Young, Social choice scoring functions, SIAM J. Appl. Math. 28 (1975)"
    answer_form: ClassVar[str] = "ranking"
    tie_rule: ClassVar[str] = "lot"
    modes: ClassVar[frozenset[str]] = frozenset({OPEN, ANONYMOUS})
    Params = PositionalParams

    def _check(self, options: Sequence[Option], params: PositionalParams, pointer: str) -> None:
        check_ranks(options, params, pointer)
        if isinstance(params.points, str):
            return
        place = f"{pointer}/params/points"
        if len(params.points) > len(options):
            raise InvalidDefinition(
                f"points for {len(params.points)} places, but there are only {len(options)} options",
                pointer=place,
            )
        if params.points != sorted(params.points, reverse=True) or params.points[0] == 0:
            raise InvalidDefinition("a better place must not get fewer points than a worse", pointer=place)

    def definition_notes(self, options: Sequence[Option], params: PositionalParams) -> list[str]:
        """Why not to decide by it."""
        del options, params
        return ["positional points reward burying rivals and entering similar options; use them for polls"]

    def check_answer(
        self, options: Sequence[Option], params: PositionalParams, answer: Answer, pointer: str = ""
    ) -> None:
        """A list of distinct options, most wanted first; equal ranks where the definition allows them."""
        check_weak_ranking(options, params, answer, pointer)

    def count(
        self, options: Sequence[Option], params: PositionalParams, profile: Profile, lot: Sequence[str]
    ) -> Outcome:
        """The options in order of points."""
        ids = [option.id for option in options]
        points = place_points(params, len(ids))
        sums = dict.fromkeys(ids, Fraction(0))
        for (name, first, size), weight in _places(profile).items():
            sums[name] += sum(points[first : first + size], Fraction(0)) * weight / size
        given = ", ".join(map(str, points[:5])) + (", …" if len(points) > 5 else "")
        return summed_outcome(
            self.id,
            sums,
            profile,
            seats=params.seats,
            lot=lot,
            note=f"Points {given} by place, from votes of weight {profile.valid}; {profile.blank} blank.",
            noun="points",
        )


def place_points(params: PositionalParams, options: int) -> list[Fraction]:
    """The points of each of as many places as there are options."""
    if isinstance(params.points, str):
        return [Fraction(1, place) for place in range(1, options + 1)]
    return [Fraction(point) for point in params.points] + [Fraction(0)] * (options - len(params.points))


def _places(profile: Profile) -> dict[tuple[str, int, int], int]:
    """Weight by option, the first of the places that its rank takes, and how many those are."""
    weights: dict[tuple[str, int, int], int] = {}
    for answer, weight in profile.cast:
        place = 0
        for rank in answer or ():
            names = [rank] if isinstance(rank, str) else rank
            for name in names:
                key = (name, place, len(names))
                weights[key] = weights.get(key, 0) + weight
            place += len(names)
    return weights
