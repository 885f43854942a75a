"""The keys of federation: for signed requests, for witnessing and for mirroring.

One file each below `DATA/keys`; the identity document names their public halves. A mirror says more than a
witness, so it has a name and a key of its own (C2SP tlog-mirror).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from governance.errors import SetupFault
from governance.log.cosignature import Cosigner, Ed25519Cosigner, MlDsaCosigner
from governance.service.instance import base_of, finish_rotation, key_of, prepare_rotation, public
from governance.signing.keyfile import Ed25519Key, PrivateKey
from governance.statements.instance import Federation, Instance

HTTP: Final = "http"
WITNESS: Final = "witness"
MIRROR: Final = "mirror"
_POST_QUANTUM: Final = b"althing ML-DSA-44 cosigner v1"


@dataclass(frozen=True, slots=True)
class Keys:
    """The private keys; `witness` and `mirror` hold a cosigner for each signature type in use."""

    http: Ed25519Key
    witness: tuple[Cosigner, ...]
    mirror: tuple[Cosigner, ...]

    @property
    def vkeys(self) -> list[str]:
        """The verifier keys that the identity document names, witness first."""
        return [str(cosigner.key) for cosigner in (*self.witness, *self.mirror)]

    def only(self, vkeys: Collection[str]) -> Keys:
        """The keys, of the cosigners those alone with such a verifier key."""
        return replace(
            self,
            witness=tuple(cosigner for cosigner in self.witness if str(cosigner.key) in vkeys),
            mirror=tuple(cosigner for cosigner in self.mirror if str(cosigner.key) in vkeys),
        )


def make_keys(base: str, http: Ed25519Key, seeds: Sequence[bytes], *, post_quantum: bool) -> Keys:
    """The keys of an instance whose origins begin with base, from the 32-byte seeds of witness and mirror."""
    witness, mirror = seeds
    return Keys(
        http,
        _cosigners(f"{base}/{WITNESS}", witness, post_quantum),
        _cosigners(f"{base}/{MIRROR}", mirror, post_quantum),
    )


def load_keys(
    data_dir: Path, base: str, *, post_quantum: bool, instead: Mapping[str, Ed25519Key] | None = None
) -> Keys:
    """The keys of a data directory, made on first use; some of them taken from `instead`, by name.

    Raises:
        SetupFault, DataDirectoryUnusable: a file cannot be read, or made.
    """
    given = instead or {}
    http, witness, mirror = (given.get(name) or _ed25519(data_dir, name) for name in (HTTP, WITNESS, MIRROR))
    return make_keys(base, http, (witness.seed, mirror.seed), post_quantum=post_quantum)


def renew_cosigners(data_dir: Path, base: str, *, post_quantum: bool) -> Keys:
    """The keys, with new ones of witness and mirror in the place of those that are there or wait to be.

    Raises:
        SetupFault, DataDirectoryUnusable: a file cannot be read, or made.
    """
    for name in (WITNESS, MIRROR):
        path = data_dir / "keys" / name
        prepare_rotation(path)
        finish_rotation(path, lambda _key: True)
    return load_keys(data_dir, base, post_quantum=post_quantum)


def finish_rotations(data_dir: Path, document: Instance) -> None:
    """What a rotation could not do any more after its document was recorded.

    Raises:
        DataDirectoryUnusable, SetupFault: a file cannot be moved, or read.
    """
    part = document.federation
    if part is None:
        return
    base = base_of(document.base_url)
    finish_rotation(data_dir / "keys" / HTTP, lambda key: public(key) == part.http_key)
    for name in (WITNESS, MIRROR):
        finish_rotation(data_dir / "keys" / name, lambda key, name=name: _named(key, f"{base}/{name}", part))  # type: ignore[misc]


def _named(key: PrivateKey, name: str, part: Federation) -> bool:
    return isinstance(key, Ed25519Key) and str(Ed25519Cosigner(name, key.seed).key) in part.witnesses


def _ed25519(data_dir: Path, name: str) -> Ed25519Key:
    key = key_of(data_dir, name)
    if not isinstance(key, Ed25519Key):
        raise SetupFault(f"the {name} key has to be an Ed25519 key file")
    return key


def _cosigners(name: str, seed: bytes, post_quantum: bool) -> tuple[Cosigner, ...]:
    classic = Ed25519Cosigner(name, seed)
    # The seed is no secret that a broken Ed25519 gives away: only its hash is the private scalar (RFC 8032).
    return (classic, MlDsaCosigner(name, _derived(seed))) if post_quantum else (classic,)


def _derived(seed: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=_POST_QUANTUM).derive(seed)
