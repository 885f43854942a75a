"""Which names and origins belong together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.log.lineage import name_of, next_origin, number_of, origin_of, place_of

SLUG = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
BASE = st.sampled_from(["nix.example", "localhost:8000", "a.b/under/path", "x.2"])


@given(BASE, SLUG, st.none() | SLUG, st.integers(1, 10**6))
def test_every_log_of_a_name(base: str, space: str, ballot: str | None, number: int) -> None:
    name = f"{base}/spaces/{space}" + (f"/ballots/{ballot}" if ballot else "")
    origin = origin_of(name, number)
    assert (name_of(origin), number_of(origin), place_of(origin)) == (name, number, (space, ballot))
    assert next_origin(origin) == f"{name}.{number + 1}"
    assert name_of(f"{origin}/ballots/q") != name or number == 1


@given(st.text())
def test_anything_else_is_its_own_first(text: str) -> None:
    assert number_of(text) == 1
    assert name_of(text) == text


@pytest.mark.parametrize(
    "origin",
    [
        "nix.example/instance",
        "h/spaces/nix.1",
        "h/spaces/nix.02",
        "h/spaces/nix.2.3",
        "h/spaces/a.2/ballots/q",
    ],
)
def test_what_is_no_later_log(origin: str) -> None:
    assert (name_of(origin), number_of(origin)) == (origin, 1)
