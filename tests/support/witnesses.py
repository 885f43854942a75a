"""A log of somebody else and a node that witnesses it, for tests of the witness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from federation import MIGRATIONS
from federation.keys import make_keys
from federation.node import Node
from governance.canonical import sha256
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.merkle import complete_subtrees, fold_right, leaf_hash, root
from governance.log.policy import Policy, PolicyLog
from governance.log.proofs import consistency_proof
from governance.signing.keyfile import Ed25519Key
from governance.signing.lines import encode_base64
from governance.signing.note import Ed25519Signer, Signer
from governance.store.engine import open_store

NOW = 1_800_000_000


class GrowingLog:
    """A log whose entries are numbers; `fork` changes all from that index on."""

    def __init__(self, origin: str = "other.example/log", *, fork: int | None = None) -> None:
        self.origin = origin
        self.signer = Ed25519Signer(origin, sha256(origin.encode()))
        self.leaves = [
            leaf_hash(b"%d%b" % (i, b"'" if fork is not None and i >= fork else b"")) for i in range(300)
        ]

    @property
    def vkey(self) -> str:
        return str(self.signer.key)

    def read_hash(self, height: int, position: int) -> bytes:
        return root(self.leaves[position << height : (position + 1) << height])

    def root(self, size: int) -> bytes:
        hashes = [self.read_hash(*subtree) for subtree in complete_subtrees(0, size)]
        return fold_right(hashes) if hashes else root([])

    def note(self, size: int, *signers: Signer) -> bytes:
        return sign_checkpoint(Checkpoint(self.origin, size, self.root(size)), signers or (self.signer,))

    def proof(self, old: int, new: int) -> list[bytes]:
        return consistency_proof(self.read_hash, old, new) if old else []

    def body(self, old: int, new: int, proof: list[bytes] | None = None, note: bytes | None = None) -> bytes:
        """A request to add-checkpoint."""
        hashes = self.proof(old, new) if proof is None else proof
        lines = [f"old {old}", *map(encode_base64, hashes)]
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + (note or self.note(new))


class Every(frozenset[str]):
    """All keys there are."""

    def __contains__(self, _key: object) -> bool:
        return True


class Own:
    """The little that the witness asks of its own instance."""

    base_url = "https://us.example"
    instance = "sha256:" + "0" * 64

    def may_cosign(self) -> frozenset[str]:
        return Every()


def witness_node(folder: Path, *logs: GrowingLog, post_quantum: bool = False, **changes: Any) -> Node:
    """A node over a SQLite file that witnesses the logs as those of other software; `node.db.close()` it."""
    keys = make_keys("us.example", Ed25519Key(bytes(32)), (b"w" * 32, b"m" * 32), post_quantum=post_quantum)
    parts: dict[str, Any] = {
        "own": Own(),
        "db": open_store(None, folder, migrations=[MIGRATIONS]),
        "copies": None,
        "keys": keys,
        "client": None,
        "clock": lambda: NOW,
        "foreign": Policy(tuple(PolicyLog(log.signer.key) for log in logs)),
    }
    return Node(**{**parts, **changes})
