"""Another community's space as its public files prove it: for offers made to it and taken from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from governance.audit.checks import Findings
from governance.audit.instance import audit_instance
from governance.audit.source import LogFiles, PublicFiles
from governance.audit.space import SpaceAudit, folder_of
from governance.audit.structure import Workers
from governance.audit.succession import line_of
from governance.audit.verdict import Verdict
from governance.cli.copied import opened_source
from governance.cli.receipts import policy_of
from governance.errors import MalformedRequest, NotFound
from governance.log.builder import TileHashes
from governance.log.merkle import leaf_hash
from governance.log.proofs import inclusion_proof, verify_inclusion
from governance.log.receipt import Receipt
from governance.log.tiles import FULL, Bundle, Tile, parse_bundle
from governance.replay.space import SpaceState
from governance.signing.note import open_note
from governance.statements.roadmap_links import SpaceRef


@dataclass(frozen=True, slots=True)
class OtherSpace:
    """A space whose instance's log and own log were verified from the first entry on."""

    ref: SpaceRef
    name: str
    state: SpaceState
    files: LogFiles

    def proven(self, index: int) -> tuple[bytes, str]:
        """An entry's bytes, and its receipt under the line of the log's own key alone.

        Raises:
            NotFound: the log as published now does not reach that far.
        """
        policy = policy_of(self.ref.vkey)
        note = open_note(self.files.checkpoint(), policy.log_verifiers)
        checkpoint = policy.open(bytes(note)).checkpoint
        if index >= checkpoint.size:
            raise NotFound(f"{self.ref.origin} has {checkpoint.size} entries; entry {index} is not there")
        n = index // FULL
        width = min(FULL, checkpoint.size - n * FULL)
        (bundle,) = self.files.entries([Bundle(n, width)])
        data = parse_bundle(bundle, width)[index % FULL]
        hashes = TileHashes(
            lambda level, at, wide: next(self.files.tiles([Tile(level, at, wide)])), checkpoint.size
        )
        proof = inclusion_proof(hashes.read_hash, index, checkpoint.size)
        verify_inclusion(index, checkpoint.size, leaf_hash(data), proof, checkpoint.root)
        return data, bytes(Receipt(index, tuple(proof), bytes(note))).decode()


@contextmanager
def other_space(source: str, instance: str | None, space: str | None) -> Iterator[OtherSpace]:
    """The space in a source, verified: the one named, or the only one there.

    Args:
        source: address, directory or bundle; of the instance itself or of any copy.
        instance: the id it must have; None takes the one that is there.
        space: its id.

    Raises:
        AuditFailed: the logs are not in order, or it is another instance.
        NotFound: no such space.
        SourceUnavailable: nothing is there.
    """
    with opened_source(source) as opened:
        yield _verified(opened.files, instance, space or opened.space)


def _verified(files: PublicFiles, instance: str | None, space: str | None) -> OtherSpace:
    findings, workers = Findings(), Workers()
    state = audit_instance(files, findings, instance, workers)
    _raise(files, findings)
    if state is None or state.document is None:
        raise NotFound(f"{files.name} holds no instance")
    if space is None and len(state.spaces) == 1:
        (space,) = state.spaces
    if space is None:
        raise MalformedRequest(f"say which community; there are {', '.join(sorted(state.spaces)) or 'none'}")
    notice = state.spaces.get(space)
    if notice is None:
        raise NotFound(f"{state.document.name} has no space {space}")
    audit = SpaceAudit(files, findings, state, workers, {})
    audit.run(notice, frozenset())
    _raise(files, findings)
    line = line_of(state, notice)
    folder = folder_of(line.origin, state.origin.removesuffix("/instance"))
    ref = SpaceRef(state.document.id, space, line.origin, line.vkey)
    return OtherSpace(ref, state.document.name, audit.spaces[space], LogFiles(files, folder))


def _raise(files: PublicFiles, findings: Findings) -> None:
    Verdict.of(files.name, None, findings.checks).raise_for_failure()
