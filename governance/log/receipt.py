"""Receipts: this vote is entry n of that log, checked offline (C2SP tlog-proof, `.tlog-proof`)."""

from __future__ import annotations

from binascii import b2a_base64
from dataclasses import dataclass
from typing import Final

from governance import limits
from governance.errors import MalformedReceipt, TooLarge
from governance.log.cosignature import CosignedCheckpoint
from governance.log.merkle import HASH, leaf_hash
from governance.log.policy import Policy
from governance.log.proofs import verify_inclusion
from governance.signing.lines import exact_base64, exact_decimal, printable

HEADER: Final = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Index, inclusion proof (sibling first) and the checkpoint note as it was signed.

    `extra` is not covered by any signature: never trust it.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def __bytes__(self) -> bytes:
        # Written for every vote: b2a_base64 is standard base64 with the line feed after it.
        extra = b"" if self.extra is None else b"extra " + b2a_base64(self.extra)
        head = b"%b\n%bindex %d\n" % (HEADER.encode(), extra, self.index)
        return b"".join((head, *map(b2a_base64, self.proof), b"\n", self.checkpoint))


@dataclass(frozen=True, slots=True)
class Verified:
    """What a receipt proves: the entry stands at index of the log of this checkpoint."""

    index: int
    cosigned: CosignedCheckpoint


def parse_receipt(data: bytes) -> Receipt:
    """The parts of a receipt, nothing verified.

    Raises:
        MalformedReceipt: another line structure, index or hash spelling, or too many hashes.
        TooLarge: more than `limits.RECEIPT` bytes.
    """
    if len(data) > limits.RECEIPT:
        raise TooLarge(f"a receipt may have {limits.RECEIPT} bytes")
    head, separator, checkpoint = data.partition(b"\n\n")
    text = printable(head)
    if not separator or text is None:
        raise MalformedReceipt("a receipt is lines of text, an empty line and a checkpoint")
    lines = text.split("\n")
    if lines.pop(0) != HEADER:
        raise MalformedReceipt(f"a receipt begins with {HEADER}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = exact_base64(lines.pop(0).removeprefix("extra "))
        if extra is None:
            raise MalformedReceipt("the extra data is not standard padded base64")
    if not lines or not lines[0].startswith("index "):
        raise MalformedReceipt("the line before the proof is: index <n>")
    index = exact_decimal(lines.pop(0).removeprefix("index "), limits.TREE_SIZE - 1)
    if index is None:
        raise MalformedReceipt("the index is decimal without leading zeroes")
    return Receipt(index, _hashes(lines), checkpoint, extra)


def _hashes(lines: list[str]) -> tuple[bytes, ...]:
    if len(lines) > limits.PROOF_HASHES:
        raise MalformedReceipt(f"a proof has at most {limits.PROOF_HASHES} hashes")
    hashes = []
    for line in lines:
        raw = exact_base64(line)
        if raw is None or len(raw) != HASH:
            raise MalformedReceipt("a proof line is a hash, 32 bytes in base64")
        hashes.append(raw)
    return tuple(hashes)


def verify_receipt(receipt: Receipt, entry: bytes, policy: Policy) -> Verified:
    """The entry is in an accepted log, under a checkpoint that the policy's quorum has cosigned.

    In the order of the specification: origin and log signature, cosignatures, inclusion.

    Raises:
        MalformedNote, TooLarge: the checkpoint in it is none.
        BadSignature: no accepted log signed the checkpoint, or a line of a known key fails.
        QuorumNotMet: too few cosignatures.
        MalformedProof, BadProof: the entry is not at that index of that tree.
    """
    cosigned = policy.open(receipt.checkpoint)
    checkpoint = cosigned.checkpoint
    verify_inclusion(receipt.index, checkpoint.size, leaf_hash(entry), receipt.proof, checkpoint.root)
    return Verified(receipt.index, cosigned)
