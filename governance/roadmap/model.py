"""What an import returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Status = Literal["done", "in-progress", "planned", "proposed", "not-planned"]
STATUSES: tuple[Status, ...] = ("done", "in-progress", "planned", "proposed", "not-planned")


class Repair(NamedTuple):
    """One line whose characters were restored; `line` counts from 1."""

    line: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ImportedItem:
    """One thing the community plans, wishes, has done, or says it will not do.

    `key` is the item's id, the same on every import of the document and of its later versions as long as
    product and title stay. `quarter` is like "2026-Q1". `effort` is as written, `effort_days` its working
    days (`marks.effort_days`). `line` counts from 1.
    """

    key: str
    title: str
    product: str | None
    quarter: str | None
    phase: str | None
    theme: str | None
    status: Status
    effort: str | None
    effort_days: int | None
    details: str
    line: int


class Unplaced(NamedTuple):
    """A part of the document that became no item: where it starts, what it is, why."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class RoadmapImport:
    """Everything read from one document."""

    document_title: str
    encoding: str
    repaired_lines: tuple[Repair, ...]
    items: tuple[ImportedItem, ...]
    unplaced: tuple[Unplaced, ...]
