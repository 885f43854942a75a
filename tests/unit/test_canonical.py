import contextlib
import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance import limits
from governance.canonical import canonical, decode, digest, encode, parse_json, sha256
from governance.errors import Malformed, MalformedJson, MalformedStatement

LARGEST = limits.JSON_INTEGER


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    counts: list[int] = []


class Whole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zeta: int
    parts: list[Part]
    alpha: str | None = None


DECODER = msgspec.json.Decoder(Whole)
WHOLE = Whole(zeta=1, parts=[Part("é", [1, 2])], alpha="x")
BYTES = '{"alpha":"x","parts":[{"counts":[1,2],"name":"é"}],"zeta":1}'.encode()


def test_digests():
    assert sha256(b"abc") == hashlib.sha256(b"abc").digest()
    assert digest(b"abc") == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"{}", {}),
        (b' [1, -1, "a\\u00e9", null, true] \n', [1, -1, "aé", None, True]),
        (b'"\\ud83d\\ude00"', "😀"),
        (str(LARGEST).encode(), LARGEST),
        (str(-LARGEST).encode(), -LARGEST),
        (b"[" * 32 + b"]" * 32, None),
        (b'"' + b"[" * 100 + b'\\""', "[" * 100 + '"'),
    ],
)
def test_strict_json_is_read(data, value):
    parsed = parse_json(data)
    assert value is None or parsed == value


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"", "Expecting value"),
        (b"\xff", "byte 0 is not UTF-8"),
        (b'"\xed\xa0\x80"', "UTF-8"),
        (b"\xef\xbb\xbf{}", "Expecting value|BOM"),
        (b"{} {}", "Extra data"),
        (b"{'a':1}", "Expecting property name"),
        (b'{"a":1,}', "Expecting|Illegal"),
        (b'{"a":1,"a":1}', "twice"),
        (b'[{"b":{"\\u0061":1,"a":2}}]', "twice"),
        (b"1.0", "not an integer"),
        (b"1e3", "not an integer"),
        (b"NaN", "not an integer"),
        (b"-Infinity", "not an integer"),
        (b"-0", "write 0"),
        (str(LARGEST + 1).encode(), "beyond"),
        (str(-LARGEST - 1).encode(), "beyond"),
        (b"9" * 5000, "beyond"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udc00":1}', "surrogate"),
        (b'[{"a":["\\ud83d"]}]', "surrogate"),
        (b"[" * 33 + b"]" * 33, "nested"),
        (b'{"a":' * 100_000, "nested"),
        (b'"a\nb"', "control character"),
    ],
)
def test_looseness_is_refused(data, hint):
    with pytest.raises(MalformedJson, match=hint):
        parse_json(data)


def test_syntax_errors_name_the_place():
    with pytest.raises(MalformedJson, match="line 2 column 2") as refusal:
        parse_json(b"[1,\n x]")
    assert refusal.value.facts["offset"] == 5


def test_canonical_sorts_by_utf_16_and_escapes_little():
    value = {"é": 1, "a": "\u20ac\n/", "\U0001f600": 2, "\ufb33": 3}
    assert canonical(value) == '{"a":"\u20ac\\n/","é":1,"😀":2,"\ufb33":3}'.encode()


@pytest.mark.parametrize(
    "value", [LARGEST + 1, float("nan"), "\ud800", {"\ud800": 1}, {1: 2}, object(), {1, 2}]
)
def test_what_has_no_canonical_form(value):
    with pytest.raises(MalformedJson, match="no canonical form"):
        canonical(value)


def test_endless_values_have_no_canonical_form():
    endless = []
    endless.append(endless)
    with pytest.raises(MalformedJson, match="no canonical form"):
        canonical(endless)


def test_encode_and_decode():
    assert encode(WHOLE) == BYTES
    assert decode(BYTES, DECODER) == WHOLE
    assert decode(b" " + BYTES.replace(b":", b": "), DECODER) == WHOLE


@pytest.mark.parametrize(
    ("data", "kind", "pointer"),
    [
        (b"{", MalformedJson, None),
        (BYTES.replace(b'"zeta":1', b'"zeta":1,"zeta":1'), MalformedJson, None),
        (BYTES.replace(b"[1,2]", b"[1.0]"), MalformedJson, None),
        (BYTES.replace(b'"x"', b'"\\ud800"'), MalformedJson, None),
        (BYTES.replace(b":1}", b": 9007199254740992}"), MalformedJson, None),
        (b"[]", MalformedStatement, ""),
        (b"{}", MalformedStatement, ""),
        (BYTES.replace(b'"zeta":1', b'"zeta":"1"'), MalformedStatement, "/zeta"),
        (BYTES.replace(b"[1,2]", b'["1"]'), MalformedStatement, "/parts/0/counts/0"),
        (BYTES.replace(b'"zeta"', b'"beta":2,"zeta"'), MalformedStatement, ""),
    ],
)
def test_decode_refuses_with_the_place(data, kind, pointer):
    with pytest.raises(kind) as refusal:
        decode(data, DECODER)
    assert type(refusal.value) is kind
    assert refusal.value.pointer == pointer


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LARGEST, LARGEST)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


@given(json_values)
def test_canonical_form_is_read_back(value):
    assert parse_json(canonical(value)) == value


@given(
    st.lists(st.builds(Part, st.text(st.characters(exclude_categories=["Cs"])), st.lists(st.integers(0, 9))))
)
def test_encode_is_rfc_8785_for_statement_values(parts):
    whole = Whole(zeta=0, parts=parts)
    assert encode(whole) == canonical(msgspec.to_builtins(whole))
    assert decode(encode(whole), DECODER) == whole


@given(st.binary() | st.text().map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_own_error_or_success(data):
    for parse in (parse_json, lambda d: decode(d, DECODER)):
        with contextlib.suppress(Malformed):
            parse(data)


@given(st.data())
def test_own_error_or_success_near_valid_statements(data):
    bent = bytearray(BYTES)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(bent) - 1))
        bent[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    with contextlib.suppress(Malformed):
        decode(bytes(bent), DECODER)
