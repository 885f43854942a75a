"""Witnesses in the test's own process, and policies that ask for them."""

from __future__ import annotations

from collections.abc import Sequence

from governance.log.cosignature import Cosigner, Ed25519Cosigner, MlDsaCosigner, cosign, verifier_for
from governance.signing.note import Verifier, add_signatures, parse_note


def witness(name: str, number: int) -> Ed25519Cosigner:
    """The nth witness. The seeds are counters: never use one for anything real."""
    return Ed25519Cosigner(name, number.to_bytes(32, "big"))


def quantum_witness(name: str, number: int) -> MlDsaCosigner:
    """The same with ML-DSA-44."""
    return MlDsaCosigner(name, number.to_bytes(32, "big"))


ONE = witness("one.example/witness", 9001)
TWO = witness("two.example/witness", 9002)
THREE = quantum_witness("three.example/witness", 9003)
STRANGER = witness("stranger.example/witness", 9004)


def policy_text(*witnesses: Cosigner, threshold: int | str = "all") -> str:
    """The policy that asks for so many of these witnesses."""
    lines = [f"witness W{i} {w.key}" for i, w in enumerate(witnesses)]
    lines.append(" ".join(("group G", str(threshold), *(f"W{i}" for i in range(len(witnesses))))))
    return "".join(f"{line}\n" for line in [*lines, "quorum G"])


def cosigned_by(note: bytes, now: int, *witnesses: Cosigner) -> bytes:
    """The note with a line of each witness."""
    text = parse_note(note).text
    return add_signatures(note, [cosign(text, each, now) for each in witnesses])


def verifiers(*witnesses: Cosigner) -> Sequence[Verifier]:
    """Their verifiers."""
    return [verifier_for(each.key) for each in witnesses]
