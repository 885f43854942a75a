"""COMPSIG-MLDSA44-Ed25519-SHA512: ML-DSA-44 and Ed25519 together (draft-ietf-lamps-pq-composite-sigs-18).

Forging needs both broken. Key and signature are the two halves one after the other, as OpenSSH's
`ssh-mldsa44-ed25519@openssh.com` has them, and the context is empty as there. The Ed25519 half is judged by
the strict rule of `ed25519`.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from governance.errors import MalformedKey, Unsupported
from governance.signing import ed25519

PUBLIC_BYTES: Final = 1312 + ed25519.PUBLIC_BYTES
SIGNATURE_BYTES: Final = 2420 + ed25519.SIGNATURE_BYTES
SEED_BYTES: Final = 32 + ed25519.SEED_BYTES

_MLDSA_PUBLIC: Final = 1312
_MLDSA_SIGNATURE: Final = 2420
_LABEL: Final = b"COMPSIG-MLDSA44-Ed25519-SHA512"
_PREFIX: Final = b"CompositeAlgorithmSignatures2025" + _LABEL + b"\0"
"""Section 2.2: prefix, label, and the length of the (empty) context."""


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether both halves of signature (2,484 bytes) are public's (1,344 bytes) over message.

    Raises:
        Unsupported: this build of OpenSSL has no ML-DSA, so nothing can be said.
    """
    if len(public) != PUBLIC_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    composed = _PREFIX + hashlib.sha512(message).digest()
    if not ed25519.verify(public[_MLDSA_PUBLIC:], composed, signature[_MLDSA_SIGNATURE:]):
        return False
    try:
        key = MLDSA44PublicKey.from_public_bytes(public[:_MLDSA_PUBLIC])
        key.verify(signature[:_MLDSA_SIGNATURE], composed, _LABEL)
    except UnsupportedAlgorithm as e:
        raise _no_mldsa() from e
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key(seeds: bytes) -> bytes:
    """The 1,344-byte public key of 64 seed bytes: ML-DSA-44's 32, then Ed25519's 32.

    Raises:
        MalformedKey: not 64 bytes.
        Unsupported: this build of OpenSSL has no ML-DSA.
    """
    return _mldsa(seeds).public_key().public_bytes_raw() + ed25519.public_key(seeds[32:])


def sign(seeds: bytes, message: bytes) -> bytes:
    """The 2,484-byte signature of message; the ML-DSA half is hedged, so no two are equal.

    Raises:
        MalformedKey: not 64 seed bytes.
        Unsupported: this build of OpenSSL has no ML-DSA.
    """
    composed = _PREFIX + hashlib.sha512(message).digest()
    return _mldsa(seeds).sign(composed, _LABEL) + ed25519.sign(seeds[32:], composed)


def _mldsa(seeds: bytes) -> MLDSA44PrivateKey:
    if len(seeds) != SEED_BYTES:
        raise MalformedKey(f"a hybrid key has {SEED_BYTES} seed bytes, not {len(seeds)}")
    try:
        return MLDSA44PrivateKey.from_seed_bytes(seeds[:32])
    except UnsupportedAlgorithm as e:
        raise _no_mldsa() from e


def _no_mldsa() -> Unsupported:
    return Unsupported("the OpenSSL of this installation has no ML-DSA; hybrid keys cannot be used with it")
