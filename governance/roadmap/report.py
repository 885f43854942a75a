"""The preview of an import, as lines of plain text."""

from __future__ import annotations

from collections import Counter

from governance.roadmap.model import STATUSES, ImportedItem, RoadmapImport, Status

_REPAIRS_SHOWN = 5


def summary(found: RoadmapImport) -> list[str]:
    """Counts by product, quarter or phase, and status; what was repaired; what could not be placed."""
    return [
        f"{found.document_title}: {_statuses(Counter(item.status for item in found.items))}",
        *_counts(found.items),
        *_repairs(found),
        *_unplaced(found),
    ]


def _statuses(counts: Counter[Status]) -> str:
    total = sum(counts.values())
    parts = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    return f"{total} item{'' if total == 1 else 's'} ({parts})"


def _counts(items: tuple[ImportedItem, ...]) -> list[str]:
    places: dict[str, dict[str, Counter[Status]]] = {}
    for item in items:
        place = item.quarter or item.phase or ("never" if item.status == "not-planned" else "no date")
        products = places.setdefault(item.product or "no product named", {})
        products.setdefault(place, Counter())[item.status] += 1
    lines = []
    for product, whens in places.items():
        lines.append(f"  {product}")
        lines += [f"    {place}: {_statuses(counts)}" for place, counts in whens.items()]
    return lines


def _repairs(found: RoadmapImport) -> list[str]:
    lines = [f"Encoding: {found.encoding}"]
    if found.repaired_lines:
        lines[0] += f" ({len(found.repaired_lines)} lines)"
        lines += [f"  line {r.line}: {r.before} → {r.after}" for r in found.repaired_lines[:_REPAIRS_SHOWN]]
        if (more := len(found.repaired_lines) - _REPAIRS_SHOWN) > 0:
            lines.append(f"  and {more} more")
    return lines


def _unplaced(found: RoadmapImport) -> list[str]:
    if not found.unplaced:
        return ["Everything could be placed."]
    return ["Not placed:", *(f"  line {u.line}: {u.text} — {u.reason}" for u in found.unplaced)]
