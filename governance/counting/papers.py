"""Ballot papers as arrays: a million rankings move between options in milliseconds, and every sum is exact.

Options are numbers here, in the order of the lot, so the smaller number is the stronger in a tie. The number
one past the last option means that no preference is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from governance.counting.profile import Answer, Profile
from governance.counting.ranked import RankedParams, preferences

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_LIMB: Final = 31
"""Bits of a weight per array: 2^32 of them still add up within 63 bits."""


class Papers:
    """One row for each answer; `holder[row]` is the option whose paper it is now."""

    def __init__(self, ids: Sequence[str], params: RankedParams, profile: Profile) -> None:
        answers = [answer for answer, weight in profile.cast if answer is not None and weight]
        self.options = len(ids)
        self.ranks = _read(ids, params, answers)
        self.limbs = _limbs([weight for answer, weight in profile.cast if answer is not None and weight])
        self.at = np.zeros(len(answers), dtype=np.intp)
        self.holder = self.ranks[:, 0].copy()

    def of(self, option: int) -> Ints:
        """The rows that an option holds."""
        return np.flatnonzero(self.holder == option)

    def move(self, rows: Ints, continuing: Flags) -> None:
        """Pass papers on to their next continuing preference; `continuing` has a place for "none left"."""
        stuck = rows
        while stuck.size:
            self.at[stuck] += 1
            holder = self.ranks[stuck, self.at[stuck]]
            self.holder[stuck] = holder
            stuck = stuck[~continuing[holder]]

    def weigh(self, keys: NDArray[np.integer], size: int, rows: Ints | None = None) -> list[int]:
        """The weight of the papers with each key 0..size-1; `rows` are the papers that the keys belong to."""
        totals = [0] * size
        for place, limb in enumerate(self.limbs):
            sums = np.zeros(size, dtype=np.int64)
            np.add.at(sums, keys, limb if rows is None else limb[rows])
            for key in np.flatnonzero(sums).tolist():
                totals[key] += int(sums[key]) << (_LIMB * place)
        return totals

    def first_preferences(self) -> list[int]:
        """Weight by first preference; the last figure is of papers without any."""
        return self.weigh(self.holder, self.options + 1)


def _read(ids: Sequence[str], params: RankedParams, answers: list[Answer]) -> NDArray[np.int16]:
    if params.strict:
        try:
            return _matrix(ids, answers)  # type: ignore[arg-type]
        except TypeError:
            pass  # an option in a list of its own, which is not worth looking for beforehand
    return _matrix(ids, [preferences(params, answer) for answer in answers])


def _matrix(ids: Sequence[str], rankings: Sequence[Sequence[str]]) -> NDArray[np.int16]:
    """Rankings as numbers, each row filled up with "none left" and at least one of those at its end."""
    number = {name: index for index, name in enumerate(ids)}
    lengths = np.fromiter(map(len, rankings), dtype=np.int64, count=len(rankings))
    flat = np.fromiter(
        map(number.__getitem__, chain.from_iterable(rankings)), dtype=np.int16, count=int(lengths.sum())
    )
    width = int(lengths.max(initial=0)) + 1
    ranks = np.full((len(rankings), width), len(ids), dtype=np.int16)
    ranks[np.arange(width) < lengths[:, None]] = flat
    return ranks


def _limbs(weights: list[int]) -> list[Ints]:
    """Weights of any size as arrays of 31 bits each, the lowest first."""
    count = -(-max(weights, default=0).bit_length() // _LIMB)
    if count <= 1:
        return [np.array(weights, dtype=np.int64)]
    mask = (1 << _LIMB) - 1
    return [
        np.array([weight >> (_LIMB * place) & mask for weight in weights], dtype=np.int64)
        for place in range(count)
    ]
