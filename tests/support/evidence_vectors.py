"""Evidence of split views for `schemas/vectors/`: of each kind, and what only looks like it.

Every key is a test key, of log and witnesses that exist nowhere.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from governance.canonical import digest, encode
from governance.errors import GovernanceError
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.cosignature import cosign
from governance.log.evidence import different_sizes, parse_evidence, same_size, verify_evidence
from governance.log.merkle import EMPTY_ROOT
from governance.log.proofs import consistency_path
from governance.signing.note import (
    COSIGNATURE_V1,
    Ed25519Signer,
    Note,
    NoteSignature,
    VerifierKey,
    parse_note,
)
from tests.support.cosigners import ONE, STRANGER
from tests.support.forks import KEY, NOW, ORIGIN, OTHER_KEY, Story

VKEY, WITNESS = str(KEY.key), str(ONE.key)
KEYS = {"log": VKEY, "witness": WITNESS, "another key of the log's name": str(OTHER_KEY.key)}
HONEST, LIAR, ALL_NEW = Story(), Story(3), Story(0)


@dataclass(frozen=True)
class Case:
    """A file of evidence and why it is here."""

    shows: str
    data: bytes


def evidence() -> Iterator[tuple[str, dict[str, Any]]]:
    """Files of evidence, and what a reader makes of them."""
    for name, case in {**_valid(), **_of_heads(), **_of_signers(), **_of_paths(), **_of_spelling()}.items():
        yield (
            f"evidence-{name}",
            {
                "shows": case.shows or name.replace("-", " "),
                "test_keys": KEYS,
                "input": base64.b64encode(case.data).decode(),
                **_judged(case.data),
            },
        )


def _judged(data: bytes) -> dict[str, Any]:
    try:
        finding = verify_evidence(parse_evidence(data))
    except GovernanceError as e:
        return {"expect": e.code}
    return {
        "expect": "accepted",
        "digest": digest(data),
        "kind": finding.kind,
        "origin": finding.origin,
        "accused": list(finding.accused),
        "sizes": list(finding.sizes),
        "roots": [root.hex() for root in finding.roots],
    }


def _same() -> bytes:
    return same_size(VKEY, HONEST.note(5), LIAR.note(5))


def _different() -> bytes:
    return different_sizes(VKEY, HONEST.note(5), LIAR.note(7), LIAR.read_hash)


def _cosigned() -> bytes:
    return same_size(VKEY, HONEST.note(5, ONE), LIAR.note(5, ONE), WITNESS)


def _changed(data: bytes, **members: Any) -> bytes:
    changed: dict[str, Any] = {**json.loads(data), **members}
    return encode(changed)  # type: ignore[arg-type]


def _noted(data: bytes, one: bytes, other: bytes, **members: Any) -> bytes:
    return _changed(data, notes=[one.decode(), other.decode()], **members)


def _b64(path: list[bytes]) -> list[str]:
    return [base64.b64encode(node).decode() for node in path]


def _valid() -> dict[str, Case]:
    power = different_sizes(VKEY, HONEST.note(4), ALL_NEW.note(9), ALL_NEW.read_hash)
    longer = different_sizes(VKEY, ALL_NEW.note(3, ONE), LIAR.note(5, ONE), LIAR.read_hash, WITNESS)
    lines = same_size(VKEY, HONEST.note(5, STRANGER, extensions=("said by the log",)), LIAR.note(5, ONE))
    return {
        "same-size": Case("two roots of one size", _same()),
        "different-sizes": Case("a larger tree that does not extend the smaller one", _different()),
        "from-a-power-of-two": Case("the path has its first node there, too", power),
        "cosigner": Case("a witness that signed both heads of one size", _cosigned()),
        "cosigner-of-different-sizes": Case("a witness that signed both heads of two sizes", longer),
        "with-lines-of-others": Case("notes are kept verbatim; lines of others do not matter", lines),
    }


def _of_heads() -> dict[str, Case]:
    path = consistency_path(LIAR.read_hash, 5, 7)
    nothing = sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), [KEY])
    return {
        "one-history": Case(
            "the larger tree extends the smaller one", _noted(_different(), LIAR.note(5), LIAR.note(7))
        ),
        "one-head-twice": Case("the same head, signed twice", _noted(_same(), LIAR.note(5), LIAR.note(5))),
        "one-head-with-another-extension": Case(
            "extension lines are no contradiction",
            _noted(_same(), LIAR.note(5, extensions=("more",)), LIAR.note(5)),
        ),
        "two-sizes-without-a-path": Case("sizes alone are no contradiction", _changed(_different(), path=[])),
        "larger-tree-first": Case("", _noted(_different(), LIAR.note(7), HONEST.note(5))),
        "empty-tree": Case("every tree begins empty", _noted(_different(), nothing, LIAR.note(7))),
        "same-size-with-a-path": Case("", _changed(_same(), path=_b64(path))),
        "kind-of-another-case": Case(
            "evidence of one size, called different-sizes", _changed(_same(), kind="different-sizes")
        ),
        "cosigner-beside-another-kind": Case("", _changed(_cosigned(), kind="same-size")),
    }


def _of_signers() -> dict[str, Case]:
    forged = Story(3, signers=[OTHER_KEY])
    moved = Note(parse_note(LIAR.note(5)).text, parse_note(HONEST.note(5)).signatures)
    elsewhere = Ed25519Signer("other.example/log", bytes([7]) * 32)
    strange = [sign_checkpoint(Checkpoint(ORIGIN, 5, s.root(5)), [elsewhere]) for s in (HONEST, LIAR)]
    line = HONEST.note(5, ONE).splitlines(keepends=True)[-1]
    called = VerifierKey(ORIGIN, COSIGNATURE_V1, ONE.key.public)
    return {
        "by-two-keys": Case(
            "the second head is signed by another key of that name",
            _noted(_same(), HONEST.note(5), forged.note(5)),
        ),
        "signature-of-another-head": Case(
            "the log's line for the one head, under the other", _noted(_same(), HONEST.note(5), bytes(moved))
        ),
        "of-another-origin": Case(
            "a key speaks for the origin that it is named after",
            _changed(_noted(_same(), *strange), vkey=str(elsewhere.key)),
        ),
        "witness-called-like-a-log": Case(
            "type 04 does not bind the name, so it is no key of a log",
            _changed(
                _noted(_same(), *(_renamed(s.note(5), called) for s in (HONEST, LIAR))), vkey=str(called)
            ),
        ),
        "cosigner-of-one-head": Case("", _noted(_cosigned(), HONEST.note(5, ONE), LIAR.note(5))),
        "cosigner-line-copied": Case(
            "the witness's line for the one head, beside the other",
            _noted(_cosigned(), HONEST.note(5, ONE), LIAR.note(5) + line),
        ),
        "cosigner-is-the-log": Case("", _changed(_cosigned(), cosigner=VKEY)),
    }


def _renamed(note: bytes, key: VerifierKey) -> bytes:
    """The note with a witness's line alone, under the name of the log."""
    text = parse_note(note).text
    return bytes(Note(text, (NoteSignature(key.name, key.key_id, cosign(text, ONE, NOW).signature),)))


def _of_paths() -> dict[str, Case]:
    power = different_sizes(VKEY, HONEST.note(4), ALL_NEW.note(9), ALL_NEW.read_hash)
    path = json.loads(_different())["path"]
    return {
        "path-without-its-first-node": Case(
            "as RFC 6962 writes it from a power of two", _changed(power, path=json.loads(power)["path"][1:])
        ),
        "path-of-the-other-tree": Case(
            "it leads to a root that the log has not signed",
            _changed(_different(), path=_b64(consistency_path(HONEST.read_hash, 5, 7))),
        ),
        "path-too-long": Case("", _changed(_different(), path=[*path, path[-1]])),
        "path-too-short": Case("", _changed(_different(), path=path[:-1])),
    }


def _of_spelling() -> dict[str, Case]:
    found = json.loads(_same())
    lacking = {name: value for name, value in found.items() if name != "cosigner"}
    reordered = json.dumps(dict(reversed(found.items())), separators=(",", ":"), ensure_ascii=False)
    return {
        "with-white-space": Case("one spelling, so that there is one digest", _same() + b"\n"),
        "in-another-order": Case("one spelling, so that there is one digest", reordered.encode()),
        "unknown-member": Case("", _changed(_same(), found_at=NOW)),
        "missing-member": Case("null is written", encode(lacking)),
        "duplicate-member": Case("", b'{"cosigner":null,' + _same()[1:]),
        "unknown-kind": Case("refused, not guessed at", _changed(_same(), kind="split")),
        "three-notes": Case("", _changed(_same(), notes=[*found["notes"], found["notes"][0]])),
        "short-path-node": Case("nodes are 32 bytes", _changed(_different(), path=["AAAA"])),
    }
