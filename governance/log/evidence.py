"""Evidence that a log, or a cosigner, signed two histories: small, portable, checked offline.

Two heads of one log contradict each other when no single append-only tree has both. At the same size the two
signed notes say it all. At sizes m < n the consistency path from the larger tree does: folded to the right it
gives the signed root of size n, folded to the left the only root of size m that such a tree can have had. If
the signed root of size m is another, the log signed both. Nobody can make this against an honest log, which
never signs two heads of trees that are not prefixes of each other (RFC 6962 2.1.2; DESIGN 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from governance import limits
from governance.canonical import decode, encode
from governance.errors import (
    BadEvidence,
    BadSignature,
    GovernanceError,
    Malformed,
    MalformedEvidence,
    TooLarge,
    Unsupported,
)
from governance.log.checkpoint import Checkpoint, open_checkpoint
from governance.log.cosignature import open_cosigned, verifier_for
from governance.log.merkle import HASH, ReadHash
from governance.log.policy import LOG_KINDS
from governance.log.proofs import consistency_path, roots_from_path
from governance.signing.note import VerifierKey, parse_vkey

MEDIA_TYPE: Final = "application/vnd.althing.equivocation.v1+json"
LIMIT: Final = 4 * limits.NOTE + 64 * 1024
"""JSON may need two bytes for one of a note; a log must not escape by signing lines full of quotes."""

Kind = Literal["same-size", "different-sizes", "cosigner"]
_Note = Annotated[str, Meta(max_length=limits.NOTE)]


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two signed heads of one log that contradict each other.

    `kind` is `same-size`, `different-sizes` (the smaller first, with the path between) or `cosigner`: then
    both notes also carry a signature by `cosigner`, and it is the cosigner that stands accused as well.
    """

    kind: Kind
    vkey: Annotated[str, Meta(max_length=8_000)]
    notes: tuple[_Note, _Note]
    path: Annotated[list[bytes], Meta(max_length=limits.PROOF_HASHES + 1)]
    cosigner: Annotated[str, Meta(max_length=8_000)] | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What evidence proves: the keys `accused` signed two trees of `origin`, with these sizes and roots.

    It is keys that stand accused. Whose they are the evidence cannot say: anybody may make a key under any
    name, and a cosignature of type 04 does not even bind the name. Compare with the keys you hold.
    """

    kind: str
    origin: str
    vkey: str
    accused: tuple[str, ...]
    sizes: tuple[int, int]
    roots: tuple[bytes, bytes]


_decoder: Final = msgspec.json.Decoder(Evidence)


def parse_evidence(data: bytes) -> Evidence:
    """The evidence of a file; whether it proves anything is `verify_evidence`.

    It has one spelling, the canonical one, so that its digest is that of the file.

    Raises:
        TooLarge: more than `LIMIT` bytes.
        MalformedEvidence: not this format.
    """
    if len(data) > LIMIT:
        raise TooLarge(f"evidence has at most {LIMIT} bytes")
    try:
        evidence = decode(data, _decoder)
    except GovernanceError as e:
        raise MalformedEvidence(e.detail, pointer=e.pointer) from e
    if any(len(node) != HASH for node in evidence.path):
        raise MalformedEvidence(f"the nodes of a path are {HASH} bytes", pointer="/path")
    if encode(evidence) != data:
        raise MalformedEvidence("evidence is canonical JSON (RFC 8785): keys in order, no white space")
    return evidence


def verify_evidence(evidence: Evidence) -> Finding:
    """What the evidence proves.

    Raises:
        BadEvidence: nothing: a signature fails, or one tree can have had both heads.
        Unsupported: this installation cannot verify signatures of that type.
    """
    try:
        key = _log_key(evidence.vkey)
        old, new = (_head(note.encode(), key, evidence.cosigner) for note in evidence.notes)
    except (BadEvidence, Unsupported):
        raise
    except (GovernanceError, UnicodeEncodeError) as e:
        raise BadEvidence(f"a note is not signed as it should be: {e}") from e
    if evidence.path or old.size != new.size:
        _check_path(old, new, evidence.path)
    elif old.root == new.root:
        raise BadEvidence("both notes sign the same head")
    _check_kind(evidence, old.size == new.size)
    accused = (evidence.vkey,) if evidence.cosigner is None else (evidence.vkey, evidence.cosigner)
    return Finding(
        evidence.kind, old.origin, evidence.vkey, accused, (old.size, new.size), (old.root, new.root)
    )


def _log_key(vkey: str) -> VerifierKey:
    key = parse_vkey(vkey)
    if key.kind not in LOG_KINDS:
        # Type 04 does not bind the name: a witness's lines would verify as those of any log it cosigned.
        raise BadEvidence("a log does not sign with a key of this type")
    return key


def _head(note: bytes, key: VerifierKey, cosigner: str | None) -> Checkpoint:
    log = [verifier_for(key)]
    # Either way the origin is the name of the log's key: both heads are of one log.
    if cosigner is None:
        return open_checkpoint(note, log)
    if cosigner == str(key):
        raise BadEvidence("the cosigner is the log itself")
    opened = open_cosigned(note, log, [verifier_for(parse_vkey(cosigner))])
    if not opened.cosignatures:
        raise BadEvidence("the cosigner did not sign both notes")
    return opened.checkpoint


def _check_path(old: Checkpoint, new: Checkpoint, path: Sequence[bytes]) -> None:
    if not 0 < old.size < new.size:
        raise BadEvidence("a path leads from a smaller tree, that is not empty, to a larger one")
    try:
        first, second = roots_from_path(old.size, new.size, path)
    except GovernanceError as e:
        raise BadEvidence(f"the path does not fit the sizes: {e.detail}") from e
    if second != new.root:
        raise BadEvidence("the path does not lead to the larger signed root")
    if first == old.root:
        raise BadEvidence("the larger tree extends the smaller one: this is one history")


def _check_kind(evidence: Evidence, same: bool) -> None:
    fits = {
        "same-size": same and evidence.cosigner is None,
        "different-sizes": not same and evidence.cosigner is None,
        "cosigner": evidence.cosigner is not None,
    }
    if not fits[evidence.kind]:
        raise BadEvidence(f"this is no evidence of the kind {evidence.kind}")


def same_size(vkey: str, one: bytes, other: bytes, cosigner: str | None = None) -> bytes:
    """Evidence from two notes of the same size with different roots.

    Args:
        vkey: of the log.
        one: a note of the log.
        other: another one.
        cosigner: vkey of one that signed both and is to be accused too.

    Raises:
        BadEvidence: they prove nothing.
    """
    return _made("same-size" if cosigner is None else "cosigner", vkey, (one, other), [], cosigner)


def different_sizes(
    vkey: str, smaller: bytes, larger: bytes, read_hash: ReadHash, cosigner: str | None = None
) -> bytes:
    """Evidence from two notes of different sizes.

    Args:
        vkey: of the log.
        smaller: the note of the smaller tree.
        larger: the note of the larger one.
        read_hash: subtree hashes of the larger tree.
        cosigner: vkey of one that signed both and is to be accused too.

    Raises:
        BadEvidence: they prove nothing, or the hashes are not those of the larger tree.
    """
    try:
        key = verifier_for(_log_key(vkey))
        old, new = open_checkpoint(smaller, [key]), open_checkpoint(larger, [key])
    except (Malformed, BadSignature) as e:
        raise BadEvidence(f"a note is not signed as it should be: {e.detail}") from e
    if not 0 < old.size < new.size:
        raise BadEvidence("evidence leads from a smaller tree, that is not empty, to a larger one")
    path = consistency_path(read_hash, old.size, new.size)
    kind: Kind = "different-sizes" if cosigner is None else "cosigner"
    return _made(kind, vkey, (smaller, larger), path, cosigner)


def _made(
    kind: Kind,
    vkey: str,
    notes: tuple[bytes, bytes],
    path: list[bytes],
    cosigner: str | None,
) -> bytes:
    try:
        one, other = (note.decode() for note in notes)
    except UnicodeDecodeError as e:
        raise BadEvidence("a note is not text") from e
    evidence = Evidence(kind, vkey, (one, other), path, cosigner)
    verify_evidence(evidence)
    return encode(evidence)
