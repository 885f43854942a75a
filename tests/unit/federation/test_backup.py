"""Sealed keys: opened by the root key alone, given to those who mirror us, given back to its holder."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import SealedBox
from nacl.signing import SigningKey

from federation import backup, errands, http_signatures, peers
from federation.backup import KeyBundle
from federation.client import Client
from governance.canonical import encode
from governance.errors import (
    BadSignature,
    GovernanceError,
    MalformedArchive,
    NotAuthorised,
    NotFound,
    Replayed,
    Unsupported,
)
from governance.service.instance import public
from governance.signing import did_key
from governance.signing.keyfile import Ed25519Key, PrivateKey
from governance.statements.base import Key
from tests.support.fed_nodes import Network, SimNode, VirtualClock, _Wire, make_node
from tests.support.people import ssh_key

ROOT, OTHER = Ed25519Key(b"r" * 32), Ed25519Key(b"o" * 32)
INSTANCE = "sha256:" + "1" * 64


class Two:
    """`a` and `b`; `a` mirrors `b` when told so."""

    def __init__(self) -> None:
        self.clock, self.network = VirtualClock(), Network()
        self.a, self.b = (make_node(f"{n}.example", self.network, self.clock) for n in "ab")

    def decide(self, ours: str, theirs: str) -> None:
        self.a.own.decide(self.b.own, ours)
        self.b.own.decide(self.a.own, theirs)
        for one in (self.a, self.b):
            peers.settle(one.node)
        for _ in range(4):
            errands.run_due(self.a.node)
            errands.run_due(self.b.node)
            self.clock.now += 1


@pytest.fixture
def two() -> Two:
    return Two()


def sealed(files: dict[str, bytes], root: PrivateKey = ROOT) -> bytes:
    return backup.seal(files, INSTANCE, public(root))


def test_the_root_key_opens_what_was_sealed_to_it() -> None:
    files = {"service": b"secret", "logs/" + "a" * 64: b"more"}
    data = sealed(files)
    assert backup.unseal(data, ROOT) == KeyBundle(INSTANCE, files)
    assert b"secret" not in data
    assert sealed(files) != data, "nobody sees whether anything changed"


def test_another_root_key_opens_nothing() -> None:
    with pytest.raises(BadSignature):
        backup.unseal(sealed({"service": b"secret"}), OTHER)


@pytest.mark.parametrize("flip", [0, 31, 32, 48, -1])
def test_a_flipped_bit_is_noticed(flip: int) -> None:
    data = bytearray(sealed({"service": b"secret"}))
    data[flip] ^= 1
    with pytest.raises(BadSignature):
        backup.unseal(bytes(data), ROOT)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_our_error(data: bytes) -> None:
    with pytest.raises(GovernanceError):
        backup.unseal(data, ROOT)


@given(st.binary(max_size=200))
def test_any_content_sealed_rightly_is_read_or_refused(content: bytes) -> None:
    with pytest.raises(GovernanceError):
        backup.unseal(_box(ROOT).encrypt(content), ROOT)


def _box(root: Ed25519Key) -> SealedBox:
    return SealedBox(SigningKey(root.seed).verify_key.to_curve25519_public_key())


@pytest.mark.parametrize(
    "name",
    ["..", ".", "logs/..", "../service", "/etc/passwd", "logs/../../x", "a/b", "logs/logs/a", "", "logs/",
     "root", "a\0b", "a\nb", "ü", "x" * 101, ".hidden"],
    ids=repr,
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    data = _box(ROOT).encrypt(encode(KeyBundle(INSTANCE, {"service": b"x", name: b"y"})))
    with pytest.raises(MalformedArchive):
        backup.unseal(data, ROOT)


def test_a_directory_is_sealed_without_root_cosigners_and_what_is_no_key(tmp_path: Path) -> None:
    cosigners = ("witness", "mirror", "witness.next", "mirror.1234abcd")
    for name in (
        "root",
        *cosigners,
        "service",
        "http",
        "logs/" + "a" * 64,
        ".swp",
        "my notes",
        "logs/deep/er",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    bundle = backup.unseal(backup.seal_directory(tmp_path, INSTANCE, public(ROOT)), ROOT)
    assert set(bundle.files) == {"service", "http", "logs/" + "a" * 64}
    assert bundle.files["http"] == b"http"


def test_only_an_ed25519_root_can_be_sealed_to() -> None:
    with pytest.raises(Unsupported):
        backup.seal({}, INSTANCE, Key(suite="ssh", public=_p256()))


def _p256() -> str:
    return did_key.multikey_encode(did_key.P256_PUB, bytes([2]) + b"\x11" * 32)


def test_who_mirrors_us_is_given_them(two: Two) -> None:
    two.decide("mirror", "mirror")
    held = two.a.node.copies.read(f"sealed-keys/{two.b.own.instance[7:]}")
    bundle = backup.unseal(held, two.b.own.root_key)
    assert bundle.instance == two.b.own.instance
    assert bundle.files == {"service": two.b.own.service_key.dump()}


@pytest.mark.parametrize("theirs", ["observer", "blocked"])
def test_who_does_not_mirror_us_is_not(two: Two, theirs: str) -> None:
    two.decide("mirror", theirs)
    if theirs == "observer":
        two.decide("observer", theirs)
    with pytest.raises(GovernanceError) as refused:
        two.a.node.client.get("https://b.example/federation/v1/keys", backup.LIMIT, signed=True)
    assert isinstance(refused.value, NotAuthorised)


def test_an_unsigned_question_gets_nothing(two: Two) -> None:
    two.decide("mirror", "mirror")
    with pytest.raises(GovernanceError, match="signature"):
        two.a.node.client.get("https://b.example/federation/v1/keys", backup.LIMIT)


def asking(two: Two, key: PrivateKey, keyid: str, nonce: bytes | None = None) -> Client:
    """A client that signs with some key in somebody's name."""

    def sign(method: str, url: str, body: bytes | None, media_type: str | None) -> dict[str, str]:
        return http_signatures.sign_request(
            method, url, body, media_type, key=key, keyid=keyid, now=two.clock(), nonce=nonce
        )

    return Client(_Wire(two.network, "nowhere"), sign)


def place(of: SimNode) -> str:
    return f"https://a.example/federation/v1/keys/{of.own.instance[7:]}"


def test_the_holder_of_the_root_key_gets_them_back(two: Two) -> None:
    two.decide("mirror", "mirror")
    two.network.nodes.pop("b.example")
    root = two.b.own.root_key
    data = asking(two, root, two.b.own.instance).get(place(two.b), backup.LIMIT, signed=True).body
    assert backup.unseal(data, root).files["service"] == two.b.own.service_key.dump()


def test_another_key_or_name_gets_nothing(two: Two) -> None:
    two.decide("mirror", "mirror")
    root = two.b.own.root_key
    for key, keyid in (
        (OTHER, two.b.own.instance),
        (two.b.own.keys.http, two.b.own.instance),
        (root, two.a.own.instance),
        (two.a.own.keys.http, two.a.own.instance),
    ):
        with pytest.raises(GovernanceError):
            asking(two, key, keyid).get(place(two.b), backup.LIMIT, signed=True)
    with pytest.raises(NotFound):
        asking(two, root, two.b.own.instance).get(place(two.a), backup.LIMIT, signed=True)


def test_a_repeated_question_gets_nothing(two: Two) -> None:
    two.decide("mirror", "mirror")
    client = asking(two, two.b.own.root_key, two.b.own.instance, nonce=b"n" * 16)
    client.get(place(two.b), backup.LIMIT, signed=True)
    with pytest.raises(Replayed):
        client.get(place(two.b), backup.LIMIT, signed=True)


def test_keys_that_are_not_kept_are_not_there(two: Two) -> None:
    two.decide("observer", "observer")
    with pytest.raises(NotFound):
        asking(two, two.b.own.root_key, two.b.own.instance).get(place(two.b), backup.LIMIT, signed=True)


def test_a_newer_bundle_replaces_the_older(two: Two) -> None:
    two.decide("mirror", "mirror")
    path = f"sealed-keys/{two.b.own.instance[7:]}"
    old = two.a.node.copies.read(path)
    backup.fetch(two.a.node, two.b.own.instance)
    assert two.a.node.copies.read(path) != old


def test_an_rsa_key_is_no_root_to_seal_to() -> None:
    with pytest.raises(GovernanceError):
        backup.seal({}, INSTANCE, public(ssh_key("rsa")))
