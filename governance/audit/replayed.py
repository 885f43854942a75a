"""One decided ballot replayed from public files: its votes as they count, and its result recomputed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from governance.audit.ballot import BallotFold, stream
from governance.audit.checks import Findings
from governance.audit.instance import audit_instance
from governance.audit.source import PublicFiles
from governance.audit.space import Opened, SpaceAudit, _space_at
from governance.audit.structure import Rebuilt, Workers
from governance.audit.verdict import Verdict
from governance.canonical import digest
from governance.errors import AuditFailed, InvalidStatement, NotFound, Refused
from governance.replay.ballot import BallotState
from governance.replay.definition import Definition
from governance.replay.delegation import resolve
from governance.replay.result import Result, compute_result, result_bytes
from governance.replay.space import SpaceState
from governance.replay.vote import parse_answers
from governance.statements.delegation import DelegationSnapshot
from governance.statements.entry import Entry
from governance.statements.vote import Answer


@dataclass(frozen=True, slots=True)
class CountedAnswers:
    """A vote that counts: its entry in the log, its answers by question, its weight with what it carries."""

    voter: str
    index: int
    answers: dict[str, Answer | None]
    weight: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decided ballot; the result is recomputed here and has the digest that the log names."""

    definition: Definition
    state: BallotState
    result: Result

    def counted(self) -> Iterator[CountedAnswers]:
        """The counting votes by row of the roll."""
        state, rule = self.state, self.definition.ballot.delegation_rule
        ids = state.roll.ids()
        carried: dict[int, tuple[int, int]] = {}
        if rule is not None and state.chosen is not None:
            weights = [state.roll.weight(row) for row in range(len(ids))]
            carried = dict(resolve(state.chosen, state.casts.voted(), weights, rule).carried)
        for vote in state.casts.counted():
            weight = state.roll.weight(vote.row) + carried.get(vote.row, (0, 0))[1]
            yield CountedAnswers(ids[vote.row], vote.index, parse_answers(vote.answers), weight)


class _Keeping(SpaceAudit):
    """Keeps the state of the ballot in place of judging what was published of it."""

    kept: tuple[BallotState, bytes | None] | None = None

    def _ballot(self, ballot: Opened, now: SpaceState, heads: dict[int, SpaceState], space: Rebuilt) -> None:
        head = ballot.head
        members = None if head.opening is None else _space_at(head.opening.space, now, heads, space)
        if members is None:
            return
        state = BallotState(ballot.notice.origin, self._instance.keys, members)

        def prepare(entry: Entry) -> None:
            if isinstance(entry.statement, DelegationSnapshot):
                then = _space_at(entry.statement.space, now, heads, space)
                if then is None:
                    raise InvalidStatement(f"{now.origin} never had the head that the snapshot names")
                state.members = then

        fold = BallotFold(state, now, head.definition, prepare)
        rebuilt = stream(ballot.files, ballot.checkpoint, ballot.log, fold, head, set(), self._workers)
        self.kept = state, rebuilt.roots.get(state.opening_index + 1)


def replay_ballot(files: PublicFiles, space: str, ballot: str, workers: Workers | None = None) -> Replayed:
    """The ballot from its public logs, every signature verified and every rule of the fold applied.

    Raises:
        NotFound: the logs name no such ballot.
        AuditFailed: the logs are not in order; `althing audit` tells all of it.
        Refused: the ballot is not decided.
        SourceUnavailable: the source stopped answering.
    """
    findings, workers = Findings(), workers or Workers()
    instance = audit_instance(files, findings, None, workers)
    if instance is None or space not in instance.spaces:
        _check(findings)
        raise NotFound(f"the instance's log names no space {space[:80]}")
    keeping = _Keeping(files, findings, instance, workers, {})
    keeping.run(instance.spaces[space], frozenset({ballot}))
    _check(findings)
    if keeping.kept is None:
        raise NotFound(f"the log of {space} names no ballot {ballot[:80]} that has opened")
    state, open_root = keeping.kept
    definition, outcome = state.definition, state.outcome
    if definition is None or outcome is None or open_root is None:
        raise Refused("this ballot is not decided; its votes may still change")
    result = compute_result(state, open_root)
    if digest(result_bytes(result)) != outcome.result.digest:
        raise AuditFailed("the votes give another result than the log names", check="count", log=state.origin)
    return Replayed(definition, state, result)


def _check(findings: Findings) -> None:
    failures = Verdict.of("", None, findings.checks).failures
    if failures:
        first = failures[0]
        place = f" ({first.place})" if first.place else ""
        raise AuditFailed(
            f"{first.log}, {first.name}: {first.detail}{place}", check=first.name, log=first.log
        )
