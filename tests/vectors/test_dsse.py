"""DSSE's own test vectors."""

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from governance.signing.envelope import normalise, pae, parse_envelope

VECTORS = json.loads((Path(__file__).parent / "data" / "dsse.json").read_bytes())


@pytest.mark.parametrize("case", VECTORS["pae_cases"], ids=lambda c: c["type"] or "empty")
def test_pae(case):
    assert pae(case["type"], bytes.fromhex(case["body_hex"])).hex() == case["pae_hex"]


def test_published_envelope_verifies_over_our_pae():
    published = VECTORS["ecdsa_p256"]
    envelope = parse_envelope(json.dumps(published["envelope"]).encode())
    message = pae(envelope.payload_type, envelope.payload)
    assert message.decode() == published["pae"]
    raw = envelope.signatures[0].sig
    signature = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    numbers = ec.EllipticCurvePublicNumbers(int(published["x"]), int(published["y"]), ec.SECP256R1())
    numbers.public_key().verify(signature, message, ec.ECDSA(SHA256()))


def test_published_envelope_normalises_with_an_empty_keyid():
    published = VECTORS["ecdsa_p256"]["envelope"]
    envelope = parse_envelope(json.dumps(published).encode())
    expected = {**published, "signatures": [{"keyid": "", "sig": published["signatures"][0]["sig"]}]}
    assert normalise(envelope) == json.dumps(expected, separators=(",", ":")).encode()
    assert envelope.payload == base64.b64decode(published["payload"])
