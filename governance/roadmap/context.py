"""Everything the headings and captions above a line say together.

Inner headings refine outer ones: the innermost quarter and phase hold, an exclusion holds for everything
below it, and only a heading that names a time opens goals again ("Goals" → "Q1 2026").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from governance.roadmap import headings, marks
from governance.roadmap.model import Status
from governance.roadmap.outline import Field, Section
from governance.roadmap.text import unadorned

NOT_A_PLAN = "no quarter, phase or plan in the headings above it"
THEME_KEYS = frozenset({"theme", "focus"})
TIME_KEYS = frozenset(
    {"timeline", "target", "target date", "due", "eta", "when", "release", "release date", "quarter"}
)


@dataclass(frozen=True, slots=True)
class Origin:
    """The heading that a report names for what stands below it."""

    line: int
    title: str


@dataclass(frozen=True, slots=True)
class Context:
    """What holds at one place.

    `plan`: list entries are items. `subject`: the theme is a heading of its own, which a caption narrows
    rather than replaces. `refused`: the wording of a not-planned list.
    """

    origin: Origin
    level: int = 0
    products: tuple[str, ...] = ()
    product: str | None = None
    quarter: str | None = None
    phase: str | None = None
    period: str | None = None
    theme: str | None = None
    subject: bool = False
    year: int | None = None
    status: Status | None = None
    excluded: str | None = None
    refused: str | None = None
    plan: bool = False

    def enter(self, section: Section) -> Context:
        """The context inside a section, its own fields included."""
        title, _ = headings.unnumbered(unadorned(section.title))
        found = marks.when(title, self.year)
        if found is not None and headings.is_roadmap(title) and found.quarter is None:
            found = None
        context = replace(
            self._announced(title, found is not None),
            level=section.level,
            origin=self._origin(section.line, title),
            product=headings.product_of(title) or self._named_product(title),
            year=marks.year_of(title) or self.year,
        )
        if found is not None:
            context = context._at(found)
        elif not headings.is_roadmap(title) and not headings.refuses(title):
            theme = headings.theme_of(title)
            context = replace(context, theme=theme or self.theme, subject=theme is not None or self.subject)
        for block in section.blocks:
            if isinstance(block, Field):
                context = context._noting(block)
        return context

    def caption(self, label: str) -> Context:
        """The context of the list under a caption."""
        words = unadorned(label)
        found = marks.when(words, self.year)
        context = self._announced(words, found is not None)
        if found is not None and not context.excluded:
            return context._at(found)
        plan = self.plan or (headings.announces_plans(words) and headings.theme_of(words) is None)
        theme = headings.theme_of(words) or self.theme
        if self.subject and theme != self.theme:
            theme = f"{self.theme}: {theme}"
        return replace(
            context,
            plan=plan or context.refused is not None,
            theme=theme if context.refused is None else self.theme,
            product=self._named_product(words) if context.refused else self.product,
        )

    def at(self, words: str) -> Context:
        """The context of a line that itself begins with a time."""
        found = marks.when(words, self.year)
        return self if found is None else replace(self._at(found), theme=self.theme, subject=self.subject)

    def _announced(self, words: str, timed: bool) -> Context:
        refused = words.rstrip(" :") if headings.refuses(words) else self.refused
        excluded = self.excluded
        if excluded is None and not headings.refuses(words):
            excluded = headings.exclusion(words, timed=timed)
        if excluded == headings.GOALS and timed:
            excluded = None
        return replace(
            self,
            refused=refused,
            excluded=excluded,
            status=headings.default_status(words, timed=timed) or self.status,
            plan=self.plan or timed or refused is not None or headings.announces_plans(words),
        )

    def _at(self, found: marks.When) -> Context:
        outer = self.phase if found.phase and self.phase != found.phase else None
        dated = found.phase is None or marks.year_of(f"{found.phase} {found.period}") is not None
        return replace(
            self,
            plan=True,
            quarter=found.quarter or (None if dated else self.quarter),
            phase=found.phase or (self.phase if self.phase and marks.year_of(self.phase) is None else None),
            period=found.period,
            theme=found.about or outer,
            subject=False,
        )

    def _noting(self, block: Field) -> Context:
        key = block.key.lower()
        if key in THEME_KEYS:
            return replace(self, theme=block.value)
        if key in TIME_KEYS and self.quarter is None:
            return replace(self, quarter=marks.quarter_of(block.value, self.year))
        if key == "status":
            stated = marks.status_mark(block.value) or marks.status_word(block.value)
            return replace(self, status=stated or self.status)
        return self

    def _origin(self, line: int, title: str) -> Origin:
        """The outermost heading that is neither the document's nor a product's nor itself a plan."""
        own = self.plan or self.level <= 1 or headings.is_roadmap(self.origin.title)
        return Origin(line, title) if own and self.excluded is None else self.origin

    def _named_product(self, words: str) -> str | None:
        """The product a heading begins with, when it names exactly one of the document's."""
        named = [product for product in self.products if product.lower() in words.lower()]
        return named[0] if len(named) == 1 and words.lower().startswith(named[0].lower()) else self.product


def document_context(root: Section, products: Sequence[str], *, lenient: bool) -> Context:
    """The context before the first heading; `lenient` takes lists under neutral headings for plans."""
    return Context(Origin(root.line, root.title), products=tuple(products), plan=lenient)
