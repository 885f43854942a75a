"""The lot: the order that settles what votes leave tied, fixed by bytes nobody could choose afterwards.

After RFC 3797 (publicly verifiable random selection) and Rivest's SHA-256 sampler: the seed binds the
ballot, the root of its log right after opening, and the nonces that independent parties committed to before
and revealed later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from governance.canonical import sha256

DOMAIN: Final = b"governance/lot/v1\0"


def _prefixed(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


def lot_seed(ballot_id: str, open_root: bytes, nonces: Sequence[bytes] = ()) -> bytes:
    """The 32-byte seed of a ballot's lots.

    `nonces` are the revealed ones in the order of their commitments; one never revealed is empty.
    """
    return sha256(DOMAIN + _prefixed(ballot_id.encode()) + _prefixed(open_root) + _prefixed(b"".join(nonces)))


def lot_key(seed: bytes, question_id: str, option_id: str) -> bytes:
    """The 32-byte key of an option; the smaller key is treated as the stronger option."""
    return sha256(seed + _prefixed(question_id.encode()) + _prefixed(option_id.encode()))


def lot_order(seed: bytes, question_id: str, option_ids: Iterable[str]) -> tuple[str, ...]:
    """All options of a question, strongest first."""
    return tuple(sorted(option_ids, key=lambda option: lot_key(seed, question_id, option)))
