"""A checkpoint with an Ed25519 log signature, two cosignatures of type 04 and one of type 06.

Made by an independent program; its type 06 line was also verified with dilithium-py. No type 06 line has been
published elsewhere.
"""

from __future__ import annotations

import pytest

from governance.errors import BadSignature
from governance.log.cosignature import Ed25519Cosigner, MlDsaCosigner, cosign, open_cosigned, verifier_for
from governance.log.merkle import leaf_hash, root
from governance.signing.note import Ed25519Signer, Note, parse_note, parse_vkey
from tests.support.vectors import load

VECTOR = load("own_cosigned_checkpoint")
DATA = VECTOR["checkpoint"].encode()
SEEDS = {name: bytes.fromhex(seed) for name, seed in VECTOR["seeds"].items()}
LOG = verifier_for(parse_vkey(VECTOR["vkeys"]["log"]))
WITNESSES = [verifier_for(parse_vkey(v)) for v in [*VECTOR["vkeys"]["witnesses"], VECTOR["vkeys"]["pq"]]]


def test_all_lines_verify() -> None:
    opened = open_cosigned(DATA, [LOG], WITNESSES)
    assert [c.key for c in opened.cosignatures] == [w.key for w in WITNESSES]
    assert {c.time for c in opened.cosignatures} == {1_700_000_000}
    assert opened.checkpoint.size == 300
    assert opened.checkpoint.root == root([leaf_hash(b"entry %d" % i) for i in range(300)])


def test_keys_and_ed25519_lines_come_out_the_same() -> None:
    note = parse_note(DATA)
    log = Ed25519Signer("gov.example/log/space1", SEEDS["log"])
    peers = [Ed25519Cosigner(f"peer{n}.example/w", SEEDS[f"peer{n}"]) for n in (1, 2)]
    pq = MlDsaCosigner("pq.example/w", SEEDS["pq"])
    assert [str(k) for k in (log.key, *(p.key for p in peers), pq.key)] == [
        str(v.key) for v in (LOG, *WITNESSES)
    ]
    assert [cosign(note.text, peer, 1_700_000_000) for peer in peers] == list(note.signatures[1:3])


@pytest.mark.parametrize("line", range(4))
@pytest.mark.parametrize("byte", [0, 7, 8, 40, -1])
def test_one_flipped_bit_in_any_line_rejects_the_note(line: int, byte: int) -> None:
    note = parse_note(DATA)
    flipped = bytearray(note.signatures[line].signature)
    flipped[byte] ^= 1
    lines = list(note.signatures)
    lines[line] = type(lines[line])(lines[line].name, lines[line].key_id, bytes(flipped))
    with pytest.raises(BadSignature):
        open_cosigned(bytes(Note(note.text, tuple(lines))), [LOG], WITNESSES)
