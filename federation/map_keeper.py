"""The merged map as it is served: read again after a few seconds, with what changed between versions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Final

from msgspec.json import encode
from msgspec.structs import replace

from federation.roadmap_sources import Followed, SourceReader
from federation.roadmap_views import MapItem, RoadmapMap
from federation.roadmaps import merge

EVERY: Final = 5
"""Seconds for which a map is good enough."""
KEPT: Final = 32
"""Versions of which we still know what has changed since."""


@dataclass(frozen=True, slots=True)
class Published:
    """A map and its version: the same for the same contents, wherever and whenever it was read."""

    map: RoadmapMap
    version: str
    read_at: int


class MapKeeper:
    """Keeps what was read of each source. `followed` lists the sources whenever the map is read again."""

    def __init__(self, followed: Callable[[], Sequence[Followed]], clock: Callable[[], int]) -> None:
        self._followed = followed
        self._clock = clock
        self._lock = Lock()
        self._readers: dict[tuple[str, str], SourceReader] = {}
        self._published: Published | None = None
        self._past: deque[tuple[str, dict[str, bytes]]] = deque(maxlen=KEPT)

    def current(self) -> Published:
        """The map; at most `EVERY` seconds old, or as it is while somebody else reads it again."""
        known = self._published
        if known is not None and 0 <= self._clock() - known.read_at < EVERY:
            return known
        if not self._lock.acquire(blocking=known is None):
            return known or self.current()
        try:
            return self._refresh()
        finally:
            self._lock.release()

    def changed(self, since: str, now: Published) -> list[str] | None:
        """The names of items that differ from that version; None when it is not remembered."""
        past = dict(self._past)
        old = past.get(since)
        if old is None:
            return None
        new = past.get(now.version) or _prints(now.map.items)
        return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))

    def _refresh(self) -> Published:
        known, at = self._published, self._clock()
        if known is not None and 0 <= at - known.read_at < EVERY:
            return known
        sources = {(one.instance, one.files.name): one for one in self._followed()}
        self._readers = {key: self._readers.get(key) or SourceReader() for key in sources}
        views = [view for key, one in sources.items() for view in self._readers[key].read(one)]
        found = merge(views, at)
        version = _version(found)
        if known is None or version != known.version:
            self._past.append((version, _prints(found.items)))
        self._published = Published(found, version, at)
        return self._published


def _version(found: RoadmapMap) -> str:
    """Contents without the times at which sources were asked and the sizes of their logs: no news."""
    items = [_still(item) for item in found.items]
    sources = [replace(source, checked_at=0, size=0) for source in found.sources]
    return sha256(encode(replace(found, items=items, sources=sources))).hexdigest()[:32]


def _prints(items: Sequence[MapItem]) -> dict[str, bytes]:
    return {item.name: sha256(encode(_still(item))).digest()[:16] for item in items}


def _still(item: MapItem) -> MapItem:
    links = [replace(link, provenance=replace(link.provenance, size=0)) for link in item.links]
    place = item.provenance
    return replace(item, links=links, provenance=None if place is None else replace(place, size=0))
