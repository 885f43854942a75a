"""The instance's keys, sealed to its root key and kept by those who mirror it.

Logs cannot go on without their keys, and the root key is the one thing that an operator keeps elsewhere. So
every key but the root itself, and the cosigners', which must not come back, is encrypted to it (libsodium
sealed box: X25519 from the Ed25519 root key) and given to the instances that mirror this one. Whoever holds
the root key, and nobody else, opens it again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import httpx
import msgspec
import nacl.exceptions
from msgspec import Meta
from nacl.public import SealedBox
from nacl.signing import SigningKey, VerifyKey

from federation import http_signatures, peers
from federation.client import Client
from federation.endpoints import Answer, Request, Route, route
from federation.keys import MIRROR, WITNESS
from federation.node import Node
from governance.canonical import decode, encode
from governance.errors import (
    BadSignature,
    MalformedArchive,
    MalformedKey,
    NotAuthorised,
    NotFound,
    StorageUnavailable,
    Unsupported,
)
from governance.signing import did_key
from governance.signing.keyfile import Ed25519Key
from governance.statements.base import Key

LIMIT: Final = 1024 * 1024
_FOLDER: Final = "sealed-keys"
_NAME: Final = re.compile(r"(logs/)?[A-Za-z0-9][A-Za-z0-9.-]{0,99}", re.ASCII)
ROOT: Final = "root"


class KeyBundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files of `DATA/keys` by their path below it (base64)."""

    instance: str
    files: dict[str, Annotated[bytes, Meta(max_length=64 * 1024)]]


_decoder: Final = msgspec.json.Decoder(KeyBundle)


def seal_directory(keys: Path, instance: str, root: Key) -> bytes:
    """Every key file but those of `kept_back`, sealed to the root key.

    Raises:
        Unsupported: the root key is not Ed25519; StorageUnavailable: a file cannot be read.
    """
    try:
        paths = [path for path in sorted(keys.rglob("*")) if path.is_file()]
        files = {path.relative_to(keys).as_posix(): path.read_bytes() for path in paths}
    except OSError as e:
        raise StorageUnavailable(f"the keys cannot be read: {e.strerror}") from e
    return seal({n: d for n, d in files.items() if not kept_back(n) and _NAME.fullmatch(n)}, instance, root)


def kept_back(name: str) -> bool:
    """Whether a file is in no bundle: the root key, a cosigner's key, or one that is to take its place.

    Whoever comes back does not know what its witness and mirror have signed. Others take their place.
    """
    return name.partition(".")[0] in {ROOT, WITNESS, MIRROR}


def _is_root(name: str) -> bool:
    return name.partition(".")[0] == ROOT


def seal(files: Mapping[str, bytes], instance: str, root: Key) -> bytes:
    """Files sealed to a root key; different bytes each time.

    Raises:
        Unsupported: the root key is not Ed25519.
    """
    codec, raw = did_key.multikey_decode(root.public)
    if codec != did_key.ED25519_PUB:
        raise Unsupported("keys can be sealed to an Ed25519 root key only")
    box = SealedBox(VerifyKey(raw).to_curve25519_public_key())
    return box.encrypt(encode(KeyBundle(instance, dict(files))))


def unseal(data: bytes, root: Ed25519Key) -> KeyBundle:
    """The files of a sealed bundle.

    Raises:
        BadSignature: sealed to another key, or damaged.
        Malformed: its content is none of ours.
    """
    try:
        opened = SealedBox(SigningKey(root.seed).to_curve25519_private_key()).decrypt(data)
    except (nacl.exceptions.CryptoError, nacl.exceptions.TypeError, nacl.exceptions.ValueError) as e:
        raise BadSignature("these keys are sealed to another root key, or damaged") from e
    bundle = decode(opened, _decoder)
    for name in bundle.files:
        if not _NAME.fullmatch(name) or _is_root(name):
            raise MalformedArchive(f"{name[:80]!r} is no name of a key file")
    return bundle


def fetch(node: Node, peer: str) -> int | None:
    """Errand `keys`: keep the newest sealed keys of a peer that we mirror.

    Raises:
        Unavailable, Refused: it does not answer, or does not give them to us.
    """
    row = peers.require(node, peer)
    reply = node.client.get(peers.url_of(row, "/federation/v1/keys"), LIMIT, signed=True)
    node.copies.write(_path(peer), reply.body)
    node.copies.settle()
    return None


def fetch_own(
    transport: httpx.BaseTransport, peer: str, instance: str, root: Ed25519Key, now: int
) -> KeyBundle:
    """Our own keys, as a peer keeps them.

    Args:
        transport: the way to the peer.
        peer: its base URL.
        instance: our id.
        root: our root key.
        now: Unix seconds.

    Raises:
        Unavailable, Refused, Malformed: it does not answer, or has none of ours for this key.
    """

    def sign(method: str, url: str, body: bytes | None, media_type: str | None) -> dict[str, str]:
        return http_signatures.sign_request(method, url, body, media_type, key=root, keyid=instance, now=now)

    url = f"{peer}/federation/v1/keys/{instance.removeprefix('sha256:')}"
    bundle = unseal(Client(transport, sign).get(url, LIMIT, signed=True).body, root)
    if bundle.instance != instance:
        raise MalformedKey("the sealed keys are of another instance")
    return bundle


def given(node: Node, request: Request, _parts: Mapping[str, str]) -> Answer:
    """`GET /federation/v1/keys`: our sealed keys, for a peer that mirrors us."""
    sender = peers.require_sender(node, request)
    if not sender.followed:
        raise NotAuthorised("sealed keys are for instances that mirror this one")
    return Answer(200, node.own.sealed_keys(), "application/octet-stream")


def kept(node: Node, request: Request, parts: Mapping[str, str]) -> Answer:
    """`GET /federation/v1/keys/<instance>`: what we keep, for whoever signs with that instance's root key."""
    peer = f"sha256:{parts['instance']}"
    row = peers.require(node, peer)

    def root_of(keyid: str) -> Key:
        if row.instance is None or keyid != peer:
            raise NotAuthorised("sealed keys are given to the holder of the root key")
        return row.instance.root

    peers.verify(node, request, root_of)
    try:
        return Answer(200, node.copies.read(_path(peer)), "application/octet-stream")
    except NotFound as e:
        raise NotFound("no keys of that instance are kept here") from e


def _path(peer: str) -> str:
    return f"{_FOLDER}/{peer.removeprefix('sha256:')}"


ROUTES: Final[tuple[Route, ...]] = (
    route("GET", "/federation/v1/keys", given),
    route("GET", "/federation/v1/keys/(?P<instance>[0-9a-f]{64})", kept),
)
