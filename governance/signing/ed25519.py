"""Ed25519 (RFC 8032) under one strict rule, so that every library counts the same votes.

RFC 8032 5.1.7 leaves open how odd encodings are judged, and real libraries differ on them (C2SP/CCTV lists
914 cases). Our rule: S < L; A and R canonical (y < p) and none of the small-order points; and the equation
without the cofactor. libsodium's verification is this rule; `verify_cryptography` reaches it from OpenSSL.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

from governance.errors import MalformedKey

PUBLIC_BYTES: Final = 32
SEED_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

_P: Final = 2**255 - 19
_Y_MASK: Final = 2**255 - 1
_SMALL_ORDER_Y: Final = frozenset(
    {
        0,
        1,
        _P - 1,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    }
)
"""y of the eight points whose order divides 8; each with either sign of x."""


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether signature (64 bytes) is public's (32 bytes) over message, by the strict rule."""
    # libsodium reads 32 and 64 bytes whatever it is given; a shifted border would be another message.
    if len(public) != PUBLIC_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(signature + message, public)
    except BadSignatureError:
        return False
    return True


def verify_cryptography(public: bytes, message: bytes, signature: bytes) -> bool:
    """The same answer as `verify`, computed by OpenSSL: the second opinion of audits and tests."""
    if len(public) != PUBLIC_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    if not (is_acceptable_point(public) and is_acceptable_point(signature[:32])):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_acceptable_point(encoded: bytes) -> bool:
    """Whether a 32-byte point is written canonically (y < p) and is not of small order.

    Whether it lies on the curve at all is left to verification, which fails if not.
    """
    y = int.from_bytes(encoded, "little") & _Y_MASK
    return len(encoded) == PUBLIC_BYTES and y < _P and y not in _SMALL_ORDER_Y


def public_key(seed: bytes) -> bytes:
    """The 32-byte public key of a 32-byte seed (RFC 8032 5.1.5).

    Raises:
        MalformedKey: seed is not 32 bytes.
    """
    return _key_pair(seed)[0]


def sign(seed: bytes, message: bytes) -> bytes:
    """The 64-byte signature of message by the seed's key (RFC 8032 5.1.6, deterministic).

    Raises:
        MalformedKey: seed is not 32 bytes.
    """
    return crypto_sign(message, _key_pair(seed)[1])[:SIGNATURE_BYTES]


# Deriving the pair costs as much as the signature, and a service signs with few keys.
@lru_cache(maxsize=1024)
def _key_pair(seed: bytes) -> tuple[bytes, bytes]:
    if len(seed) != SEED_BYTES:
        raise MalformedKey(f"an Ed25519 seed has {SEED_BYTES} bytes, not {len(seed)}")
    return crypto_sign_seed_keypair(seed)
