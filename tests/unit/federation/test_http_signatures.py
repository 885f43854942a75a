"""The one profile of signed requests: what it covers, what it refuses, and our errors for the rest."""

from base64 import b64encode
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation import http_signatures
from federation.http_signatures import WINDOW, claimed_keyid, sign_request, target_uri, verify_request
from governance.errors import (
    BadSignature,
    ClockSkew,
    GovernanceError,
    MalformedSignature,
    NotAuthorised,
    Replayed,
)
from governance.signing.keyfile import Ed25519Key, HybridKey
from governance.statements.base import Key

NOW = 1_800_000_000
BASE = "https://peer.example/gov"
TARGET = "/federation/v1/checkpoints?x=1"
BODY = b'{"hello": "world"}'
JSON = "application/json"
ME = "sha256:" + "ab" * 32
KEY = Ed25519Key(bytes(range(32)))


class Remembered:
    def __init__(self):
        self.used = {}

    def use(self, keyid, nonce, expires):
        if (keyid, nonce) in self.used:
            return False
        self.used[keyid, nonce] = expires
        return True


def signed(method="POST", url=BASE + TARGET, body=BODY, media_type=JSON, key=KEY, **more):
    return sign_request(method, url, body, media_type, key=key, keyid=ME, **{"now": NOW, **more})


def public_of(key):
    return Key(key.suite, key.public)


def verify(headers, method="POST", target=TARGET, body=BODY, base=BASE, **more):
    given = {"lookup": lambda _: public_of(KEY), "now": NOW, "nonces": Remembered(), **more}
    return verify_request(method, target, headers, body, base, **given)


def changed(headers, name, old, new):
    assert old in headers[name]
    return {**headers, name: headers[name].replace(old, new)}


def resigned(headers, name, old, new, body=BODY, names=None):
    """Headers with another Signature-Input, rightly signed by the sender: only the profile refuses them."""
    parameters = headers[name].replace(old, new).removeprefix("althing=") if old else new
    names = names or ["@method", "@target-uri", "content-type", "content-digest"]
    values = {"@method": "POST", "@target-uri": BASE + TARGET, **headers}
    lines = [f'"{n}": {values.get(n, "")}' for n in names]
    base = "\n".join([*lines, f'"@signature-params": {parameters}']).encode()
    return {
        **headers,
        "signature-input": f"althing={parameters}",
        "signature": f"althing=:{b64encode(KEY.sign(base)).decode()}:",
    }


@pytest.mark.parametrize("body", [BODY, b"", None, b"\0" * 100_000])
@pytest.mark.parametrize("key", [KEY, HybridKey(bytes(range(64)))], ids=["ed25519", "hybrid"])
def test_what_is_signed_verifies(body, key):
    headers = signed(body=body, key=key)
    assert verify(headers, body=body or b"", lookup=lambda _: public_of(key)) == ME
    assert claimed_keyid(headers) == ME
    assert ("content-digest" in headers) == (body is not None)


def test_two_requests_are_never_the_same():
    first, second = signed(), signed()
    assert first["signature"] != second["signature"]


@pytest.mark.parametrize(
    "more",
    [
        {"method": "PUT"},
        {"target": "/federation/v1/checkpoints?x=2"},
        {"target": "/federation/v1/checkpoints"},
        {"target": "/federation/v1/../v1/checkpoints?x=1"},
        {"target": "/federation/v1/checkpoints%3fx=1"},
        {"base": "https://peer.example"},
        {"base": "http://peer.example/gov"},
        {"base": "https://evil.example/gov"},
        {"base": "https://peer.example:8443/gov"},
        {"body": b'{"hello": "World"}'},
        {"body": b""},
        {"lookup": lambda _: public_of(Ed25519Key(bytes(32)))},
    ],
    ids="-".join,
)
def test_another_request_than_the_signed_one(more):
    with pytest.raises(BadSignature):
        verify(signed(), **more)


def test_a_body_under_a_signature_without_one():
    with pytest.raises(MalformedSignature):
        verify(signed(body=None))


@pytest.mark.parametrize(
    ("name", "value"),
    [("content-type", "text/plain"), ("content-digest", "sha-256=:AAAA:"), ("content-digest", "")],
)
def test_covered_headers_count(name, value):
    with pytest.raises(BadSignature):
        verify({**signed(), name: value})


@pytest.mark.parametrize("name", ["signature", "signature-input", "content-type", "content-digest"])
def test_headers_that_are_missing(name):
    with pytest.raises(MalformedSignature):
        verify({n: v for n, v in signed().items() if n != name})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (';tag="althing-fed-v1"', ""),
        ("althing-fed-v1", "althing-fed-v2"),
        (";nonce=", ";nonc="),
        (';keyid="', ';alg="ed25519";keyid="'),
        (f";created={NOW}", ""),
        (f";created={NOW}", f";created={NOW};created={NOW}"),
        (f";created={NOW}", f';created="{NOW}"'),
        (f";created={NOW}", f";created={NOW}.0"),
        (f";created={NOW}", f";created=-{NOW}"),
        (f";created={NOW}", ";created=" + "9" * 400),
        (f";expires={NOW + WINDOW}", ""),
        (f";expires={NOW + WINDOW}", f";expires={NOW + WINDOW + 1}"),
        (f";expires={NOW + WINDOW}", f";expires={NOW}"),
        ('"@method" ', ""),
        ('"@target-uri" ', ""),
        ('"@target-uri"', '"@path"'),
        ('"@method"', '"@method";req'),
        ('"@method" ', '"@method" "@method" '),
        ('"@method" "@target-uri"', '"@target-uri" "@method"'),
        (' "content-digest"', ""),
        (' "content-digest")', ' "content-digest" "date")'),
        (")", ") "),
        ("(", "( "),
        ("althing-fed-v1", 'althing-fed-v1";x="y'),
        (ME, "sha256:AB"),
        (ME, ""),
    ],
)
def test_other_profiles_are_refused_even_when_rightly_signed(old, new):
    headers = signed()
    again = resigned(headers, "signature-input", old, new)
    with pytest.raises(GovernanceError) as caught:
        verify(again)
    assert isinstance(caught.value, MalformedSignature)


def test_the_helper_above_signs_rightly():
    assert verify(resigned(signed(), "signature-input", JSON, JSON)) == ME


@pytest.mark.parametrize(
    "names",
    [["@method"], ["@target-uri"], [], ["@method", "@target-uri", "content-digest"], ["content-digest"]],
)
def test_a_signature_that_covers_less(names):
    listed = " ".join(f'"{name}"' for name in names)
    parameters = signed()["signature-input"].partition(")")[2]
    headers = resigned(signed(), "signature-input", "", f"({listed}){parameters}", names=names)
    with pytest.raises(MalformedSignature):
        verify(headers)


@pytest.mark.parametrize("nonce", [b"", b"short", b"x" * 15])
def test_a_short_nonce(nonce):
    with pytest.raises(MalformedSignature):
        verify(signed(nonce=nonce))


@pytest.mark.parametrize(
    "change",
    [
        ("signature", "althing=", "gov="),
        ("signature-input", "althing=(", "gov=("),
        ("signature", "=:", "="),
        ("signature", ":", "::"),
        ("signature", "althing=:", "althing=:*"),
        ("signature", "althing=:", "althing=:A"),
        ("signature-input", "althing=(", "althing=(), althing=("),
        ("signature-input", "althing=(", 'other=("@method"), althing=('),
    ],
)
def test_headers_that_do_not_parse(change):
    with pytest.raises(MalformedSignature):
        verify(changed(signed(), *change))


@pytest.mark.parametrize("late", [-WINDOW, -1, 0, 1, WINDOW])
def test_clocks_may_differ_a_little(late):
    assert verify(signed(), now=NOW + late) == ME


@pytest.mark.parametrize("late", [-WINDOW - 1, WINDOW + 1, -(10**9), 10**9])
def test_but_not_more(late):
    nonces = Remembered()
    with pytest.raises(ClockSkew) as caught:
        verify(signed(), now=NOW + late, nonces=nonces)
    assert caught.value.facts == {"now": NOW + late}
    assert caught.value.status == 401
    assert nonces.used == {}


def test_a_request_counts_once():
    nonces, headers = Remembered(), signed(nonce=bytes(16))
    assert verify(headers, nonces=nonces) == ME
    with pytest.raises(Replayed) as caught:
        verify(headers, nonces=nonces, now=NOW + WINDOW)
    assert caught.value.status == 409
    assert nonces.used == {(ME, "A" * 22): NOW + WINDOW}


def test_a_nonce_is_remembered_as_long_as_its_signature_is_good():
    nonces = Remembered()
    verify(signed(), nonces=nonces)
    (expires,) = nonces.used.values()
    assert verify(signed(), now=expires)
    with pytest.raises(ClockSkew):
        verify(signed(), now=expires + 1)


def test_a_forger_uses_up_no_nonce():
    nonces = Remembered()
    with pytest.raises(BadSignature):
        verify(signed(key=Ed25519Key(bytes(32))), nonces=nonces)
    assert nonces.used == {}


def test_who_is_unknown():
    def unknown(keyid):
        assert keyid == ME
        raise NotAuthorised("who?")

    with pytest.raises(NotAuthorised):
        verify(signed(), lookup=unknown)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("target", '/x\n"content-type": text/plain'),
        ("target", "/x\r\n"),
        ("target", "/é"),
        ("method", "POST\n"),
        ("content-type", "a\nb"),
        ("content-type", "ä"),
        ("content-type", "a\0"),
    ],
)
def test_nothing_covered_can_pass_for_two_lines(place, value):
    headers = {**signed(), **({place: value} if place == "content-type" else {})}
    with pytest.raises(MalformedSignature):
        verify(headers, **({} if place == "content-type" else {place: value}))


def test_nothing_like_that_is_signed_either():
    with pytest.raises(MalformedSignature):
        signed(url="https://peer.example/\nx")
    with pytest.raises(MalformedSignature):
        signed(media_type="a\r\nb")


@pytest.mark.parametrize(
    ("url", "one"),
    [
        ("https://Peer.Example", "https://peer.example/"),
        ("HTTPS://peer.example:443/A?B=c", "https://peer.example/A?B=c"),
        ("http://peer.example:80", "http://peer.example/"),
        ("http://peer.example:443/", "http://peer.example:443/"),
        ("https://peer.example:8443?x", "https://peer.example:8443/?x"),
        ("https://[FD00::1]:443/x", "https://[fd00::1]/x"),
        ("https://peer.example/a/../b%2F", "https://peer.example/a/../b%2F"),
    ],
)
def test_one_spelling_of_a_target(url, one):
    assert target_uri(url) == one
    assert target_uri(one) == one


def test_both_sides_may_spell_the_base_in_their_way():
    headers = signed(url="https://PEER.example:443/gov" + TARGET)
    assert verify(headers, base="https://peer.example/gov") == ME


def test_a_key_of_another_kind_does_not_fit():
    other = SimpleNamespace(suite="hybrid", public=HybridKey(bytes(64)).public)
    with pytest.raises(BadSignature):
        verify(signed(), lookup=lambda _: other)


_header = st.one_of(
    st.text(max_size=200),
    st.text("()\"@;:=,abcdefmnt-/ 0123456789\\\r\n", max_size=200),
    st.builds(
        lambda parts: "althing=" + "".join(parts),
        st.lists(
            st.sampled_from(
                [
                    "(", ")", '"@method"', '"@target-uri"', '"content-type"', '"content-digest"', " ", ";",
                    f";created={NOW}", f";expires={NOW + 300}", ';nonce="AAAAAAAAAAAAAAAAAAAAAA"', ":", "=",
                    f';keyid="{ME}"', ';tag="althing-fed-v1"', "AAAA", '"', ",",
                ]
            ),
            max_size=15,
        ),
    ),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    headers=st.dictionaries(
        st.sampled_from(["signature", "signature-input", "content-type", "content-digest"]), _header
    ),
    body=st.binary(max_size=30),
    target=st.text(max_size=50),
)
def test_hostile_headers_get_our_own_error(headers, body, target):
    claimed_keyid(headers)
    with pytest.raises(GovernanceError):
        verify(headers, body=body, target=target)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    name=st.sampled_from(["signature", "signature-input", "content-type", "content-digest"]),
    place=st.integers(0, 400),
    byte=st.characters(min_codepoint=0, max_codepoint=255),
)
def test_one_changed_character_is_noticed(name, place, byte):
    headers = signed(nonce=bytes(16))
    text = headers[name]
    place %= len(text)
    other = text[:place] + byte + text[place + 1 :]
    if other == text:
        return
    with pytest.raises(GovernanceError):
        verify({**headers, name: other})


def test_the_label_and_tag_are_those_of_the_protocol():
    assert (http_signatures.LABEL, http_signatures.TAG) == ("althing", "althing-fed-v1")
