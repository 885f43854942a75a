"""Ranked answers: what a valid one is, and the order of preference that it gives.

An answer lists options from the most to the least wanted. A list within it is several options at one rank
(an over-vote); an empty one is a rank left out. `["a", ["b", "c"], [], "d"]` ranks a first, b and c second,
nobody third, d fourth. Options that are not listed are not wanted at all by rules that transfer votes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from governance import limits
from governance.counting.checks import at, refuse
from governance.counting.option import Option
from governance.counting.profile import Answer
from governance.errors import InvalidDefinition

Handling: TypeAlias = Literal["refused", "skip", "exhaust"]
"""An irregular rank: makes the answer invalid, is passed over, or ends what is read of the answer."""


class RankedParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many ranks an answer has, and what irregular ranks mean.

    `over_vote`: several options at one rank. `duplicate_rank`: an option ranked again. `skipped_ranks`: a
    rank left out; "exhaust-second" passes over one, and ends at the second in a row (Minneapolis, Maine).
    """

    min_ranks: Annotated[int, Meta(ge=0, le=limits.OPTIONS)] = 0
    max_ranks: Annotated[int, Meta(ge=1, le=limits.OPTIONS)] | None = None
    over_vote: Handling = "refused"
    duplicate_rank: Handling = "refused"
    skipped_ranks: Literal["refused", "skip", "exhaust", "exhaust-second"] = "refused"

    @property
    def strict(self) -> bool:
        """Whether a valid answer can only be a list of distinct options."""
        return self.over_vote == self.duplicate_rank == self.skipped_ranks == "refused"


def check_ranks(options: Sequence[Option], params: RankedParams, pointer: str) -> None:
    """Numbers of ranks that the options can fill.

    Raises:
        InvalidDefinition: with the place.
    """
    if params.min_ranks > len(options):
        raise InvalidDefinition(
            f"voters must rank at least {params.min_ranks}, but there are only {len(options)} options",
            pointer=f"{pointer}/params/min_ranks",
        )
    if params.max_ranks is not None and params.max_ranks < params.min_ranks:
        raise InvalidDefinition(
            f"voters may rank at most {params.max_ranks}, but must rank at least {params.min_ranks}",
            pointer=f"{pointer}/params/max_ranks",
        )


def check_ranking(options: Sequence[Option], params: RankedParams, answer: Answer, pointer: str) -> None:
    """A list of known options, neither too short nor too long, irregular only where that is allowed.

    Raises:
        InvalidAnswer: reason `wrong-form`, `unknown-option`, `duplicate`, `over-vote`, `skipped-rank`,
            `below-minimum` or `too-many-ranks`.
    """
    if not isinstance(answer, list):
        raise refuse("wrong-form", "This question is answered with a list, the most wanted first.", pointer)
    known = {option.id for option in options}
    seen = {rank for rank in answer if isinstance(rank, str)}
    if len(seen) < len(answer) or not seen <= known:
        seen = _check_one_by_one(known, params, answer, pointer)
    if len(seen) < params.min_ranks:
        raise refuse("below-minimum", f"You ranked {len(seen)}; rank at least {params.min_ranks}.", pointer)
    if params.max_ranks is not None and len(answer) > params.max_ranks:
        raise refuse(
            "too-many-ranks", f"You used {len(answer)} ranks; at most {params.max_ranks} count.", pointer
        )


def _check_one_by_one(
    known: set[str], params: RankedParams, answer: list[str | list[str]], pointer: str
) -> set[str]:
    """All options of an answer that is not just a list of distinct known ones; says what is wrong with it."""
    seen: set[str] = set()
    for index, rank in enumerate(answer):
        names = [rank] if isinstance(rank, str) else rank
        if not names and params.skipped_ranks == "refused":
            raise refuse("skipped-rank", f"You left out rank {index + 1}.", at(pointer, index))
        if len(names) > 1 and params.over_vote == "refused":
            raise refuse(
                "over-vote", f"You put {len(names)} options at rank {index + 1}; put one.", at(pointer, index)
            )
        for name in names:
            if name not in known:
                raise refuse("unknown-option", f"There is no option {name[:80]!r}.", at(pointer, index))
            if name in seen and params.duplicate_rank == "refused":
                raise refuse("duplicate", f"You ranked {name!r} twice.", at(pointer, index))
            seen.add(name)
    return seen


def preferences(params: RankedParams, answer: Answer) -> list[str]:
    """The options of a valid answer in strict order, irregular ranks handled as the parameters say."""
    order: list[str] = []
    left_out = 0
    for rank in answer:
        names = [rank] if isinstance(rank, str) else rank
        if not names:
            left_out += 1
            if params.skipped_ranks == "exhaust" or (
                left_out == 2 and params.skipped_ranks == "exhaust-second"
            ):
                break
            continue
        left_out = 0
        if len(names) > 1:
            if params.over_vote == "exhaust":
                break
        elif names[0] not in order:
            order.append(names[0])
        elif params.duplicate_rank == "exhaust":
            break
    return order
