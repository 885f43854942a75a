"""What the two compatibility rules with Snapshot share: answers that split a vote in proportion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, TypeVar

import msgspec
from msgspec import Meta

from governance.counting.approval import Seats
from governance.counting.checks import check_grades, check_limits, refuse
from governance.counting.cumulative import check_sum
from governance.counting.option import Option
from governance.counting.profile import Answer
from governance.counting.rule import OPEN, Rule


class SnapshotParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many win; `max_sum` bounds the numbers of one answer, and with them the denominators of sums."""

    seats: Seats = 1
    max_sum: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000


P = TypeVar("P", bound=SnapshotParams)


class SplitRule(Rule[P]):
    """Each answer splits the voter's weight in proportion to its numbers."""

    answer_form: ClassVar[str] = "score"
    tie_rule: ClassVar[str] = "lot"
    modes: ClassVar[frozenset[str]] = frozenset({OPEN})

    def _check(self, options: Sequence[Option], params: P, pointer: str) -> None:
        check_limits(options, 0, None, params.seats, pointer)

    def check_answer(self, options: Sequence[Option], params: P, answer: Answer, pointer: str = "") -> None:
        """Numbers above 0 for at least one option, as Snapshot asks for."""
        check_grades(options, answer, 1, params.max_sum, pointer)
        if not answer:
            raise refuse("below-minimum", "Give at least one option a part of your vote.", pointer)
        check_sum(answer, params.max_sum, pointer)
