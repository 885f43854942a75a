"""Inline Markdown → plain words, and the part of a line that is its title."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

LINE: Final = 4_000
TITLE: Final = 160
DETAILS: Final = 2_000

_link: Final = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)")
_emphasis: Final = re.compile(r"(?<!\\)(?:\*\*|__|~~|`)|(?<![\\\w*])\*(?=[^\s*])|(?<=[^\s*\\])\*(?![\w*])")
_escape: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
_bold_lead: Final = re.compile(r"^(\*\*|__)(?P<head>.+?)\1(?P<rest>.*)$", re.DOTALL)
_separator: Final = re.compile(r"^\s*(?::|[–—-](?=\s))\s*")
_plain_lead: Final = re.compile(r"^(?P<head>[^:]{2,60}?)(?::|\s[–—-])\s+(?P<rest>\S.*)$", re.DOTALL)
_first_sentence: Final = re.compile(r"^(?P<head>.{12,150}?)[.!?]\s+(?P<rest>[A-Z\"“(].*)$", re.DOTALL)
_LONG: Final = 100
_version: Final = re.compile(r"v?\d+(?:\.\d+)+[\w.+-]*", re.IGNORECASE)
_label_word: Final = re.compile(
    r"(?:targets?|focus|goals?|notes?|status|owner|why|how|e\.g\.|i\.e\.|example|see)\b", re.IGNORECASE
)
_opaque: Final = frozenset({"Cc", "Cs", "Co", "Cn"})
_bidi: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\ufeff")


class Heading(NamedTuple):
    """The title of a line and the words after it."""

    title: str
    rest: str


def plain(text: str) -> str:
    """The words without Markdown, control characters or runs of white space."""
    text = text[:LINE]
    text = _link.sub(r"\1", text)
    text = _emphasis.sub("", text)
    text = _escape.sub(r"\1", text)
    text = "".join(c if unicodedata.category(c) not in _opaque and c not in _bidi else " " for c in text)
    return " ".join(text.split())


def unadorned(text: str) -> str:
    """The words without leading and trailing emoji."""
    start, end = 0, len(text)
    while start < end and _is_ornament(text[start]):
        start += 1
    while end > start and _is_ornament(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_ornament(character: str) -> bool:
    """Symbols, their joiners, variants and skin tones, and the space between them; not + or $ or °."""
    if character.isspace() or character in "\u200d\ufe0e\ufe0f\u20e3•·":
        return True
    return unicodedata.category(character) in {"So", "Sk"} and character not in "^`°"


def split_title(markdown: str) -> Heading:
    """The title of a list entry: its bold or named beginning, otherwise all of it or its first sentence.

    "**Context awareness:** Remember" and "Edge Computing: Distributed" have a title and a rest;
    "**Liquid democracy** voting systems" is a title as a whole, and so is a version with what it brings.
    """
    bold = _bold_lead.match(markdown.strip()[:LINE])
    if bold is not None:
        inside, after = bold["head"].rstrip(), bold["rest"]
        separator = _separator.match(after)
        if inside.endswith(":") or separator is not None or not after.strip():
            head = plain(inside).rstrip(":").rstrip()
            return _versioned(head, plain(after[separator.end() :] if separator else after))
        return _sentence(plain(markdown))
    words = plain(markdown)
    lead = _plain_lead.match(words)
    if lead is None or _label_word.match(words) or "http" in lead["head"] or '"' in lead["head"]:
        return _sentence(words)
    return _versioned(lead["head"].strip(), lead["rest"].strip())


def _sentence(words: str) -> Heading:
    """A long entry is titled by its first sentence."""
    found = _first_sentence.match(words) if len(words) > _LONG else None
    return Heading(words, "") if found is None else Heading(found["head"], found["rest"])


def _versioned(head: str, rest: str) -> Heading:
    if rest and _version.fullmatch(head):
        return Heading(f"{head}: {rest}", "")
    return Heading(head, rest)


def shorten(text: str, limit: int) -> str:
    """The text, cut at a word with an ellipsis when it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    return text[: limit - 1].rsplit(None, 1)[0].rstrip(" ,;:-") + "…"
