"""Strict JSON: what is accepted is exactly I-JSON without floats, and canonical bytes are RFC 8785's."""

from __future__ import annotations

import contextlib
import json

import msgspec
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from governance import limits
from governance.canonical import canonical, decode, encode, parse_json
from governance.errors import MalformedJson, MalformedStatement
from governance.statements.vote import Vote

integers = st.integers(-limits.JSON_INTEGER, limits.JSON_INTEGER)
values = st.recursive(
    st.none() | st.booleans() | integers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    beta: str
    alpha: dict[str, int]
    gamma: list[str | None] = []


@given(values)
def test_what_we_write_we_read(value):
    assert parse_json(canonical(value)) == value
    assert canonical(value) == rfc8785.dumps(value)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_our_error(data):
    try:
        value = parse_json(data)
    except MalformedJson:
        return
    assert json.loads(data) == value


@given(st.text('{}[]",:0123456789.eE-\\u"tfnabl ', max_size=60))
def test_almost_json_gives_a_value_or_our_error(text):
    with contextlib.suppress(MalformedJson):
        parse_json(text.encode())


@given(
    beta=st.text(),
    alpha=st.dictionaries(st.text("abcXYZ019-._", max_size=6), integers, max_size=5),
    gamma=st.lists(st.none() | st.text(), max_size=4),
)
def test_the_encoder_of_statements_is_rfc8785(beta, alpha, gamma):
    sample = Sample(beta, alpha, gamma)
    data = encode(sample)
    assert data == rfc8785.dumps({"beta": beta, "alpha": alpha, "gamma": gamma})
    assert decode(data, msgspec.json.Decoder(Sample)) == sample


@given(st.sampled_from(["ballot", "definition", "voter", "answers", "cast_at"]), st.integers(0, 60))
def test_a_repeated_key_is_always_refused(name, spaces):
    vote = Vote("example.org/b", "sha256:" + "0" * 64, "sha256:" + "1" * 64, {"q": ["a"]}, 5)
    fields = [f'"{k}":{json.dumps(v)}' for k, v in msgspec.to_builtins(vote).items()]
    fields.insert(spaces % 6, f'"{name}":{json.dumps(msgspec.to_builtins(vote)[name])}')
    data = ("{" + (" " * spaces) + ",".join(fields) + "}").encode()
    try:
        decode(data, msgspec.json.Decoder(Vote))
    except MalformedJson as e:
        assert name in e.detail  # noqa: PT017
    else:
        raise AssertionError("a repeated key was accepted")


@given(st.binary(max_size=300))
def test_statements_decode_or_say_why_not(data):
    with contextlib.suppress(MalformedJson, MalformedStatement):
        decode(data, msgspec.json.Decoder(Vote))
