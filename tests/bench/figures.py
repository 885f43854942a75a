"""A figure beside its ceiling, and the table of all of them."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One measurement.

    `ceiling` was measured in the same run; `goal` is what `ratio` (or, without a ceiling, the value) is held
    against: `(">=", 0.7)`. A figure without `value` was skipped, `note` says why.
    """

    row: str
    name: str
    value: float | None
    unit: str
    ceiling: float | None = None
    against: str = ""
    goal: tuple[str, float] | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return None if self.value is None or not self.ceiling else self.value / self.ceiling

    @property
    def met(self) -> bool | None:
        measured = self.value if self.ceiling is None else self.ratio
        if self.goal is None or measured is None:
            return None
        return measured >= self.goal[1] if self.goal[0] == ">=" else measured <= self.goal[1]

    def __str__(self) -> str:
        ratio = "" if self.ratio is None else f" = {self.ratio:.2f} of {self.against}"
        return f"{self.row}: {self.name}: {_number(self.value)} {self.unit}{ratio} {self.note}"

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(figures: list[Figure]) -> Table:
    """All figures, in the order measured."""
    made = Table(title="Althing measured beside its ceilings, in this run")
    for column in ("row", "figure", "value", "unit", "ceiling", "against", "ratio", "goal", ""):
        made.add_column(column, justify="right" if column in {"value", "ceiling", "ratio"} else "left")
    for f in figures:
        ratio = "" if f.ratio is None else f"{f.ratio:.2f}"
        goal = "" if f.goal is None else f"{f.goal[0]} {f.goal[1]:g}"
        met = {None: f.note, True: f"met {f.note}", False: f"MISSED {f.note}"}[f.met].strip()
        made.add_row(
            f.row, f.name, _number(f.value), f.unit, _number(f.ceiling) if f.ceiling else "", f.against,
            ratio, goal, met,
        )  # fmt: skip
    return made


def show(figures: list[Figure]) -> None:
    """Print the table, wide enough for all of it, and how busy the machine was."""
    console = Console(width=170)
    console.print(table(figures))
    console.print(f"{os.cpu_count()} cores; load of the last 15 minutes {os.getloadavg()[2]:.1f}")
