"""SSHSIG: SSH keys sign any bytes, as with `ssh-keygen -Y sign` (OpenSSH PROTOCOL.sshsig).

Deliberately absent: `ssh-rsa` (SHA-1) signatures; DSA; certificates; and OpenSSH's WebAuthn variant of
sk-ecdsa, since browser keys have a suite of their own.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from governance.errors import MalformedKey, MalformedSignature
from governance.signing import ed25519, hybrid, ssh_key
from governance.signing.ssh_key import SshKey
from governance.signing.ssh_wire import Reader, WireError, decode_base64, mpint, string

MAGIC: Final = b"SSHSIG"
BEGIN: Final = "-----BEGIN SSH SIGNATURE-----"
END: Final = "-----END SSH SIGNATURE-----"

USER_PRESENT: Final = 0x01
"""The flag that a finger touched the security key (OpenSSH PROTOCOL.u2f)."""

_WRAP: Final = 70
_RSA_HASHES: Final[dict[str, HashAlgorithm]] = {"rsa-sha2-256": SHA256(), "rsa-sha2-512": SHA512()}
_EC_HASHES: Final[dict[str, HashAlgorithm]] = {
    "ecdsa-sha2-nistp256": SHA256(),
    "ecdsa-sha2-nistp384": SHA384(),
    "ecdsa-sha2-nistp521": SHA512(),
    ssh_key.SK_ECDSA: SHA256(),
}

PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class SshSignature:
    """The fields of an SSHSIG blob; `trailer` is what follows the signature proper (sk-*: flags, counter)."""

    public: bytes
    namespace: bytes
    hash_algorithm: str
    algorithm: str
    signature: bytes
    trailer: bytes
    blob: bytes


def parse_signature(data: bytes) -> SshSignature:
    """The signature in an SSHSIG blob or in its armour.

    Raises:
        MalformedSignature: neither of both, another version, an empty namespace, or an unknown hash.
    """
    try:
        blob = data if data.startswith(MAGIC) else _unarmour(data)
        return _parse_blob(blob)
    except WireError as e:
        raise MalformedSignature(f"the SSH signature is damaged: {e}") from e


def armour(blob: bytes) -> str:
    """The text form of a blob, wrapped as `ssh-keygen` wraps it."""
    text = base64.b64encode(blob).decode()
    lines = [text[i : i + _WRAP] for i in range(0, len(text), _WRAP)]
    return "\n".join([BEGIN, *lines, END, ""])


def signed_data(namespace: str, hash_algorithm: str, message: bytes) -> bytes:
    """The bytes that an SSH key signs for message; hash_algorithm is `sha256` or `sha512`."""
    digest = hashlib.new(hash_algorithm, message).digest()
    return MAGIC + b"".join(
        string(part) for part in (namespace.encode(), b"", hash_algorithm.encode(), digest)
    )


def verify(key: SshKey, message: bytes, blob: bytes, namespace: str) -> bool:
    """Whether blob (not armoured) is key's signature over message for exactly this namespace.

    Raises:
        Unsupported: a hybrid key, and this build of OpenSSL has no ML-DSA.
    """
    if not blob.startswith(MAGIC):
        return False
    try:
        parsed = parse_signature(blob)
        if parsed.public != key.wire or parsed.namespace != namespace.encode():
            return False
        data = signed_data(namespace, parsed.hash_algorithm, message)
        return _verify_raw(key, parsed, data)
    except (MalformedSignature, WireError, InvalidSignature, ValueError):
        return False


def sign(private_key: PrivateKey, message: bytes, namespace: str) -> bytes:
    """The SSHSIG blob over message, hashed with SHA-512 as `ssh-keygen` does.

    Raises:
        MalformedKey: a weak RSA key or a curve SSH does not have.
    """
    data = signed_data(namespace, "sha512", message)
    if isinstance(private_key, rsa.RSAPrivateKey):
        algorithm = "rsa-sha2-512"
        signature = private_key.sign(data, padding.PKCS1v15(), SHA512())
    elif isinstance(private_key, ec.EllipticCurvePrivateKey):
        algorithm = public_of(private_key).kind
        r, s = decode_dss_signature(private_key.sign(data, ec.ECDSA(_EC_HASHES[algorithm])))
        signature = mpint(r) + mpint(s)
    else:
        algorithm = ssh_key.ED25519
        signature = private_key.sign(data)
    parts = (
        public_of(private_key).wire,
        namespace.encode(),
        b"",
        b"sha512",
        string(algorithm.encode()) + string(signature),
    )
    return MAGIC + (1).to_bytes(4) + b"".join(string(part) for part in parts)


def public_of(private_key: PrivateKey) -> SshKey:
    """The SSH public key of a `cryptography` private key.

    Raises:
        MalformedKey: a weak RSA key or a curve SSH does not have.
    """
    if isinstance(private_key, Ed25519PrivateKey):
        raw = private_key.public_key().public_bytes_raw()
        return ssh_key.parse_public(string(ssh_key.ED25519.encode()) + string(raw))
    if isinstance(private_key, rsa.RSAPrivateKey):
        return ssh_key.from_cryptography(ssh_key.RSA, private_key.public_key())
    kind = ssh_key.curve_kind(private_key.curve)
    if kind is None:
        raise MalformedKey(f"SSH has no keys on the curve {private_key.curve.name}")
    return ssh_key.from_cryptography(kind, private_key.public_key())


def _unarmour(data: bytes) -> bytes:
    try:
        text = data.decode("ascii").strip()
    except UnicodeDecodeError as e:
        raise MalformedSignature("neither an SSHSIG blob nor its text form") from e
    if not (text.startswith(BEGIN) and text.endswith(END)):
        raise MalformedSignature(f"an SSH signature starts with {BEGIN} and ends with {END}")
    return decode_base64("".join(text[len(BEGIN) : -len(END)].split()))


def _parse_blob(blob: bytes) -> SshSignature:
    reader = Reader(blob)
    if reader.take(len(MAGIC)) != MAGIC:
        raise MalformedSignature("the SSH signature does not start with SSHSIG")
    version = reader.u32()
    if version != 1:
        raise MalformedSignature(f"SSH signatures of version {version} are not known")
    public, namespace = reader.string(), reader.string()
    if not namespace:
        raise MalformedSignature("the namespace of the SSH signature is empty")
    # "reserved" is read past, as the protocol asks, yet it must be empty: it would be signed bytes we ignore.
    if reader.string():
        raise MalformedSignature("the SSH signature uses a field that is reserved")
    hash_algorithm = reader.text()
    if hash_algorithm not in ("sha256", "sha512"):
        raise MalformedSignature(f"the hash {hash_algorithm[:20]!r} is not one of SSHSIG's")
    inner = reader.string()
    reader.end()
    part = Reader(inner)
    algorithm, signature = part.text(), part.string()
    trailer = inner[8 + len(algorithm) + len(signature) :]
    return SshSignature(public, namespace, hash_algorithm, algorithm, signature, trailer, blob)


def _verify_raw(key: SshKey, parsed: SshSignature, data: bytes) -> bool:
    if key.kind in ssh_key.SECURITY_KEYS:
        # PROTOCOL.u2f: flags and counter follow the signature and are signed with it.
        if len(parsed.trailer) != 5 or not parsed.trailer[0] & USER_PRESENT:
            return False
        data = hashlib.sha256(key.application).digest() + parsed.trailer + hashlib.sha256(data).digest()
    elif parsed.trailer:
        return False
    if isinstance(key.material, rsa.RSAPublicKey):
        return _verify_rsa(key.material, parsed, data)
    if parsed.algorithm != key.kind:
        return False
    if isinstance(key.material, ec.EllipticCurvePublicKey):
        return _verify_ecdsa(key.material, _EC_HASHES[key.kind], parsed.signature, data)
    verify_bytes = hybrid.verify if key.kind == ssh_key.HYBRID else ed25519.verify
    return verify_bytes(key.material, data, parsed.signature)


def _verify_rsa(key: rsa.RSAPublicKey, parsed: SshSignature, data: bytes) -> bool:
    """RFC 8332 3; the algorithm's name, not the key's, tells the hash."""
    algorithm = _RSA_HASHES.get(parsed.algorithm)
    if algorithm is None:
        return False
    key.verify(parsed.signature, data, padding.PKCS1v15(), algorithm)
    return True


def _verify_ecdsa(
    key: ec.EllipticCurvePublicKey, algorithm: HashAlgorithm, signature: bytes, data: bytes
) -> bool:
    """RFC 5656 3.1.2: mpint r, mpint s."""
    reader = Reader(signature)
    der = encode_dss_signature(reader.mpint(), reader.mpint())
    reader.end()
    key.verify(der, data, ec.ECDSA(algorithm))
    return True
