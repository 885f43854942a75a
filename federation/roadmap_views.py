"""What the merged roadmap is made of, and what it says: values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from governance.replay.ownership import AnswerRecord, LinkRecord, OfferRecord
from governance.replay.space import Recorded
from governance.statements.roadmap import RoadmapItem

FRESH: Final = 86_400
"""Seconds after which a source that nobody could ask is called stale."""


@dataclass(frozen=True, slots=True)
class SourceView:
    """The roadmap of one space, as its log at one size says it.

    `items` are all that it has revised, of which `own` have not moved.
    `checked_at` is when its newest checkpoint was last asked for, `behind` whether a larger one is known.
    `skipped` entries were of unknown kinds or refused, the first of them for the reason `problem`. `frozen`
    is set where evidence says that the log tells two stories.
    """

    instance: str
    instance_name: str
    base_url: str
    space: str
    title: str
    origin: str
    vkey: str
    size: int
    checked_at: int
    items: tuple[Recorded[RoadmapItem], ...] = ()
    own: int = 0
    links: tuple[LinkRecord, ...] = ()
    offers: tuple[OfferRecord, ...] = ()
    answers: tuple[AnswerRecord, ...] = ()
    behind: bool = False
    frozen: bool = False
    skipped: int = 0
    problem: str = ""

    @property
    def place(self) -> str:
        """Instance and space: what the global names of its items begin with."""
        return f"{self.instance}/{self.space}"

    def marks(self, now: int) -> frozenset[str]:
        """What a reader has to know about everything from this source."""
        found = {
            "stale": self.behind or now - self.checked_at > FRESH,
            "unverified": self.skipped > 0 or bool(self.problem),
            "frozen": self.frozen,
        }
        return frozenset(mark for mark, applies in found.items() if applies)


class Home(msgspec.Struct, frozen=True):
    """Where an item lives; names and URL are empty where that instance is not followed."""

    instance: str
    space: str
    title: str
    instance_name: str
    base_url: str


class Provenance(msgspec.Struct, frozen=True):
    """The entry that says so: its log, its index there, the size of the log as read, its digest."""

    origin: str
    index: int
    size: int
    digest: str


class Former(msgspec.Struct, frozen=True):
    """A name that the item had, and the offer by which it moved on: its digest, and when that was."""

    name: str
    offer: str
    moved_at: int


class MapLink(msgspec.Struct, frozen=True):
    """A link as the item's home states it.

    `target` is the present name of `stated`. `known` says that the map has it, `agreed` that its home states
    the other side.
    """

    relation: str
    target: str
    stated: str
    title: str
    known: bool
    agreed: bool
    text: str
    linked_at: int
    provenance: Provenance


class Naming(msgspec.Struct, frozen=True):
    """Another item that has a link to this one."""

    relation: str
    item: str
    title: str
    agreed: bool


class MapItem(msgspec.Struct, frozen=True):
    """An item at its latest revision, at its present home.

    `marks`: `stale` (its source was not refreshed), `unverified` (parts of its source could not be read or
    proven), `frozen` (its source tells two stories), `unfollowed` (its home is not among the sources),
    `conflict` (see the map's conflicts).
    """

    name: str
    home: Home
    title: str
    product: str | None
    quarter: str | None
    phase: str | None
    theme: str | None
    status: str
    effort: str | None
    effort_days: int | None
    details: str
    revision: int
    revised_at: int
    provenance: Provenance | None
    offered_to: str | None
    history: list[Former]
    links: list[MapLink]
    named_by: list[Naming]
    marks: list[str]


class Conflict(msgspec.Struct, frozen=True, order=True):
    """Claims that cannot all be true; shown, never resolved."""

    items: list[str]
    why: str


class MapSource(msgspec.Struct, frozen=True):
    """A followed space; `problem` is the first thing about it that could not be read or verified."""

    home: Home
    origin: str
    size: int
    items: int
    checked_at: int
    marks: list[str]
    problem: str


class RoadmapMap(msgspec.Struct, frozen=True):
    """The roadmaps of all sources as one. `cycles` are items that need each other in a circle."""

    items: list[MapItem]
    cycles: list[list[str]]
    conflicts: list[Conflict]
    sources: list[MapSource]
