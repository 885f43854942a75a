"""Asking the witnesses themselves what they have seen of a log, and comparing it with what was audited.

An audit by itself sees one face of a log. A witness that has cosigned another one shows it here, and the two
signed heads are evidence that anybody can check (`governance.log.evidence`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from governance import limits
from governance.audit.checks import AuditedHead, Findings, Log
from governance.audit.forks import Head, fork
from governance.canonical import sha256
from governance.errors import GovernanceError, Malformed, NotFound, Refused, Unavailable
from governance.log.checkpoint import open_checkpoint
from governance.log.cosignature import open_cosigned, verifier_for
from governance.log.evidence import parse_evidence, verify_evidence
from governance.log.policy import NONE, Policy, PolicyWitness
from governance.signing.note import parse_vkey

Ask = Callable[[str, int], bytes]
"""(URL, most bytes) -> the bytes there; raises NotFound, Unavailable, Malformed."""
Answer = bytes | GovernanceError
Each = Callable[[Callable[[str], Answer], Iterable[str]], Iterable[Answer]]
"""As `map`: what a function gives for each value, in their order; it may call it for several at a time."""
CHECK = "seen"
QUORUM = "quorum"


@dataclass(slots=True)
class Asking:
    """The witnesses to ask, how to reach them, and the evidence of split views that this brings.

    With an `each` that calls side by side, those that are down cost one time-out together.
    """

    policy: Policy
    ask: Ask
    each: Each = map
    evidence: list[bytes] = field(default_factory=list)
    _silent: dict[str, str] = field(default_factory=dict)

    def about(self, findings: Findings) -> None:
        """Ask every witness that has a URL about every audited log, and compare the published notes too.

        A head that was read more than once, as those of a community with parts in several joint ballots, is
        asked about once.
        """
        for audited in {(head.vkey, head.note): head for head in findings.heads}.values():
            inquiry = _Inquiry(audited, self)
            inquiry.judge(findings.about(audited.checkpoint.origin))
            self.evidence += inquiry.evidence.values()

    def answers(self, origin: str) -> list[tuple[PolicyWitness, Answer]]:
        """What each witness with a URL shows of a log, or why it shows nothing, in the policy's order.

        One that did not answer is not asked again.
        """
        name = sha256(origin.encode()).hex()
        known = {w.name: f"{w.url.rstrip('/')}/{name}/checkpoint" for w in self.policy.witnesses if w.url}
        asked = {witness: url for witness, url in known.items() if witness not in self._silent}
        found = dict(zip(asked, self.each(self._try, asked.values()), strict=True))
        for witness, answer in found.items():
            if isinstance(answer, Unavailable):
                self._silent[witness] = answer.detail
        return [
            (w, found[w.name] if w.name in found else Unavailable(self._silent[w.name]))
            for w in self.policy.witnesses
            if w.name in known
        ]

    def _try(self, url: str) -> Answer:
        try:
            return self.ask(url, limits.NOTE)
        except GovernanceError as e:
            return e


class _Inquiry:
    """One log: its audited head, and every other head of it that comes up."""

    def __init__(self, audited: AuditedHead, asking: Asking) -> None:
        self._audited, self._asking = audited, asking
        self._logs = [verifier_for(parse_vkey(audited.vkey))]
        self._head: Head = (audited.checkpoint, audited.note)
        self._seen: list[str] = []
        self._silent: list[str] = []
        self._trouble: list[str] = []
        self.evidence: dict[tuple[str, ...], bytes] = {}

    def judge(self, log: Log) -> None:
        """Writes the checks; `evidence` has one piece for each set of keys that it accuses."""
        self._check_key()
        views: list[tuple[str, Head]] = []
        asked = self._asking.answers(self._audited.checkpoint.origin)
        for witness, answer in asked:
            head = self._shown(witness, answer)
            if head is not None:
                views.append((witness.name, head))
        for place, (name, head) in enumerate(views):
            # Two witnesses contradict each other even where this source shows neither tree.
            for _, other in views[:place]:
                if other[0].size == head[0].size:
                    self._agree(name, head, other)
            if self._same_history(name, head):
                self._seen.append(f"{name} ({head[0].size} entries)")
        self._check_quorum(log)
        silent = f"no answer of {', '.join(self._silent)}"
        if self._trouble:
            log.fail(CHECK, "; ".join(self._trouble))
        elif self._seen:
            who = ", ".join(self._seen) + (f"; {silent}" if self._silent else "")
            text = f"{len(self._seen)} of {len(asked)} witnesses have seen this history: {who}"
            log.passed(CHECK, text, witnesses=len(self._seen), asked=len(asked))
        else:
            log.skipped(CHECK, silent if self._silent else "the policy names no URL of a witness")

    def _check_key(self) -> None:
        origin = self._audited.checkpoint.origin
        keys = {str(known.key) for known in self._asking.policy.logs if known.key.name == origin}
        if keys and self._audited.vkey not in keys:
            self._trouble.append(f"the policy names another key of this log than {self._audited.vkey}")

    def _shown(self, witness: PolicyWitness, note: Answer) -> Head | None:
        """The head that a witness shows, signed by the log; None when there is none to compare."""
        try:
            if isinstance(note, GovernanceError):
                raise note
            checkpoint = open_checkpoint(note, self._logs)
        except (Unavailable, NotFound) as e:
            self._silent.append(f"{witness.name} ({e.detail})")
            return None
        except (Malformed, Refused) as e:
            self._trouble.append(f"what {witness.name} answers is not right: {e.detail}")
            return None
        if not self._is_signed(witness, note):
            # The log's own signature is enough to compare, and to accuse the log.
            return checkpoint, note
        if checkpoint.size == 0:
            self._silent.append(f"{witness.name} (has seen no entry yet)")
            return None
        return checkpoint, note

    def _is_signed(self, witness: PolicyWitness, note: bytes) -> bool:
        """Whether the note has that very witness's line; if not, that is written."""
        try:
            if open_cosigned(note, self._logs, [verifier_for(witness.key)]).cosignatures:
                return True
            why = "its signature is missing"
        except (Malformed, Refused) as e:
            why = e.detail
        self._trouble.append(f"what {witness.name} answers is not right: {why}")
        return False

    def _same_history(self, name: str, head: Head) -> bool:
        """Whether a head and the audited one are of one history; if not, or not shown, that is written."""
        size, shown = head[0].size, self._head[0].size
        if size <= shown:
            return self._agree(name, head, self._head)
        now = self._now()
        if now is not None and now[0].size >= size:
            return self._agree("this source, asked again,", now, self._head) and self._agree(name, head, now)
        seen = f"has cosigned {size} entries, this source shows {shown}"
        return self._agree(name, head, self._head, f"{seen}: an old state, or a hidden part. Ask again")

    def _now(self) -> Head | None:
        """The present head of the source, read after the witnesses have answered."""
        try:
            note = self._audited.files.checkpoint()
            return open_checkpoint(note, self._logs), note
        except GovernanceError:
            return None

    def _agree(self, name: str, head: Head, other: Head, unlike: str = "cannot be compared") -> bool:
        witnesses = [str(witness.key) for witness in self._asking.policy.witnesses]
        try:
            proof = fork(self._audited.files, self._audited.vkey, (head, other), witnesses)
        except GovernanceError as e:
            self._trouble.append(f"{name} {unlike} ({e.detail})")
            return False
        if proof is None:
            return True
        text = f"{name} shows another history: its tree of {head[0].size} entries is not the one shown here"
        self._trouble.append(text)
        self.evidence.setdefault(verify_evidence(parse_evidence(proof)).accused, proof)
        return False

    def _check_quorum(self, log: Log) -> None:
        """Compares the published notes as well, and says whether one of them satisfies the policy."""
        policy, files = self._asking.policy, self._audited.files
        far, most = "nothing is published", -1
        for path in map(files.path, ("cosigned", "checkpoint")):
            try:
                note = files.files.read(path, limits.NOTE)
                opened = open_cosigned(note, self._logs, policy.witness_verifiers)
            except (NotFound, Unavailable):
                continue
            except (Malformed, Refused) as e:
                log.fail(QUORUM, e.detail, file=path)
                return
            if not self._same_history(f"the file {path}", (opened.checkpoint, note)):
                continue
            keys = [line.key for line in opened.cosignatures]
            names = ", ".join(sorted(key.name for key in keys)) or "nobody"
            text = f"{opened.checkpoint.size} entries, cosigned by {names}"
            if policy.quorum != NONE and policy.satisfied_by(keys):
                log.passed(QUORUM, f"{policy.quorum}: {text}", entries=opened.checkpoint.size)
                return
            if len(keys) > most:
                far, most = text, len(keys)
        if policy.quorum != NONE:
            log.skipped(QUORUM, f"provisional: {policy.quorum} is not met yet: {far}")
