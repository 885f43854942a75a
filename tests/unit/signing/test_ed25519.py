import pytest

from governance.errors import MalformedKey
from governance.signing import ed25519

# RFC 8032 7.1, TEST 2 and TEST 3
RFC8032 = [
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
VERIFIERS = [ed25519.verify, ed25519.verify_cryptography]


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC8032)
def test_rfc_8032(seed, public, message, signature):
    seed, public, message, signature = map(bytes.fromhex, (seed, public, message, signature))
    assert ed25519.public_key(seed) == public
    assert ed25519.sign(seed, message) == signature
    for verify in VERIFIERS:
        assert verify(public, message, signature)
        assert not verify(public, message + b"\0", signature)


@pytest.mark.parametrize("verify", VERIFIERS)
def test_the_border_between_signature_and_message_cannot_move(verify):
    public, signature = ed25519.public_key(bytes(32)), ed25519.sign(bytes(32), b"abc")
    assert verify(public, b"abc", signature)
    assert not verify(public, b"bc", signature + b"a")
    assert not verify(public, signature[-1:] + b"abc", signature[:-1])


@pytest.mark.parametrize("verify", VERIFIERS)
@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_keys_of_another_length_verify_nothing(verify, length):
    assert not verify(bytes(length), b"m", ed25519.sign(bytes(32), b"m"))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_seeds_of_another_length_are_refused(length):
    with pytest.raises(MalformedKey, match="32 bytes"):
        ed25519.sign(bytes(length), b"m")
    with pytest.raises(MalformedKey, match="32 bytes"):
        ed25519.public_key(bytes(length))


def test_points():
    p = 2**255 - 19
    assert ed25519.is_acceptable_point(ed25519.public_key(bytes(32)))
    for y in (0, 1, p - 1, p, p + 1, p + 2, 2**255 - 1):
        for sign in (0, 1 << 255):
            assert not ed25519.is_acceptable_point((y | sign).to_bytes(32, "little"))
    assert not ed25519.is_acceptable_point(b"")
    assert not ed25519.is_acceptable_point(bytes(33))
