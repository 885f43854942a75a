"""Ballot files are hostile bytes: a value or an error of our own, and what is written is read again."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from governance.counting import Option
from governance.counting.files.ballot_file import BallotFile, Ballots, format_ballot_file, parse_ballot_file
from governance.counting.files.count import count_file
from governance.counting.files.pabulib import PabulibFile, Table, format_pabulib, parse_pabulib
from governance.counting.files.sniff import read_ballot_file
from governance.errors import GovernanceError
from tests.support.elections import ASSEN, TOULOUSE, load

RULES = ["approval", "score", "yes-no", "greedy", "equal-shares"]
text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
leaf = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.sampled_from(["a", "b", "9"])
)
values = st.recursive(
    leaf, lambda x: st.one_of(st.lists(x, max_size=3), st.dictionaries(st.sampled_from(["a", "b"]), x))
)


def own_error_or_success(data: bytes, rule: str | None = None) -> None:
    with suppress(GovernanceError):
        count_file(data, rule)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for prefix in (b"", b"{", b"META\nkey;value\n"):
        with suppress(GovernanceError):
            read_ballot_file(prefix + data)


@settings(deadline=None)
@given(
    st.sampled_from(RULES),
    st.dictionaries(st.sampled_from(["seats", "budget", "max_grade", "min_marks", "x"]), values, max_size=3),
    st.lists(st.fixed_dictionaries({"answer": values}, optional={"weight": st.just("2")}), max_size=4),
    st.sampled_from([None, *RULES]),
)
def test_any_answers_and_params(
    rule: str, params: dict[str, Any], ballots: list[dict[str, Any]], counted_by: str | None
) -> None:
    options = [{"id": "a", "cost": "1"}, {"id": "b", "cost": "2"}]
    file = {"format": "althing/ballot-file/v1", "rule": rule, "params": params}
    own_error_or_success(json.dumps(file | {"options": options, "ballots": ballots}).encode(), counted_by)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from([ASSEN, TOULOUSE]))
def test_damaged_pabulib_files(data: st.DataObject, name: str) -> None:
    whole, _ = load(name)
    raw = bytearray(whole[:3_000])
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.sampled_from(b'";,\n\r\0x9-\xff'))
    own_error_or_success(bytes(raw), data.draw(st.sampled_from(["approval", "score", "greedy"])))


@st.composite
def tables(draw: st.DrawFn, first: str, second: str) -> Table:
    extra = draw(st.lists(text.map(str.strip).filter(bool), max_size=2, unique=True))
    columns = (first, second, *(name for name in extra if name not in (first, second)))
    keys = draw(st.lists(text, max_size=4, unique=True))
    return Table(columns, tuple((key, *(draw(text) for _ in columns[1:])) for key in keys))


@given(tables("key", "value"), tables("project_id", "cost"), tables("voter_id", "vote"))
def test_pabulib_tables_are_read_as_written(meta: Table, projects: Table, votes: Table) -> None:
    file = PabulibFile(meta, projects, votes)
    assert parse_pabulib(format_pabulib(file)) == file


ids = st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=4, unique=True)
answers = st.one_of(
    st.none(),
    text,
    st.lists(st.one_of(text, st.lists(text, max_size=2)), max_size=3),
    st.dictionaries(text, st.integers(-(2**53) + 1, 2**53 - 1), max_size=3),
)


@given(
    ids.map(lambda names: tuple(Option(name, name, len(name)) for name in names)),
    st.lists(st.builds(Ballots, answers, st.integers(0, 2**126), st.integers(1, 99)), max_size=4).map(tuple),
    st.one_of(st.none(), st.integers(0, 2**126)),
)
def test_own_files_are_read_as_written(
    options: tuple[Option, ...], ballots: tuple[Ballots, ...], electorate: int | None
) -> None:
    file = BallotFile("approval", {"seats": 1}, options, ballots, electorate, tuple(o.id for o in options))
    assert parse_ballot_file(format_ballot_file(file)) == file
