from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.cli.place import Place, parse_place, place_of
from governance.cli.times import parse_time
from governance.errors import MalformedRequest

BALLOT = Place("https://vote.example.org", "nix", "2027-q1")


@pytest.mark.parametrize(
    "url",
    [
        "https://vote.example.org/spaces/nix/ballots/2027-q1",
        "https://vote.example.org/spaces/nix/ballots/2027-q1/",
        "https://vote.example.org/api/v1/spaces/nix/ballots/2027-q1",
        "https://vote.example.org/api/v1/spaces/nix/ballots/2027-q1/votes",
        "https://vote.example.org/logs/spaces/nix/ballots/2027-q1/checkpoint",
        "  https://vote.example.org/spaces/nix/ballots/2027-q1  ",
    ],
)
def test_every_address_of_a_ballot_names_it(url):
    assert parse_place(url) == BALLOT


def test_addresses_with_a_base_path():
    assert parse_place("https://example.org/vote/spaces/nix") == Place("https://example.org/vote", "nix")
    assert parse_place("https://example.org/vote/") == Place("https://example.org/vote")
    assert parse_place("https://example.org/vote/api/v1") == Place("https://example.org/vote")


def test_origins_lead_back():
    assert BALLOT.origin == "vote.example.org/spaces/nix/ballots/2027-q1"
    assert place_of(BALLOT.origin) == BALLOT
    assert place_of("127.0.0.1:8000/spaces/nix").base_url == "http://127.0.0.1:8000"
    assert Place("https://vote.example.org").origin == "vote.example.org/instance"


@pytest.mark.parametrize(
    "url", ["", "nix", "ftp://example.org", "file:///etc/passwd", "https://", "http://[::1"]
)
def test_what_is_no_address(url):
    with pytest.raises(MalformedRequest):
        parse_place(url)


@given(st.text())
def test_any_text_is_a_place_or_our_error(text):
    with suppress(MalformedRequest):
        assert isinstance(parse_place(text), Place)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("now", 1000),
        ("+90s", 1090),
        ("+3d", 1000 + 3 * 86_400),
        ("+1w", 1000 + 7 * 86_400),
        ("1970-01-02", 86_400),
        ("1970-01-01 01:00", 3_600),
        ("1970-01-01T01:00+01:00", 0),
    ],
)
def test_times(text, seconds):
    assert parse_time(text, 1000) == seconds


@given(st.text())
def test_any_text_is_a_time_or_our_error(text):
    with suppress(MalformedRequest):
        assert isinstance(parse_time(text, 0), int)
