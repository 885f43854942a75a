"""What changes on the merged map, as an Atom feed (RFC 4287)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote
from xml.etree import ElementTree as Xml

from federation.roadmap_views import MapItem, Provenance

ENTRIES: Final = 200
_ATOM: Final = "http://www.w3.org/2005/Atom"
_forbidden: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (2.2) has no way to write, not even escaped."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was said about an item; `name` is its place in a log, `at` is when, as it states."""

    at: int
    name: str
    title: str
    text: str
    item: MapItem


def changes(items: Iterable[MapItem]) -> list[Change]:
    """The latest revision, moves and links of every item, newest first."""
    found = [change for item in items for change in _about(item)]
    return sorted(found, key=lambda change: (-change.at, change.name))


def _about(item: MapItem) -> Iterator[Change]:
    if item.provenance is not None:
        parts = (f"revision {item.revision}", item.status, item.quarter, item.product, item.theme)
        text = ", ".join(part for part in parts if part)
        if item.details:
            text += f"\n\n{item.details}"
        yield Change(item.revised_at, _place(item.provenance), item.title, text, item)
    for former in item.history:
        text = f"moved from {former.name} to {item.name}"
        yield Change(former.moved_at, former.offer, f"{item.title}: moved", text, item)
    for link in item.links:
        other = link.title or link.target
        agreed = ", which the other side states as well" if link.agreed else ""
        text = f"{link.relation} {other} ({link.target}){agreed}"
        if link.text:
            text += f"\n\n{link.text}"
        title = f"{item.title}: {link.relation} {other}"
        yield Change(link.linked_at, _place(link.provenance), title, text, item)


def _place(said: Provenance) -> str:
    """Not the digest: communities of one name on two instances may well say the same thing."""
    return f"{quote(said.origin, safe='/:')}:{said.index}"


def atom(items: Iterable[MapItem], base_url: str, name: str, now: int) -> bytes:
    """The feed document.

    Args:
        items: of the map.
        base_url: of this instance.
        name: of this instance.
        now: Unix seconds; no entry is dated later, whatever its writer's clock said.
    """
    newest = changes(items)[:ENTRIES]
    feed = Xml.Element("feed", xmlns=_ATOM)
    _text(feed, "id", f"{base_url}/map.atom")
    _text(feed, "title", f"Roadmaps that {name} follows")
    _text(feed, "updated", _date(max((min(change.at, now) for change in newest), default=0)))
    Xml.SubElement(feed, "link", rel="self", type="application/atom+xml", href=f"{base_url}/map.atom")
    Xml.SubElement(feed, "link", rel="alternate", type="text/html", href=f"{base_url}/map")
    for change in newest:
        feed.append(_entry(change, base_url, now))
    document: bytes = Xml.tostring(feed, encoding="utf-8", xml_declaration=True)
    return document


def _entry(change: Change, base_url: str, now: int) -> Xml.Element:
    item = change.item
    entry = Xml.Element("entry")
    _text(entry, "id", f"urn:althing:{change.name}")
    _text(entry, "title", change.title)
    _text(entry, "updated", _date(min(change.at, now)))
    Xml.SubElement(entry, "link", rel="alternate", type="text/html", href=f"{base_url}/map?q={item.name}")
    author = Xml.SubElement(entry, "author")
    _text(author, "name", " at ".join(filter(None, (item.home.title, item.home.instance_name))) or item.name)
    for mark in (item.status, *item.marks):
        Xml.SubElement(entry, "category", term=_clean(mark))
    _text(entry, "content", change.text)
    return entry


def _text(parent: Xml.Element, tag: str, text: str) -> None:
    Xml.SubElement(parent, tag).text = _clean(text)


def _clean(text: str) -> str:
    return _forbidden.sub("\ufffd", text)


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
