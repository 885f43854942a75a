"""Fixed private keys for tests, made once; never use one of them for anything real."""

from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

CURVES = {"ecdsa256": ec.SECP256R1(), "ecdsa384": ec.SECP384R1(), "ecdsa521": ec.SECP521R1()}
SSH_KINDS = ("ed25519", *CURVES, "rsa")


@cache
def ssh_private(kind):
    """A `cryptography` private key of an SSH kind: ed25519, ecdsa256, ecdsa384, ecdsa521, rsa."""
    if kind == "ed25519":
        return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ec.derive_private_key(123456789, CURVES[kind])


def openssh(private_key):
    """Its OpenSSH private key file, without a passphrase."""
    return private_key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
