"""OpenSSH's own program on our signatures, and ours on its."""

import shutil
import subprocess

import pytest

from governance.signing import keyfile, ssh_key, sshsig, suites
from governance.signing.envelope import pae

SSH_KEYGEN = shutil.which("ssh-keygen")
KINDS = {
    "ed25519": ["-t", "ed25519"],
    "ecdsa256": ["-t", "ecdsa", "-b", "256"],
    "ecdsa384": ["-t", "ecdsa", "-b", "384"],
    "ecdsa521": ["-t", "ecdsa", "-b", "521"],
    "rsa": ["-t", "rsa", "-b", "2048"],
}
MESSAGE = pae("application/vnd.althing.vote.v1+json", b'{"ballot":"2026-q1"}')

pytestmark = pytest.mark.skipif(SSH_KEYGEN is None, reason="ssh-keygen is not installed")


def ssh_keygen(*arguments, stdin=b""):
    return subprocess.run([SSH_KEYGEN, *map(str, arguments)], input=stdin, capture_output=True, check=False)


@pytest.fixture(scope="module", params=KINDS)
def path(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("ssh") / request.param
    made = ssh_keygen("-q", *KINDS[request.param], "-N", "", "-C", "member@example.org", "-f", path)
    assert made.returncode == 0, made.stderr
    return path


def verdict(path, blob, message=MESSAGE, namespace=suites.NAMESPACE):
    """What `ssh-keygen -Y verify` says."""
    allowed = path.with_suffix(".allowed")
    allowed.write_text("member " + path.with_suffix(".pub").read_text())
    signature = path.with_suffix(".sig")
    signature.write_text(sshsig.armour(blob))
    answer = ssh_keygen(
        "-Y", "verify", "-f", allowed, "-I", "member", "-n", namespace, "-s", signature, stdin=message
    )
    return answer.returncode == 0


def test_openssh_accepts_our_signature(path):
    key = keyfile.load(path.read_bytes())
    blob = key.sign(MESSAGE)
    assert verdict(path, blob)
    assert not verdict(path, blob, message=MESSAGE + b"!")
    assert not verdict(path, blob, namespace="file")


@pytest.mark.parametrize("hashed", ["sha256", "sha512"])
def test_we_accept_openssh_s_signature(path, hashed):
    made = ssh_keygen(
        "-Y", "sign", "-O", f"hashalg={hashed}", "-n", suites.NAMESPACE, "-f", path, stdin=MESSAGE
    )
    assert made.returncode == 0, made.stderr
    blob = sshsig.parse_signature(made.stdout).blob
    line = ssh_key.parse_public(path.with_suffix(".pub").read_text()).text
    assert sshsig.armour(blob) == made.stdout.decode()
    assert suites.verify_text("sshsig", line, MESSAGE, blob)
    assert not suites.verify_text("sshsig", line, MESSAGE + b"!", blob)


def test_signatures_for_another_purpose_are_refused(path):
    made = ssh_keygen("-Y", "sign", "-n", "git", "-f", path, stdin=MESSAGE)
    line = ssh_key.parse_public(path.with_suffix(".pub").read_text()).text
    assert not suites.verify_text("sshsig", line, MESSAGE, sshsig.parse_signature(made.stdout).blob)


def test_our_key_text_is_the_line_of_the_pub_file(path):
    key = keyfile.load(path.read_bytes())
    assert path.with_suffix(".pub").read_text() == f"{key.public} member@example.org\n"


def test_deterministic_signatures_are_byte_identical(path):
    made = ssh_keygen("-Y", "sign", "-n", suites.NAMESPACE, "-f", path, stdin=MESSAGE)
    same = sshsig.armour(keyfile.load(path.read_bytes()).sign(MESSAGE)) == made.stdout.decode()
    assert same is (path.name in ("ed25519", "rsa")), "ECDSA draws a random number for each signature"
