"""Where one paper went: its way through the rounds of IRV and Scottish STV, read off an outcome's steps."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from governance.counting.outcome import Outcome, Step


class Stop(msgspec.Struct, frozen=True):
    """Who held a paper from the end of a round on; `option` None when no preference was left.

    `value` is what one unit of weight counted for, a decimal string; `source` held it before. `why` is
    `first`, `excluded` (the source was) or `surplus` (the source was elected with more than the quota).
    """

    round: int
    option: str | None
    value: str
    why: str
    source: str | None = None


def path_of(outcome: Outcome, preferences: Sequence[str]) -> list[Stop]:
    """The way of a paper with these preferences in strict order (`ranked.preferences`).

    Args:
        outcome: of `irv` or `scottish-stv`.
        preferences: option ids, the most wanted first.
    """
    paper = _Paper(outcome, preferences)
    before: dict[str, str] = {}
    for step in outcome.steps:
        paper.see(step, before)
        before = step.totals or before
    return paper.stops


class _Paper:
    def __init__(self, outcome: Outcome, preferences: Sequence[str]) -> None:
        quota = outcome.facts.get("quota", "0")
        self.places = len(quota.partition(".")[2])
        self.quota = _units(quota)
        self.left = list(preferences)
        self.continuing = set(outcome.options)
        self.value = 10**self.places
        self.round = 0
        self.holder = self.left.pop(0) if self.left else None
        self.stops = [Stop(1, self.holder, self._text(), "first")]

    def see(self, step: Step, before: dict[str, str]) -> None:
        """Follow one step; `before` are the totals at its beginning."""
        self.round += bool(step.totals)
        if step.action in ("elect", "exclude"):
            self.continuing -= set(step.options)
        if self.holder is None or self.holder not in step.options:
            return
        if step.action == "exclude":
            self._move("excluded")
        elif step.action == "transfer":
            total = _units(before[self.holder])
            if total > self.quota:
                # Rule 48(3): value times surplus over total, remainder ignored.
                self.value = (total - self.quota) * self.value // total
                self._move("surplus")

    def _move(self, why: str) -> None:
        source, self.holder = self.holder, None
        while self.left and self.holder is None:
            option = self.left.pop(0)
            self.holder = option if option in self.continuing else None
        self.stops.append(Stop(self.round, self.holder, self._text(), why, source))

    def _text(self) -> str:
        digits = f"{self.value:0{self.places + 1}d}"
        return f"{digits[: -self.places]}.{digits[-self.places :]}" if self.places else digits


def _units(text: str) -> int:
    return int(text.replace(".", ""))
