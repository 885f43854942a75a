"""Evidence of each kind, what it needs, and what only looks like it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from governance.canonical import digest, encode
from governance.errors import BadEvidence, MalformedEvidence, TooLarge, Unsupported
from governance.log import evidence
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.cosignature import cosign
from governance.log.evidence import (
    LIMIT,
    Evidence,
    different_sizes,
    parse_evidence,
    same_size,
    verify_evidence,
)
from governance.log.merkle import EMPTY_ROOT
from governance.signing.note import (
    COSIGNATURE_V1,
    Ed25519Signer,
    Note,
    NoteSignature,
    VerifierKey,
    parse_note,
)
from tests.support.cosigners import ONE, STRANGER, THREE, TWO
from tests.support.forks import KEY, NOW, ORIGIN, OTHER_KEY, QUANTUM_KEY, Story

VKEY = str(KEY.key)
HONEST, LIAR = Story(), Story(3)


def changed(data: bytes, **members: Any) -> Evidence:
    """Evidence with members exchanged, in its right spelling."""
    return parse_evidence(encode({**json.loads(data), **members}))  # type: ignore[arg-type]


def test_same_size():
    data = same_size(VKEY, HONEST.note(5), LIAR.note(5))
    finding = verify_evidence(parse_evidence(data))
    assert (finding.kind, finding.origin, finding.vkey, finding.accused) == (
        "same-size",
        ORIGIN,
        VKEY,
        (VKEY,),
    )
    assert (finding.sizes, finding.roots) == ((5, 5), (HONEST.root(5), LIAR.root(5)))
    assert digest(data) == digest(encode(parse_evidence(data)))


def test_the_notes_are_kept_verbatim():
    notes = (HONEST.note(5, ONE, extensions=("said by the log",)), LIAR.note(7, TWO, THREE))
    made = parse_evidence(different_sizes(VKEY, *notes, LIAR.read_hash))
    assert tuple(note.encode() for note in made.notes) == notes


@pytest.mark.parametrize("m", [1, 2, 4, 8, 16, 32, 64])
def test_from_a_power_of_two_the_first_node_is_carried_too(m):
    liar = Story(0)
    data = different_sizes(VKEY, HONEST.note(m), liar.note(m + 5), liar.read_hash)
    made = parse_evidence(data)
    assert made.path[0] == liar.root(m) != HONEST.root(m)
    assert verify_evidence(made).kind == "different-sizes"
    with pytest.raises(BadEvidence, match="does not fit the sizes"):
        verify_evidence(changed(data, path=json.loads(data)["path"][1:]))


def test_the_empty_tree_is_the_beginning_of_every_other():
    nothing = sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), [KEY])
    wrong = sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), [KEY])
    for note in (nothing, wrong):
        with pytest.raises(BadEvidence, match="not empty"):
            different_sizes(VKEY, note, LIAR.note(5), LIAR.read_hash)
        for path in ([], [LIAR.root(5)], [EMPTY_ROOT, LIAR.root(5)]):
            made = Evidence("different-sizes", VKEY, (note.decode(), LIAR.note(5).decode()), path, None)
            with pytest.raises(BadEvidence):
                verify_evidence(made)


def test_the_larger_head_comes_second():
    with pytest.raises(BadEvidence, match="smaller tree"):
        different_sizes(VKEY, LIAR.note(7), HONEST.note(5), LIAR.read_hash)
    data = different_sizes(VKEY, HONEST.note(5), LIAR.note(7), LIAR.read_hash)
    with pytest.raises(BadEvidence, match="smaller tree"):
        verify_evidence(changed(data, notes=json.loads(data)["notes"][::-1]))


@pytest.mark.parametrize("witness", [ONE, THREE], ids=["type 04", "type 06"])
@pytest.mark.parametrize("smaller", [0, 2])
def test_a_cosigner_of_both(witness, smaller):
    vkey = str(witness.key)
    one, other = HONEST.note(5 - smaller, TWO, witness), LIAR.note(5, witness)
    if smaller:
        one = Story(0).note(5 - smaller, TWO, witness)
        data = different_sizes(VKEY, one, other, LIAR.read_hash, vkey)
    else:
        data = same_size(VKEY, one, other, vkey)
    finding = verify_evidence(parse_evidence(data))
    assert (finding.kind, finding.accused) == ("cosigner", (VKEY, vkey))
    assert finding.sizes == (5 - smaller, 5)


def test_a_cosigner_of_one_is_not_accused():
    for cosigner in (ONE, STRANGER):
        with pytest.raises(BadEvidence, match="did not sign both"):
            same_size(VKEY, HONEST.note(5, TWO, ONE), LIAR.note(5, TWO), str(cosigner.key))


def test_a_cosigners_line_for_another_tree_is_not_its_line_for_this_one():
    """A line copied from the one note to the other."""
    line = HONEST.note(5, ONE).rpartition(b"\n\n")[2].splitlines(keepends=True)[-1]
    for notes in ((HONEST.note(5, ONE), LIAR.note(5) + line), (HONEST.note(5, ONE), LIAR.note(7) + line)):
        made = Evidence("cosigner", VKEY, (notes[0].decode(), notes[1].decode()), [], str(ONE.key))
        with pytest.raises(BadEvidence, match="does not match the text"):
            verify_evidence(made)


def test_a_log_that_signs_with_ml_dsa():
    honest, liar = (Story(fork, signers=[QUANTUM_KEY.at(0)]) for fork in (None, 3))
    vkey = str(QUANTUM_KEY.key)
    assert verify_evidence(parse_evidence(same_size(vkey, honest.note(5), liar.note(5)))).vkey == vkey
    data = different_sizes(vkey, honest.note(5), liar.note(9), liar.read_hash)
    assert verify_evidence(parse_evidence(data)).accused == (vkey,)
    with pytest.raises(BadEvidence, match="no signature here is by a known key"):
        same_size(VKEY, honest.note(5), liar.note(5))


def test_two_keys_of_one_origin_are_two_logs():
    """Whoever makes a second key under a log's name cannot accuse the first with it."""
    forger = Story(3, signers=[OTHER_KEY])
    for vkey in (VKEY, str(OTHER_KEY.key)):
        with pytest.raises(BadEvidence, match="no signature here is by a known key"):
            same_size(vkey, HONEST.note(5), forger.note(5))
        with pytest.raises(BadEvidence, match="no signature here is by a known key"):
            different_sizes(vkey, HONEST.note(5), forger.note(7), forger.read_hash)
    both = Story(3, signers=[OTHER_KEY, KEY])
    assert verify_evidence(parse_evidence(same_size(VKEY, HONEST.note(5), both.note(5)))).accused == (VKEY,)


def test_a_key_signs_for_its_own_origin_only():
    elsewhere = Ed25519Signer("other.example/log", bytes([7]) * 32)
    notes = [sign_checkpoint(Checkpoint(ORIGIN, 5, story.root(5)), [elsewhere]) for story in (HONEST, LIAR)]
    with pytest.raises(BadEvidence, match="no known key of"):
        same_size(str(elsewhere.key), *notes)


def test_a_witness_is_not_taken_for_a_log():
    """Type 04 does not bind the name: its key could be called like any log that it cosigned."""
    called_like_the_log = VerifierKey(ORIGIN, COSIGNATURE_V1, ONE.key.public)
    renamed = []
    for story in (HONEST, LIAR):
        text = parse_note(story.note(5)).text
        line = cosign(text, ONE, NOW)
        renamed.append(
            bytes(Note(text, (NoteSignature(ORIGIN, called_like_the_log.key_id, line.signature),)))
        )
    with pytest.raises(BadEvidence, match="key of this type"):
        same_size(str(called_like_the_log), *renamed)
    with pytest.raises(BadEvidence, match="key of this type"):
        different_sizes(str(called_like_the_log), *renamed, LIAR.read_hash)


def test_the_log_is_not_its_own_cosigner():
    honest, liar = (Story(fork, signers=[QUANTUM_KEY.at(NOW)]) for fork in (None, 3))
    with pytest.raises(BadEvidence, match="the log itself"):
        same_size(str(QUANTUM_KEY.key), honest.note(5), liar.note(5), str(QUANTUM_KEY.key))


@pytest.mark.parametrize("kind", ["same-size", "different-sizes", "cosigner"])
def test_the_kind_is_the_right_one(kind):
    made = [
        same_size(VKEY, HONEST.note(5), LIAR.note(5)),
        different_sizes(VKEY, HONEST.note(5), LIAR.note(7), LIAR.read_hash),
        same_size(VKEY, HONEST.note(5, ONE), LIAR.note(5, ONE), str(ONE.key)),
    ]
    for data in made:
        if parse_evidence(data).kind != kind:
            with pytest.raises(BadEvidence, match="no evidence of the kind"):
                verify_evidence(changed(data, kind=kind))


def test_one_size_needs_no_path_and_takes_none():
    data = same_size(VKEY, HONEST.note(5), LIAR.note(5))
    path = json.loads(different_sizes(VKEY, HONEST.note(5), LIAR.note(7), LIAR.read_hash))["path"]
    with pytest.raises(BadEvidence):
        verify_evidence(changed(data, path=path))


@pytest.mark.parametrize("notes", [(b"", b""), (b"\xff\n\n", b"\xff\n\n"), (b"x\n\n", b"y\n\n")])
def test_what_are_no_notes(notes):
    with pytest.raises(BadEvidence):
        same_size(VKEY, *notes)
    with pytest.raises(BadEvidence):
        different_sizes(VKEY, *notes, LIAR.read_hash)


def test_text_that_no_note_can_have():
    """Half of a surrogate pair: no file holds it, but a program may hand it over."""
    for vkey, cosigner in ((VKEY, None), (VKEY, "\ud800"), ("\ud800", None)):
        with pytest.raises(BadEvidence):
            verify_evidence(Evidence("same-size", vkey, ("\ud800", "\ud800"), [], cosigner))


@pytest.mark.parametrize("vkey", ["", "x", f"{ORIGIN}+00000000+AQ==", VKEY.replace("liar", "other")])
def test_what_is_no_key(vkey):
    with pytest.raises(BadEvidence):
        same_size(vkey, HONEST.note(5), LIAR.note(5))
    with pytest.raises(BadEvidence):
        same_size(VKEY, HONEST.note(5, ONE), LIAR.note(5, ONE), vkey)


def test_what_cannot_be_verified_here_is_not_called_unproven(monkeypatch):
    def cannot(_key):
        raise Unsupported("this installation cannot verify ML-DSA-44 signatures")

    data = same_size(VKEY, HONEST.note(5), LIAR.note(5))
    monkeypatch.setattr(evidence, "verifier_for", cannot)
    with pytest.raises(Unsupported):
        verify_evidence(parse_evidence(data))


def test_limits():
    with pytest.raises(TooLarge):
        parse_evidence(b" " * (LIMIT + 1))
    data = different_sizes(VKEY, HONEST.note(5), LIAR.note(7), LIAR.read_hash)
    for members in ({"path": ["AAAA"]}, {"path": ["A" * 43 + "="] * 65}, {"notes": ["a"]}, {"more": 1}):
        with pytest.raises(MalformedEvidence):
            changed(data, **members)
    with pytest.raises(MalformedEvidence):
        parse_evidence(encode({k: v for k, v in json.loads(data).items() if k != "cosigner"}))  # type: ignore[arg-type]
