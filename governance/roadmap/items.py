"""The walk through a document: which lines are items, and why the others are not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from governance import limits
from governance.errors import TooLarge
from governance.roadmap import features, headings, marks
from governance.roadmap.context import NOT_A_PLAN, THEME_KEYS, TIME_KEYS, Context, Origin
from governance.roadmap.draft import Draft
from governance.roadmap.outline import Code, Entry, Field, Label, Listing, Prose, Section, Table
from governance.roadmap.text import plain, split_title, unadorned

NOTE: Final = "a note about the section, not an item"
_ITEM_FIELDS: Final = frozenset({"milestone"})


@dataclass(slots=True)
class Walk:
    """Collects drafts and what could not be placed, in document order."""

    drafts: list[Draft] = field(default_factory=list)
    unplaced: dict[tuple[Origin, str], list[tuple[int, str]]] = field(default_factory=dict)

    def section(self, section: Section, outer: Context) -> None:
        """Everything in a section and below it."""
        context = outer.enter(section) if section.level else outer
        if outer.plan and not context.excluded and features.is_feature(section):
            self.add(features.from_section(section, outer, context), context)
            return
        direct = context
        if headings.is_roadmap(context.origin.title) and context.origin.line == section.line:
            direct = replace(context, plan=True)
        here = direct
        for block in section.blocks:
            if isinstance(block, Field) and marks.is_time(block.key):
                direct = here = direct.at(block.key)
            if isinstance(block, Label):
                here = direct.caption(block.text)
                if (
                    here.excluded == headings.GOALS
                    and direct.plan
                    and not direct.excluded
                    and _goals_only(section)
                ):
                    here = replace(here, excluded=None)
            else:
                self._block(block, here)
        for child in section.children:
            self.section(child, context)

    def add(self, draft: Draft, context: Context) -> None:
        """One more item, unless there is no word in its title.

        Raises:
            TooLarge: more than `limits.ROADMAP_ITEMS`.
        """
        if not any(character.isalnum() for character in draft.title):
            self.leave(context, draft.line, draft.title, "no words")
            return
        if len(self.drafts) >= limits.ROADMAP_ITEMS:
            raise TooLarge(f"more than {limits.ROADMAP_ITEMS} items", limit=limits.ROADMAP_ITEMS)
        self.drafts.append(draft)

    def leave(self, context: Context, line: int, text: str, reason: str) -> None:
        """A part of the document that is no item."""
        self.unplaced.setdefault((context.origin, reason), []).append((line, text))

    def _block(self, block: Listing | Field | Prose | Code | Table, context: Context) -> None:
        if isinstance(block, Listing):
            self._entries(block.entries, context)
        elif isinstance(block, Field):
            self._field(block, context)
        elif isinstance(block, Code | Table):
            drafts = [] if self._reason(context) else features.from_block(block, context)
            for draft in drafts:
                self.add(draft, context)
            if not drafts:
                text = "a table" if isinstance(block, Table) else "a code block"
                self.leave(
                    context, block.line, text, self._reason(context) or f"{text} that does not list items"
                )
        else:
            self.leave(context, block.line, block.text, self._reason(context) or NOTE)

    def _reason(self, context: Context) -> str | None:
        return context.excluded or (None if context.plan else NOT_A_PLAN)

    def _field(self, block: Field, context: Context) -> None:
        key = block.key.lower()
        timed = marks.is_time(block.key)
        if not context.excluded and (timed or (context.plan and key in _ITEM_FIELDS)):
            place = context.at(block.key) if timed else context
            self.add(Draft.of(split_title(block.value), block.line, place), place)
        elif not context.plan or key not in THEME_KEYS | TIME_KEYS:
            self.leave(context, block.line, f"{block.key}: {block.value}", self._reason(context) or NOTE)

    def _entries(self, entries: Iterable[Entry], context: Context) -> None:
        for entry in entries:
            self._entry(entry, context)

    def _entry(self, entry: Entry, context: Context) -> None:
        words = unadorned(plain(entry.text))
        heading = split_title(entry.text)
        timed = marks.is_time(heading.title)
        if context.excluded or not (context.plan or entry.box or timed):
            self.leave(context, entry.line, words, self._reason(context) or NOTE)
        elif timed and not heading.rest and entry.children:
            self._entries(entry.children, context.at(heading.title))
        elif entry.box is None and any(child.box for child in entry.children):
            self._entries(entry.children, context.caption(words))
        elif timed and heading.rest:
            timed_entry = replace(entry, text=heading.rest)
            self.add(Draft.of_entry(timed_entry, context.at(heading.title)), context)
        elif words:
            self.add(Draft.of_entry(entry, context), context)


def _goals_only(section: Section) -> bool:
    """Whether a planned section lists nothing but its goals: then these are its items."""
    if section.children:
        return False
    listings, label = 0, ""
    for block in section.blocks:
        if isinstance(block, Label):
            label = block.text
        elif isinstance(block, Listing):
            listings += 1
            if headings.exclusion(label, timed=False) != headings.GOALS:
                return False
    return listings > 0
