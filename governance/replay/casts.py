"""Votes folded: the last one of each voter, every identity seen, all in flat arrays by row of the roll."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from governance.errors import AlreadyExists, InvalidStatement, NotOnRoll, StaleVote
from governance.replay.delegation import Flags
from governance.replay.roll import Roll
from governance.replay.vote import CheckedVote, parse_answers


@dataclass(frozen=True, slots=True)
class CountedVote:
    """A voter's last vote: its index in the log and its answers as canonical JSON."""

    row: int
    index: int
    answers: bytes
    blank: bool


class Casts:
    """The accepted votes of a ballot: about 60 bytes a voter, 40 a replaced vote, the distinct answers."""

    def __init__(self, roll: Roll) -> None:
        self._roll = roll
        size = len(roll)
        self._index = array("q", [-1]) * size
        self._cast_at = array("q", [0]) * size
        self._identity = bytearray(32 * size)
        self._answers = array("l", [0]) * size
        self._distinct: dict[bytes, int] = {}
        self._texts: list[bytes] = []
        self._blank: list[bool] = []
        self._earlier: dict[int, bytearray] = {}
        self.accepted = 0
        self.voters = 0
        self.weight = 0
        self.blank_weight = 0

    def check(self, vote: CheckedVote) -> int:
        """The voter's row, if the vote may be recorded now.

        Raises:
            NotOnRoll: unknown voter.
            InvalidStatement: verified under another key than the roll names.
            AlreadyExists: exactly this vote is in the log; `index` says where.
            StaleVote: cast before one that is already recorded.
        """
        row = self._roll.row_of(vote.voter)
        if row is None:
            raise NotOnRoll(f"{vote.voter} is not on the roll of this ballot", pointer="/voter")
        if not self._roll.names(row, vote.voter, vote.key):
            raise InvalidStatement("verified under another key than the roll names", pointer="/voter")
        known = self._find(row, vote.identity)
        if known is not None:
            raise AlreadyExists(f"this vote is entry {known} already", index=known)
        if self._index[row] >= 0 and vote.cast_at < self._cast_at[row]:
            raise StaleVote(
                f"entry {self._index[row]} is a vote of yours cast later; sign a new one to change it",
                pointer="/cast_at",
                index=self._index[row],
            )
        return row

    def record(self, index: int, row: int, vote: CheckedVote) -> None:
        """Fold a vote that `check` let pass."""
        weight = self._roll.weight(row)
        if self._index[row] >= 0:
            earlier = self._earlier.setdefault(row, bytearray())
            earlier += self._identity[32 * row : 32 * row + 32] + self._index[row].to_bytes(8, "big")
            self.blank_weight -= weight * self._blank[self._answers[row]]
        else:
            self.voters += 1
            self.weight += weight
        self._index[row] = index
        self._cast_at[row] = vote.cast_at
        self._identity[32 * row : 32 * row + 32] = vote.identity
        self._answers[row] = self._distinct.setdefault(vote.answers, len(self._texts))
        if self._answers[row] == len(self._texts):
            self._texts.append(vote.answers)
            self._blank.append(all(answer is None for answer in parse_answers(vote.answers).values()))
        self.blank_weight += weight * self._blank[self._answers[row]]
        self.accepted += 1

    def _find(self, row: int, identity: bytes) -> int | None:
        if self._index[row] < 0:
            return None
        if self._identity[32 * row : 32 * row + 32] == identity:
            return self._index[row]
        earlier = self._earlier.get(row, b"")
        for at in range(0, len(earlier), 40):
            if earlier[at : at + 32] == identity:
                return int.from_bytes(earlier[at + 32 : at + 40], "big")
        return None

    def counting_index(self, voter: str) -> int | None:
        """The entry of the voter's counting vote, None when there is none."""
        row = self._roll.row_of(voter)
        return None if row is None or self._index[row] < 0 else self._index[row]

    def counted(self) -> Iterator[CountedVote]:
        """The counting votes by row."""
        for row, index in enumerate(self._index):
            if index >= 0:
                text = self._answers[row]
                yield CountedVote(row, index, self._texts[text], self._blank[text])

    def voted(self) -> Flags:
        """Whether each row has cast a vote."""
        return np.frombuffer(self._index, np.int64) >= 0

    def replaced(self) -> int:
        """How many accepted votes a later vote of the same voter replaced."""
        return self.accepted - self.voters
