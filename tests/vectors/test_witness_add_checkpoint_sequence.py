"""The checkpoints and proofs of litewitness's scenario: which verify says why it answers as it does."""

from __future__ import annotations

from typing import Any

import pytest

from governance.errors import BadProof, BadSignature, MalformedProof
from governance.log.checkpoint import Checkpoint, open_checkpoint
from governance.log.proofs import verify_consistency
from governance.signing.lines import exact_base64
from governance.signing.note import Ed25519Verifier, parse_vkey
from tests.support.vectors import load

VECTOR = load("witness_add_checkpoint_sequence")
VERIFIER = Ed25519Verifier(parse_vkey(VECTOR["log_vkey"]))
STEPS = VECTOR["steps"]


def parts(step: dict[str, Any]) -> tuple[int, list[bytes], bytes]:
    head, _, note = step["body"].encode().partition(b"\n\n")
    old, *proof = head.decode().split("\n")
    hashes = [exact_base64(line) for line in proof]
    assert None not in hashes
    return int(old.removeprefix("old ")), [h for h in hashes if h is not None], note


def accepted_roots() -> dict[int, bytes]:
    notes = [parts(step)[2] for step in STEPS if step["status"] == 200]
    return {c.size: c.root for c in (open_checkpoint(note, [VERIFIER]) for note in notes)}


@pytest.mark.parametrize("number", [n for n, s in enumerate(STEPS) if s["status"] in (200, 422)])
def test_consistency(number: int) -> None:
    old, proof, note = parts(STEPS[number])
    new: Checkpoint = open_checkpoint(note, [VERIFIER])
    arguments = (old, accepted_roots().get(old, b""), new.size, new.root, proof)
    if STEPS[number]["status"] == 422:
        with pytest.raises((BadProof, MalformedProof)):
            verify_consistency(*arguments)
    elif old == 0:
        assert proof == []
    else:
        verify_consistency(*arguments)


@pytest.mark.parametrize("number", [n for n, s in enumerate(STEPS) if s["status"] == 403])
def test_signatures_refused(number: int) -> None:
    with pytest.raises(BadSignature):
        open_checkpoint(parts(STEPS[number])[2], [VERIFIER])


def test_the_scenario_is_whole() -> None:
    assert [step["status"] for step in STEPS] == [200, 403, 403, 422, 422, 200, 409, 200, 409]
    assert sorted(accepted_roots()) == [1, 3, 5]
