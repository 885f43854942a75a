"""One item before it has its key: the words of a line, and what the place says about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from governance.roadmap import marks
from governance.roadmap.context import Context
from governance.roadmap.model import ImportedItem, Status
from governance.roadmap.outline import Entry
from governance.roadmap.text import DETAILS, TITLE, Heading, plain, shorten, split_title, unadorned

_EFFORT_KEYS: Final = frozenset(
    {"effort", "estimate", "estimated effort", "size", "duration", "estimated time"}
)
_closing_effort: Final = re.compile(r"\s\(([^()]{1,40})\)$")
_pair: Final = re.compile(r"^([^:]{2,30}):\s+(\S.*)$")


@dataclass(frozen=True, slots=True)
class Draft:
    """An item without its key."""

    title: str
    product: str | None
    quarter: str | None
    phase: str | None
    theme: str | None
    status: Status
    effort: str | None
    details: str
    line: int

    @staticmethod
    def of(
        heading: Heading,
        line: int,
        context: Context,
        *,
        status: Status | None = None,
        fields: Sequence[tuple[str, str]] = (),
        further: Sequence[str] = (),
    ) -> Draft:
        """The item of a title at a place; `fields` are its own Status, Effort, Target … as written."""
        title, closing = marks.closing_status(unadorned(heading.title))
        title, effort = _split_effort(unadorned(title))
        own = {key.lower(): value for key, value in fields}
        effort = next((own[key] for key in own if key in _EFFORT_KEYS), effort)
        written = own.get("status", "")
        stated = status or marks.status_mark(heading.title) or closing or marks.status_mark(written)
        target = own.get("quarter") or own.get("target") or own.get("timeline") or ""
        place = context.at(target) if marks.is_time(target) else context
        kept = [f"{key}: {value}" for key, value in fields if key.lower() not in _EFFORT_KEYS]
        period = [f"Period: {context.period}"] if context.period else []
        whole = [title] if len(title) > TITLE else []
        parts = [*whole, unadorned(heading.rest), *kept, *further, *period]
        refused = context.refused is not None
        return Draft(
            shorten(title.strip(" :"), TITLE),
            context.product,
            None if refused else marks.quarter_of(target, context.year) or place.quarter,
            None if refused or place.phase is None else shorten(place.phase, TITLE),
            None if context.theme is None else shorten(context.theme, TITLE),
            "not-planned" if refused else stated or marks.status_word(written) or context.status or "planned",
            None if effort is None else shorten(effort, TITLE),
            shorten("\n".join(part for part in parts if part), DETAILS),
            line,
        )

    @staticmethod
    def of_entry(entry: Entry, context: Context) -> Draft:
        """The item of a list entry; what stands below it is its details."""
        words = plain(entry.text)
        status = marks.status_mark(words) or _box_status(entry.box)
        if context.refused is not None:
            wording = unadorned(words)
            return Draft.of(
                Heading(wording, ""), entry.line, context, further=[f"{context.refused}: {wording}"]
            )
        lines = [*entry.notes, *_below(entry.children)]
        fields = [pair for line in lines if (pair := _field(line)) is not None]
        further = [line for line in lines if _field(line) is None]
        marked = re.sub(r"^[^\w*_`\[\"'(<]+", "", entry.text) if marks.status_mark(words) else entry.text
        heading = split_title(marked)
        return Draft.of(heading, entry.line, context, status=status, fields=fields, further=further)

    def keyed(self, key: str) -> ImportedItem:
        """The item."""
        return ImportedItem(
            key=key,
            title=self.title,
            product=self.product,
            quarter=self.quarter,
            phase=self.phase,
            theme=self.theme,
            status=self.status,
            effort=self.effort,
            effort_days=None if self.effort is None else marks.effort_days(self.effort),
            details=self.details,
            line=self.line,
        )


def _split_effort(title: str) -> tuple[str, str | None]:
    """A title without a closing "(2 weeks)", and that effort."""
    found = _closing_effort.search(title)
    if found is not None and marks.is_effort(found[1]):
        return title[: found.start()], found[1]
    return title, None


def _box_status(box: str | None) -> Status | None:
    if box == "x":
        return "done"
    return "in-progress" if box in {"~", "/", "-"} else None


def _below(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        yield plain(entry.text)
        yield from entry.notes
        yield from _below(entry.children)


def _field(line: str) -> tuple[str, str] | None:
    """A line below an entry that is one of the item's own fields."""
    found = _pair.match(line)
    known = found is not None and found[1].lower() in _EFFORT_KEYS | {
        "status",
        "quarter",
        "target",
        "timeline",
    }
    return (found[1], found[2]) if found is not None and known else None
