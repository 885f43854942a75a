from hypothesis import given
from hypothesis import strategies as st

from governance.cli.console import clean, short, when


@given(st.text())
def test_nothing_that_steers_a_terminal_gets_through(text):
    shown = clean(text)
    assert len(shown) == len(text)
    assert not any((ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 for c in shown)
    assert "\u202e" not in shown


def test_an_escape_sequence_is_shown_as_what_it_is():
    assert clean("a\x1b[2Jb") == "a\N{REPLACEMENT CHARACTER}[2Jb"


def test_times_are_words():
    assert when(0) == "Thursday 1 January 1970, 00:00 UTC"


def test_short_ids_stay_whole():
    assert short("did:key:z6Mk") == "did:key:z6Mk"
    assert short("sha256:" + "a" * 64) == "sha256:aaaaaaaaa…aaaaaaaa"
