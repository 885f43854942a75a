"""SQLAlchemy's statements over a plain SQLite connection: a simulated world runs millions of them.

SQL, parameters and rows are what SQLAlchemy's own connection would send and give; only its layers between are
left out. Tables of federation have integers, texts and bytes alone, which need no conversion.
"""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler

PLAIN = (sa.Integer, sa.String, sa.LargeBinary)
"""Types whose values are the same in Python and in SQLite."""


class Rows:
    """The result of a statement (`sqlalchemy.CursorResult`, as far as federation asks for)."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.rowcount = cursor.rowcount
        self._rows = cursor.fetchall() if cursor.description else []
        self._names = tuple(column[0] for column in cursor.description or ())

    def __iter__(self) -> Iterator[Any]:
        return map(_row_type(self._names)._make, self._rows)

    def mappings(self) -> Values:
        return Values([dict(zip(self._names, row, strict=True)) for row in self._rows])

    def first(self) -> Any:
        return next(iter(self), None)

    def one(self) -> Any:
        (row,) = self
        return row

    def all(self) -> list[Any]:
        return list(self)

    def scalars(self) -> Values:
        return Values(row[0] for row in self._rows)


class Values(list[Any]):
    """Rows as dictionaries, or the first value of each row."""

    def first(self) -> Any:
        return self[0] if self else None

    def all(self) -> list[Any]:
        return self


class PlainConnection:
    """What federation asks of a `sqlalchemy.Connection`, over one of `sqlite3`."""

    dialect = sa.create_engine("sqlite://").dialect

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.raw = raw
        self.engine = self

    def execute(self, statement: Any, values: Mapping[str, Any] | None = None) -> Rows:
        if values is not None:
            # Statements that take parameters are made once, and last.
            made, given = _lasting(statement), {**_lasting(statement).fixed, **values}
        else:
            made, given = _by_shape(statement)
        return Rows(self.raw.execute(made.sql, [given[name] for name in made.names]))

    def scalar(self, statement: Any, values: Mapping[str, Any] | None = None) -> Any:
        return self.scalars(statement, values).first()

    def scalars(self, statement: Any, values: Mapping[str, Any] | None = None) -> Values:
        return self.execute(statement, values).scalars()

    def exec_driver_sql(self, sql: str, rows: Sequence[Sequence[Any]]) -> Rows:
        return Rows(self.raw.executemany(sql, rows))

    def commit(self) -> None:
        self.raw.commit()

    def rollback(self) -> None:
        self.raw.rollback()


@cache
def _row_type(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names, rename=True)  # made of what a statement selects


@dataclass(frozen=True)
class Compiled:
    """SQL, the names of its parameters in order, and the values that the statement itself brings."""

    sql: str
    names: list[str]
    fixed: dict[str, Any]
    bound: dict[str, str]
    """The name of each of the statement's own values, by its key."""
    expands: bool
    """Whether it holds a list (`IN`), whose length changes the SQL."""


@cache
def _lasting(statement: Any) -> Compiled:
    return _compile(statement)


_shapes: dict[Any, tuple[Compiled, list[str | None]]] = {}


def _by_shape(statement: Any) -> tuple[Compiled, dict[str, Any]]:
    """Compiled as another one of the same shape was, with this one's values (SQLAlchemy's own cache key)."""
    key = statement._generate_cache_key()
    if key.key not in _shapes:
        made = _compile(statement)
        _shapes[key.key] = made, [made.bound.get(bind.key) for bind in key.bindparams]
    made, names = _shapes[key.key]
    if made.expands:
        made = _compile(statement, render_postcompile=True)
        return made, made.fixed
    binds = zip(names, key.bindparams, strict=True)
    return made, {**made.fixed, **{name: bind.effective_value for name, bind in binds if name}}


def _compile(statement: Any, **options: bool) -> Compiled:
    made = statement.compile(dialect=PlainConnection.dialect, compile_kwargs=options)
    assert isinstance(made, SQLCompiler)
    assert all(isinstance(bind.type, (*PLAIN, sa.types.NullType)) for bind in made.binds.values())
    expands = bool(made.post_compile_params) and not options
    bound = {bind.key: name for bind, name in made.bind_names.items()}
    return Compiled(made.string, list(made.positiontup or ()), dict(made.params), bound, expands)
