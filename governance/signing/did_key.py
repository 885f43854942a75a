"""did:key and Multikey: a public key written as its own name (W3C CCG did:key; W3C Controlled Identifiers).

`z` + base58btc(unsigned varint of the multicodec + key bytes); a did:key is `did:key:` and that text.
Elliptic curve keys are compressed points, RSA keys PKCS #1 DER, as the multicodec table has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import and_
from typing import Final

import numpy as np

from governance.errors import MalformedKey

ED25519_PUB: Final = 0xED
X25519_PUB: Final = 0xEC
SECP256K1_PUB: Final = 0xE7
P256_PUB: Final = 0x1200
P384_PUB: Final = 0x1201
P521_PUB: Final = 0x1202
RSA_PUB: Final = 0x1205
MLDSA44_PUB: Final = 0x1210
MLDSA65_PUB: Final = 0x1211
MLDSA87_PUB: Final = 0x1212

PREFIX: Final = "did:key:"

_LENGTHS: Final = {
    ED25519_PUB: 32,
    X25519_PUB: 32,
    SECP256K1_PUB: 33,
    P256_PUB: 33,
    P384_PUB: 49,
    P521_PUB: 67,
    MLDSA44_PUB: 1312,
    MLDSA65_PUB: 1952,
    MLDSA87_PUB: 2592,
}
_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_NO_DIGIT: Final = 255
_DIGITS: Final = bytes(_ALPHABET.find(chr(c)) % 256 for c in range(256))
"""Digit of each byte, for `bytes.translate`: an audit decodes one key per vote."""
_ED25519_TEXT: Final = 48
"""Characters of an Ed25519 multikey: `z` and 47 digits for the two bytes ed 01 and the key."""
_ED25519_PREFIX: Final = 0xED01
_KEY_MASK: Final = 2**256 - 1
_WORD: Final = 58**8
_POWERS: Final = np.array([58**i for i in range(7, -1, -1)], dtype=np.int64)
_MAX_TEXT: Final = 4096
"""An ML-DSA-87 key has 3,544 characters; decoding is quadratic in the length."""


def base58_encode(data: bytes) -> str:
    """base58btc text (draft-msporny-base58); each leading zero byte is one `1`."""
    number = int.from_bytes(data)
    digits: list[str] = []
    while number:
        number, digit = divmod(number, 58)
        digits.append(_ALPHABET[digit])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + "".join(reversed(digits))


def base58_decode(text: str) -> bytes:
    """The bytes of base58btc text.

    Raises:
        MalformedKey: a character outside the alphabet, or more than 4,096 characters.
    """
    if len(text) > _MAX_TEXT:
        raise MalformedKey(f"{len(text)} characters are too many for a key")
    digits = text.encode("ascii", "replace").translate(_DIGITS)
    if _NO_DIGIT in digits:
        place = digits.index(_NO_DIGIT)
        raise MalformedKey(f"{text[place]!r} at place {place + 1} is not a base58 character")
    number = 0
    for digit in digits:
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)


def multikey_encode(codec: int, raw: bytes) -> str:
    """Multikey text of a public key: `z` + base58btc(varint(codec) + raw).

    Raises:
        MalformedKey: raw has not the length that the codec's keys have.
    """
    _check_length(codec, raw)
    return "z" + base58_encode(_varint(codec) + raw)


@lru_cache(maxsize=1024)
def multikey_decode(text: str) -> tuple[int, bytes]:
    """Codec and key bytes of Multikey text; an unknown codec is returned as it is.

    Raises:
        MalformedKey: not base58btc multibase, no shortest varint, or the wrong length for a known codec.
    """
    if not text.startswith("z"):
        raise MalformedKey("a multikey starts with z (base58btc)")
    codec, raw = _split_varint(base58_decode(text[1:]))
    _check_length(codec, raw)
    return codec, raw


def ed25519_keys(texts: Sequence[str]) -> list[bytes | None]:
    """The key bytes of many Ed25519 multikeys; None for every text that `multikey_decode` would refuse.

    An audit decodes a key for each vote. Eight base58 digits fit a machine word, so NumPy does most of the
    work for all texts at once: 0.7 us a key instead of 4.
    """
    fitting = [len(text) == _ED25519_TEXT and text.isascii() for text in texts]
    joined = "".join(t if fits else "z" * _ED25519_TEXT for t, fits in zip(texts, fitting, strict=True))
    digits = np.frombuffer(joined.encode().translate(_DIGITS), np.uint8).reshape(-1, _ED25519_TEXT).copy()
    valid = (digits != _NO_DIGIT).all(axis=1).tolist()
    digits[:, 0] = 0  # the `z` of multibase; as a leading zero it makes 48 digits, six words of eight
    words = (digits.reshape(-1, 6, 8).astype(np.int64) @ _POWERS).tolist()
    keys: list[bytes | None] = []
    for (a, b, c, d, e, f), text, fits in zip(words, texts, map(and_, fitting, valid), strict=True):
        number = ((((a * _WORD + b) * _WORD + c) * _WORD + d) * _WORD + e) * _WORD + f
        whole = fits and text[0] == "z" and number >> 256 == _ED25519_PREFIX
        keys.append((number & _KEY_MASK).to_bytes(32) if whole else None)
    return keys


def did_key(codec: int, raw: bytes) -> str:
    """`did:key:z…` of a public key.

    Raises:
        MalformedKey: raw has not the length that the codec's keys have.
    """
    return PREFIX + multikey_encode(codec, raw)


def parse_did_key(text: str) -> tuple[int, bytes]:
    """Codec and key bytes of a did:key; a DID URL with path, query or fragment is refused.

    Raises:
        MalformedKey: not a did:key, or its multikey is malformed.
    """
    if not text.startswith(PREFIX):
        raise MalformedKey(f"a did:key starts with {PREFIX}")
    return multikey_decode(text[len(PREFIX) :])


def _check_length(codec: int, raw: bytes) -> None:
    expected = _LENGTHS.get(codec)
    if expected is None:
        if not raw:
            raise MalformedKey("there are no key bytes after the codec")
    elif len(raw) != expected:
        raise MalformedKey(f"{len(raw)} key bytes; keys of codec {codec:#x} have {expected}")


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _split_varint(data: bytes) -> tuple[int, bytes]:
    number = 0
    for place, byte in enumerate(data[:9]):
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            if byte == 0 and place > 0:
                raise MalformedKey("the codec is not written as the shortest varint")
            return number, data[place + 1 :]
    raise MalformedKey("the codec is cut off or too large")
