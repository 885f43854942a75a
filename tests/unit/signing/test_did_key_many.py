"""Decoding many Ed25519 multikeys at once gives what decoding each would."""

from hypothesis import example, given
from hypothesis import strategies as st

from governance.errors import MalformedKey
from governance.signing.did_key import ED25519_PUB, X25519_PUB, ed25519_keys, multikey_decode, multikey_encode

KEYS = st.binary(min_size=32, max_size=32)


def one_by_one(text):
    try:
        codec, raw = multikey_decode(text)
    except MalformedKey:
        return None
    return raw if codec == ED25519_PUB else None


@given(st.lists(KEYS, max_size=20))
def test_keys(keys):
    assert ed25519_keys([multikey_encode(ED25519_PUB, key) for key in keys]) == keys


@given(st.lists(st.text(max_size=60)), KEYS, st.integers(0, 47), st.characters())
@example(["", "z" * 48, "1" * 48, "é" * 48], bytes(32), 0, "0")
def test_anything_else_is_refused_alike(texts, key, place, character):
    good = multikey_encode(ED25519_PUB, key)
    damaged = good[:place] + character + good[place + 1 :]
    every = [*texts, damaged, good[:-1], good + "1", multikey_encode(X25519_PUB, key), good]
    assert ed25519_keys(every) == [one_by_one(text) for text in every]
