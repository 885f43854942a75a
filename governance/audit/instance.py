"""Auditing an instance: who it is, its identity log, and which spaces it keeps."""

from __future__ import annotations

from typing import Final

from governance import limits
from governance.audit.checks import Findings, Log, record_check
from governance.audit.shards import Judged, Shard, left
from governance.audit.source import LogFiles, PublicFiles
from governance.audit.structure import Rebuilt, Workers, read_checkpoint
from governance.audit.witnesses import check_cosigned, read_cosigned
from governance.errors import GovernanceError, InvalidStatement, Malformed, Refused
from governance.log.checkpoint import Checkpoint
from governance.replay.instance import InstanceState, check_document
from governance.replay.space import SpaceState
from governance.signing import fingerprint
from governance.statements.entry import Entry, read_entry
from governance.statements.instance import Instance

DOCUMENT: Final = ".well-known/althing.json"


def read_document(files: PublicFiles, log: Log) -> Entry | None:
    """The identity document, signed by the root key in it; that the id is this root's, the log must say."""
    try:
        entry = read_entry(files.read(DOCUMENT, limits.ENTRY))
        document = entry.statement
        if not isinstance(document, Instance):
            raise InvalidStatement(f"an identity document was expected, this is a {document.KIND}")
        if not document.origin.endswith("/instance"):
            raise InvalidStatement("the origin of an instance's log ends in /instance")
        check_document(document, entry)
    except (Malformed, Refused) as e:
        log.fail("identity", e.detail, file=DOCUMENT)
        return None
    return entry


def base_of(origin: str) -> str:
    """The part of an instance's origin that all its logs begin with."""
    return origin.removesuffix("/instance")


def check_fingerprint(log: Log, instance: str, expected: str | None) -> None:
    """That this is the instance somebody knows from elsewhere."""
    if expected is None:
        log.skipped("fingerprint", f"none was given to compare with; this instance is {instance}")
    elif fingerprint.matches(instance, expected):
        log.passed("fingerprint", f"{instance} is the expected instance")
    else:
        log.fail("fingerprint", f"{instance} is not the expected {expected}", file=DOCUMENT)


class RecordFold:
    """Folds an instance's or a space's log, keeping the first refusal and some earlier heads."""

    def __init__(self, state: InstanceState | SpaceState, sizes: frozenset[int] = frozenset()) -> None:
        self.state = state
        self.refusal: GovernanceError | None = None
        self.kind: str | None = None
        self.last_document: bytes = b""
        self.heads: dict[int, SpaceState] = {}
        self._sizes = sizes

    def add(self, shard: Shard, judged: Judged) -> None:
        """Fold a shard's entries."""
        if self.refusal is not None:
            return
        try:
            for item in left(shard, judged):
                self.kind = None
                entry = read_entry(item.data, item.proved)
                self.kind = entry.statement.KIND
                self.state.admit(item.index, entry)
                if isinstance(entry.statement, Instance):
                    self.last_document = item.data
                if self.state.size in self._sizes and isinstance(self.state, SpaceState):
                    self.heads[self.state.size] = head_of(self.state)
        except GovernanceError as e:
            self.refusal = e


def head_of(state: SpaceState) -> SpaceState:
    """What a ballot's opening or delegation snapshot may ask of the space, unchanged by what follows."""
    return SpaceState(
        state.origin,
        state.instance,
        size=state.size,
        space=state.space,
        constitution=state.constitution,
        members=dict(state.members),
        orders=dict(state.orders),
        delegations=dict(state.delegations),
        joints=dict(state.joints),
    )


def stream_records(
    files: LogFiles,
    checkpoint: Checkpoint,
    log: Log,
    fold: RecordFold,
    marks: frozenset[int],
    workers: Workers,
) -> Rebuilt:
    """The log rebuilt and folded; writes its checks."""
    rebuilt = Rebuilt(files, checkpoint, log)
    for shard, judged in rebuilt.judged(workers, marks, None, 0):
        fold.add(shard, judged)
        workers.progress(log.name, shard.first + sum(shard.widths), checkpoint.size)
    size = fold.state.size
    failing = None if fold.refusal is None else record_check(fold.refusal, fold.kind)
    texts = {
        "entries": "statements of known kinds in normal form",
        "signatures": "signed by those who may",
        "records": "each follows from the ones before",
    }
    for name, text in texts.items():
        if name == failing and fold.refusal is not None:
            log.fail(name, fold.refusal.detail, size)
        elif failing is not None or not rebuilt.complete:
            log.skipped(name, f"judging stopped at entry {size}")
        elif name in log.unknown:
            log.skipped(name, log.unknown[name])
        else:
            log.passed(name, f"{size} entries: {text}", entries=size)
    return rebuilt


def audit_instance(
    files: PublicFiles,
    findings: Findings,
    expected: str | None,
    workers: Workers,
) -> InstanceState | None:
    """The instance's state, or None when it cannot be followed."""
    log = findings.about(DOCUMENT)
    entry = read_document(files, log)
    if entry is None or not isinstance(entry.statement, Instance):
        return None
    document = entry.statement
    check_fingerprint(log, document.id, expected)
    log = findings.about(document.origin)
    folder = LogFiles(files, "logs/instance")
    shown = read_cosigned(folder)
    checkpoint = read_checkpoint(folder, log, document.origin, document.vkey)
    if checkpoint is None:
        return None
    fold = RecordFold(state := InstanceState(document.origin))
    rebuilt = stream_records(folder, checkpoint, log, fold, frozenset({shown.size}), workers)
    check_cosigned(log, shown, rebuilt, document.vkey)
    if fold.last_document != entry.data:
        log.fail("identity", "the published document is not the last one of the log", file=DOCUMENT)
    else:
        log.passed("identity", f"{document.id}, document {document.serial}, signed by its root key")
    return None if log.failed else state
