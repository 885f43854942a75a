"""Cursor pages over a table in the order of one text column."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from governance.errors import MalformedRequest

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page begins (exclusive) and how long it may be."""

    after: str | None
    limit: int


def page_of(cursor: str | None, limit: int | None) -> Page:
    """The page of query parameters.

    Raises:
        MalformedRequest: not a cursor we gave, or a limit out of bounds.
    """
    size = DEFAULT_LIMIT if limit is None else limit
    if not 1 <= size <= MAX_LIMIT:
        raise MalformedRequest(f"limit is a number from 1 to {MAX_LIMIT}", pointer="/limit")
    if cursor is None:
        return Page(None, size)
    try:
        after = b64decode(cursor.encode("ascii"), b"-_", validate=True).decode()
    except (Error, ValueError) as e:
        raise MalformedRequest("this is not a cursor of ours", pointer="/cursor") from e
    if "\0" in after:
        raise MalformedRequest("this is not a cursor of ours", pointer="/cursor")
    return Page(after, size)


def cut(rows: Sequence[Any], page: Page, key: str) -> tuple[Sequence[Any], str | None]:
    """The rows of a page and the cursor of the next one; `rows` was asked for with one row more."""
    if len(rows) <= page.limit:
        return rows, None
    last = getattr(rows[page.limit - 1], key)
    return rows[: page.limit], urlsafe_b64encode(last.encode()).decode()


def select(
    conn: sa.Connection, table: sa.Table, key: str, page: Page, *where: sa.ColumnElement[bool]
) -> tuple[Sequence[Any], str | None]:
    """A page of rows that fit all conditions, ascending by the column `key`."""
    column = table.c[key]
    chosen = sa.select(table).where(*where)
    if page.after is not None:
        chosen = chosen.where(column > page.after)
    return cut(conn.execute(chosen.order_by(column).limit(page.limit + 1)).all(), page, key)
