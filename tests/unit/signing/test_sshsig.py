import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from governance.canonical import sha256
from governance.errors import MalformedSignature
from governance.signing import hybrid, ssh_key, sshsig
from governance.signing.ssh_wire import string
from tests.support.keys import SSH_KINDS, ssh_private

NAMESPACE = "vote@althing"
ED25519 = ssh_private("ed25519")
KEY = sshsig.public_of(ED25519)
BLOB = sshsig.sign(ED25519, b"message", NAMESPACE)


def blob(
    *, version=1, public=KEY.wire, namespace=b"vote@althing", reserved=b"", hashed=b"sha512", inner=None
):
    if inner is None:
        inner = raw("ssh-ed25519", ED25519.sign(sshsig.signed_data(NAMESPACE, "sha512", b"message")))
    fields = b"".join(string(part) for part in (public, namespace, reserved, hashed, inner))
    return b"SSHSIG" + version.to_bytes(4) + fields


def raw(algorithm, signature, trailer=b""):
    return string(algorithm.encode()) + string(signature) + trailer


def check(data, key=KEY, message=b"message", namespace=NAMESPACE):
    return sshsig.verify(key, message, data, namespace)


@pytest.mark.parametrize("kind", SSH_KINDS)
def test_signs_and_verifies(kind):
    private = ssh_private(kind)
    signed = sshsig.sign(private, b"message", NAMESPACE)
    key = sshsig.public_of(private)
    assert check(signed, key)
    assert not check(signed, key, message=b"messagf")
    assert not check(signed, key, namespace="file")
    assert not check(signed + b"\0", key)


def test_layout_is_the_protocol():
    assert blob() == BLOB
    assert check(BLOB)


def test_sha256_is_accepted():
    inner = raw("ssh-ed25519", ED25519.sign(sshsig.signed_data(NAMESPACE, "sha256", b"message")))
    assert check(blob(hashed=b"sha256", inner=inner))
    assert not check(blob(hashed=b"sha512", inner=inner))


def test_only_blobs_verify_and_armour_is_read_first():
    text = sshsig.armour(BLOB)
    assert not check(text.encode())
    for spelling in (text, text.replace("\n", "\r\n"), "\n" + text.strip(), text.replace("\n", "")):
        assert sshsig.parse_signature(spelling.encode()).blob == BLOB


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"", "starts with"),
        (b"\xff", "neither"),
        (BLOB[:-1], "damaged"),
        (BLOB + b"\0", "damaged"),
        (b"SSHSIG", "damaged"),
        (blob(version=2), "version 2"),
        (blob(namespace=b""), "namespace"),
        (blob(reserved=b"x"), "reserved"),
        (blob(hashed=b"sha1"), "hash"),
        (blob(inner=b""), "damaged"),
        (sshsig.armour(BLOB).replace("U1NIU0lH", "U1NIU0lI").encode(), "SSHSIG"),
        (sshsig.armour(BLOB)[:-10].encode(), "ends with"),
        (sshsig.armour(BLOB).replace("U1NI", "*1NI").encode(), "base64"),
        (f"{sshsig.BEGIN}{sshsig.END}".encode(), "damaged"),
        (b"-----BEGIN SSH SIGNATURE----------END", "ends with"),
    ],
)
def test_malformed(data, hint):
    with pytest.raises(MalformedSignature, match=hint):
        sshsig.parse_signature(data)
    assert not check(data)


def test_refusals_of_well_formed_signatures():
    other = sshsig.public_of(ssh_private("ecdsa256"))
    good = ED25519.sign(sshsig.signed_data(NAMESPACE, "sha512", b"message"))
    assert check(blob(inner=raw("ssh-ed25519", good)))
    assert not check(blob(inner=raw("ssh-ed25519", good, b"\1\0\0\0\0"))), "no trailer for plain keys"
    assert not check(blob(inner=raw("ecdsa-sha2-nistp256", good))), "algorithm of another key"
    assert not check(blob(public=other.wire)), "made for another key"
    assert not check(blob(inner=raw("ssh-ed25519", good[:-1]))), "short signature"


def test_sha1_rsa_signatures_are_refused():
    private = ssh_private("rsa")
    key = sshsig.public_of(private)
    data = sshsig.signed_data(NAMESPACE, "sha512", b"message")
    good = private.sign(data, padding.PKCS1v15(), SHA256())
    assert check(blob(public=key.wire, inner=raw("rsa-sha2-256", good)), key)
    assert not check(blob(public=key.wire, inner=raw("rsa-sha2-256", good, b"\1")), key)
    old = private.sign(data, padding.PKCS1v15(), SHA1())
    for algorithm in ("ssh-rsa", "rsa-sha2-256", "rsa-sha2-512"):
        assert not check(blob(public=key.wire, inner=raw(algorithm, old)), key)


@pytest.mark.parametrize(("flags", "accepted"), [(1, True), (5, True), (0, False), (4, False)])
def test_a_security_key_must_have_been_touched(flags, accepted):
    public = string(ssh_key.SK_ED25519.encode()) + string(KEY.material) + string(b"ssh:")
    trailer = bytes([flags]) + bytes(4)
    data = sshsig.signed_data(NAMESPACE, "sha512", b"message")
    inner = sha256(b"ssh:") + trailer + sha256(data)
    signed = blob(public=public, inner=raw(ssh_key.SK_ED25519, ED25519.sign(inner), trailer))
    assert check(signed, ssh_key.parse_public(public)) is accepted


def test_hybrid_keys_sign_under_openssh_s_name():
    seeds = bytes(range(64))
    public = string(ssh_key.HYBRID.encode()) + string(hybrid.public_key(seeds))
    data = sshsig.signed_data(NAMESPACE, "sha512", b"message")
    signed = blob(public=public, inner=raw(ssh_key.HYBRID, hybrid.sign(seeds, data)))
    assert check(signed, ssh_key.parse_public(public))
    assert not check(signed, ssh_key.parse_public(public), message=b"other")
