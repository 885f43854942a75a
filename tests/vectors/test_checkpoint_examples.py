"""The example checkpoint of C2SP tlog-checkpoint and tlog-cosignature (its keys are not published)."""

from __future__ import annotations

import pytest

from governance.log.checkpoint import parse_checkpoint
from governance.log.cosignature import cosignature_time
from governance.signing.note import parse_note
from tests.support.vectors import load


@pytest.mark.parametrize("text", load("checkpoint_examples")["parse_only"])
def test_example(text: str) -> None:
    note = parse_note(text.encode())
    assert bytes(note) == text.encode()
    checkpoint = parse_checkpoint(note.text)
    assert checkpoint.text == note.text
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert [line.name for line in note.signatures] == [checkpoint.origin, "witness.example.com/w1"]
    # The specification's text shows the same signature with "time 1679315147".
    assert cosignature_time(note.signatures[1].signature) == 1679315147
