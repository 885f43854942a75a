"""One roadmap document → its items, and a report of what was repaired or could not be placed."""

from __future__ import annotations

from governance.errors import MalformedRoadmap
from governance.roadmap import headings, keys
from governance.roadmap.context import Origin, document_context
from governance.roadmap.draft import Draft
from governance.roadmap.encoding import LINE, Decoded, decode
from governance.roadmap.items import Walk
from governance.roadmap.model import ImportedItem, RoadmapImport, Unplaced
from governance.roadmap.outline import Section, outline
from governance.roadmap.text import TITLE, shorten, unadorned


def import_roadmap(data: bytes, *, name: str) -> RoadmapImport:
    """The items of a Markdown roadmap and a report; `name` is the file's, for messages.

    Lists count as items under a heading with a quarter, year, phase or other time, or one that announces
    plans or refuses something; everything else is reported. When that finds nothing in a document titled
    "roadmap", lists and numbered sections under neutral headings count as well.

    Raises:
        MalformedRoadmap: not text in UTF-8, or no item can be recognised.
        TooLarge: more bytes, lines or items than `limits.ROADMAP_…`.
    """
    decoded = decode(data, name=name)
    root = outline(decoded.lines)
    title = unadorned(root.children[0].title) if root.children else ""
    walk = _walk(root, lenient=False)
    if not walk.drafts and headings.is_roadmap(title):
        walk = _walk(root, lenient=True)
    if not walk.drafts:
        raise MalformedRoadmap(
            f"no roadmap item was recognised in {name}: items are list entries under headings such as "
            '"Q1 2026", "Phase 1" or "Planned features", or checkbox lists'
        )
    items, twice = _keyed(walk.drafts)
    return RoadmapImport(
        shorten(title, TITLE) or name,
        decoded.encoding,
        decoded.repaired,
        items,
        _unplaced(walk, twice, decoded),
    )


def _walk(root: Section, *, lenient: bool) -> Walk:
    walk = Walk()
    walk.section(root, document_context(root, _products(root), lenient=lenient))
    return walk


def _products(section: Section) -> list[str]:
    """The products that headings name, each once."""
    found: dict[str, None] = {}
    for child in section.children:
        if product := headings.product_of(unadorned(child.title)):
            found[product] = None
        found.update(dict.fromkeys(_products(child)))
    return list(found)


def _keyed(drafts: list[Draft]) -> tuple[tuple[ImportedItem, ...], list[Unplaced]]:
    places = [
        (d.product, d.title, "\0".join((d.quarter or "", d.phase or "", d.theme or ""))) for d in drafts
    ]
    items, twice = [], []
    for draft, key in zip(drafts, keys.assign(places), strict=True):
        if key is None:
            twice.append(Unplaced(draft.line, draft.title, "the same item stands here twice"))
        else:
            items.append(draft.keyed(key))
    return tuple(items), twice


def _unplaced(walk: Walk, twice: list[Unplaced], decoded: Decoded) -> tuple[Unplaced, ...]:
    """One row for each section and reason, in document order."""
    rows = [
        *twice,
        *(Unplaced(line, "a very long line", f"cut at {LINE} characters") for line in decoded.cut),
    ]
    rows += [_row(origin, reason, parts) for (origin, reason), parts in walk.unplaced.items()]
    return tuple(sorted(rows))


def _row(origin: Origin, reason: str, parts: list[tuple[int, str]]) -> Unplaced:
    line, first = parts[0]
    if len(parts) > 1:
        return Unplaced(min(origin.line, line) if origin.title else line, _count(origin, parts), reason)
    return Unplaced(line, shorten(f"{origin.title}: {first}" if origin.title else first, TITLE), reason)


def _count(origin: Origin, parts: list[tuple[int, str]]) -> str:
    return f"{shorten(origin.title or 'Before the first heading', TITLE)} ({len(parts)} parts)"
