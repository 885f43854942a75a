"""Lines → a tree of sections with blocks (CommonMark 0.31 block structure, GitHub tables).

Beside CommonMark's own lists this reads the bullets people paste from word processors (· • ‣), bold or short
lines that caption the list below them, and `Key: value` lines. Inline Markdown stays as written; `text.plain`
removes it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from governance.roadmap.text import LINE, plain

_parser: Final = MarkdownIt("commonmark", {"maxNesting": 40}).enable("table").disable(["code", "reference"])
_parser.core.ruler.enableOnly(["normalize", "block"])

_checkbox: Final = re.compile(r"^\[([ xX~/-])\]\s+")
_pasted_bullet: Final = re.compile(r"^[·•‣◦▪●]\s*(.*)$")
_bold_field: Final = re.compile(r"^(?:\*\*|__)([^*_]{1,80}?)(?::(?:\*\*|__)|(?:\*\*|__)\s*:)\s*(.*)$")
_bold_line: Final = re.compile(r"^(?:\*\*|__)([^*]+?):?(?:\*\*|__)(?:\s*\([^()]*\))?\s*:?$")
_plain_field: Final = re.compile(
    r"^(effort|estimate|priority|status|owner|theme|target|timeline|due|eta|impact|goal)\s*:\s+(\S.*)$",
    re.IGNORECASE,
)
_SHORT: Final = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a list: its Markdown, its checkbox (" ", "x", "~" …), more paragraphs, entries below."""

    line: int
    text: str
    box: str | None = None
    notes: tuple[str, ...] = ()
    children: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """A list."""

    line: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """A line that captions what follows."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """A `**Key:** value` line, both without Markdown."""

    line: int
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Prose:
    """Any other text."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """A fenced block and the language it names."""

    line: int
    language: str
    content: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table without Markdown; every row is as long as the header."""

    line: int
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Listing | Label | Field | Prose | Code | Table


@dataclass(slots=True)
class Section:
    """A heading (plain words; none at level 0, the document), its blocks, the sections below it."""

    line: int
    level: int
    title: str
    blocks: list[Block] = field(default_factory=list)
    children: list[Section] = field(default_factory=list)


def outline(lines: Sequence[str]) -> Section:
    """The document as a tree of sections."""
    root = Section(1, 0, "")
    path = [root]
    tree = SyntaxTreeNode(_parser.parse("\n".join(lines)))
    for node in tree.children:
        if node.type == "heading":
            section = Section(_line(node), int(node.tag[1:]), plain(_content(node)))
            while path[-1].level >= section.level:
                path.pop()
            path[-1].children.append(section)
            path.append(section)
        else:
            path[-1].blocks.extend(_blocks(node))
    _caption(root)
    return root


def _line(node: SyntaxTreeNode) -> int:
    return node.map[0] + 1 if node.map else 1


def _content(node: SyntaxTreeNode) -> str:
    """The Markdown directly in a heading, paragraph or table cell."""
    return "\n".join(child.content for child in node.children if child.type == "inline")


def _blocks(node: SyntaxTreeNode) -> list[Block]:
    line = _line(node)
    match node.type:
        case "paragraph":
            return _paragraph(line, _content(node))
        case "blockquote":
            return [block for child in node.children for block in _blocks(child)]
        case _:
            block = _block(node, line)
            return [] if block is None else [block]


def _block(node: SyntaxTreeNode, line: int) -> Block | None:
    block: Block | None = None
    match node.type:
        case "bullet_list" | "ordered_list":
            block = Listing(line, tuple(_entry(item) for item in node.children))
        case "fence":
            block = Code(line, node.info.strip().lower(), node.content)
        case "table":
            block = _table(node)
        case "heading":
            block = Label(line, plain(_content(node)))
        case "html_block" if not node.content.lstrip().startswith("<!--"):
            block = Prose(line, plain(node.content))
    return block


def _entry(item: SyntaxTreeNode) -> Entry:
    paragraphs: list[str] = []
    children: list[Entry] = []
    for node in item.children:
        if node.type == "paragraph":
            paragraphs.append(_content(node))
        elif node.type in {"bullet_list", "ordered_list"}:
            children.extend(_entry(child) for child in node.children)
        elif node.type == "fence":
            paragraphs.append(node.content)
    text = paragraphs[0][:LINE].strip() if paragraphs else ""
    box = _checkbox.match(text)
    return Entry(
        _line(item),
        text[box.end() :] if box else text,
        box[1].lower() if box else None,
        tuple(plain(note) for note in paragraphs[1:]),
        tuple(children),
    )


def _table(node: SyntaxTreeNode) -> Table:
    rows = [
        tuple(plain(_content(cell)) for cell in row.children)
        for part in node.children
        for row in part.children
        if row.type == "tr"
    ]
    return Table(_line(node), rows[0], tuple(rows[1:]))


def _paragraph(line: int, content: str) -> list[Block]:
    """A paragraph line by line: pasted bullets, fields, captions; the other lines together are prose."""
    blocks: list[Block] = []
    entries: list[Entry] = []
    prose: list[str] = []
    start = line
    for number, raw in enumerate(content.split("\n"), line):
        text = raw.strip()[:LINE]
        bullet = _pasted_bullet.match(text)
        special = None if bullet else _special(number, text)
        if entries and bullet is None:
            blocks.append(Listing(entries[0].line, tuple(entries)))
            entries = []
        if prose and (bullet is not None or special is not None):
            blocks.append(Prose(start, plain(" ".join(prose))))
            prose = []
        if bullet is not None:
            entries.append(Entry(number, bullet[1]))
        elif special is not None:
            blocks.append(special)
        else:
            start = start if prose else number
            prose.append(text)
    if entries:
        blocks.append(Listing(entries[0].line, tuple(entries)))
    if prose:
        blocks.append(Prose(start, plain(" ".join(prose))))
    return blocks


def _special(line: int, text: str) -> Block | None:
    pair = _bold_field.match(text) or _plain_field.match(text)
    if pair is not None:
        value = plain(pair[2])
        if value and not (value.startswith("(") and value.endswith(")")):
            return Field(line, plain(pair[1]), value)
        return Label(line, f"{plain(pair[1])} {value}".strip())
    bold = _bold_line.match(text)
    return Label(line, plain(text).rstrip(":")) if bold is not None else None


def _caption(section: Section) -> None:
    """Short prose right above a list, a table or code captions it."""
    blocks = section.blocks
    for place, following in enumerate(blocks[1:]):
        block = blocks[place]
        if isinstance(block, Prose) and isinstance(following, Listing | Table | Code):
            words = block.text
            if words.endswith(":") or (len(words) <= _SHORT and words[-1:] not in {".", "!", "?", ""}):
                blocks[place] = Label(block.line, words.rstrip(":"))
    for child in section.children:
        _caption(child)
