"""Parts of the merged map: filters and pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from federation.map_keeper import Published
from federation.roadmap_moves import place_of
from federation.roadmap_views import Conflict, MapItem, MapSource
from governance.service.pages import Page, cut


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items: of a quarter, status, space (its name, or `<instance id>/<space>`), with these words."""

    quarter: str | None = None
    status: str | None = None
    space: str | None = None
    q: str | None = None

    def fits(self, item: MapItem) -> bool:
        """Whether the item is one of them."""
        return (
            self.quarter in {None, item.quarter}
            and self.status in {None, item.status}
            and self.space in {None, item.home.space, place_of(item.name)}
            and all(word in _words(item) for word in (self.q or "").casefold().split())
        )


def _words(item: MapItem) -> str:
    parts = (item.title, item.product, item.theme, item.phase, item.details, item.name)
    return "\n".join(part for part in parts if part is not None).casefold()


class MapPage(msgspec.Struct, frozen=True):
    """A page of the map's items, by name, with what is said about the whole map."""

    version: str
    items: list[MapItem]
    next: str | None
    total: int
    cycles: list[list[str]]
    conflicts: list[Conflict]
    sources: list[MapSource]


def page_of_map(published: Published, wanted: Wanted, page: Page) -> MapPage:
    """The items that fit, from a place on."""
    found = published.map
    fitting = [item for item in found.items if wanted.fits(item)]
    rows: Sequence[MapItem] = [item for item in fitting if page.after is None or item.name > page.after]
    shown, following = cut(rows[: page.limit + 1], page, "name")
    return MapPage(
        version=published.version,
        items=list(shown),
        next=following,
        total=len(fitting),
        cycles=found.cycles,
        conflicts=found.conflicts,
        sources=found.sources,
    )
