"""Auditing joint ballots: one community's part read from its public files, and the joint result recomputed.

An audit of one instance judges what that instance can answer for; given the files of the others (`--shard`)
it recomputes the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from governance import limits
from governance.audit.checks import AuditedHead, Findings, Log
from governance.audit.instance import audit_instance, read_document
from governance.audit.source import PublicFiles, blob_path
from governance.audit.space import Part, SpaceAudit
from governance.audit.structure import Workers
from governance.audit.verdict import Verdict
from governance.canonical import decode, digest
from governance.errors import AuditFailed, InvalidStatement, Malformed, NotFound, Refused
from governance.replay.joint import JointRecord, LoggedOutcome
from governance.replay.joint_manifest import manifest_digest, part_origin
from governance.replay.joint_parts import Pinned, ShardTally, read_tally
from governance.replay.joint_result import JointResult, joint_bytes, joint_result
from governance.replay.space import SpaceState
from governance.statements.base import BlobRef
from governance.statements.electorate import Voter
from governance.statements.instance import Instance
from governance.statements.joint import Manifest

_rows = msgspec.json.Decoder(list[Voter])
_result = msgspec.json.Decoder(JointResult)
Tallies = dict[int, tuple[ShardTally, JointRecord]]


def read_space(
    files: PublicFiles, manifest: Manifest, position: int, workers: Workers | None = None
) -> SpaceState:
    """A community's space, its instance's and its space's log verified.

    Raises:
        AuditFailed: the logs are not in order, or these are not that community's.
        SourceUnavailable: the source stopped answering.
    """
    found = _community(files, manifest, position, frozenset(), workers or Workers(), [])
    return found.spaces[manifest.shards[position].space]


def read_acceptance(
    files: PublicFiles, manifest: Manifest, position: int, workers: Workers | None = None
) -> tuple[JointRecord, list[Voter]]:
    """A community's acceptance and the roll it froze, its instance's and its space's log verified.

    Raises:
        NotFound: the space has not accepted the manifest, or does not publish the roll.
        AuditFailed: the logs are not in order, or these are not that community's.
        Malformed: the published roll is not the one that the acceptance names.
        SourceUnavailable: the source stopped answering.
    """
    record = _accepted(read_space(files, manifest, position, workers), manifest)
    return record, read_roll(files, record)


def read_shard(
    files: PublicFiles, manifest: Manifest, position: int, workers: Workers | None = None
) -> ShardTally:
    """A community's decided part, every vote verified and the result recomputed.

    Raises:
        NotFound: the space has not accepted the manifest, or its part has not opened.
        Refused: the part is not decided, or is not the one that the manifest gives.
        AuditFailed: the logs are not in order, or these are not that community's.
        Malformed: the published roll is not the one that the acceptance names.
        SourceUnavailable: the source stopped answering.
    """
    return _read_shard(files, manifest, position, workers or Workers(), [])[0]


def _read_shard(
    files: PublicFiles, manifest: Manifest, position: int, workers: Workers, heads: list[AuditedHead]
) -> tuple[ShardTally, JointRecord]:
    found = _community(files, manifest, position, frozenset({manifest.ballot}), workers, heads)
    record = _accepted(found.spaces[manifest.shards[position].space], manifest)
    part = found.parts.get(part_origin(manifest, position))
    if part is None:
        raise InvalidStatement("this part is not decided", shard=position)
    return _tally(files, found, record, part), record


def _community(
    files: PublicFiles,
    manifest: Manifest,
    position: int,
    ballots: frozenset[str],
    workers: Workers,
    heads: list[AuditedHead],
) -> SpaceAudit:
    shard, findings = manifest.shards[position], Findings(heads=heads)
    instance = audit_instance(files, findings, shard.instance, workers)
    _raise(findings)
    notice = None if instance is None else instance.spaces.get(shard.space)
    if instance is None or notice is None or (notice.origin, notice.vkey) != (shard.origin, shard.vkey):
        raise AuditFailed(f"{files.name} is not where {shard.origin} of the manifest is", log=shard.origin)
    found = SpaceAudit(files, findings, instance, workers, {})
    found.run(notice, ballots)
    _raise(findings)
    return found


def _accepted(space: SpaceState, manifest: Manifest) -> JointRecord:
    record = space.joints.get(manifest_digest(manifest))
    if record is None:
        raise NotFound(f"{space.origin} has not accepted this manifest")
    return record


def _raise(findings: Findings) -> None:
    Verdict.of("", None, findings.checks).raise_for_failure()


def read_roll(files: PublicFiles, record: JointRecord) -> list[Voter]:
    """The roll that an acceptance froze, from its blob.

    Raises:
        NotFound: the blob is not published.
        Malformed: it is not what the acceptance names.
    """
    return decode(_blob(files, record.acceptance.roll), _rows)


def _blob(files: PublicFiles, ref: BlobRef) -> bytes:
    data = files.read(blob_path(ref), limits.BLOB)
    if (digest(data), len(data)) != (ref.digest, ref.length):
        raise Malformed(f"{blob_path(ref)} has other bytes than its name says")
    return data


def _tally(files: PublicFiles, found: SpaceAudit, record: JointRecord, part: Part) -> ShardTally:
    notice = found.spaces[record.manifest.shards[record.position].space].outcomes[record.manifest.ballot]
    pinned = Pinned(part.open_root, notice.size, notice.root)
    return read_tally(record.manifest, record.position, read_roll(files, record), part.state, pinned)


def audit_joint(
    files: PublicFiles,
    found: SpaceAudit,
    findings: Findings,
    shards: Sequence[PublicFiles] = (),
    workers: Workers | None = None,
) -> None:
    """Judge every joint ballot that the audited spaces have accepted.

    Args:
        files: the public files of the audited instance.
        found: what its audit has folded.
        findings: where the checks are written; the heads of other instances' logs are added to its heads.
        shards: public files of other instances.
        workers: where their votes are verified.
    """
    others = _by_instance(shards)
    for space in found.spaces.values():
        log = findings.about(space.origin)
        for record in space.joints.values():
            _Judge(files, found, record, others, workers or Workers(), findings.heads).judge(log)


def _by_instance(shards: Sequence[PublicFiles]) -> dict[str, PublicFiles]:
    """Files by the instance that their identity document names; a source without one is missed later."""
    found: dict[str, PublicFiles] = {}
    for source in shards:
        entry = read_document(source, Findings().about(source.name))
        if entry is not None and isinstance(entry.statement, Instance):
            found[entry.statement.id] = source
    return found


class _Judge:
    """One joint ballot of one space: what its own instance answers for, then the whole."""

    def __init__(
        self,
        files: PublicFiles,
        found: SpaceAudit,
        record: JointRecord,
        others: Mapping[str, PublicFiles],
        workers: Workers,
        heads: list[AuditedHead],
    ) -> None:
        self._files, self._found, self._record = files, found, record
        self._others, self._workers, self._heads = others, workers, heads
        self._manifest = record.manifest

    def judge(self, log: Log) -> None:
        record, title = self._record, self._manifest.title
        try:
            read_roll(self._files, record)
        except (Malformed, Refused) as e:
            log.fail("joint", f"the frozen roll cannot be read: {e.detail}", record.index)
            return
        if record.latest is None:
            log.skipped("joint", f"{title}: accepted, not decided yet")
            return
        try:
            tallies = self._own()
            for outcome in record.outcomes:
                self._check_blob(outcome, tallies)
        except (Malformed, Refused) as e:
            log.fail("joint", e.detail, record.latest.index)
            return
        if not tallies:
            log.skipped("joint", f"{title}: the own part was not audited")
            return
        log.passed("joint", f"{title}: {self._words()}", parts=len(record.latest.statement.shards))
        self._whole(log, tallies)

    def _words(self) -> str:
        record = self._record
        status = "disputed, no joint outcome counts" if record.dispute is not None else record.state
        return f"{status}; the parts of this instance are counted as they are published"

    def _own(self) -> Tallies:
        """The parts on this instance that were audited."""
        tallies: Tallies = {}
        for position, shard in enumerate(self._manifest.shards):
            state = self._found.spaces.get(shard.space)
            part = self._found.parts.get(part_origin(self._manifest, position))
            record = None if state is None else state.joints.get(self._record.digest)
            if part is not None and record is not None and record.position == position:
                tallies[position] = (_tally(self._files, self._found, record, part), record)
        return tallies

    def _check_blob(self, outcome: LoggedOutcome, tallies: Tallies) -> None:
        """The published result says of the parts what the outcome says, and of ours what they give."""
        new = outcome.statement
        result = decode(_blob(self._files, new.result), _result)
        refs = [(c.shard, c.origin, c.size, c.root) for c in result.communities]
        if refs != [(s.shard, s.origin, s.size, s.root) for s in new.shards]:
            raise InvalidStatement("the published joint result is over other parts than its outcome")
        if result.manifest != new.manifest or [m.shard for m in result.missing] != new.missing:
            raise InvalidStatement("the published joint result is of another joint ballot, or of other parts")
        for place, ref in enumerate(new.shards):
            if ref.shard not in tallies:
                continue
            tally = tallies[ref.shard][0]
            alone = joint_result(self._manifest, [tally])
            theirs = [question.communities[place : place + 1] for question in result.questions]
            ours = [question.communities for question in alone.questions]
            if result.communities[place] != alone.communities[0] or theirs != ours:
                raise InvalidStatement(f"the joint result counts {ref.origin} otherwise than its log gives")

    def _whole(self, log: Log, tallies: Tallies) -> None:
        """All parts of the latest outcome, recomputed where their files are given."""
        record = self._record
        latest = record.outcomes[-1]
        wanted = [ref.shard for ref in latest.statement.shards if ref.shard not in tallies]
        silent = [n for n in wanted if self._manifest.shards[n].instance not in self._others]
        if silent:
            names = ", ".join(self._manifest.shards[n].base_url for n in silent)
            log.skipped("joint parts", f"the parts of others were not read; give --shard {names}")
            return
        try:
            for n in wanted:
                source = self._others[self._manifest.shards[n].instance]
                tallies[n] = _read_shard(source, self._manifest, n, self._workers, self._heads)
            for outcome in record.outcomes:
                self._recount(outcome, tallies)
            self._agree(latest, tallies)
        except (Malformed, Refused) as e:
            log.fail("joint parts", e.detail, latest.index)
            return
        text = f"{self._manifest.title}: recounted from {len(latest.statement.shards)} parts"
        log.passed("joint parts", f"{text}, result {latest.statement.result.digest}")

    def _recount(self, outcome: LoggedOutcome, tallies: Tallies) -> None:
        new = outcome.statement
        parts = [tallies[ref.shard][0] for ref in new.shards]
        if [part.ref for part in parts] != new.shards:
            raise InvalidStatement("the outcome pins a part to another size or root than its own log does")
        found = digest(joint_bytes(joint_result(self._manifest, parts)))
        if found != new.result.digest:
            raise InvalidStatement(f"the parts give another result, {found}, than {new.result.digest}")

    def _agree(self, latest: LoggedOutcome, tallies: Tallies) -> None:
        for n, (_, record) in sorted(tallies.items()):
            theirs = record.latest
            if theirs is None or theirs.statement.shards != latest.statement.shards:
                continue
            if theirs.statement.result.digest != latest.statement.result.digest:
                origin = self._manifest.shards[n].origin
                raise InvalidStatement(f"{origin} has logged another result over the same parts")
