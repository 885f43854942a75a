import pytest

from governance.errors import MalformedKey
from governance.signing import did_key

RAW = bytes(range(32))
TEXT = did_key.multikey_encode(did_key.ED25519_PUB, RAW)


def test_base58_keeps_leading_zeros():
    assert did_key.base58_encode(b"\0\0\1") == "112"
    assert did_key.base58_decode("112") == b"\0\0\1"
    assert did_key.base58_encode(b"") == ""
    assert did_key.base58_decode("") == b""
    # draft-msporny-base58 section 5
    assert did_key.base58_encode(b"Hello World!") == "2NEpo7TZRRrLZSi2U"
    assert did_key.base58_decode("11233QC4") == bytes.fromhex("0000287fb4cd")


def test_did_and_multikey_are_read_back():
    assert did_key.multikey_decode(TEXT) == (did_key.ED25519_PUB, RAW)
    assert did_key.parse_did_key(did_key.did_key(did_key.ED25519_PUB, RAW)) == (did_key.ED25519_PUB, RAW)


def test_unknown_codecs_pass_with_any_length():
    assert did_key.multikey_decode(did_key.multikey_encode(0x300001, b"x")) == (0x300001, b"x")


@pytest.mark.parametrize(
    ("codec", "length", "start"),
    [(did_key.ED25519_PUB, 32, "z6Mk"), (did_key.P521_PUB, 67, "z2J9"), (did_key.P384_PUB, 49, "z82")],
)
def test_prefixes_named_by_the_method_specification(codec, length, start):
    first = b"\x02\x01" if length % 2 else b"\x80"
    assert did_key.multikey_encode(codec, first + bytes(length - len(first))).startswith(start)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "starts with z"),
        (TEXT[1:], "starts with z"),
        ("z", "cut off"),
        ("z" + TEXT[1:].replace("6", "0", 1), "place 1"),
        ("z6é", "'é' at place 2"),
        ("z6\ud800", "place 2"),
        ("z" + "1" * 5000, "too many"),
        ("z" + did_key.base58_encode(b"\xed\x01" + RAW[1:]), "31 key bytes"),
        ("z" + did_key.base58_encode(b"\xed\x81\x00" + RAW), "shortest"),
        ("z" + did_key.base58_encode(b"\xff" * 10), "too large"),
        ("z" + did_key.base58_encode(b"\x81\x82\x03"), "no key bytes"),
    ],
)
def test_refused(text, hint):
    with pytest.raises(MalformedKey, match=hint):
        did_key.multikey_decode(text)


@pytest.mark.parametrize(
    "text", ["", TEXT, "did:web:example.org", "DID:KEY:" + TEXT, f"did:key:{TEXT}#{TEXT}"]
)
def test_other_dids_are_refused(text):
    with pytest.raises(MalformedKey):
        did_key.parse_did_key(text)


def test_wrong_length_is_never_encoded():
    with pytest.raises(MalformedKey, match="31 key bytes"):
        did_key.did_key(did_key.ED25519_PUB, RAW[1:])


def test_a_leading_one_is_another_codec_not_a_second_spelling():
    assert did_key.multikey_decode("z1" + TEXT[1:])[0] == 0
