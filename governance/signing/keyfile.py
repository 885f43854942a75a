"""Private keys: what signs, and the file a key is kept in (bytes only; nobody here opens a file).

Ed25519 and hybrid keys are a small JSON document holding the seed. SSH keys stay the OpenSSH file they are,
with its passphrase. No secret appears in `repr`.
"""

from __future__ import annotations

from typing import Final, Literal, Protocol

import msgspec
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from governance import canonical
from governance.errors import Malformed, MalformedKey
from governance.signing import did_key, ed25519, hybrid, ssh_key, sshsig, suites
from governance.signing.ssh_wire import Reader, decode_base64

_OPENSSH: Final = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_OPENSSH_END: Final = b"-----END OPENSSH PRIVATE KEY-----"
_MAGIC: Final = b"openssh-key-v1\0"
_KINDS: Final = (ssh_key.ED25519, ssh_key.RSA, *ssh_key.CURVES)


class PrivateKey(Protocol):
    """A key that can sign, with the public values that name it."""

    @property
    def suite(self) -> str:
        """Name of its signature suite."""
        ...

    @property
    def public(self) -> str:
        """Key text of the public half, as enrolments hold it."""
        ...

    @property
    def member_id(self) -> str:
        """The public id of its holder."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The suite's signature over message."""
        ...

    def dump(self) -> bytes:
        """The private key file; keep it readable for its owner only."""
        ...


class _SeedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    althing: Literal["key/v1"]
    suite: Literal["ed25519", "hybrid"]
    seed: bytes


_decoder: Final = msgspec.json.Decoder(_SeedFile)


class Ed25519Key:
    """An Ed25519 private key of 32 seed bytes.

    Raises:
        MalformedKey: another length.
    """

    suite: Final = "ed25519"

    def __init__(self, seed: bytes) -> None:
        self.raw_public = ed25519.public_key(seed)
        self.public = did_key.multikey_encode(did_key.ED25519_PUB, self.raw_public)
        self.member_id = did_key.PREFIX + self.public
        self._seed = seed

    def sign(self, message: bytes) -> bytes:
        """64 bytes, the same for the same message."""
        return ed25519.sign(self._seed, message)

    @property
    def seed(self) -> bytes:
        """The 32 secret bytes, for the formats that sign with the bare key."""
        return self._seed

    def dump(self) -> bytes:
        """The JSON key file."""
        return canonical.encode(_SeedFile("key/v1", self.suite, self._seed)) + b"\n"


class HybridKey:
    """An ML-DSA-44 and Ed25519 private key of 32 + 32 seed bytes.

    Raises:
        MalformedKey: another length.
        Unsupported: this build of OpenSSL has no ML-DSA.
    """

    suite: Final = "hybrid"

    def __init__(self, seeds: bytes) -> None:
        self.raw_public = hybrid.public_key(seeds)
        self.public = suites.hybrid_key_text(self.raw_public)
        self.member_id = canonical.digest(self.raw_public)
        self._seeds = seeds

    def sign(self, message: bytes) -> bytes:
        """2,484 bytes, different each time."""
        return hybrid.sign(self._seeds, message)

    def dump(self) -> bytes:
        """The JSON key file."""
        return canonical.encode(_SeedFile("key/v1", self.suite, self._seeds)) + b"\n"


class SshKey:
    """A private key in OpenSSH's own file: ed25519, ecdsa or rsa; signs in the namespace `vote@althing`.

    Raises:
        MalformedKey: unreadable, of another type, or locked by another or no passphrase.
    """

    suite: Final = "sshsig"

    def __init__(self, openssh: bytes, passphrase: str | None = None) -> None:
        self._key = _unlock(openssh, passphrase)
        self._file = openssh
        self.public = sshsig.public_of(self._key).text
        self.member_id = suites.get(self.suite).member_id(self.public)

    def sign(self, message: bytes) -> bytes:
        """An SSHSIG blob."""
        return sshsig.sign(self._key, message, suites.NAMESPACE)

    def dump(self) -> bytes:
        """The OpenSSH file as it was read, still locked if it was."""
        return self._file


def dump(key: PrivateKey) -> bytes:
    """The private key file of key; `load` reads it."""
    return key.dump()


def load(data: bytes, passphrase: str | None = None) -> PrivateKey:
    """The private key in our JSON file or in an OpenSSH private key file.

    Raises:
        MalformedKey: neither of both, damaged, of a type that cannot sign here, or locked.
        Unsupported: a hybrid key, and this build of OpenSSL has no ML-DSA.
    """
    text = data.strip()
    if text.startswith(_OPENSSH):
        return SshKey(data, passphrase)
    if not text.startswith(b"{"):
        raise MalformedKey(_advice(text))
    try:
        file = canonical.decode(text, _decoder)
    except Malformed as e:
        raise MalformedKey(f"this is not an Althing key file: {e.detail}", pointer=e.pointer) from e
    return Ed25519Key(file.seed) if file.suite == "ed25519" else HybridKey(file.seed)


def _advice(text: bytes) -> str:
    if text.startswith((b"ssh-", b"ecdsa-", b"sk-")):
        return "this is the public half; give the private key file, the one whose name does not end in .pub"
    if text.startswith(b"-----BEGIN"):
        return "this private key is not in OpenSSH's format; `ssh-keygen -p -f FILE` rewrites it in place"
    return "this is neither an Althing key file nor an OpenSSH private key"


def _unlock(openssh: bytes, passphrase: str | None) -> sshsig.PrivateKey:
    _check_kind(openssh)
    try:
        key = _load_openssh(openssh, passphrase)
    except (InvalidTag, ValueError, OverflowError, NotImplementedError) as e:
        if passphrase is not None:
            raise MalformedKey("the passphrase is wrong, or the private key file is damaged") from e
        raise MalformedKey(f"the private key file is damaged: {e}") from e
    except UnsupportedAlgorithm as e:
        raise MalformedKey(f"this private key file cannot be opened here: {e}") from e
    if not isinstance(key, (Ed25519PrivateKey, ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
        raise MalformedKey("this type of private key is not accepted; use ed25519, ecdsa or rsa")
    return key


def _check_kind(openssh: bytes) -> None:
    """Reads the key type, which stands unencrypted in the file (OpenSSH PROTOCOL.key)."""
    try:
        body = openssh.partition(_OPENSSH)[2].partition(_OPENSSH_END)[0]
        reader = Reader(decode_base64("".join(body.decode("ascii").split())))
        magic = reader.take(len(_MAGIC))
        for _ in ("cipher", "key derivation", "its options"):
            reader.string()
        count = reader.u32()
        kind = Reader(reader.string()).text()
    except ValueError as e:
        raise MalformedKey(f"the private key file is damaged: {e}") from e
    if magic != _MAGIC or count != 1:
        raise MalformedKey("the private key file does not hold exactly one OpenSSH private key")
    if kind.startswith("sk-"):
        raise MalformedKey(
            "the private key is inside a security key; sign with it by: "
            f"ssh-keygen -Y sign -n {suites.NAMESPACE} -f KEY FILE"
        )
    if kind not in _KINDS:
        raise MalformedKey(f"private keys of type {kind[:60]!r} cannot sign here; use ed25519, ecdsa or rsa")


def _load_openssh(openssh: bytes, passphrase: str | None) -> object:
    secret = None if passphrase is None else passphrase.encode()
    try:
        return load_ssh_private_key(openssh, secret)
    except TypeError as e:
        # cryptography says with TypeError that a passphrase is missing, and that one is given but not needed.
        if secret is None:
            raise MalformedKey("this private key is locked; a passphrase is needed to use it") from e
        return load_ssh_private_key(openssh, None)
