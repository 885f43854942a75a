"""Hostile bytes: every parser of keys and signatures answers with a value or with its own error."""

import base64
import contextlib
import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from governance import limits
from governance.errors import MalformedEnvelope, MalformedKey, MalformedSignature
from governance.signing import did_key, ed25519, hybrid, keyfile, ssh_key, sshsig, suites
from governance.signing.envelope import Envelope, Signature, identity, normalise, parse_envelope
from tests.support.keys import SSH_KINDS, openssh, ssh_private

ED25519 = keyfile.Ed25519Key(bytes(range(32)))
HYBRID = keyfile.HybridKey(bytes(range(64)))
SSH = {kind: keyfile.SshKey(openssh(ssh_private(kind))) for kind in SSH_KINDS}
KEYS = [ED25519, HYBRID, *SSH.values()]
BLOBS = {kind: key.sign(b"message") for kind, key in SSH.items()}

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
signatures = st.builds(Signature, keyid=text, sig=st.binary(min_size=1, max_size=80))
envelopes = st.builds(
    Envelope,
    payload=st.binary(max_size=200),
    payload_type=st.text(st.characters(max_codepoint=127), min_size=1, max_size=40),
    signatures=st.lists(signatures, min_size=1, max_size=limits.ENVELOPE_SIGNATURES).map(tuple),
)


@st.composite
def mutations(draw, valid):
    """Valid bytes with a few places cut, overwritten, inserted or repeated."""
    data = bytearray(draw(valid))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 4)))
        piece = draw(st.binary(max_size=4) | st.just(bytes(data[start : start + 20])))
        data[start:end] = piece
    return bytes(data)


def as_text(data):
    return data.decode("utf-8", "replace")


@given(st.binary() | mutations(envelopes.map(normalise)))
def test_envelope(data):
    with contextlib.suppress(MalformedEnvelope):
        envelope = parse_envelope(data)
        assert parse_envelope(normalise(envelope)) == envelope


@given(envelopes)
def test_every_layout_of_an_envelope_normalises_alike(envelope):
    fields = {
        "signatures": [
            {"x": None, "sig": base64.urlsafe_b64encode(s.sig).decode(), "keyid": s.keyid}
            for s in envelope.signatures
        ],
        "payloadType": envelope.payload_type,
        "payload": base64.urlsafe_b64encode(envelope.payload).decode(),
    }
    again = parse_envelope(json.dumps(fields, indent=1).encode())
    assert again == envelope
    assert (normalise(again), identity(again)) == (normalise(envelope), identity(envelope))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "payload": json_values,
            "payloadType": json_values,
            "signatures": json_values
            | st.lists(
                st.fixed_dictionaries({"sig": json_values}, optional={"keyid": json_values}), max_size=3
            ),
        },
    )
)
def test_envelope_of_other_shapes(fields):
    with contextlib.suppress(MalformedEnvelope):
        parse_envelope(json.dumps(fields).encode("utf-8", "surrogatepass"))


@given(st.text(max_size=60) | mutations(st.sampled_from(KEYS).map(lambda k: k.public.encode())).map(as_text))
def test_key_texts(spelling):
    for name in ("ed25519", "sshsig", "hybrid"):
        suite = suites.get(name)
        with contextlib.suppress(MalformedKey):
            member = suite.member_id(spelling)
            assert suite.derive_key(member) in (spelling, None), "one spelling for one key"


@given(
    st.text(max_size=60) | mutations(st.sampled_from(KEYS).map(lambda k: k.member_id.encode())).map(as_text)
)
def test_member_ids(member):
    for name in ("ed25519", "sshsig", "hybrid"):
        suite = suites.get(name)
        with contextlib.suppress(MalformedKey):
            key = suite.derive_key(member)
            assert key is None or suite.member_id(key) == member


@given(st.integers(0, 2**62), st.binary(min_size=1, max_size=80))
def test_multikeys_are_read_back(codec, raw):
    try:
        spelling = did_key.multikey_encode(codec, raw)
    except MalformedKey:
        assume(False)
    assert did_key.multikey_decode(spelling) == (codec, raw)


@given(st.text(did_key._ALPHABET, max_size=80))
def test_one_text_for_one_multikey(digits):
    with contextlib.suppress(MalformedKey):
        codec, raw = did_key.multikey_decode("z" + digits)
        assert did_key.multikey_encode(codec, raw) == "z" + digits


@given(st.binary(max_size=60))
def test_base58_is_read_back(data):
    assert did_key.base58_decode(did_key.base58_encode(data)) == data


@given(st.binary() | mutations(st.sampled_from([ssh_key.parse_public(k.public).wire for k in SSH.values()])))
def test_ssh_wire_keys(wire):
    with contextlib.suppress(MalformedKey):
        key = ssh_key.parse_public(wire)
        assert ssh_key.parse_public(key.text).wire == wire
        assert key.wire == wire


@given(
    st.binary()
    | mutations(st.sampled_from(list(BLOBS.values())))
    | mutations(st.sampled_from([sshsig.armour(b).encode() for b in BLOBS.values()]))
)
def test_ssh_signatures(data):
    with contextlib.suppress(MalformedSignature):
        signature = sshsig.parse_signature(data)
        assert sshsig.parse_signature(sshsig.armour(signature.blob).encode()) == signature


@pytest.mark.parametrize("kind", SSH_KINDS)
@settings(max_examples=50)
@given(data=st.data())
def test_no_changed_ssh_signature_verifies(kind, data):
    bent = data.draw(mutations(st.just(BLOBS[kind])))
    assume(bent != BLOBS[kind])
    assert not suites.verify_text("sshsig", SSH[kind].public, b"message", bent)


@given(st.binary(max_size=100), st.binary(max_size=40), st.binary(max_size=100))
def test_raw_verifiers_answer_no(public, message, signature):
    assert not ed25519.verify(public, message, signature)
    assert not ed25519.verify_cryptography(public, message, signature)
    assert not hybrid.verify(public, message, signature)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64), st.binary(max_size=9))
def test_both_ed25519_libraries_agree_on_noise(public, signature, message):
    assert ed25519.verify(public, message, signature) == ed25519.verify_cryptography(
        public, message, signature
    )


@given(st.data())
def test_both_ed25519_libraries_agree_near_a_signature(data):
    signature = data.draw(mutations(st.just(ED25519.sign(b"m"))))
    public = data.draw(st.just(ED25519.raw_public) | mutations(st.just(ED25519.raw_public)))
    assert ed25519.verify(public, b"m", signature) == ed25519.verify_cryptography(public, b"m", signature)


@settings(deadline=None)
@given(st.binary() | mutations(st.sampled_from([key.dump() for key in KEYS])), st.none() | text)
def test_key_files(data, passphrase):
    with contextlib.suppress(MalformedKey):
        keyfile.load(data, passphrase)
