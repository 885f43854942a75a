"""OpenSSH's own signatures, of seven kinds of key."""

import base64
import json
from pathlib import Path

import pytest

from governance.signing import ssh_key, sshsig

VECTORS = json.loads((Path(__file__).parent / "data" / "sshsig.json").read_bytes())
MESSAGE = base64.b64decode(VECTORS["message_base64"])
NAMESPACE = VECTORS["namespace"]
CASES = {case["name"]: case for case in VECTORS["cases"]}
OURS = sorted(CASES.keys() - {"ecdsa_sk_webauthn"})


def read(name):
    key = ssh_key.parse_public(CASES[name]["public"])
    return key, sshsig.parse_signature(CASES[name]["armored"].encode())


@pytest.mark.parametrize("name", OURS)
def test_verifies(name):
    key, signature = read(name)
    assert signature.hash_algorithm == VECTORS["hash"]
    assert sshsig.verify(key, MESSAGE, signature.blob, NAMESPACE)


@pytest.mark.parametrize("name", OURS)
def test_other_message_namespace_or_key_does_not(name):
    key, signature = read(name)
    other = read("ecdsa" if name != "ecdsa" else "ed25519")[0]
    assert not sshsig.verify(key, MESSAGE + b".", signature.blob, NAMESPACE)
    assert not sshsig.verify(key, MESSAGE, signature.blob, NAMESPACE + "2")
    assert not sshsig.verify(other, MESSAGE, signature.blob, NAMESPACE)


@pytest.mark.parametrize("name", OURS)
def test_no_single_flipped_bit_verifies(name):
    key, signature = read(name)
    step = max(1, len(signature.blob) // 150)
    for place in range(0, len(signature.blob), step):
        bent = bytearray(signature.blob)
        bent[place] ^= 1 << place % 8
        assert not sshsig.verify(key, MESSAGE, bytes(bent), NAMESPACE), place


@pytest.mark.parametrize("name", sorted(CASES))
def test_armour_is_what_ssh_keygen_writes(name):
    assert sshsig.armour(read(name)[1].blob) == CASES[name]["armored"]


def test_browser_signatures_belong_to_another_suite():
    key, signature = read("ecdsa_sk_webauthn")
    assert signature.algorithm == "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"
    assert not sshsig.verify(key, MESSAGE, signature.blob, NAMESPACE)


@pytest.mark.parametrize("name", ["ed25519_sk", "ecdsa_sk"])
def test_security_key_application_and_counter(name):
    key, signature = read(name)
    assert key.application == b"ssh:"
    assert signature.trailer == bytes.fromhex("0112345678")


@pytest.mark.parametrize("name", sorted(CASES))
def test_key_text_is_the_line_without_its_comment(name):
    key = read(name)[0]
    assert key.text == " ".join(CASES[name]["public"].split()[:2])
    assert ssh_key.parse_public(key.wire) == ssh_key.parse_public(key.text)
