"""Stable ids of imported items: words of product and title, nothing of the place in the document."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

LENGTH: Final = 63
_HASH: Final = 10
_other: Final = re.compile(r"[^a-z0-9]+")


def slug(product: str | None, title: str) -> str:
    """`^[a-z0-9][a-z0-9-]{0,62}$` from product and title.

    Where letters have no ASCII form, or the words are too long, a digest of both keeps different items apart.
    """
    whole = f"{product or ''} {title}"
    folded = unicodedata.normalize("NFKD", whole.casefold())
    ascii_only = folded.encode("ascii", "ignore").decode()
    words = _other.sub("-", ascii_only).strip("-")
    letters_lost = any(c.isalnum() and not c.isascii() for c in folded)
    if words and len(words) <= LENGTH and not letters_lost:
        return words
    return _with_digest(words, product or "", title)


def _with_digest(words: str, *distinguishing: str) -> str:
    digest = hashlib.sha256("\0".join(distinguishing).encode("utf-8", "replace")).hexdigest()[:_HASH]
    return f"{words[: LENGTH - _HASH - 1].strip('-')}-{digest}".lstrip("-")


def assign(named: Sequence[tuple[str | None, str, str]]) -> list[str | None]:
    """One key for each (product, title, place); None for an item that is another one over again.

    Items whose slug is the same are told apart by their place (quarter, phase, theme). The order of the
    document has no part in it.
    """
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for index, (product, title, _) in enumerate(named):
        groups[slug(product, title)].append(index)
    keys: list[str | None] = [None] * len(named)
    taken = set(groups)
    for base, members in groups.items():
        first, *others = sorted(members, key=lambda i: (named[i][2], named[i][1], named[i][0] or ""))
        keys[first] = base
        for index in others:
            product, title, place = named[index]
            key = _with_digest(base, product or "", title, place)
            if named[index] != named[first] and key not in taken:
                taken.add(key)
                keys[index] = key
    return keys
