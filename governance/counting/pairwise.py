"""Rankings with ties, and the matrix of pairwise preferences that every Condorcet rule starts from.

d[a][b] is the weight that ranks a strictly above b. What an option means that a voter left out is a
parameter, because it decides elections: `unranked` "below" ties all of them below every ranked option (Debian
Constitution A.6, Belenios, PrefLib), "no-opinion" compares only options that the voter ranked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from governance import limits
from governance.counting.approval import Seats
from governance.counting.checks import at, refuse
from governance.counting.option import Option
from governance.counting.profile import Answer, Profile
from governance.errors import InvalidDefinition

Matrix: TypeAlias = list[list[int]]
"""One row for each option, in the definition's order."""

Unranked: TypeAlias = Literal["below", "no-opinion"]

_LIMB: Final = 31
_CELLS: Final = 1 << 24
"""Cells of a block of rankings: bounds the memory, whatever the number of ballots."""
_LAST: Final = 32_000
"""Below every rank."""


class PairwiseParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many win, how much a voter may rank, and what left out options mean.

    `min_ranks` counts ranked options, `max_ranks` ranks. `ties`: whether options may share a rank.
    """

    seats: Seats = 1
    min_ranks: Annotated[int, Meta(ge=0, le=limits.OPTIONS)] = 0
    max_ranks: Annotated[int, Meta(ge=1, le=limits.OPTIONS)] | None = None
    ties: Literal["allowed", "refused"] = "allowed"
    unranked: Unranked = "below"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`beats[a][b]` is d[a][b]; `met[a]` the weight of all comparisons of a, equal ranks included."""

    beats: Matrix
    met: list[int]


def check_ranks(options: Sequence[Option], params: Any, pointer: str) -> None:
    """Seats and ranks that the options can fill.

    Raises:
        InvalidDefinition: with the place.
    """
    if params.seats > len(options):
        raise InvalidDefinition(
            f"{params.seats} seats cannot be filled from {len(options)} options",
            pointer=f"{pointer}/params/seats",
        )
    if params.min_ranks > len(options):
        raise InvalidDefinition(
            f"voters must rank at least {params.min_ranks}, but there are only {len(options)} options",
            pointer=f"{pointer}/params/min_ranks",
        )
    if params.ties == "refused" and params.max_ranks is not None and params.max_ranks < params.min_ranks:
        raise InvalidDefinition(
            f"voters may rank at most {params.max_ranks}, but must rank at least {params.min_ranks}",
            pointer=f"{pointer}/params/max_ranks",
        )


def check_weak_ranking(options: Sequence[Option], params: Any, answer: Answer, pointer: str) -> None:
    """A list of distinct known options, most wanted first; a list within it is options at one rank.

    An empty rank is passed over: only the order of the ranks counts.

    Raises:
        InvalidAnswer: reason `wrong-form`, `unknown-option`, `duplicate`, `over-vote`, `below-minimum` or
            `too-many-ranks`.
    """
    if not isinstance(answer, list):
        raise refuse("wrong-form", "This question is answered with a list, the most wanted first.", pointer)
    known = {option.id for option in options}
    seen: set[str] = set()
    for index, rank in enumerate(answer):
        names = [rank] if isinstance(rank, str) else rank
        if len(names) > 1 and params.ties == "refused":
            raise refuse(
                "over-vote", f"You put {len(names)} options at rank {index + 1}; put one.", at(pointer, index)
            )
        for name in names:
            if name not in known:
                raise refuse("unknown-option", f"There is no option {name[:80]!r}.", at(pointer, index))
            if name in seen:
                raise refuse("duplicate", f"You ranked {name!r} twice.", at(pointer, index))
            seen.add(name)
    if len(seen) < params.min_ranks:
        raise refuse("below-minimum", f"You ranked {len(seen)}; rank at least {params.min_ranks}.", pointer)
    if params.max_ranks is not None and len(answer) > params.max_ranks:
        raise refuse(
            "too-many-ranks", f"You used {len(answer)} ranks; at most {params.max_ranks} count.", pointer
        )


def compare(ids: Sequence[str], profile: Profile, unranked: Unranked) -> Comparison:
    """All pairwise preferences of a profile of valid rankings, exact for weights of any size."""
    cast = [(answer, weight) for answer, weight in profile.cast if answer is not None and weight]
    options = len(ids)
    bits = max((weight for _, weight in cast), default=0).bit_length()
    limbs = max(1, -(-bits // _LIMB))
    beats = np.zeros((limbs, options, options), dtype=np.int64)
    met = [(options - 1) * profile.valid if unranked == "below" else 0] * options
    block = max(1, _CELLS // options)
    for start in range(0, len(cast), block):
        part = cast[start : start + block]
        ranks = _ranks(ids, [answer for answer, _ in part])
        weights = _limbs([weight for _, weight in part], limbs)
        above = ranks
        if unranked == "no-opinion":
            above = np.where(ranks == _LAST, np.int16(-1), ranks)
            met = [sum(pair) for pair in zip(met, _met(ranks != _LAST, weights), strict=True)]
        for option in range(options):
            _add(beats[:, option], ranks[option] < above, weights)
    return Comparison([[_joined(beats[:, a, b]) for b in range(options)] for a in range(options)], met)


def _met(ranked: NDArray[np.bool_], weights: Sequence[NDArray[np.int64]]) -> list[int]:
    """For each option, the weight of those who rank it, once for each other option that they rank."""
    partners = ranked.sum(axis=0, dtype=np.int64) - 1
    limbs = np.array([ranked @ (partners * limb) for limb in weights])
    return [_joined(limbs[:, option]) for option in range(len(ranked))]


def _add(rows: NDArray[np.int64], preferred: NDArray[np.bool_], weights: Sequence[NDArray[np.int64]]) -> None:
    """Add the weight of the ballots that prefer one option to each other one."""
    for place, limb in enumerate(weights):
        if limb.min() == limb.max():
            rows[place] += np.count_nonzero(preferred, axis=1) * limb[0]
        else:
            rows[place] += preferred @ limb


def _ranks(ids: Sequence[str], answers: Sequence[Answer]) -> NDArray[np.int16]:
    """ranks[option, ballot]: 0 for the most wanted, `_LAST` for an option that is left out."""
    number = {name: index for index, name in enumerate(ids)}
    ranks = np.full((len(ids), len(answers)), _LAST, dtype=np.int16)
    lengths = np.fromiter(map(len, answers), dtype=np.int64, count=len(answers))
    try:
        flat = np.fromiter(
            map(number.__getitem__, chain.from_iterable(answers)),  # type: ignore[arg-type]
            dtype=np.int16,
            count=int(lengths.sum()),
        )
    except TypeError:
        # A list is no key: some ranks hold several options.
        cells = np.array(list(_cells(number, answers)), dtype=np.int64).reshape(-1, 3)
        ranks[cells[:, 0], cells[:, 1]] = cells[:, 2]
        return ranks
    ballots = np.repeat(np.arange(len(answers)), lengths)
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
    ranks[flat, ballots] = np.arange(len(flat)) - starts
    return ranks


def _cells(number: dict[str, int], answers: Sequence[Answer]) -> Iterator[tuple[int, int, int]]:
    for ballot, answer in enumerate(answers):
        for rank, names in enumerate(answer):
            for name in [names] if isinstance(names, str) else names:
                yield number[name], ballot, rank


def _limbs(weights: list[int], limbs: int) -> list[NDArray[np.int64]]:
    """Weights of any size as arrays of 31 bits each, the lowest first."""
    mask = (1 << _LIMB) - 1
    return [
        np.array([weight >> (_LIMB * place) & mask for weight in weights], dtype=np.int64)
        for place in range(limbs)
    ]


def _joined(limbs: NDArray[np.int64]) -> int:
    return sum(int(limb) << (_LIMB * place) for place, limb in enumerate(limbs))
