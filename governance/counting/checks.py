"""Checks that several rules make of definitions and answers, in the voter's words and with the place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, TypeAlias

from msgspec import Meta

from governance import limits
from governance.counting.option import Option
from governance.counting.profile import Answer
from governance.errors import InvalidAnswer, InvalidDefinition

Amount: TypeAlias = Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,38})$")]
"""Money, points or weight as a decimal string, so that no JSON reader rounds it."""


def at(pointer: str, place: str | int) -> str:
    """The JSON pointer of a part (RFC 6901)."""
    return f"{pointer}/{str(place).replace('~', '~0').replace('/', '~1')}"


def refuse(reason: str, message: str, pointer: str) -> InvalidAnswer:
    """The refusal of an answer; `reason` is the stable name under which invalid ballots are listed."""
    return InvalidAnswer(message, pointer=pointer, reason=reason)


def check_options(options: Sequence[Option], pointer: str) -> None:
    """Options exist, are not too many, and have distinct names.

    Raises:
        InvalidDefinition: with the place.
    """
    if not 1 <= len(options) <= limits.OPTIONS:
        raise InvalidDefinition(
            f"a question needs 1 to {limits.OPTIONS} options; this one has {len(options)}",
            pointer=f"{pointer}/options",
        )
    seen: set[str] = set()
    for index, option in enumerate(options):
        if option.id in seen:
            raise InvalidDefinition(
                f"two options are called {option.id!r}", pointer=f"{pointer}/options/{index}/id"
            )
        seen.add(option.id)


def check_limits(
    options: Sequence[Option], minimum: int, maximum: int | None, seats: int, pointer: str
) -> None:
    """Marks and seats that the options can fill.

    Raises:
        InvalidDefinition: with the place.
    """
    if seats > len(options):
        raise InvalidDefinition(
            f"{seats} seats cannot be filled from {len(options)} options", pointer=f"{pointer}/params/seats"
        )
    if minimum > len(options):
        raise InvalidDefinition(
            f"voters must mark at least {minimum}, but there are only {len(options)} options",
            pointer=f"{pointer}/params/min_marks",
        )
    if maximum is not None and maximum < minimum:
        raise InvalidDefinition(
            f"voters may mark at most {maximum}, but must mark at least {minimum}",
            pointer=f"{pointer}/params/max_marks",
        )


def check_costs(options: Sequence[Option], pointer: str) -> None:
    """Every option has a cost above 0.

    Raises:
        InvalidDefinition: with the place.
    """
    for index, option in enumerate(options):
        if option.cost is None or option.cost <= 0:
            reason = "has no cost" if option.cost is None else "must cost more than 0"
            raise InvalidDefinition(
                f"the option {option.id!r} {reason}; this rule spends a budget on options",
                pointer=f"{pointer}/options/{index}/cost",
            )


def unaffordable(options: Sequence[Option], budget: int) -> list[str]:
    """One sentence for each option that costs more than the whole budget: allowed, but it can never win."""
    return [
        f"{option.id!r} costs {option.cost}, more than the whole budget of {budget}; it cannot be selected"
        for option in options
        if option.cost is not None and option.cost > budget
    ]


def check_marks(
    options: Sequence[Option], answer: Answer, minimum: int, maximum: int | None, pointer: str
) -> None:
    """A list of distinct known options, neither too few nor too many.

    Raises:
        InvalidAnswer: reason `wrong-form`, `unknown-option`, `duplicate`, `below-minimum` or `over-vote`.
    """
    if not isinstance(answer, list):
        raise refuse("wrong-form", "This question is answered with a list of the options you mark.", pointer)
    known = {option.id for option in options}
    seen: set[str] = set()
    for index, mark in enumerate(answer):
        if not isinstance(mark, str):
            raise refuse("wrong-form", "Options cannot be grouped in this question.", at(pointer, index))
        if mark not in known:
            raise refuse("unknown-option", f"There is no option {mark[:80]!r}.", at(pointer, index))
        if mark in seen:
            raise refuse("duplicate", f"You marked {mark!r} twice.", at(pointer, index))
        seen.add(mark)
    check_number(len(answer), minimum, maximum, pointer)


def check_number(marks: int, minimum: int, maximum: int | None, pointer: str) -> None:
    """A number of marks within the limits.

    Raises:
        InvalidAnswer: reason `below-minimum` or `over-vote`.
    """
    if marks < minimum:
        raise refuse("below-minimum", f"You marked {marks}; mark at least {minimum}.", pointer)
    if maximum is not None and marks > maximum:
        raise refuse("over-vote", f"You marked {marks}; at most {maximum} are allowed.", pointer)


def check_grades(options: Sequence[Option], answer: Answer, low: int, high: int, pointer: str) -> None:
    """An integer within low..high for known options.

    Raises:
        InvalidAnswer: reason `wrong-form`, `unknown-option` or `out-of-range`.
    """
    if not isinstance(answer, dict):
        raise refuse("wrong-form", "This question is answered with a number for each option.", pointer)
    known = {option.id for option in options}
    for option, grade in answer.items():
        place = at(pointer, option)
        if option not in known:
            raise refuse("unknown-option", f"There is no option {option[:80]!r}.", place)
        if type(grade) is not int:
            raise refuse("wrong-form", f"The number for {option!r} is not a whole number.", place)
        if not low <= grade <= high:
            raise refuse(
                "out-of-range", f"You gave {option!r} {grade}; from {low} to {high} is possible.", place
            )


def decimal(numbers: Iterable[tuple[str, int]]) -> dict[str, str]:
    """Totals as decimal strings."""
    return {name: str(number) for name, number in numbers}
