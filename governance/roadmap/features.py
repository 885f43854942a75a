"""Items written at length: a section of their own, an entry of a YAML block, a row of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from governance.roadmap import headings, marks
from governance.roadmap.context import Context
from governance.roadmap.draft import Draft
from governance.roadmap.outline import Block, Code, Entry, Field, Label, Listing, Prose, Section, Table
from governance.roadmap.text import Heading, plain, split_title, unadorned

_FIELDS: Final = frozenset({"effort", "estimate", "priority", "impact", "owner", "problem", "complexity"})
_yaml_key: Final = re.compile(r"^(?P<indent>\s*)(?P<key>[\w .-]{1,80}):(?:\s+(?P<value>.*))?$")
_YAML_FIELDS: Final = frozenset(
    {"status", "description", "target", "title", "name", "effort", "estimate", "priority", "quarter", "owner"}
)
_COLUMNS: Final = {
    **dict.fromkeys(("feature", "item", "initiative", "milestone", "task", "epic", "title", "what"), "title"),
    **dict.fromkeys(("status", "state", "progress"), "status"),
    **dict.fromkeys(("effort", "estimate", "size"), "effort"),
    **dict.fromkeys(("quarter", "target", "timeline", "when", "eta", "due", "target date"), "quarter"),
}


def is_feature(section: Section) -> bool:
    """Whether a section in a planned part of the document is one item.

    It is when its heading is numbered, when it has fields such as Effort or Priority, or when it is only
    prose; a heading with a time, or without a subject of its own, never is.
    """
    title, numbered = headings.unnumbered(unadorned(section.title))
    if (
        not title
        or marks.when(title) is not None
        or headings.refuses(title)
        or headings.theme_of(title) is None
    ):
        return False
    if numbered or any(isinstance(block, Field) and block.key.lower() in _FIELDS for block in section.blocks):
        return True
    return (
        bool(section.blocks)
        and not section.children
        and all(isinstance(b, Prose | Field) for b in section.blocks)
    )


def from_section(section: Section, outer: Context, inner: Context) -> Draft:
    """The item of a section; `outer` is the place around it, `inner` what its own fields add."""
    title, _ = headings.unnumbered(unadorned(section.title))
    fields = [(b.key, b.value) for b in section.blocks if isinstance(b, Field)]
    context = replace(outer, quarter=inner.quarter or outer.quarter, product=inner.product)
    status = marks.status_mark(section.title)
    return Draft.of(
        Heading(title, ""),
        section.line,
        context,
        status=status,
        fields=fields,
        further=list(_wording(section)),
    )


def _wording(section: Section) -> Iterator[str]:
    """The text of a section without its fields, tables and code."""
    for block in section.blocks:
        if isinstance(block, Prose):
            yield block.text
        elif isinstance(block, Label):
            yield f"{block.text}:"
        elif isinstance(block, Listing):
            yield from _bullets(block.entries)
    for child in section.children:
        yield child.title
        yield from _wording(child)


def _bullets(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        yield f"- {plain(entry.text)}"
        yield from entry.notes
        yield from _bullets(entry.children)


def from_block(block: Block, context: Context) -> list[Draft]:
    """The items of a YAML block or a table; none when it holds something else."""
    if isinstance(block, Code):
        return _from_yaml(block, context) if block.language in {"yaml", "yml"} else []
    if isinstance(block, Table):
        return _from_table(block, context)
    return []


def _from_yaml(block: Code, context: Context) -> list[Draft]:
    """The two-level mapping `name: {status, description, target …}`; nothing else of YAML is read."""
    found: list[tuple[str, int, list[tuple[str, str]]]] = []
    for number, line in enumerate(block.content.split("\n"), block.line + 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        pair = _yaml_key.match(line[:1000].rstrip())
        if pair is None:
            return []
        value = (pair["value"] or "").strip()
        if not pair["indent"] and not value:
            found.append((pair["key"].strip(), number, []))
        elif pair["indent"] and value and found:
            found[-1][2].append((pair["key"].strip().capitalize(), plain(value.strip("\"'"))))
        else:
            return []
    if not found or not all({key.lower() for key, _ in fields} & _YAML_FIELDS for _, _, fields in found):
        return []
    return [_named(name, line, fields, context) for name, line, fields in found]


def _named(name: str, line: int, fields: list[tuple[str, str]], context: Context) -> Draft:
    own = {key.lower(): value for key, value in fields}
    words = plain(name.replace("_", " ").replace("-", " "))
    title = own.get("title") or own.get("name") or words[:1].upper() + words[1:]
    shown = [(key, value) for key, value in fields if key.lower() not in {"title", "name", "description"}]
    return Draft.of(Heading(title, own.get("description", "")), line, context, fields=shown)


def _from_table(block: Table, context: Context) -> list[Draft]:
    columns = [_COLUMNS.get(name.lower().strip(), name) for name in block.header]
    if "title" not in columns:
        return []
    drafts = []
    for number, row in enumerate(block.rows, block.line + 2):
        cells = [(name.capitalize(), cell) for name, cell in zip(columns, row, strict=False) if cell]
        title = next((cell for name, cell in cells if name == "Title"), "")
        fields = [(name, cell) for name, cell in cells if name != "Title"]
        if unadorned(title):
            drafts.append(Draft.of(split_title(title), number, context, fields=fields))
    return drafts
