"""Signature suites: the kinds of key a member may enrol, and how each verifies (DESIGN 4).

A suite is bound to the enrolled key, never chosen by the message. Its key text is the one spelling of a key
that records hold; another spelling of the same key is refused. A member id is `did:key:…` where a multicodec
describes the key, else `sha256:` and the hex digest of the key bytes (for SSH keys their wire form).
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from typing import Any, Final, Protocol

from governance.canonical import digest
from governance.errors import MalformedKey, SetupFault, Unsupported
from governance.signing import did_key, ed25519, hybrid, ssh_key, sshsig

NAMESPACE: Final = "vote@althing"
"""The SSHSIG namespace of everything members sign here."""

_HYBRID_PREFIX: Final = "hybrid:"
_ED25519_DID: Final = did_key.PREFIX + "z6Mk"
"""How every Ed25519 did:key begins: the codec and the length fix the first three digits."""


class Suite(Protocol):
    """One kind of key. Plugins register their own with `register`."""

    @property
    def name(self) -> str:
        """What enrolments call the suite."""
        ...

    def parse_key(self, text: str) -> Any:
        """The key of its text, in the form `verify` takes.

        Raises:
            MalformedKey: no key of this suite, or not its one spelling.
        """
        ...

    def member_id(self, text: str) -> str:
        """The public id of the member who holds the key.

        Raises:
            MalformedKey: as `parse_key`.
        """
        ...

    def derive_key(self, member_id: str) -> str | None:
        """The key text when the id itself holds the key; None when it must be written beside the id.

        Raises:
            MalformedKey: the id holds a key, but a damaged one.
        """
        ...

    def verify(self, key: Any, message: bytes, signature: bytes) -> bool:
        """Whether signature is key's over message; False also for signature bytes of another format.

        Raises:
            Unsupported: this installation cannot tell (no ML-DSA).
        """
        ...


class Ed25519Suite:
    """Plain Ed25519 by the strict rule; key text is the multikey (`z6Mk…`)."""

    name = "ed25519"

    def parse_key(self, text: str) -> bytes:
        """The 32 key bytes of a multikey."""
        codec, raw = did_key.multikey_decode(text)
        if codec != did_key.ED25519_PUB:
            raise MalformedKey("this multikey is not an Ed25519 key; those start with z6Mk")
        if not ed25519.is_acceptable_point(raw):
            raise MalformedKey("the Ed25519 key is not an acceptable curve point")
        return raw

    def member_id(self, text: str) -> str:
        """`did:key:` and the multikey."""
        self.parse_key(text)
        return did_key.PREFIX + text

    def derive_key(self, member_id: str) -> str | None:
        """The multikey inside the did:key; `parse_key` judges the rest of it."""
        return member_id.removeprefix(did_key.PREFIX) if member_id.startswith(_ED25519_DID) else None

    def verify(self, key: bytes, message: bytes, signature: bytes) -> bool:
        """See `ed25519.verify`."""
        return ed25519.verify(key, message, signature)


class SshSigSuite:
    """SSH keys through SSHSIG in the namespace `vote@althing`; key text is `type base64`, without comment."""

    name = "sshsig"

    def parse_key(self, text: str) -> ssh_key.SshKey:
        """The SSH key of its line."""
        key = ssh_key.parse_public(text)
        if key.text != text:
            raise MalformedKey("leave out the comment and extra spaces after or around the SSH key")
        return key

    def member_id(self, text: str) -> str:
        """The did:key of ed25519, ecdsa and rsa keys; the digest of the wire form of others."""
        key = self.parse_key(text)
        multikey = key.multikey()
        return digest(key.wire) if multikey is None else did_key.did_key(*multikey)

    def derive_key(self, member_id: str) -> str | None:
        """The SSH line of the key inside a did:key."""
        if not member_id.startswith(did_key.PREFIX):
            return None
        key = ssh_key.from_multikey(*did_key.parse_did_key(member_id))
        return None if key is None else key.text

    def verify(self, key: ssh_key.SshKey, message: bytes, signature: bytes) -> bool:
        """See `sshsig.verify`; signature is the blob, not its armour."""
        return sshsig.verify(key, message, signature, NAMESPACE)


class HybridSuite:
    """ML-DSA-44 with Ed25519; key text is `hybrid:` and the base64url of the 1,344 key bytes."""

    name = "hybrid"

    def parse_key(self, text: str) -> bytes:
        """The 1,344 key bytes of the text."""
        try:
            raw = base64.b64decode(text.removeprefix(_HYBRID_PREFIX).encode("ascii"), b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError) as e:
            raise MalformedKey(f"the hybrid key is not base64url: {e}") from e
        if hybrid_key_text(raw) != text or len(raw) != hybrid.PUBLIC_BYTES:
            raise MalformedKey(f"a hybrid key is hybrid: and {hybrid.PUBLIC_BYTES} bytes in base64url")
        if not ed25519.is_acceptable_point(raw[-ed25519.PUBLIC_BYTES :]):
            raise MalformedKey("the Ed25519 half of the hybrid key is not an acceptable curve point")
        return raw

    def member_id(self, text: str) -> str:
        """The digest of the key bytes, since no multicodec describes them."""
        return digest(self.parse_key(text))

    def derive_key(self, member_id: str) -> str | None:  # noqa: ARG002  # part of the protocol
        """None: a digest does not hold the key."""
        return None

    def verify(self, key: bytes, message: bytes, signature: bytes) -> bool:
        """See `hybrid.verify`."""
        return hybrid.verify(key, message, signature)


SUITES: Final[dict[str, Suite]] = {}


def register(suite: Suite) -> None:
    """Makes a suite known under its name.

    Raises:
        SetupFault: another suite has the name.
    """
    if SUITES.setdefault(suite.name, suite) is not suite:
        raise SetupFault(f"two signature suites are called {suite.name}")


def get(name: str) -> Suite:
    """The suite of that name.

    Raises:
        Unsupported: none is registered; a plugin may be missing.
    """
    suite = SUITES.get(name)
    if suite is None:
        raise Unsupported(f"the signature suite {name[:60]!r} is not known here", known=sorted(SUITES))
    return suite


def verify_text(suite: str, key_text: str, message: bytes, signature: bytes) -> bool:
    """Whether signature over message is that of the key written as key_text.

    Raises:
        Unsupported: no such suite.
        MalformedKey: key_text is no key of it.
    """
    return get(suite).verify(_parsed(suite, key_text), message, signature)


def hybrid_key_text(public: bytes) -> str:
    """The key text of hybrid key bytes."""
    return _HYBRID_PREFIX + base64.urlsafe_b64encode(public).decode()


@lru_cache(maxsize=16_384)
def _parsed(suite: str, key_text: str) -> Any:
    return get(suite).parse_key(key_text)


for _suite in (Ed25519Suite(), SshSigSuite(), HybridSuite()):
    register(_suite)
