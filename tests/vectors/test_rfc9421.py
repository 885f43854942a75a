"""HTTP message signatures: the RFC's Ed25519 example and C2SP's post-quantum ones, over our base."""

import base64
import re

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import mldsa

from federation.http_signatures import Component, content_digest, signature_base, target_uri
from governance.signing import ed25519
from tests.support.vectors import b64, load

RFC = load("rfc9421_rfc9530")
PQ = load("httpsig_pq_mldsa")["vectors"]


def rebuilt(base, parameters):
    """The base again, from the components that its lines name."""
    lines = [line.split(": ", 1) for line in base.split("\n")[:-1]]
    return signature_base([Component(name.strip('"'), value) for name, value in lines], parameters)


def seed_of(pem):
    key = serialization.load_pem_private_key(pem.encode(), None)
    return key.private_bytes_raw()


def test_b26_base():
    parameters = RFC["signature_input"].removeprefix("sig-b26=")
    assert rebuilt(RFC["signature_base"], parameters) == RFC["signature_base"].encode()


def test_b26_signature():
    base = RFC["signature_base"].encode()
    seed = seed_of(RFC["private_pem"])
    raw = b64(RFC["signature"].removeprefix("sig-b26=:").removesuffix(":"))
    assert ed25519.sign(seed, base) == raw
    assert ed25519.verify(ed25519.public_key(seed), base, raw)
    assert not ed25519.verify(ed25519.public_key(seed), base + b"\n", raw)


def test_digest_of_the_body():
    digest = RFC["content_digest"]
    assert content_digest(digest["body"].encode()) == digest["sha-256"]


@pytest.mark.parametrize("case", PQ, ids=lambda case: case["algorithm"])
def test_post_quantum(case):
    base = b64(case["signature_base_base64"])
    parameters = case["serialized_signature_input"].removeprefix("Signature-Input: sig1=")
    assert rebuilt(base.decode(), parameters) == base
    kind = getattr(mldsa, case["algorithm"].upper().replace("ML-DSA-", "MLDSA") + "PublicKey")
    public = kind.from_public_bytes(b64(case["public_key_base64"]))
    public.verify(b64(case["deterministic_signature_base64"]), base)
    uri = re.search(r'"@target-uri": (\S+)', base.decode())[1]
    assert target_uri(uri) == uri


def test_our_own_profile():
    """Made here, for other implementations; `cryptography` agrees with the signature."""
    base = "\n".join(
        [
            '"@method": POST',
            '"@target-uri": https://peer.example/federation/v1/checkpoints',
            '"content-type": application/json',
            '"content-digest": sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:',
            '"@signature-params": ("@method" "@target-uri" "content-type" "content-digest")'
            ';created=1800000000;expires=1800000300;nonce="AAECAwQFBgcICQoLDA0ODw"'
            f';keyid="sha256:{"ab" * 32}";tag="althing-fed-v1"',
        ]
    )
    assert rebuilt(base, base.split('"@signature-params": ')[1]) == base.encode()
    raw = ed25519.sign(bytes(range(32)), base.encode())
    assert base64.b64encode(raw).decode() == (
        "RncSTVPD7MY9gy5XIZ/4zu99x62WscxbVGae2HgQzby21K+iia6uDmfR9yPCFKV2xZmAk2/Ygw6BJf+0/LDQDA=="
    )
