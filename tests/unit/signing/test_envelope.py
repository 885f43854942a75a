import base64
import json

import pytest

from governance import limits
from governance.errors import MalformedEnvelope
from governance.signing.envelope import (
    Envelope,
    Signature,
    identity,
    normalise,
    pae,
    parse_envelope,
    sign_envelope,
)
from governance.signing.keyfile import Ed25519Key

TYPE = "application/vnd.althing.vote.v1+json"
SIGNATURE = bytes([0xFB, 0xEF, 0xFF]) * 21 + b"\1"
ENVELOPE = Envelope(payload=b"\xfb\xff{}", payload_type=TYPE, signatures=(Signature("k", SIGNATURE),))


def layout(**changes):
    fields = {
        "payload": base64.b64encode(ENVELOPE.payload).decode(),
        "payloadType": TYPE,
        "signatures": [{"keyid": "k", "sig": base64.b64encode(SIGNATURE).decode()}],
    }
    fields.update(changes)
    return json.dumps({k: v for k, v in fields.items() if v is not None}).encode()


def test_normal_form_is_fixed():
    assert normalise(ENVELOPE) == (
        b'{"payload":"+/97fQ==","payloadType":"' + TYPE.encode() + b'","signatures":[{"keyid":"k","sig":"'
        b"++//++//++//++//++//++//++//++//++//++//++//++//++//++//++//++//++//++//++//++//++//AQ==" + b'"}]}'
    )
    assert parse_envelope(normalise(ENVELOPE)) == ENVELOPE


def test_every_layout_of_one_vote_has_one_identity_and_one_normal_form():
    url_safe = base64.urlsafe_b64encode(ENVELOPE.payload).decode()
    url_safe_signature = base64.urlsafe_b64encode(SIGNATURE).decode()
    layouts = [
        layout(),
        layout(payload=url_safe),
        layout(signatures=[{"sig": url_safe_signature, "keyid": "k", "extra": {"deep": [1, None]}}]),
        layout(extra="ignored"),
        b"\n " + layout() + b"\t\r\n",
        layout().replace(b"payloadType", b"payload\\u0054ype"),
    ]
    assert {normalise(parse_envelope(data)) for data in layouts} == {normalise(ENVELOPE)}
    assert {identity(parse_envelope(data)) for data in layouts} == {identity(ENVELOPE)}


def test_identity_covers_type_and_payload_only():
    other_signer = Envelope(payload=ENVELOPE.payload, payload_type=TYPE, signatures=(Signature("x", b"y"),))
    other_type = Envelope(payload=ENVELOPE.payload, payload_type=TYPE + "x", signatures=ENVELOPE.signatures)
    assert identity(other_signer) == identity(ENVELOPE)
    assert identity(other_type) != identity(ENVELOPE)
    assert identity(ENVELOPE).startswith("sha256:")


def test_pae_counts_bytes():
    assert pae("tëst", b"h\xc3\xa9") == b"DSSEv1 5 t\xc3\xabst 3 h\xc3\xa9"


def test_empty_payload_and_missing_keyid_are_dsse():
    signature = {"sig": "AA=="}
    envelope = parse_envelope(layout(payload="", signatures=[signature]))
    assert (envelope.payload, envelope.signatures) == (b"", (Signature("", b"\0"),))


@pytest.mark.parametrize(
    ("data", "pointer", "hint"),
    [
        (b"", None, "JSON"),
        (b"\xff", None, "UTF-8"),
        (b"[]", "", "object"),
        (b"null", "", "object"),
        (layout()[:-1], None, "JSON"),
        (layout() + b"{}", None, "JSON"),
        (layout().replace(b"{", b'{"payload":"AA==",', 1), None, "twice"),
        (layout(score=1.5), None, "integer"),
        (layout(payload=None), "", "payload is missing"),
        (layout(payload=7), "/payload", "base64"),
        (layout(payload="AB=="), "/payload", "left over"),
        (layout(payload="AA"), "/payload", "base64"),
        (layout(payload="AA==\n"), "/payload", "base64"),
        (layout(payload="é"), "/payload", "base64"),
        (layout(payload="+_AA"), "/payload", "mixed"),
        (layout(payloadType=None), "", "payloadType is missing"),
        (layout(payloadType=""), "/payloadType", "length"),
        (layout(payloadType="x" * 256), "/payloadType", "length"),
        (layout(payloadType="application/é"), "/payloadType", "ASCII"),
        (layout(payloadType=1), "/payloadType", "str"),
        (layout(signatures=None), "", "signatures is missing"),
        (layout(signatures={}), "/signatures", "list"),
        (layout(signatures=[]), "/signatures", "length"),
        (layout(signatures=["x"]), "/signatures/0", "object"),
        (layout(signatures=[{"keyid": "k"}]), "/signatures/0", "sig is missing"),
        (layout(signatures=[{"sig": ""}]), "/signatures/0/sig", "length"),
        (layout(signatures=[{"sig": "AA==", "keyid": None}]), "/signatures/0/keyid", "str"),
        (layout(signatures=[{"sig": "AA=="}, {"sig": "*"}]), "/signatures/1/sig", "base64"),
        (layout(signatures=[{"sig": "AA=="}] * 17), "/signatures", "at most 16"),
        (layout(signatures=[{"sig": "AA==", "keyid": "k" * 1025}]), "/signatures/0/keyid", "length"),
        (b"[" * 100_000, None, "nested"),
    ],
)
def test_refused_with_the_place(data, pointer, hint):
    with pytest.raises(MalformedEnvelope, match=hint) as refusal:
        parse_envelope(data)
    assert refusal.value.pointer == pointer


def test_non_ascii_type_is_refused_in_the_normal_form_too():
    odd = Envelope(payload=b"", payload_type="é", signatures=(Signature("", b"x"),))
    with pytest.raises(MalformedEnvelope, match="ASCII"):
        parse_envelope(normalise(odd))


def test_normal_form_with_a_duplicate_key_is_refused():
    data = normalise(ENVELOPE).replace(b'"signatures"', b'"payload":"AA==","signatures"')
    with pytest.raises(MalformedEnvelope, match="twice"):
        parse_envelope(data)


def test_sign_envelope_signs_the_pae_with_every_key():
    keys = [Ed25519Key(bytes([n]) * 32) for n in (1, 2)]
    envelope = sign_envelope(TYPE, b"{}", keys)
    assert [s.keyid for s in envelope.signatures] == [k.member_id for k in keys]
    assert [s.sig for s in envelope.signatures] == [k.sign(pae(TYPE, b"{}")) for k in keys]
    assert parse_envelope(normalise(envelope)) == envelope


def test_sign_envelope_refuses_what_parse_would():
    with pytest.raises(MalformedEnvelope):
        sign_envelope(TYPE, b"{}", [])
    with pytest.raises(MalformedEnvelope, match="ASCII"):
        sign_envelope("é", b"{}", [Ed25519Key(bytes(32))])
    with pytest.raises(MalformedEnvelope):
        sign_envelope(TYPE, b"{}", [Ed25519Key(bytes(32))] * (limits.ENVELOPE_SIGNATURES + 1))
