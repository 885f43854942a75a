import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.errors import MalformedKey
from governance.signing import did_key, hybrid, ssh_key, sshsig
from governance.signing.ssh_wire import mpint, string
from tests.support.keys import SSH_KINDS, ssh_private

ED25519 = sshsig.public_of(ssh_private("ed25519"))
MULTIKEY_STARTS = {"ed25519": "z6Mk", "ecdsa256": "zDn", "ecdsa384": "z82", "ecdsa521": "z2J9", "rsa": "z4MX"}


@pytest.mark.parametrize("kind", SSH_KINDS)
def test_text_is_openssh_own(kind):
    theirs = ssh_private(kind).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    key = sshsig.public_of(ssh_private(kind))
    assert key.text == theirs
    assert ssh_key.parse_public(theirs + " somebody@laptop").text == theirs


@pytest.mark.parametrize("kind", SSH_KINDS)
def test_did_key_holds_the_whole_key(kind):
    key = sshsig.public_of(ssh_private(kind))
    multikey = key.multikey()
    assert did_key.multikey_encode(*multikey).startswith(MULTIKEY_STARTS[kind])
    assert ssh_key.from_multikey(*multikey).text == key.text


def test_keys_without_a_multicodec():
    public = hybrid.public_key(bytes(64))
    key = ssh_key.parse_public(string(ssh_key.HYBRID.encode()) + string(public))
    assert key.multikey() is None
    security_key = string(ssh_key.SK_ED25519.encode()) + string(ED25519.material) + string(b"ssh:")
    assert ssh_key.parse_public(security_key).application == b"ssh:"
    assert ssh_key.parse_public(security_key).multikey() is None
    assert ssh_key.from_multikey(did_key.X25519_PUB, bytes(32)) is None


def wire(kind, *parts):
    return string(kind.encode()) + b"".join(parts)


def ecdsa_wire(curve=b"nistp256", form=PublicFormat.UncompressedPoint, kind="ecdsa-sha2-nistp256", change=0):
    point = bytearray(ssh_private("ecdsa256").public_key().public_bytes(Encoding.X962, form))
    point[-1] ^= change
    return wire(kind, string(curve), string(bytes(point)))


def rsa_wire(bits=2048, e=65537):
    return wire(ssh_key.RSA, mpint(e), mpint(2**bits - 1))


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("", "type and base64"),
        ("ssh-ed25519", "type and base64"),
        ("ssh-ed25519 *", "base64"),
        ("ssh-ed25519 é", "base64"),
        ("ssh-rsa " + ED25519.text.split()[1], "inside it is ssh-ed25519"),
        (b"", "damaged"),
        (ED25519.wire[:-1], "damaged"),
        (ED25519.wire + b"\0", "damaged"),
        (wire("ssh-dss", string(b"x")), "not accepted"),
        (wire("ssh-ed25519-cert-v01@openssh.com"), "not accepted"),
        (wire("ssh-\xe9"), "damaged"),
        (wire("ssh\n"), "damaged"),
        (wire("ssh-ed25519", string(bytes(32))), "acceptable"),
        (wire("ssh-ed25519", string(bytes(31))), "acceptable"),
        (wire(ssh_key.HYBRID, string(bytes(1343))), "1343"),
        (ecdsa_wire(curve=b"nistp384"), "another curve"),
        (ecdsa_wire(form=PublicFormat.CompressedPoint), "uncompressed"),
        (ecdsa_wire(change=1), "no point"),
        (rsa_wire(bits=1024), "2048 to 8192"),
        (rsa_wire(bits=16384), "2048 to 8192"),
        (rsa_wire(e=2**33 + 1), "exponent"),
        (rsa_wire(e=4), "RSA"),
        (wire(ssh_key.RSA, string(b""), string(b"\1")), "shortest"),
        (wire(ssh_key.RSA, string(b"\0\1\0\1"), mpint(2**2047)), "shortest"),
        (wire(ssh_key.RSA, string(b"\x80"), mpint(2**2047)), "positive"),
    ],
)
def test_refused(source, hint):
    with pytest.raises(MalformedKey, match=hint):
        ssh_key.parse_public(source)


@pytest.mark.parametrize(
    ("codec", "raw"),
    [
        (did_key.P256_PUB, b"\x02" + b"\xff" * 32),
        (did_key.P256_PUB, bytes(33)),
        (did_key.RSA_PUB, b"\x30"),
        (
            did_key.RSA_PUB,
            ssh_private("rsa").public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        ),
        (
            did_key.RSA_PUB,
            ssh_private("ecdsa256")
            .public_key()
            .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        ),
        (did_key.ED25519_PUB, bytes(32)),
    ],
)
def test_damaged_did_keys_are_refused(codec, raw):
    with pytest.raises(MalformedKey):
        ssh_key.from_multikey(codec, raw)


def test_curves_and_sizes_that_ssh_does_not_have():
    with pytest.raises(MalformedKey, match="curve"):
        sshsig.public_of(ec.derive_private_key(3, ec.SECP256K1()))
    with pytest.raises(MalformedKey, match="1024"):
        sshsig.public_of(rsa.generate_private_key(65537, 1024))
