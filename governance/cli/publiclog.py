"""A whole log from its public files, rebuilt entry by entry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from governance import limits
from governance.cli.client import Client
from governance.cli.receipts import policy_of
from governance.errors import BadProof
from governance.log.checkpoint import Checkpoint
from governance.log.merkle import Frontier, leaf_hash
from governance.log.tiles import bundles_for, parse_bundle


@dataclass(frozen=True, slots=True)
class WholeLog:
    """All entries of a log, under a signed head whose root they have."""

    note: bytes
    checkpoint: Checkpoint
    bundles: tuple[bytes, ...]
    entries: tuple[bytes, ...]

    def roots(self, sizes: Iterable[int]) -> dict[int, bytes]:
        """The tree root at each of the sizes."""
        wanted = sorted(set(sizes))
        tree = Frontier()
        found: dict[int, bytes] = {}
        for size in wanted:
            tree.extend(leaf_hash(entry) for entry in self.entries[tree.size : size])
            found[size] = tree.root()
        return found


def folder(client: Client, origin: str) -> str:
    """The path of a log's public files."""
    base = client.base_url.partition("://")[2]
    return f"/logs{origin.removeprefix(base)}"


def read_log(client: Client, origin: str, vkey: str) -> WholeLog:
    """The log as published now.

    Raises:
        BadSignature: the head is not signed by this key.
        BadProof: the entries do not have the root that the head signs.
        GovernanceError: a file cannot be fetched or read.
    """
    base = folder(client, origin)
    note = client.read(f"{base}/checkpoint", limits.NOTE)
    checkpoint = policy_of(vkey).open(note).checkpoint
    bundles: list[bytes] = []
    entries: list[bytes] = []
    for bundle in bundles_for(0, checkpoint.size):
        data = client.read(f"{base}/{bundle.path}", limits.ENTRY_BUNDLE)
        bundles.append(data)
        entries += parse_bundle(data, bundle.width)
    log = WholeLog(note, checkpoint, tuple(bundles), tuple(entries))
    if checkpoint.origin != origin or log.roots([checkpoint.size])[checkpoint.size] != checkpoint.root:
        raise BadProof(f"the entries of {origin} do not have the root that its head signs")
    return log


def unproven(log: WholeLog, proofs: Sequence[tuple[int, bytes, Checkpoint]]) -> list[int]:
    """Positions of those receipts (index, entry, head at that time) that the log does not bear out."""
    size = log.checkpoint.size
    roots = log.roots(head.size for _, _, head in proofs if head.size <= size)
    return [
        place
        for place, (index, entry, head) in enumerate(proofs)
        if not (index < size and log.entries[index] == entry and roots.get(head.size) == head.root)
    ]
