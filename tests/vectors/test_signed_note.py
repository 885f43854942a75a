"""The notes and keys of golang.org/x/mod/sumdb/note and of the C2SP signed-note page."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from governance.errors import BadSignature, MalformedKey
from governance.signing.note import (
    Ed25519Signer,
    Ed25519Verifier,
    open_note,
    parse_note,
    parse_vkey,
    sign_note,
)
from tests.support.vectors import load

VECTOR = load("signed_note")
CASES = VECTOR["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["vkey"].partition("+")[0])
def test_notes_verify(case: dict[str, Any]) -> None:
    key = parse_vkey(case["vkey"])
    assert str(key) == case["vkey"]
    data = case["note"].encode()
    note = open_note(data, [Ed25519Verifier(key)])
    assert note == parse_note(data)
    assert bytes(note) == data
    with pytest.raises(BadSignature):
        open_note(data.replace(b".\n", b"!\n", 1), [Ed25519Verifier(key)])


def test_signing_gives_the_same_bytes() -> None:
    case = CASES[0]
    seed = base64.b64decode(case["skey"].split("+", 4)[4])[1:]
    signer = Ed25519Signer("PeterNeumann", seed)
    assert str(signer.key) == case["vkey"]
    assert sign_note(parse_note(case["note"].encode()).text, [signer]) == case["note"].encode()


@pytest.mark.parametrize("vkey", VECTOR["bad_vkeys"])
def test_bad_keys_are_refused(vkey: str) -> None:
    with pytest.raises(MalformedKey):
        parse_vkey(vkey)
