"""OpenSSL's command line verifies a vote: public key, PAE and signature in three files."""

import re
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.signing.envelope import normalise, pae, parse_envelope, sign_envelope
from governance.signing.keyfile import Ed25519Key

OPENSSL = shutil.which("openssl")
KEY = Ed25519Key(bytes(range(32)))


def has_rawin():
    """`-rawin` with Ed25519 came with OpenSSL 3.0."""
    answer = subprocess.run([OPENSSL, "version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"OpenSSL (\d+)\.", answer)
    return found is not None and int(found.group(1)) >= 3


pytestmark = pytest.mark.skipif(OPENSSL is None or not has_rawin(), reason="OpenSSL 3 is not installed")


def verify(folder, message, signature):
    public = Ed25519PublicKey.from_public_bytes(KEY.raw_public)
    files = {
        "public.pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "message": message,
        "signature": signature,
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    command = [OPENSSL, "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", folder / "public.pem"]
    command += ["-in", folder / "message", "-sigfile", folder / "signature"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_openssl_verifies_a_signed_envelope(tmp_path):
    logged = normalise(sign_envelope("application/vnd.althing.vote.v1+json", b'{"answers":[]}', [KEY]))
    envelope = parse_envelope(logged)
    message = pae(envelope.payload_type, envelope.payload)
    signature = envelope.signatures[0].sig
    assert verify(tmp_path, message, signature)
    assert not verify(tmp_path, message + b" ", signature)
    assert not verify(tmp_path, envelope.payload, signature), "the type is signed too"
