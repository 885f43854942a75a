"""What a counting rule is: checks on definitions and answers, and one pure function from votes to outcome."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from governance.counting.checks import at, check_options
from governance.counting.option import Option
from governance.counting.outcome import Outcome
from governance.counting.profile import Answer, Profile
from governance.errors import InvalidDefinition

P = TypeVar("P", bound=msgspec.Struct)

OPEN, HOMOMORPHIC, ANONYMOUS = "open", "homomorphic", "anonymous"
"""How votes may reach a rule: as they are, as encrypted sums, or one by one without names."""


class Rule(ABC, Generic[P]):
    """A named, versioned counting rule. Its parameters are a frozen Struct with bounds, `Params`."""

    id: ClassVar[str]
    version: ClassVar[int] = 1
    title: ClassVar[str]
    reference: ClassVar[str]
    answer_form: ClassVar[str]
    tie_rule: ClassVar[str]
    takes_weights: ClassVar[bool] = True
    additive: ClassVar[bool] = True
    """A vote of weight w counts as w votes of weight 1, so that equal answers may be added up."""
    modes: ClassVar[frozenset[str]] = frozenset({OPEN, HOMOMORPHIC, ANONYMOUS})
    Params: type[P]

    def parse_params(self, raw: Mapping[str, Any], pointer: str = "") -> P:
        """The rule's parameters from JSON values; what is left out takes its default.

        Raises:
            InvalidDefinition: unknown, misshapen or out of bounds, with the reason.
        """
        try:
            return msgspec.convert(dict(raw), self.Params)
        except msgspec.ValidationError as e:
            raise InvalidDefinition(
                f"the parameters of {self.id} do not fit: {e}", pointer=at(pointer, "params")
            ) from e

    def check_definition(self, options: Sequence[Option], params: P, pointer: str = "") -> None:
        """Options and parameters fit together; `pointer` is the place of the question.

        Raises:
            InvalidDefinition: with the reason and the place (`…/options/2/cost`, `…/params/seats`).
        """
        check_options(options, pointer)
        self._check(options, params, pointer)

    def definition_notes(self, options: Sequence[Option], params: P) -> list[str]:
        """Sentences about what is allowed but probably not meant."""
        del options, params
        return []

    def form(self, params: P) -> str:
        """The form of answers under these parameters, where they decide it."""
        del params
        return self.answer_form

    @abstractmethod
    def _check(self, options: Sequence[Option], params: P, pointer: str) -> None:
        """The rule's own part of `check_definition`."""

    @abstractmethod
    def check_answer(self, options: Sequence[Option], params: P, answer: Answer, pointer: str = "") -> None:
        """One voter's answer is valid; a blank vote is not asked about.

        Raises:
            InvalidAnswer: in the voter's words, with `reason` among the facts and the place.
        """

    @abstractmethod
    def count(self, options: Sequence[Option], params: P, profile: Profile, lot: Sequence[str]) -> Outcome:
        """The outcome of valid answers. Pure; `lot` holds every option id, strongest first."""
