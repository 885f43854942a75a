"""Checkpoint texts, and who may sign them."""

from __future__ import annotations

import pytest

from governance.errors import BadSignature, MalformedCheckpoint, MalformedNote
from governance.log.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from governance.log.cosignature import Ed25519Cosigner, MlDsaCosigner, verifier_for
from governance.log.merkle import EMPTY_ROOT
from governance.signing.lines import encode_base64
from governance.signing.note import Ed25519Signer, Signer, sign_note

ORIGIN = "gov.example/log"
HASH = encode_base64(bytes(32))
CHECKPOINT = Checkpoint(ORIGIN, 300, bytes(range(32)))
ED25519 = Ed25519Signer(ORIGIN, b"\1" * 32)
ML_DSA = MlDsaCosigner(ORIGIN, b"\2" * 32)


def test_text() -> None:
    empty = Checkpoint("o", 0, EMPTY_ROOT, ("more", "lines here"))
    assert empty.text == b"o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nmore\nlines here\n"
    assert parse_checkpoint(empty.text) == empty
    # Go's checksum database has such an origin: spaces are discouraged, not forbidden.
    assert parse_checkpoint(f"go.sum database tree\n1\n{HASH}\n".encode()).origin == "go.sum database tree"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "o\n",
        "o\n1\n",
        f"o\n1\n{HASH}",
        f"\n1\n{HASH}\n",
        f"o\n01\n{HASH}\n",
        f"o\n+1\n{HASH}\n",
        f"o\n-1\n{HASH}\n",
        f"o\n 1\n{HASH}\n",
        f"o\n1 \n{HASH}\n",
        f"o\n1_0\n{HASH}\n",
        f"o\n\N{ARABIC-INDIC DIGIT ONE}\n{HASH}\n",
        f"o\n{2**63}\n{HASH}\n",
        f"o\n{'9' * 5000}\n{HASH}\n",
        f"o\n1\n{HASH[:-1]}\n",
        f"o\n1\n{HASH}=\n",
        f"o\n1\n {HASH}\n",
        f"o\n1\n{encode_base64(bytes(31))}\n",
        f"o\n1\n{encode_base64(bytes(33))}\n",
        f"o\n1\n{encode_base64(b'?' * 32).replace('/', '_')}\n",
        f"o\n1\n{HASH}\n\n",
        f"o\n1\n{HASH}\n\nx\n",
        f"o\r\n1\r\n{HASH}\r\n",
        f"o\n1\n{HASH}\nx\ty\n",
        f"{'o' * 256}\n1\n{HASH}\n",
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(MalformedCheckpoint):
        parse_checkpoint(text.encode())


@pytest.mark.parametrize(
    "values",
    [
        ("", 0, bytes(32)),
        ("a\nb", 0, bytes(32)),
        ("a\tb", 0, bytes(32)),
        ("\ud800", 0, bytes(32)),
        ("o" * 256, 0, bytes(32)),
        ("o", -1, bytes(32)),
        ("o", 2**63, bytes(32)),
        ("o", 1, bytes(31)),
        ("o", 1, bytes(32), ("",)),
        ("o", 1, bytes(32), ("a\n",)),
    ],
)
def test_values_without_a_text_are_refused(values: tuple[str, int, bytes]) -> None:
    with pytest.raises(MalformedCheckpoint):
        Checkpoint(*values)


@pytest.mark.parametrize("signers", [[ED25519], [ML_DSA.at(0)], [ED25519, ML_DSA.at(1_700_000_000)]])
def test_log_signatures_of_both_types(signers: list[Signer]) -> None:
    data = sign_checkpoint(CHECKPOINT, signers)
    for signer in signers:
        assert open_checkpoint(data, [verifier_for(signer.key)]) == CHECKPOINT
    assert open_checkpoint(data, [verifier_for(s.key) for s in (ED25519, ML_DSA)]) == CHECKPOINT


def test_another_origin_than_the_keys_is_refused() -> None:
    data = sign_checkpoint(CHECKPOINT, [Ed25519Signer("other.example", b"\1" * 32)])
    with pytest.raises(BadSignature):
        open_checkpoint(data, [verifier_for(Ed25519Signer("other.example", b"\1" * 32).key)])


def test_unknown_keys_do_not_open_it() -> None:
    data = sign_checkpoint(CHECKPOINT, [ED25519])
    with pytest.raises(BadSignature):
        open_checkpoint(data, [verifier_for(ML_DSA.key)])
    with pytest.raises(BadSignature):
        open_checkpoint(data, [])


def test_one_bad_line_of_a_known_key_rejects_a_good_one() -> None:
    other = Checkpoint(ORIGIN, 301, bytes(32))
    data = sign_checkpoint(CHECKPOINT, [ED25519]) + sign_checkpoint(other, [ML_DSA.at(5)]).split(b"\n\n")[1]
    assert open_checkpoint(data, [verifier_for(ED25519.key)]) == CHECKPOINT
    with pytest.raises(BadSignature):
        open_checkpoint(data, [verifier_for(ED25519.key), verifier_for(ML_DSA.key)])


def test_a_signed_note_about_something_else() -> None:
    with pytest.raises(MalformedCheckpoint):
        open_checkpoint(sign_note(b"hello\n", [ED25519]), [verifier_for(ED25519.key)])
    with pytest.raises(MalformedNote):
        open_checkpoint(b"hello\n", [verifier_for(ED25519.key)])
    assert issubclass(MalformedCheckpoint, MalformedNote)


def test_a_cosigner_is_not_the_log() -> None:
    data = sign_checkpoint(CHECKPOINT, [Ed25519Cosigner("w", bytes(32)).at(5)])
    with pytest.raises(BadSignature):
        open_checkpoint(data, [verifier_for(ED25519.key), verifier_for(Ed25519Cosigner("w", bytes(32)).key)])
