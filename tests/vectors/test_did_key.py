"""W3C CCG did:key vectors and the multicodec table."""

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import mldsa

from governance.signing import did_key, ed25519

VECTORS = json.loads((Path(__file__).parent / "data" / "did_key_multikey.json").read_bytes())
CODECS = {
    "ed25519-pub": did_key.ED25519_PUB,
    "x25519-pub": did_key.X25519_PUB,
    "secp256k1-pub": did_key.SECP256K1_PUB,
    "p256-pub": did_key.P256_PUB,
    "mldsa-44-pub": did_key.MLDSA44_PUB,
    "mldsa-65-pub": did_key.MLDSA65_PUB,
    "mldsa-87-pub": did_key.MLDSA87_PUB,
}
MLDSA = {"mldsa-44-pub": mldsa.MLDSA44PrivateKey, "mldsa-65-pub": mldsa.MLDSA65PrivateKey}


@pytest.mark.parametrize("did", VECTORS["ed25519"])
def test_published_did_of_a_seed(did):
    pair = VECTORS["ed25519"][did]["verificationKeyPair"]
    raw = ed25519.public_key(bytes.fromhex(VECTORS["ed25519"][did]["seed"]))
    assert did_key.did_key(did_key.ED25519_PUB, raw) == did
    assert did_key.parse_did_key(did) == (did_key.ED25519_PUB, raw)
    if "publicKeyBase58" in pair:
        assert did_key.base58_decode(pair["publicKeyBase58"]) == raw


@pytest.mark.parametrize("name", CODECS)
def test_varint_of_the_codec(name):
    lengths = {"secp256k1-pub": 33, "p256-pub": 33, "mldsa-44-pub": 1312}
    lengths |= {"mldsa-65-pub": 1952, "mldsa-87-pub": 2592}
    text = did_key.multikey_encode(CODECS[name], bytes(lengths.get(name, 32)))
    assert did_key.base58_decode(text[1:])[:2].hex() == VECTORS["varints"][name]


@pytest.mark.parametrize("case", VECTORS["mldsa_own"], ids=lambda c: c["codec"])
def test_ml_dsa_multikeys(case):
    if case["codec"] not in MLDSA:
        pytest.skip("no generator here")
    key = MLDSA[case["codec"]].from_seed_bytes(bytes.fromhex(case["seed"]))
    text = did_key.multikey_encode(CODECS[case["codec"]], key.public_key().public_bytes_raw())
    assert text.startswith(case["prefix6"])
    assert len(text) == case["length"]
    assert hashlib.sha256(text.encode()).hexdigest() == case["sha256_of_string"]
