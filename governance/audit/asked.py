"""Asking the witnesses themselves what they have seen of a log, and comparing it with what was audited.

An audit by itself sees one face of a log. A witness that has cosigned another one shows it here, and the two
signed heads are evidence that anybody can check (`governance.log.evidence`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from governance import limits
from governance.audit.checks import Findings, Log
from governance.audit.instance import base_of
from governance.audit.source import LogFiles, PublicFiles
from governance.audit.space import SpaceAudit, folder_of
from governance.canonical import sha256
from governance.errors import GovernanceError, Malformed, NotFound, Refused, Unavailable
from governance.log.builder import TileHashes
from governance.log.checkpoint import Checkpoint, open_checkpoint
from governance.log.cosignature import open_cosigned, verifier_for
from governance.log.evidence import different_sizes, same_size
from governance.log.merkle import EMPTY_ROOT, Frontier
from governance.log.policy import Policy, PolicyWitness
from governance.log.tiles import Tile
from governance.replay.instance import InstanceState
from governance.signing.note import open_note, parse_vkey

Ask = Callable[[str, int], bytes]
"""(URL, most bytes) -> the bytes there; raises NotFound, Unavailable, Malformed."""
CHECK = "seen"


@dataclass(frozen=True, slots=True)
class Audited:
    """A log that was rebuilt, by the key that the log above names."""

    origin: str
    vkey: str
    folder: str


def audited_logs(state: InstanceState, found: SpaceAudit, sizes: Mapping[str, int]) -> list[Audited]:
    """The logs that were rebuilt, by the notices that name them; sizes of them by folder."""
    base = base_of(state.origin)
    named = [(n.origin, n.vkey) for n in state.spaces.values()]
    named += [(n.origin, n.vkey) for space in found.spaces.values() for n in space.ballots.values()]
    logs = [] if state.document is None else [Audited(state.origin, state.document.vkey, "logs/instance")]
    for origin, vkey in sorted(named):
        folder = folder_of(origin, base)
        if folder in sizes:
            logs.append(Audited(origin, vkey, folder))
    return logs


def ask_witnesses(
    files: PublicFiles, logs: Sequence[Audited], policy: Policy, ask: Ask, findings: Findings
) -> list[bytes]:
    """Ask every witness that has a URL about every log; gives the evidence of split views that comes up."""
    proofs: list[bytes] = []
    for audited in logs:
        log = findings.about(audited.origin)
        inquiry = _Inquiry(LogFiles(files, audited.folder), audited, ask)
        proof = inquiry.judge(log, [w for w in policy.witnesses if w.url is not None])
        if proof is not None:
            proofs.append(proof)
    return proofs


class _Inquiry:
    """One log: its published head with the tree below it, and what each witness shows of it."""

    def __init__(self, files: LogFiles, audited: Audited, ask: Ask) -> None:
        self._files, self._audited, self._ask = files, audited, ask
        self._verifier = verifier_for(parse_vkey(audited.vkey))
        self._note = b""
        self._head = Checkpoint(audited.origin, 0, EMPTY_ROOT)

    def judge(self, log: Log, witnesses: Sequence[PolicyWitness]) -> bytes | None:
        """Writes the check; gives evidence when a witness has seen another history."""
        seen: list[str] = []
        silent: list[str] = []
        for witness in witnesses:
            try:
                shown, note = self._shown(witness)
            except (Unavailable, NotFound) as e:
                silent.append(f"{witness.name} ({e.detail})")
                continue
            except (Malformed, Refused) as e:
                log.fail(CHECK, f"what {witness.name} answers is not right: {e.detail}")
                return None
            try:
                trouble = self._compare(shown)
                if trouble is None:
                    seen.append(f"{witness.name} ({shown.size} entries)")
                    continue
                log.fail(CHECK, f"{witness.name}: {trouble}")
                return self._evidence(shown, note)
            except GovernanceError as e:
                log.fail(CHECK, f"{witness.name} cannot be compared with this source: {e.detail}")
                return None
        if seen:
            rest = f"; no answer of {', '.join(silent)}" if silent else ""
            log.passed(CHECK, f"the same history was seen by {', '.join(seen)}{rest}", witnesses=len(seen))
        else:
            log.skipped(CHECK, f"no witness has answered: {', '.join(silent) or 'the policy names no URL'}")
        return None

    def _shown(self, witness: PolicyWitness) -> tuple[Checkpoint, bytes]:
        """A witness's last checkpoint of this log, signed by the log and by that very witness."""
        name = sha256(self._audited.origin.encode()).hex()
        data = self._ask(f"{str(witness.url).rstrip('/')}/{name}/checkpoint", limits.NOTE)
        opened = open_cosigned(data, [self._verifier], [verifier_for(witness.key)])
        if opened.checkpoint.origin != self._audited.origin:
            raise Refused(f"this is a checkpoint of {opened.checkpoint.origin}")
        if not opened.cosignatures:
            raise Refused(f"the checkpoint does not carry the signature of {witness.name}")
        return opened.checkpoint, data

    def _compare(self, shown: Checkpoint) -> str | None:
        """What is wrong between the witness's head and the source's, which is read after it."""
        self._note = bytes(open_note(self._files.checkpoint(), [self._verifier]))
        self._head = open_checkpoint(self._note, [self._verifier])
        if shown.size > self._head.size:
            return (
                f"has cosigned {shown.size} entries, this source shows {self._head.size}: "
                "an old state, or a hidden part. Ask again"
            )
        root = EMPTY_ROOT if shown.size == 0 else Frontier.load(shown.size, self._tree().read_hash).root()
        if root != shown.root:
            return f"has seen another history: its tree of {shown.size} entries is not the one shown here"
        return None

    def _tree(self) -> TileHashes:
        def read_tile(level: int, n: int, width: int) -> bytes:
            return next(iter(self._files.tiles([Tile(level, n, width)])))

        return TileHashes(read_tile, self._head.size)

    def _evidence(self, shown: Checkpoint, note: bytes) -> bytes | None:
        if shown.size > self._head.size or shown.size == 0:
            return None
        theirs = bytes(open_note(note, [self._verifier]))
        if shown.size == self._head.size:
            return same_size(self._audited.vkey, theirs, self._note)
        return different_sizes(self._audited.vkey, theirs, self._note, self._tree().read_hash)
