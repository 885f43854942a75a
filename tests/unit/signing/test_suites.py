import base64

import pytest

from governance.errors import MalformedKey, SetupFault, Unsupported
from governance.signing import did_key, ed25519, hybrid, ssh_key, suites
from governance.signing.keyfile import Ed25519Key, HybridKey, SshKey
from governance.signing.ssh_wire import string
from tests.support.keys import SSH_KINDS, openssh, ssh_private

KEYS = {
    "ed25519": Ed25519Key(bytes(range(32))),
    "hybrid": HybridKey(bytes(range(64))),
    **{f"ssh {kind}": SshKey(openssh(ssh_private(kind))) for kind in SSH_KINDS},
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_verifies_its_own_signatures_only(name):
    key = KEYS[name]
    signature = key.sign(b"message")
    assert suites.verify_text(key.suite, key.public, b"message", signature)
    assert not suites.verify_text(key.suite, key.public, b"messagf", signature)
    assert not suites.verify_text(key.suite, key.public, b"message", b"")
    assert not suites.verify_text(key.suite, key.public, b"message", signature[:-1])


@pytest.mark.parametrize("name", KEYS)
def test_member_id_and_derived_key(name):
    key = KEYS[name]
    suite = suites.get(key.suite)
    assert suite.member_id(key.public) == key.member_id
    expected = None if name == "hybrid" else key.public
    assert suite.derive_key(key.member_id) == expected


def test_one_ed25519_key_is_one_member_in_both_suites():
    assert KEYS["ed25519"].member_id == KEYS["ssh ed25519"].member_id


def test_a_signature_of_one_suite_is_none_of_another():
    plain, ssh = KEYS["ed25519"], KEYS["ssh ed25519"]
    assert not suites.verify_text("ed25519", plain.public, b"m", ssh.sign(b"m"))
    assert not suites.verify_text("sshsig", ssh.public, b"m", plain.sign(b"m"))


def test_security_keys_are_named_by_the_digest_of_their_wire_form():
    wire = string(ssh_key.SK_ED25519.encode()) + string(KEYS["ed25519"].raw_public) + string(b"ssh:")
    text = f"{ssh_key.SK_ED25519} {base64.b64encode(wire).decode()}"
    member = suites.get("sshsig").member_id(text)
    assert member.startswith("sha256:")
    assert suites.get("sshsig").derive_key(member) is None


@pytest.mark.parametrize(
    ("suite", "text", "hint"),
    [
        ("ed25519", "", "starts with z"),
        ("ed25519", KEYS["ed25519"].member_id, "starts with z"),
        ("ed25519", did_key.multikey_encode(did_key.X25519_PUB, bytes(32)), "not an Ed25519"),
        ("ed25519", did_key.multikey_encode(did_key.ED25519_PUB, bytes(32)), "acceptable"),
        ("sshsig", KEYS["ssh ed25519"].public + " me@laptop", "comment"),
        ("sshsig", " " + KEYS["ssh ed25519"].public, "spaces"),
        ("sshsig", KEYS["ed25519"].public, "type and base64"),
        ("hybrid", KEYS["hybrid"].public.removeprefix("hybrid:"), "hybrid:"),
        ("hybrid", KEYS["hybrid"].public + "AAAA", "1344"),
        ("hybrid", "hybrid:*", "base64url"),
        ("hybrid", "hybrid:é", "base64url"),
        ("hybrid", "hybrid:" + base64.b64encode(b"\xff" * 1344).decode(), "base64url"),
        ("hybrid", suites.hybrid_key_text(bytes(hybrid.PUBLIC_BYTES)), "acceptable"),
    ],
)
def test_malformed_key_texts(suite, text, hint):
    with pytest.raises(MalformedKey, match=hint):
        suites.get(suite).parse_key(text)
    with pytest.raises(MalformedKey, match=hint):
        suites.get(suite).member_id(text)
    with pytest.raises(MalformedKey, match=hint):
        suites.verify_text(suite, text, b"m", b"s")


@pytest.mark.parametrize("suite", ["ed25519", "sshsig", "hybrid"])
def test_ids_without_a_key(suite):
    for member in ("", "sha256:00", "did:web:example.org", "solana:abc"):
        assert suites.get(suite).derive_key(member) is None


def test_a_damaged_did_key():
    with pytest.raises(MalformedKey):
        suites.get("sshsig").derive_key("did:key:zz")
    text = suites.get("ed25519").derive_key("did:key:z6Mkzzz")
    with pytest.raises(MalformedKey):
        suites.get("ed25519").parse_key(text)


def test_unknown_suites_are_refused_not_guessed():
    for call in (lambda: suites.get("rot13"), lambda: suites.verify_text("rot13", "k", b"", b"")):
        with pytest.raises(Unsupported, match="rot13") as refusal:
            call()
        assert {"ed25519", "hybrid", "sshsig"} <= set(refusal.value.facts["known"])


def test_a_plugin_may_add_a_suite_once(monkeypatch):
    class Mine:
        name = "mine"

        def parse_key(self, text):
            return text

        def verify(self, key, message, signature):
            return signature == key.encode()

    monkeypatch.setattr(suites, "SUITES", dict(suites.SUITES))
    mine = Mine()
    suites.register(mine)
    suites.register(mine)
    assert suites.verify_text("mine", "secret", b"", b"secret")
    with pytest.raises(SetupFault, match="mine"):
        suites.register(Mine())
    with pytest.raises(SetupFault, match="ed25519"):
        suites.register(suites.Ed25519Suite())


def test_strict_points_hold_for_the_hybrid_s_half():
    assert ed25519.is_acceptable_point(KEYS["hybrid"].raw_public[-32:])
