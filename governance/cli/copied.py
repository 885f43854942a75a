"""A receipt held against a copy of its log: is the vote there, and are both heads of one tree?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from governance.audit.source import LogFiles
from governance.cli import receipts
from governance.cli.place import place_of
from governance.cli.receipts import Kept
from governance.cli.witnessed import Line, lines_of
from governance.errors import BadProof, NotFound
from governance.fetch.choose import Opened, open_source
from governance.log.builder import TileHashes
from governance.log.checkpoint import Checkpoint
from governance.log.cosignature import open_cosigned
from governance.log.lineage import name_of
from governance.log.merkle import leaf_hash
from governance.log.proofs import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from governance.log.receipt import Verified
from governance.log.tiles import FULL, Bundle, Tile, parse_bundle
from governance.statements.vote import Vote


class Copy(msgspec.Struct, frozen=True):
    """What a copy of the log shows: its size, and which known keys have cosigned its head.

    `compared` is whether it reaches as far as the receipt's head, so that both were shown to be one tree.
    """

    source: str
    size: int
    compared: bool
    cosigners: list[Line]


@contextmanager
def opened_source(text: str) -> Iterator[Opened]:
    """The source behind a URL, a directory or a bundle, closed at the end.

    Raises:
        SourceUnavailable, MalformedArchive: as `open_source`.
    """
    source = open_source(text)
    try:
        yield source
    finally:
        close = getattr(source.files, "close", None)
        if close is not None:
            close()


def log_files(source: Opened, origin: str) -> LogFiles:
    """The folder of a ballot's log in a source."""
    name = name_of(origin)
    place = place_of(name)
    folder = f"logs/spaces/{place.space}/ballots/{place.ballot}{origin.removeprefix(name)}"
    return LogFiles(source.files, "" if source.one_log else folder)


def check_copy(source: Opened, kept: Kept, vote: Vote, proved: Verified) -> Copy:
    """That a copy of the log holds the vote at its place, in the receipt's tree as far as the copy goes.

    Raises:
        NotFound: the copy has no such log, or does not reach that far yet.
        BadProof: it holds another entry there, or another tree: the receipt proves what it was.
        SourceUnavailable: the copy cannot be reached.
    """
    files = log_files(source, proved.cosigned.checkpoint.origin)
    opened = open_cosigned(files.checkpoint(), kept.policy.log_verifiers, kept.policy.witness_verifiers)
    head, index = opened.checkpoint, proved.index
    receipts.expect_origin(Verified(index, opened), vote.ballot)
    if head.size <= index:
        raise NotFound(f"the copy holds {head.size} entries so far; this vote is entry {index}: ask later")
    n = index // FULL
    width = min(FULL, head.size - n * FULL)
    (bundle,) = files.entries([Bundle(n, width)])
    if parse_bundle(bundle, width)[index % FULL] != kept.entry:
        raise BadProof(f"the copy holds another entry {index}; keep the receipt, it proves what it was")
    proof = inclusion_proof(_hashes(files, head.size).read_hash, index, head.size)
    verify_inclusion(index, head.size, leaf_hash(kept.entry), proof, head.root)
    known = proved.cosigned.checkpoint
    compared = known.size <= head.size
    if compared:
        check_same_tree(files, known, head)
    return Copy(files.files.name, head.size, compared, lines_of(opened.cosignatures))


def check_same_tree(files: LogFiles, one: Checkpoint, other: Checkpoint) -> None:
    """That two signed heads of a log are of one tree, by tiles of the larger; the tiles need no trust.

    Raises:
        BadProof: they are not, as far as these files can show.
    """
    small, large = sorted((one, other), key=lambda head: head.size)
    try:
        proof = consistency_proof(_hashes(files, large.size).read_hash, small.size, large.size)
        verify_consistency(small.size, small.root, large.size, large.root, proof)
    except BadProof as e:
        raise BadProof(
            f"the log has signed heads of {small.size} and {large.size} entries that are not of one tree; "
            "keep the receipt, it is half of the evidence"
        ) from e


def _hashes(files: LogFiles, size: int) -> TileHashes:
    return TileHashes(lambda level, n, width: next(files.tiles([Tile(level, n, width)])), size)
