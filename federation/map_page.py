"""The merged map as one page for people: no script, nothing from elsewhere, wide or narrow.

Everything on it was written by strangers. Text is escaped, and set apart (`<bdi>`), so that characters which
turn the writing direction end with the text they stand in.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from typing import Final
from urllib.parse import urlencode

from federation.map_query import MapPage, Wanted
from federation.roadmap_views import MapItem, MapLink, MapSource

STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}"
    "h1,h2,h3{line-height:1.2}h3{margin:0}"
    "form{display:flex;flex-wrap:wrap;gap:.6rem;align-items:end;margin:1rem 0}"
    "label{display:block}input,select,button{font:inherit;padding:.4rem;max-width:100%}"
    ".cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));gap:.8rem}"
    "article{border:1px solid #8888;border-radius:.5rem;padding:.8rem}article:target{outline:3px solid}"
    "article p,article ul{margin:.4rem 0}article ul{padding-left:1.1rem}"
    "small,.id{overflow-wrap:anywhere}.id{font-family:ui-monospace,monospace;font-size:.75rem}"
    ".mark{border:1px solid;border-radius:.3rem;padding:0 .35rem;font-size:.85rem;font-weight:600}"
    ".warn{border-left:.4rem solid #b00;padding:.1rem .8rem;margin:1rem 0}"
    "td,th{text-align:left;vertical-align:top;padding:.1rem .8rem .1rem 0;overflow-wrap:anywhere}"
    ".wide{overflow-x:auto}bdi{overflow-wrap:anywhere}"
)
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
STATUSES: Final = ("proposed", "planned", "committed", "in-progress", "done", "not-planned", "unknown")
_MARKS: Final = {
    "stale": "may be out of date: its instance was not reached lately",
    "unverified": "parts of its source could not be read or proven",
    "frozen": "its source was proven to tell two stories",
    "unfollowed": "its home is not followed from here",
    "conflict": "contradictory claims, see above",
}
_RELATIONS: Final = {
    "depends-on": ("needs", "needed by"),
    "blocks": ("is needed by", "needs"),
    "adopts": ("takes on", "taken on by"),
    "duplicates": ("is the same as", "is the same as"),
}


def render(found: MapPage, wanted: Wanted, name: str) -> str:
    """The page.

    Args:
        found: what to show.
        wanted: the filters that it was chosen by.
        name: of this instance.
    """
    title = f"Roadmaps that {name} follows"
    anchors = {i.name: f"{i.title} ({i.home.title or i.home.space})" for i in found.items}
    parts = [
        f"<h1>{_said(title)}</h1>",
        f"<p>Items: {found.total}. Communities: {len(found.sources)}. Subscribe: "
        '<a href="map.atom">Atom</a>; for programs: <a href="api/v1/map">JSON</a>.</p>',
        _warnings(found, anchors),
        _form(found.sources, wanted),
        *(_section(when, items, anchors) for when, items in _by_quarter(found.items)),
        _more(found, wanted),
        _sources(found.sources),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="alternate" type="application/atom+xml" href="map.atom" title="Changes">'
        f"<style>{STYLE}</style></head><body><main>{''.join(parts)}</main></body></html>"
    )


def _said(text: str) -> str:
    """Text of somebody else's."""
    return f"<bdi>{escape(text)}</bdi>"


def _anchor(name: str) -> str:
    return "i" + sha256(name.encode()).hexdigest()[:16]


def _named(name: str, title: str, anchors: dict[str, str]) -> str:
    """An item by its title and community, with a link to it where it is on this page."""
    if name in anchors:
        return f'<a href="#{_anchor(name)}">{_said(anchors[name])}</a>'
    return _said(title) if title else f'<span class="id">{_said(name)}</span>'


def _warnings(found: MapPage, anchors: dict[str, str]) -> str:
    notes = [
        "<li>" + ", ".join(_named(n, "", anchors) for n in conflict.items) + f": {_said(conflict.why)}</li>"
        for conflict in found.conflicts
    ]
    text = ""
    if notes:
        text += f'<section class="warn"><h2>Contradictory claims</h2><ul>{"".join(notes)}</ul></section>'
    circles = [
        "<li>" + ", ".join(_named(n, "", anchors) for n in circle) + "</li>" for circle in found.cycles
    ]
    if circles:
        text += (
            f'<section class="warn"><h2>These wait for each other</h2><ul>{"".join(circles)}</ul></section>'
        )
    return text


def _form(sources: Sequence[MapSource], wanted: Wanted) -> str:
    places = {f"{s.home.instance}/{s.home.space}": s.home.title or s.home.space for s in sources}
    return (
        '<form method="get" action="map" role="search">'
        '<label>Words <input type="search" name="q" maxlength="200" '
        f'value="{escape(wanted.q or "")}"></label>'
        f'<label>Quarter <input name="quarter" size="8" placeholder="2027-Q1" '
        f'value="{escape(wanted.quarter or "")}"></label>'
        + _choice("Status", "status", {s: s for s in STATUSES}, wanted.status)
        + _choice("Community", "space", places, wanted.space)
        + "<button>Show</button></form>"
    )


def _choice(label: str, name: str, options: dict[str, str], chosen: str | None) -> str:
    listed = "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(text)}</option>'
        for value, text in options.items()
    )
    return f'<label>{label} <select name="{name}"><option value="">all</option>{listed}</select></label>'


def _by_quarter(items: Iterable[MapItem]) -> list[tuple[str, list[MapItem]]]:
    grouped: dict[str, list[MapItem]] = {}
    for item in items:
        grouped.setdefault(item.quarter or "", []).append(item)
    dated = sorted(quarter for quarter in grouped if quarter)
    return [(q, grouped[q]) for q in dated] + ([("Without a quarter", grouped[""])] if "" in grouped else [])


def _section(when: str, items: list[MapItem], anchors: dict[str, str]) -> str:
    cards = "".join(_card(item, anchors) for item in items)
    return f'<section><h2>{escape(when)}</h2><div class="cards">{cards}</div></section>'


def _card(item: MapItem, anchors: dict[str, str]) -> str:
    facts = [item.status, *(v for v in (item.product, item.theme, item.phase, item.effort) if v)]
    lines = [
        f"<p>{', '.join(map(_said, facts))}</p>",
        f"<p><small>Home: {_home(item)}</small></p>",
        *(f'<p><span class="mark">{m}</span> <small>{_MARKS[m]}</small></p>' for m in item.marks),
    ]
    if item.offered_to is not None:
        lines.append(f"<p><small>Offered to {_said(item.offered_to)}; frozen until the answer.</small></p>")
    if item.history:
        names = ", ".join(_said(former.name) for former in item.history)
        lines.append(f"<p><small>Before: {names}</small></p>")
    lines.append(_links(item, anchors))
    if item.details:
        lines.append(f"<details><summary>More</summary><p>{_said(item.details)}</p></details>")
    head = f'<article id="{_anchor(item.name)}"><h3>{_said(item.title)}</h3>'
    return f"{head}{''.join(lines)}{_origin(item)}</article>"


def _home(item: MapItem) -> str:
    home = item.home
    title = _said(home.title or home.space)
    at = _said(home.instance_name or home.instance)
    # Never a scheme that does something: the pattern of documents says so, and this page again.
    if home.base_url.startswith(("https://", "http://")):
        at = f'<a href="{escape(home.base_url)}" rel="noreferrer nofollow">{at}</a>'
    return f"{title}, {at}"


def _origin(item: MapItem) -> str:
    place = item.provenance
    text = f'<p class="id">{_said(item.name)}</p>'
    if place is not None:
        text += f'<p class="id">Entry {place.index} of {_said(place.origin)} at size {place.size}</p>'
    return f"<details><summary>Where this is recorded</summary>{text}</details>"


def _links(item: MapItem, anchors: dict[str, str]) -> str:
    rows = [_link(link, anchors) for link in item.links]
    rows += [
        f"<li>{_RELATIONS[naming.relation][1]} {_named(naming.item, naming.title, anchors)} "
        "<small>(only that side says so)</small></li>"
        for naming in item.named_by
        if not naming.agreed
    ]
    return f"<ul>{''.join(rows)}</ul>" if rows else ""


def _link(link: MapLink, anchors: dict[str, str]) -> str:
    remark = "both sides say so" if link.agreed else "" if link.known else "unknown here"
    text = f"{_RELATIONS[link.relation][0]} {_named(link.target, link.title, anchors)}"
    return f"<li>{text}{f' <small>({remark})</small>' if remark else ''}</li>"


def _more(found: MapPage, wanted: Wanted) -> str:
    if found.next is None:
        return ""
    given = {"quarter": wanted.quarter, "status": wanted.status, "space": wanted.space, "q": wanted.q}
    query = urlencode({name: value for name, value in given.items() if value} | {"cursor": found.next})
    return f'<p><a href="map?{escape(query)}" rel="next">More items</a></p>'


def _sources(sources: Sequence[MapSource]) -> str:
    rows = "".join(
        f"<tr><td>{_said(s.home.title or s.home.space or s.home.instance)}</td>"
        f"<td>{_said(s.home.instance_name)}</td><td>{s.items}</td><td>{s.size}</td>"
        f"<td>{_date(s.checked_at)}</td><td>{escape(', '.join(s.marks))} {_said(s.problem)}</td></tr>"
        for s in sources
    )
    head = "".join(
        f'<th scope="col">{h}</th>' for h in ("Community", "Instance", "Items", "Entries", "Last asked", "")
    )
    return (
        f'<section><h2>Sources</h2><div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC") if seconds else "never"
