"""All answers to one question, equal answers added up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import msgspec

from governance.canonical import canonical

Answer: TypeAlias = str | list[str | list[str]] | dict[str, int]
"""A choice, a list of marks (a list within a list is a tie), or points by option; the rule says which."""

_Key: TypeAlias = str | tuple[str | tuple[str, ...], ...] | frozenset[tuple[str, int]]


@dataclass(frozen=True, eq=False)
class Profile:
    """Valid answers grouped by equality; weights are integers in base units.

    `cast` is what arrived, in that order: for rules that only add up, because grouping a million distinct
    answers costs more than counting them. `electorate` is the weight of everybody who could vote.
    """

    cast: tuple[tuple[Answer | None, int], ...]
    electorate: int

    @classmethod
    def from_answers(
        cls, answers: Iterable[tuple[Answer | None, int]], electorate: int | None = None
    ) -> Profile:
        """The profile of answers that already passed the rule's `check_answer`; None is a blank vote.

        Without `electorate` those who voted are taken for the whole electorate.
        """
        cast = tuple(answers)
        return cls(cast, sum(weight for _, weight in cast) if electorate is None else electorate)

    @cached_property
    def groups(self) -> tuple[tuple[Answer, int], ...]:
        """Distinct answers and their weights, in the order of the answers' canonical JSON.

        The order of arrival leaves no trace.
        """
        places: dict[_Key, int] = {}
        samples: list[Answer] = []
        weights: list[int] = []
        for answer, weight in self.cast:
            if answer is None:
                continue
            place = places.setdefault(_key(answer), len(samples))
            if place == len(samples):
                samples.append(answer)
                weights.append(weight)
            else:
                weights[place] += weight
        order = sorted(range(len(samples)), key=[_canonical(sample) for sample in samples].__getitem__)
        return tuple((samples[place], weights[place]) for place in order)

    @cached_property
    def blank(self) -> int:
        """Weight of those who voted and left this question out."""
        return sum(weight for answer, weight in self.cast if answer is None)

    @cached_property
    def turnout(self) -> int:
        """Weight of everybody who voted, blank votes included."""
        return sum(weight for _, weight in self.cast)

    @property
    def valid(self) -> int:
        """Weight of the answers that are not blank."""
        return self.turnout - self.blank

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Profile):
            return NotImplemented
        mine, theirs = (self.blank, self.electorate), (other.blank, other.electorate)
        return mine == theirs and self.groups == other.groups

    __hash__ = None  # type: ignore[assignment]


def _canonical(answer: Answer) -> bytes:
    # Without objects msgspec writes what RFC 8785 asks for, many times as fast; a test compares them.
    return canonical(answer) if isinstance(answer, dict) else msgspec.json.encode(answer)


def _key(answer: Answer) -> _Key:
    if isinstance(answer, str):
        return answer
    if isinstance(answer, dict):
        return frozenset(answer.items())
    return tuple(item if isinstance(item, str) else tuple(item) for item in answer)
