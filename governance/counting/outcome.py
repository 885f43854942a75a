"""What a count returns. Numbers that may be large or fractional are exact strings: `"1300"`, `"3/8"`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

import msgspec


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that happened in the count: to which options, at which totals, and why in plain words."""

    action: str
    options: list[str]
    totals: dict[str, str]
    note: str


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The result of one question.

    `ranking` keeps options the votes left tied in one group; `order` is the same after the lot. `lot` is the
    whole lot order, tie or not, so that a loser can check it. `facts` are further figures of the rule.
    """

    rule: str
    options: list[str]
    winners: list[str]
    ranking: list[list[str]]
    order: list[str]
    totals: dict[str, str]
    steps: list[Step]
    lot: list[str]
    facts: dict[str, str]


def tie_groups(ids: Iterable[str], strength: Callable[[str], object], lot: Sequence[str]) -> list[list[str]]:
    """Options from strong to weak by descending `strength`, equal ones in one group in lot order."""
    place = {option: index for index, option in enumerate(lot)}
    groups: dict[object, list[str]] = {}
    for option in sorted(ids, key=place.__getitem__):
        groups.setdefault(strength(option), []).append(option)
    return [groups[key] for key in sorted(groups, reverse=True)]  # type: ignore[type-var]


def elect(ranking: Sequence[Sequence[str]], seats: int, noun: str = "votes") -> tuple[list[str], list[Step]]:
    """The strongest `seats` options of a ranking, and the steps that say so; a lot that decided is named."""
    order = [option for group in ranking for option in group]
    winners = order[:seats]
    steps: list[Step] = []
    taken = 0
    for group in ranking:
        if taken < seats < taken + len(group):
            note = f"{len(group)} options tie on {noun} for {_places(seats - taken)}; the lot decided."
            steps.append(Step("tie", list(group), {}, note))
        taken += len(group)
    steps.append(
        Step(
            "elect",
            winners,
            {},
            f"The first {'place' if len(winners) == 1 else _places(len(winners))} of the order.",
        )
    )
    return winners, steps


def _places(count: int) -> str:
    return "1 place" if count == 1 else f"{count} places"


EXACT_DIGITS = 1_000


def exact(number: Fraction) -> str:
    """An integer or `"3/8"`; a fraction of more than `EXACT_DIGITS` digits as 30 decimals and an ellipsis.

    Only weights of many digits in many rounds come to that; the steps stay readable, the count can be
    repeated.
    """
    if number.numerator.bit_length() + number.denominator.bit_length() > EXACT_DIGITS * 10 // 3:
        return f"{_decimals(number, 30)}…"
    return str(number)


def rounded(number: Fraction) -> str:
    """A number for reading: at most six decimals, cut off."""
    text = _decimals(number, 6)
    return text.rstrip("0").rstrip(".")


def _decimals(number: Fraction, places: int) -> str:
    whole, rest = divmod(number.numerator * 10**places // number.denominator, 10**places)
    return f"{whole}.{rest:0{places}d}"
