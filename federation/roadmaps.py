"""The roadmaps of all followed spaces as one map (DESIGN 8): a pure function of what their logs say.

Single-writer items need no merging of contents. What is left is to follow moves, to resolve links, and to
say plainly what is old, unproven or contradictory; nothing is resolved by guessing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from federation.cycles import cycles
from federation.roadmap_moves import Moves, find_moves, place_of
from federation.roadmap_views import (
    Conflict,
    Former,
    Home,
    MapItem,
    MapLink,
    MapSource,
    Naming,
    Provenance,
    RoadmapMap,
    SourceView,
)
from governance.replay.ownership import LinkRecord, global_name
from governance.replay.space import Recorded
from governance.statements.roadmap import RoadmapItem

OTHER_SIDE: Final = {
    "depends-on": "blocks",
    "blocks": "depends-on",
    "adopts": "adopts",
    "duplicates": "duplicates",
}
"""What the target's home states when it agrees to a link."""
UNKNOWN: Final = "unknown"
"""Status of an item of which no revision is at hand."""


def merge(sources: Iterable[SourceView], now: int) -> RoadmapMap:
    """The map of these sources, in whatever order they come.

    Args:
        sources: any number; of two about one space the larger counts.
        now: Unix seconds, for what is stale.
    """
    views, doubled = _chosen(sources)
    moves = find_moves(views)
    merged = _Merge(views, moves, now)
    items = [merged.item(name) for name in sorted(merged.shown)]
    conflicts = sorted([*doubled, *moves.conflicts])
    listed = [merged.source(views[place]) for place in sorted(views)]
    return RoadmapMap(items, cycles(merged.needs()), conflicts, listed)


def _chosen(sources: Iterable[SourceView]) -> tuple[dict[str, SourceView], list[Conflict]]:
    grouped: dict[str, list[SourceView]] = defaultdict(list)
    for view in sources:
        grouped[view.place].append(view)
    conflicts = [
        Conflict([place], "two logs claim to be this space's")
        for place, group in grouped.items()
        if len({(view.origin, view.vkey) for view in group}) > 1
    ]
    best = {place: max(group, key=_rank) for place, group in grouped.items()}
    return best, conflicts


def _rank(view: SourceView) -> tuple[object, ...]:
    return (view.size, view.checked_at, -view.skipped, not view.behind, view.origin, view.vkey, view.base_url)


class _Merge:
    """The sources with everything looked up once."""

    def __init__(self, views: Mapping[str, SourceView], moves: Moves, now: int) -> None:
        self._views = views
        self._moves = moves
        self._now = now
        self._revisions = {f"{v.place}/{r.statement.item}": r for v in views.values() for r in v.items}
        self._disputed = {name for conflict in moves.conflicts for name in conflict.items}
        taken = {f"{v.place}/{a.item}" for v in views.values() for a in v.answers if a.item is not None}
        names = taken | set(self._revisions) | set(moves.back)
        self.shown = {name for name in names if name not in moves.onward}
        self._offered = {
            global_name(o.statement): f"{o.statement.to.instance}/{o.statement.to.space}"
            for v in views.values()
            for o in v.offers
            if o.closed is None
        }
        self._links = self._stated()
        self._sides = {(n, r, t) for n, links in self._links.items() for r, t in links}
        self._naming: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for name, relation, target in sorted(self._sides):
            self._naming[target].append((name, relation))

    def _stated(self) -> dict[str, dict[tuple[str, str], LinkRecord]]:
        """Present links of the items shown, by relation and present name of the target."""
        found: dict[str, dict[tuple[str, str], LinkRecord]] = defaultdict(dict)
        for view in self._views.values():
            for record in sorted(view.links, key=lambda link: link.index):
                name = f"{view.place}/{record.statement.item}"
                target = self._moves.resolve(record.statement.target)
                if record.statement.present and name in self.shown and target != name:
                    found[name][record.statement.relation, target] = record
        return found

    def _agreed(self, name: str, relation: str, target: str) -> bool:
        return (target, OTHER_SIDE[relation], name) in self._sides

    def needs(self) -> dict[str, set[str]]:
        """What each item needs first, whichever side has stated it."""
        found: dict[str, set[str]] = defaultdict(set)
        for name, relation, target in self._sides:
            if relation == "depends-on":
                found[name].add(target)
            elif relation == "blocks":
                found[target].add(name)
        return found

    def item(self, name: str) -> MapItem:
        """One item; without a revision at its present home, by the last one before."""
        view = self._views.get(place_of(name))
        past = self._moves.history(name)
        known = [n for n in (name, *(m.old for m in reversed(past))) if n in self._revisions]
        revision = self._revisions[known[0]] if known else None
        said = None if revision is None else revision.statement
        return MapItem(
            name=name,
            home=_home(view, name),
            title=name.rpartition("/")[2] if said is None else said.title,
            product=None if said is None else said.product,
            quarter=None if said is None else said.quarter,
            phase=None if said is None else said.phase,
            theme=None if said is None else said.theme,
            status=UNKNOWN if said is None else said.status,
            effort=None if said is None else said.effort,
            effort_days=None if said is None else said.effort_days,
            details="" if said is None else said.details,
            revision=0 if said is None else said.revision,
            revised_at=0 if said is None else said.revised_at,
            provenance=None if revision is None else self._provenance(known[0], revision),
            offered_to=self._offered.get(name),
            history=[Former(move.old, move.offer, move.at) for move in past],
            links=self._item_links(name),
            named_by=[
                Naming(relation, other, self._title(other), self._agreed(other, relation, name))
                for other, relation in self._naming.get(name, ())
            ],
            marks=self._marks(name, view, [move.mark for move in past]),
        )

    def _item_links(self, name: str) -> list[MapLink]:
        stated = self._links.get(name, {})
        return [
            MapLink(
                relation=relation,
                target=target,
                stated=record.statement.target,
                title=self._title(target),
                known=target in self.shown,
                agreed=self._agreed(name, relation, target),
                text=record.statement.text,
                linked_at=record.statement.linked_at,
                provenance=self._provenance(name, record),
            )
            for (relation, target), record in sorted(stated.items(), key=lambda link: link[0])
        ]

    def _provenance(self, name: str, record: Recorded[RoadmapItem] | LinkRecord) -> Provenance:
        view = self._views[place_of(name)]
        return Provenance(view.origin, record.index, view.size, record.digest)

    def _title(self, name: str) -> str:
        """The title of an item, also of one that has no revision at its present home; empty when unknown."""
        for known in (name, *(m.old for m in reversed(self._moves.history(name)))):
            if known in self._revisions:
                return self._revisions[known].statement.title
        return ""

    def _marks(self, name: str, view: SourceView | None, past: Sequence[str | None]) -> list[str]:
        marks = {mark for mark in past if mark is not None}
        marks |= {"unfollowed"} if view is None else view.marks(self._now)
        if name in self._disputed:
            marks.add("conflict")
        return sorted(marks)

    def source(self, view: SourceView) -> MapSource:
        """A source as the map lists it."""
        return MapSource(
            home=_home(view, view.place + "/"),
            origin=view.origin,
            size=view.size,
            items=view.own,
            checked_at=view.checked_at,
            marks=sorted(view.marks(self._now)),
            problem=view.problem,
        )


def _home(view: SourceView | None, name: str) -> Home:
    if view is None:
        instance, space = place_of(name).split("/")
        return Home(instance, space, "", "", "")
    return Home(view.instance, view.space, view.title, view.instance_name, view.base_url)
