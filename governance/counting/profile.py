"""All answers to one question, equal answers added up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from governance.canonical import canonical

Answer: TypeAlias = str | list[str | list[str]] | dict[str, int]
"""A choice, a list of marks (a list within a list is a tie), or points by option; the rule says which."""

_Key: TypeAlias = str | tuple[str | tuple[str, ...], ...] | frozenset[tuple[str, int]] | None


@dataclass(frozen=True, slots=True)
class Profile:
    """Valid answers grouped by equality; weights are integers in base units.

    `groups` is in the order of the answers' canonical JSON, so the order of arrival leaves no trace.
    `electorate` is the weight of everybody who could vote; `blank` of those who voted and left this one out.
    """

    groups: tuple[tuple[Answer, int], ...]
    blank: int
    electorate: int

    @classmethod
    def from_answers(
        cls, answers: Iterable[tuple[Answer | None, int]], electorate: int | None = None
    ) -> Profile:
        """The profile of answers that already passed the rule's `check_answer`; None is a blank vote.

        Without `electorate` those who voted are taken for the whole electorate.
        """
        weights: dict[_Key, int] = {}
        samples: dict[_Key, Answer] = {}
        for answer, weight in answers:
            key = _key(answer)
            if key in weights:
                weights[key] += weight
                continue
            weights[key] = weight
            if answer is not None:
                samples[key] = answer
        blank = weights.pop(None, 0)
        order = sorted((canonical(sample), key) for key, sample in samples.items())
        groups = tuple((samples[key], weights[key]) for _, key in order)
        return cls(groups, blank, sum(weights.values()) + blank if electorate is None else electorate)

    @property
    def valid(self) -> int:
        """Weight of the answers that are not blank."""
        return sum(weight for _, weight in self.groups)

    @property
    def turnout(self) -> int:
        """Weight of everybody who voted, blank votes included."""
        return self.valid + self.blank


def _key(answer: Answer | None) -> _Key:
    if answer is None or isinstance(answer, str):
        return answer
    if isinstance(answer, dict):
        return frozenset(answer.items())
    return tuple(item if isinstance(item, str) else tuple(item) for item in answer)
