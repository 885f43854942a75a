"""A log that tells two stories with one key, and the notes that it and its witnesses sign."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.cosignature import Cosigner, MlDsaCosigner, cosign
from governance.log.merkle import leaf_hash, node_hash, root
from governance.signing.note import Ed25519Signer, Signer, add_signatures, parse_note

ORIGIN = "liar.example/log"
NOW = 1_800_000_000
KEY = Ed25519Signer(ORIGIN, bytes([7]) * 32)
OTHER_KEY = Ed25519Signer(ORIGIN, bytes([8]) * 32)
QUANTUM_KEY = MlDsaCosigner(ORIGIN, bytes([9]) * 32)


class Story:
    """A history of up to `most` entries; from entry `fork` on they are other ones than without."""

    def __init__(
        self, fork: int | None = None, *, most: int = 80, signers: Sequence[Signer] = (KEY,)
    ) -> None:
        self.fork = fork
        self.signers = signers
        self.leaves = [
            leaf_hash(b"%d%b" % (i, b" lie" if fork is not None and i >= fork else b"")) for i in range(most)
        ]

    @cached_property
    def _notes(self) -> dict[int, bytes]:
        return {}

    def root(self, size: int) -> bytes:
        return root(self.leaves[:size])

    def read_hash(self, height: int, position: int) -> bytes:
        """By the definition: the tree over those leaves alone."""
        hashes = self.leaves[position << height : (position + 1) << height]
        assert len(hashes) == 1 << height
        while len(hashes) > 1:
            hashes = [node_hash(*hashes[i : i + 2]) for i in range(0, len(hashes), 2)]
        return hashes[0]

    def note(self, size: int, *witnesses: Cosigner, extensions: tuple[str, ...] = ()) -> bytes:
        """The signed head, with the line of each witness."""
        if witnesses or extensions:
            head = Checkpoint(ORIGIN, size, self.root(size), extensions)
            note = sign_checkpoint(head, self.signers)
            return add_signatures(note, [cosign(parse_note(note).text, each, NOW) for each in witnesses])
        if size not in self._notes:
            self._notes[size] = sign_checkpoint(Checkpoint(ORIGIN, size, self.root(size)), self.signers)
        return self._notes[size]
