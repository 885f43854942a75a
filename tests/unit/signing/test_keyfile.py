import base64
import importlib.util
import json
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.errors import MalformedKey
from governance.signing import keyfile, suites
from governance.signing.ssh_wire import string
from tests.support.keys import SSH_KINDS, openssh, ssh_private

KEYS = [
    keyfile.Ed25519Key(bytes(range(32))),
    keyfile.HybridKey(bytes(range(64))),
    *(keyfile.SshKey(openssh(ssh_private(kind))) for kind in SSH_KINDS),
]


@pytest.mark.parametrize("key", KEYS, ids=lambda k: k.public[:24])
def test_a_dumped_key_is_the_same_key(key):
    again = keyfile.load(keyfile.dump(key))
    assert (again.suite, again.public, again.member_id) == (key.suite, key.public, key.member_id)
    assert suites.verify_text(key.suite, key.public, b"m", again.sign(b"m"))
    assert keyfile.dump(again) == keyfile.dump(key)


def test_our_file_is_small_json():
    assert json.loads(keyfile.dump(KEYS[0])) == {
        "althing": "key/v1",
        "seed": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "suite": "ed25519",
    }


@pytest.mark.parametrize("key", KEYS, ids=lambda k: k.public[:24])
def test_a_passphrase_that_is_not_needed_is_ignored(key):
    assert keyfile.load(keyfile.dump(key), "not needed").public == key.public


@pytest.mark.parametrize("key", KEYS, ids=lambda k: k.public[:24])
def test_no_secret_in_repr(key):
    secret = keyfile.dump(key).splitlines()[1 if key.suite == "sshsig" else 0].decode()
    assert secret not in repr(key)
    assert secret not in str(key)


def compressed_point():
    public = ssh_private("ecdsa256").public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return private_file(string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(public))


def sk_file():
    public = string(b"sk-ssh-ed25519@openssh.com") + string(bytes(32)) + string(b"ssh:")
    return private_file(public)


def private_file(public, count=1):
    body = (
        b"openssh-key-v1\0"
        + string(b"none") * 2
        + string(b"")
        + count.to_bytes(4)
        + string(public)
        + string(b"")
    )
    text = base64.b64encode(body).decode()
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}\n-----END OPENSSH PRIVATE KEY-----\n".encode()


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"", "neither"),
        (b"\xff\xfe", "neither"),
        (b"{", "not an Althing key file"),
        (b'{"althing":"key/v2","seed":"AAAA","suite":"ed25519"}', "althing|key/v2"),
        (b'{"althing":"key/v1","seed":"AAAA","suite":"ed25519"}', "32 bytes"),
        (b'{"althing":"key/v1","seed":"AAAA","suite":"hybrid"}', "64 seed bytes"),
        (b'{"althing":"key/v1","seed":"AAAA","suite":"sshsig"}', "sshsig"),
        (b'{"althing":"key/v1","seed":"AAAA","suite":"ed25519","x":1}', "unknown field"),
        (KEYS[2].public.encode(), "public half"),
        (b"-----BEGIN RSA PRIVATE KEY-----\n", "ssh-keygen -p"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\n", "damaged"),
        (
            openssh(ssh_private("ed25519")).replace(b"b3BlbnNzaC1rZXktdjEA", b"b3BlbnNzaC1rZXktdjEB"),
            "exactly one",
        ),
        (private_file(b"", 2), "damaged"),
        (private_file(string(b"ssh-ed25519"), 2), "exactly one"),
        (private_file(string(b"ssh-ed25519")), "damaged"),
        (private_file(string(b"ssh-dss")), "'ssh-dss' cannot sign"),
        (compressed_point(), "damaged"),
        (sk_file(), "ssh-keygen -Y sign -n vote@althing"),
        (openssh(ec.derive_private_key(5, ec.SECP256R1()))[:-60], "damaged"),
    ],
)
def test_refused_with_advice(data, hint):
    with pytest.raises(MalformedKey, match=hint):
        keyfile.load(data)


def ssh_keygen(path, passphrase):
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-a", "1", "-N", passphrase, "-C", "", "-f", str(path)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("ssh-keygen is not installed")
    return path.read_bytes()


def test_a_locked_key_without_passphrase_says_so(tmp_path):
    with pytest.raises(MalformedKey, match="passphrase is needed"):
        keyfile.load(ssh_keygen(tmp_path / "key", "correct horse"))


@pytest.mark.skipif(importlib.util.find_spec("bcrypt") is None, reason="bcrypt is not installed")
def test_a_locked_key_opens_with_its_passphrase(tmp_path):
    file = ssh_keygen(tmp_path / "key", "correct horse")
    public = (tmp_path / "key.pub").read_text()
    key = keyfile.load(file, "correct horse")
    assert public.startswith(key.public)
    assert suites.verify_text("sshsig", key.public, b"m", key.sign(b"m"))
    assert keyfile.dump(key) == file, "a key is never written back unlocked"
    with pytest.raises(MalformedKey, match="passphrase is wrong"):
        keyfile.load(file, "wrong horse")
