"""Comparing an imported roadmap with the recorded one: what is new, changed, or the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from governance.service.answers import ItemView
from governance.statements.roadmap import RoadmapItem

if TYPE_CHECKING:
    from governance.roadmap import ImportedItem

CONTENT = (
    "title",
    "product",
    "quarter",
    "phase",
    "theme",
    "status",
    "effort",
    "effort_days",
    "details",
    "source",
)
"""The fields in which a revision may differ from the one before."""
_ADVANCED = frozenset({"committed", "in-progress", "done"})


@dataclass(frozen=True, slots=True)
class Change:
    """A revision to record, and the fields in which it differs (none: the item is new)."""

    item: RoadmapItem
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would record."""

    changes: tuple[Change, ...]
    unchanged: int
    absent: tuple[str, ...]
    moved: tuple[str, ...]

    @property
    def new(self) -> int:
        """Items that are not recorded yet."""
        return sum(not change.fields for change in self.changes)


def compare(
    space: str, found: Sequence[ImportedItem], recorded: Iterable[ItemView], source: str, now: int
) -> Plan:
    """The revisions that bring the recorded roadmap to what the document says.

    A document does not take back what happened since: an item that the record has at `committed` or beyond
    keeps that status while the document still says `planned` or `proposed`. Items that the document no longer
    holds stay as they are; those that have moved to another community are left to it.
    """
    known = {view.item: view for view in recorded}
    changes: list[Change] = []
    moved: list[str] = []
    unchanged = 0
    for item in found:
        old = known.get(item.key)
        if old is not None and old.moved_to is not None:
            moved.append(item.key)
            continue
        new = _revision(space, item, old, source, now)
        fields = tuple(name for name in CONTENT if old and getattr(old, name) != getattr(new, name))
        if old is not None and not fields:
            unchanged += 1
        else:
            changes.append(Change(new, fields))
    present = {item.key for item in found}
    absent = [
        view.item
        for view in known.values()
        if view.source == source and view.moved_to is None and view.item not in present
    ]
    return Plan(tuple(changes), unchanged, tuple(sorted(absent)), tuple(moved))


def _revision(space: str, item: ImportedItem, old: ItemView | None, source: str, now: int) -> RoadmapItem:
    status: str = item.status
    if old is not None and old.status in _ADVANCED and status in {"planned", "proposed"}:
        status = old.status
    return RoadmapItem(
        space=space,
        item=item.key,
        revision=1 if old is None else old.revision + 1,
        previous=None if old is None else old.digest,
        title=item.title,
        product=item.product,
        quarter=item.quarter,
        phase=item.phase,
        theme=item.theme,
        status=status,
        effort=item.effort,
        effort_days=item.effort_days,
        details=item.details,
        source=source,
        revised_at=now,
    )


def revised(space: str, view: ItemView, now: int, **changes: object) -> RoadmapItem:
    """The next revision of a recorded item with some fields changed."""
    fields = {name: getattr(view, name) for name in CONTENT} | changes
    return RoadmapItem(
        space=space,
        item=view.item,
        revision=view.revision + 1,
        previous=view.digest,
        revised_at=now,
        **fields,
    )
