import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from governance.errors import MalformedKey, Unsupported
from governance.signing import ed25519, hybrid

SEEDS = bytes(range(64))
PUBLIC = hybrid.public_key(SEEDS)
SIGNATURE = hybrid.sign(SEEDS, b"message")


def test_sizes():
    assert (len(PUBLIC), len(SIGNATURE)) == (1344, 2484)


def test_verifies_only_its_own_message_and_key():
    assert hybrid.verify(PUBLIC, b"message", SIGNATURE)
    assert not hybrid.verify(PUBLIC, b"messagf", SIGNATURE)
    assert not hybrid.verify(hybrid.public_key(bytes(64)), b"message", SIGNATURE)


@pytest.mark.parametrize("place", [0, 1200, 2419, 2420, 2483])
def test_both_halves_must_verify(place):
    bent = bytearray(SIGNATURE)
    bent[place] ^= 1
    assert not hybrid.verify(PUBLIC, b"message", bytes(bent))


def test_a_half_taken_alone_is_no_signature_of_the_message():
    """The label and prefix keep the halves from being used elsewhere, and the other way round."""
    assert not ed25519.verify(PUBLIC[1312:], b"message", SIGNATURE[2420:])
    plain = SIGNATURE[:2420] + ed25519.sign(SEEDS[32:], b"message")
    assert not hybrid.verify(PUBLIC, b"message", plain)


def test_halves_of_two_keys_do_not_mix():
    mixed = hybrid.public_key(bytes(32) + SEEDS[32:])
    assert not hybrid.verify(mixed, b"message", SIGNATURE)


@pytest.mark.parametrize("cut", [0, 1, 64])
def test_other_lengths(cut):
    assert not hybrid.verify(PUBLIC + b"\0", b"message", SIGNATURE)
    assert not hybrid.verify(PUBLIC, b"message", SIGNATURE[: -cut - 1])
    with pytest.raises(MalformedKey, match="64 seed bytes"):
        hybrid.sign(SEEDS + bytes(cut + 1), b"message")
    with pytest.raises(MalformedKey, match="64 seed bytes"):
        hybrid.public_key(SEEDS[: -cut - 1])


def test_without_ml_dsa_nothing_is_called_invalid(monkeypatch):
    """An audit on an old OpenSSL must say that it cannot tell, not that the vote is forged."""

    def missing(*_args):
        raise UnsupportedAlgorithm("no ML-DSA")

    monkeypatch.setattr(hybrid.MLDSA44PublicKey, "from_public_bytes", missing, raising=True)
    monkeypatch.setattr(MLDSA44PrivateKey, "from_seed_bytes", missing, raising=True)
    with pytest.raises(Unsupported, match="ML-DSA"):
        hybrid.verify(PUBLIC, b"message", SIGNATURE)
    with pytest.raises(Unsupported, match="ML-DSA"):
        hybrid.sign(SEEDS, b"message")
