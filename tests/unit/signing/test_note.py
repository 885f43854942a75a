"""Signed notes: the line structure, and which signatures count (C2SP signed-note)."""

from __future__ import annotations

import pytest

from governance import limits
from governance.errors import BadSignature, MalformedKey, MalformedNote, TooLarge
from governance.signing.note import (
    ED25519,
    Ed25519Signer,
    Ed25519Verifier,
    NoteSignature,
    VerifierKey,
    add_signatures,
    open_note,
    parse_note,
    parse_vkey,
    sign_note,
    sign_text,
)

A = Ed25519Signer("a.example/log", b"\1" * 32)
B = Ed25519Signer("b.example", b"\2" * 32)
TEXT = b"one\n\ntwo \xc3\xa8\n"
NOTE = sign_note(TEXT, [A, B])
LINE = str(sign_text(TEXT, A)).encode()


def verifier(signer: Ed25519Signer) -> Ed25519Verifier:
    return Ed25519Verifier(signer.key)


def test_the_last_empty_line_ends_the_text() -> None:
    note = parse_note(NOTE)
    assert note.text == TEXT
    assert [s.name for s in note.signatures] == ["a.example/log", "b.example"]
    assert bytes(note) == NOTE


def test_only_known_lines_are_handed_on() -> None:
    assert open_note(NOTE, [verifier(B)]).signatures == parse_note(NOTE).signatures[1:]
    assert open_note(NOTE, [verifier(B), verifier(A)]) == parse_note(NOTE)
    assert open_note(NOTE, [verifier(A), verifier(A)]).signatures == parse_note(NOTE).signatures[:1]


def test_a_known_line_that_fails_rejects_the_note() -> None:
    bad = NoteSignature(A.key.name, A.key.key_id, bytes(64))
    data = add_signatures(NOTE, [bad])
    assert open_note(data, [verifier(B)])
    with pytest.raises(BadSignature):
        open_note(data, [verifier(A), verifier(B)])


@pytest.mark.parametrize(
    ("name", "key_id"), [(A.key.name, B.key.key_id), (B.key.name, A.key.key_id)], ids=["name", "id"]
)
def test_a_line_that_shares_only_name_or_id_is_ignored(name: str, key_id: bytes) -> None:
    data = add_signatures(NOTE, [NoteSignature(name, key_id, bytes(64))])
    assert len(open_note(data, [verifier(A), verifier(B)]).signatures) == 2


def test_no_known_line() -> None:
    with pytest.raises(BadSignature):
        open_note(NOTE, [])
    with pytest.raises(BadSignature):
        open_note(NOTE, [verifier(Ed25519Signer("a.example/log", b"\3" * 32))])


def test_two_keys_behind_one_name_and_id_are_refused() -> None:
    class Twin(Ed25519Verifier):
        pass

    twin = VerifierKey(A.key.name, ED25519, B.key.public)
    object.__setattr__(twin, "key_id", A.key.key_id)
    with pytest.raises(BadSignature, match="two known keys"):
        open_note(NOTE, [verifier(A), Twin(twin)])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"text\n\n",
        b"text\n" + LINE,
        b"text" + LINE,
        b"text\n\n" + LINE[:-1],
        b"text\n\n" + LINE + b"\n",
        b"text\n\n" + LINE + b"more\n",
        b"text\n\n" + LINE.replace(b"\xe2\x80\x94", b"-"),
        b"text\n\n" + LINE.replace(b"\xe2\x80\x94 ", b"\xe2\x80\x94"),
        b"text\n\n" + LINE.replace(b"a.example/log", b""),
        b"text\n\n" + LINE.replace(b"a.example/log ", b"a.example/log  "),
        b"text\n\n" + LINE.replace(b"a.example", b"a+example"),
        b"text\n\n" + LINE.replace(b"a.example", "a\N{NO-BREAK SPACE}example".encode()),
        b"text\n\n" + LINE.replace(b"a.example", "a\N{IDEOGRAPHIC SPACE}example".encode()),
        b"text\n\n" + LINE.replace(b"=\n", b"\n"),
        b"text\n\n" + LINE.replace(b"\n", b" \n"),
        b"text\n\n\xe2\x80\x94 a AAAAAA==\n",
        b"text\r\n\n" + LINE,
        b"te\txt\n\n" + LINE,
        b"te\0xt\n\n" + LINE,
        b"te\xffxt\n\n" + LINE,
        b"te\xed\xa0\x80xt\n\n" + LINE,
    ],
)
def test_other_bytes_are_no_note(data: bytes) -> None:
    with pytest.raises(MalformedNote):
        parse_note(data)


def test_stray_bits_in_a_signature_are_refused() -> None:
    line = NoteSignature("a", b"\1\2\3\4", b"\0")
    assert str(line).endswith(" AQIDBAA=\n")
    assert parse_note(b"text\n\n" + str(line).encode())
    with pytest.raises(BadSignature):
        parse_note(b"text\n\n" + str(line).replace("AA=", "AB=").encode())


def test_limits() -> None:
    lines = [NoteSignature(f"n{i}", b"\0\0\0\0", bytes(2428)) for i in range(16)]
    assert len(parse_note(add_signatures(NOTE, lines)).signatures) == 18
    many = [NoteSignature("n", bytes(4), bytes([i]) * 2) for i in range(limits.NOTE_SIGNATURES - 1)]
    with pytest.raises(MalformedNote, match="more than"):
        parse_note(add_signatures(NOTE, many))
    with pytest.raises(TooLarge):
        parse_note(b"x" * limits.NOTE + NOTE)


def test_texts_that_cannot_be_signed() -> None:
    for text in (b"", b"text", b"a\tb\n", b"\xff\n"):
        with pytest.raises(MalformedNote):
            sign_note(text, [A])
    with pytest.raises(MalformedNote):
        sign_note(TEXT, [])


@pytest.mark.parametrize("kind", [0x00, 0x02, 0x05, 0x65, 0xFF])
def test_other_types_are_refused(kind: int) -> None:
    with pytest.raises(MalformedKey):
        VerifierKey("a", kind, bytes(32))


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n", "\ud800", "a\x1f", "a\u2028b"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(MalformedKey):
        VerifierKey(name, ED25519, bytes(32))


def test_vkeys_in_one_spelling() -> None:
    vkey = str(A.key)
    assert parse_vkey(vkey) == A.key
    name, key_id, key = vkey.split("+", 2)
    for bad in (
        f"{name}+{key_id.upper()}+{key}",
        f"{name}+{key_id[:-1]}+{key}",
        f"{name}+00000000+{key}",
        f"{name}x+{key_id}+{key}",
        f"{name}+{key_id}+{key}=",
        f"{name}+{key_id}+{key[:-4]}",
        f"{name}+{key_id}+",
        f"{name}+{key_id}",
        f" {vkey}",
        f"{vkey}\n",
    ):
        with pytest.raises(MalformedKey):
            parse_vkey(bad)
