"""SSH public keys: the line of `id_*.pub`, the wire form inside it, and their did:key.

Formats: RFC 4253 6.6 (rsa), RFC 5656 3.1 (ecdsa), RFC 8709 4 (ed25519), OpenSSH PROTOCOL.u2f (sk-*), and
OpenSSH's ssh-mldsa44-ed25519@openssh.com. Curve points are read uncompressed only, so a key has one text.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from governance.errors import MalformedKey
from governance.signing import did_key, ed25519, hybrid
from governance.signing.ssh_wire import Reader, WireError, decode_base64, mpint, string

ED25519: Final = "ssh-ed25519"
RSA: Final = "ssh-rsa"
SK_ED25519: Final = "sk-ssh-ed25519@openssh.com"
SK_ECDSA: Final = "sk-ecdsa-sha2-nistp256@openssh.com"
HYBRID: Final = "ssh-mldsa44-ed25519@openssh.com"
SECURITY_KEYS: Final = (SK_ED25519, SK_ECDSA)

RSA_BITS: Final = (2048, 8192)
"""Shorter is breakable, longer only makes every audit slow."""

CURVES: Final[dict[str, tuple[str, EllipticCurve, int]]] = {
    "ecdsa-sha2-nistp256": ("nistp256", SECP256R1(), did_key.P256_PUB),
    "ecdsa-sha2-nistp384": ("nistp384", SECP384R1(), did_key.P384_PUB),
    "ecdsa-sha2-nistp521": ("nistp521", SECP521R1(), did_key.P521_PUB),
}
"""SSH key type: curve name, curve, multicodec."""

Material = bytes | EllipticCurvePublicKey | RSAPublicKey
"""Raw bytes for ed25519 and hybrid keys, a `cryptography` key for the others."""


@dataclass(frozen=True, slots=True)
class SshKey:
    """An SSH public key; `application` is the FIDO relying party of sk-* keys, else empty."""

    kind: str
    wire: bytes
    material: Material
    application: bytes = b""

    @property
    def text(self) -> str:
        """`type base64`: the line of a `.pub` file without its comment."""
        return f"{self.kind} {base64.b64encode(self.wire).decode()}"

    def multikey(self) -> tuple[int, bytes] | None:
        """Multicodec and key bytes for a did:key; None for sk-* and hybrid keys, which have no multicodec."""
        if self.kind in SECURITY_KEYS:
            return None
        if self.kind == ED25519 and isinstance(self.material, bytes):
            return did_key.ED25519_PUB, self.material
        if isinstance(self.material, RSAPublicKey):
            return did_key.RSA_PUB, self.material.public_bytes(Encoding.DER, PublicFormat.PKCS1)
        if isinstance(self.material, EllipticCurvePublicKey):
            point = self.material.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
            return CURVES[self.kind][2], point
        return None


def parse_public(source: str | bytes) -> SshKey:
    """The key of a `.pub` line (a comment after it is ignored) or of its wire form (bytes).

    Raises:
        MalformedKey: unreadable, of an unknown type, a weak RSA key, or a point that is not acceptable.
    """
    if isinstance(source, bytes):
        return _parse_wire(source)
    fields = source.split(maxsplit=2)
    if len(fields) < 2:
        raise MalformedKey("an SSH public key is a type and base64, like: ssh-ed25519 AAAA…")
    try:
        wire = decode_base64(fields[1])
    except WireError as e:
        raise MalformedKey(f"the SSH key is {e}") from e
    key = _parse_wire(wire)
    if key.kind != fields[0]:
        raise MalformedKey(f"the line says {fields[0][:60]!r}, the key inside it is {key.kind}")
    return key


def from_multikey(codec: int, raw: bytes) -> SshKey | None:
    """The SSH key that a did:key holds; None when SSH has no key type for the codec.

    Raises:
        MalformedKey: the bytes are no key of that codec.
    """
    if codec == did_key.ED25519_PUB:
        return _parse_wire(string(ED25519.encode()) + string(raw))
    try:
        if codec == did_key.RSA_PUB:
            return _from_rsa_der(raw)
        for kind, (_, curve, curve_codec) in CURVES.items():
            if codec == curve_codec:
                return from_cryptography(kind, EllipticCurvePublicKey.from_encoded_point(curve, raw))
    except (ValueError, UnsupportedAlgorithm) as e:
        raise MalformedKey(f"the did:key holds no valid key: {e}") from e
    return None


def from_cryptography(kind: str, key: EllipticCurvePublicKey | RSAPublicKey) -> SshKey:
    """The SSH form of a `cryptography` public key of that SSH type.

    Raises:
        MalformedKey: a weak RSA key.
    """
    if isinstance(key, RSAPublicKey):
        numbers = key.public_numbers()
        return _parse_wire(string(RSA.encode()) + mpint(numbers.e) + mpint(numbers.n))
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    curve = CURVES[kind][0]
    return _parse_wire(string(kind.encode()) + string(curve.encode()) + string(point))


def curve_kind(curve: EllipticCurve) -> str | None:
    """The SSH key type of a curve, or None."""
    return next((kind for kind, (_, known, _) in CURVES.items() if known.name == curve.name), None)


def _from_rsa_der(raw: bytes) -> SshKey:
    key = load_der_public_key(raw)
    if not isinstance(key, RSAPublicKey) or key.public_bytes(Encoding.DER, PublicFormat.PKCS1) != raw:
        raise MalformedKey("the did:key does not hold an RSA key in PKCS #1 DER")
    return from_cryptography(RSA, key)


def _parse_wire(wire: bytes) -> SshKey:
    reader = Reader(wire)
    try:
        kind = reader.text()
        parse = _PARSERS.get(kind)
        if parse is None:
            raise MalformedKey(f"SSH keys of type {kind[:60]!r} are not accepted; use {ED25519}")
        material = parse(kind, reader)
        application = reader.string() if kind in SECURITY_KEYS else b""
        reader.end()
    except WireError as e:
        raise MalformedKey(f"the SSH key is damaged: {e}") from e
    return SshKey(kind, wire, material, application)


def _parse_ed25519(_kind: str, reader: Reader) -> Material:
    raw = reader.string()
    if not ed25519.is_acceptable_point(raw):
        raise MalformedKey("the SSH key does not hold an acceptable Ed25519 point")
    return raw


def _parse_hybrid(_kind: str, reader: Reader) -> Material:
    raw = reader.string()
    if len(raw) != hybrid.PUBLIC_BYTES:
        raise MalformedKey(f"the SSH key holds {len(raw)} bytes instead of {hybrid.PUBLIC_BYTES}")
    return raw


def _parse_ecdsa(kind: str, reader: Reader) -> Material:
    name, curve, _ = CURVES["ecdsa-sha2-nistp256" if kind == SK_ECDSA else kind]
    if reader.string() != name.encode():
        raise MalformedKey(f"the SSH key names another curve than {name}")
    point = reader.string()
    if point[:1] != b"\x04":
        raise MalformedKey("the SSH key holds no uncompressed curve point")
    try:
        return EllipticCurvePublicKey.from_encoded_point(curve, point)
    except ValueError as e:
        raise MalformedKey(f"the SSH key holds no point of {name}") from e


def _parse_rsa(_kind: str, reader: Reader) -> Material:
    exponent, modulus = reader.mpint(), reader.mpint()
    low, high = RSA_BITS
    if not low <= modulus.bit_length() <= high:
        raise MalformedKey(f"RSA keys have {low} to {high} bits here, this one {modulus.bit_length()}")
    if exponent.bit_length() > 32:
        raise MalformedKey("the public exponent of the RSA key is larger than 32 bits")
    try:
        return RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError as e:
        raise MalformedKey(f"the SSH key holds no RSA key: {e}") from e


_PARSERS: Final[dict[str, Callable[[str, Reader], Material]]] = {
    ED25519: _parse_ed25519,
    SK_ED25519: _parse_ed25519,
    HYBRID: _parse_hybrid,
    SK_ECDSA: _parse_ecdsa,
    RSA: _parse_rsa,
    **dict.fromkeys(CURVES, _parse_ecdsa),
}
