"""Files of other programs are hostile bytes: a count or an error of our own; PrefLib is read as written."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from governance.counting import get_rule
from governance.counting.files.count import count_file
from governance.counting.files.preflib import PrefLibFile, format_preflib, kind_of, parse_preflib
from governance.counting.files.preflib_ballots import ballots_of, preflib_of
from governance.errors import GovernanceError
from tests.support.elections import BURLINGTON, DEBIAN, ORSAY, SNAPSHOT, load

RULES = [
    *("plurality", "cumulative", "quadratic", "borda", "positional", "schulze", "ranked-pairs", "copeland"),
    *("majority-judgment", "snapshot-weighted", "snapshot-quadratic"),
]
FILES = [*DEBIAN, *ORSAY, *SNAPSHOT, BURLINGTON]
leaf = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.sampled_from(["a", "1", 1])
)
keys = st.sampled_from(["a", "1", "2", "choice", "vp", "weight", "choices", "type"])
values = st.recursive(
    leaf, lambda x: st.one_of(st.lists(x, max_size=3), st.dictionaries(keys, x, max_size=3))
)


def own_error_or_success(data: bytes, rule: str | None = None, options: dict[str, Any] | None = None) -> None:
    with suppress(GovernanceError):
        count_file(data, rule, options)


@given(st.binary(max_size=120), st.sampled_from(["", "x.csv", "x.toc", "x.blt"]))
def test_any_bytes(data: bytes, name: str) -> None:
    for prefix in (b"# NUMBER ALTERNATIVES: 2\n1: ", b"Option 1-->: a\nV: ", b"n,a,b\n1,2,3\n", b'{"votes":'):
        with suppress(GovernanceError):
            count_file(prefix + data, name=name)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(FILES), st.sampled_from([None, *RULES]))
def test_damaged_files(data: st.DataObject, name: str, rule: str | None) -> None:
    raw = bytearray(load(name)[0][:2_500])
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.sampled_from(b'",;{}[]:\n\r\0x9-\xff'))
    own_error_or_success(bytes(raw), rule)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(["candidates", "proposal", "votes", "ballots", "data"]), values),
    st.sampled_from([None, *RULES]),
)
def test_any_json(document: dict[str, Any], rule: str | None) -> None:
    data = json.dumps(document).encode()
    own_error_or_success(data, rule)
    own_error_or_success(
        b'{"candidates": ["a", "b"], "votes": ' + json.dumps(values_of(document)).encode() + b"}"
    )


def values_of(document: dict[str, Any]) -> list[Any]:
    return [{"choice": value, "vp": 1} for value in document.values()]


@settings(deadline=None)
@given(
    st.sampled_from(RULES),
    st.dictionaries(
        st.sampled_from(
            [
                "seats",
                "points",
                "ties",
                "default_option",
                "majority_ratios",
                "max_sum",
                "credits",
                "min_grade",
            ]
        ),
        values,
        max_size=3,
    ),
    st.lists(values, max_size=4),
)
def test_any_answers_and_params(rule: str, params: dict[str, Any], ballots: list[Any]) -> None:
    head = {"format": "althing/ballot-file/v1", "rule": rule, "options": [{"id": "a"}, {"id": "1"}]}
    needed = {"personhood": "checked"} if rule == "quadratic" else {}
    needed |= {"points": [2, 1]} if rule == "positional" else {}
    lines = [{"answer": ballot} for ballot in ballots]
    own_error_or_success(json.dumps(head | {"params": needed | params, "ballots": lines}).encode())
    own_error_or_success(json.dumps(head | {"params": needed, "ballots": lines}).encode())


orders = st.lists(
    st.permutations([1, 2, 3, 4]).flatmap(
        lambda p: st.tuples(st.integers(1, 4), st.integers(0, 3)).map(
            lambda cut: tuple(
                [tuple(p[: cut[1] + 1])] + [(n,) for n in p[cut[1] + 1 : max(cut[0], cut[1] + 1)]]
            )
        )
    ),
    max_size=5,
)
names = st.lists(st.text("abcZ\xeb .:#{", min_size=1, max_size=6).map(str.strip), min_size=4, max_size=4)


@given(orders, st.lists(st.integers(1, 2**90), min_size=5, max_size=5), names)
def test_preflib_is_read_as_written(rows: list[Any], counts: list[int], titles: list[str]) -> None:
    listed = tuple(zip(counts, rows, strict=False))
    file = PrefLibFile(kind_of(iter(rows), 4), tuple(titles), listed, titles[0])
    assert parse_preflib(format_preflib(file)) == file
    if all(titles):
        assert preflib_of(ballots_of(file), file.title) == file


def test_every_rule_here_is_known() -> None:
    assert all(get_rule(rule).id == rule for rule in RULES)
