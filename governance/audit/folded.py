"""What folding a ballot's log has shown, as checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from governance.audit.checks import BALLOT_CHECKS, Log, ballot_check
from governance.errors import GovernanceError, Malformed
from governance.replay.ballot import BallotState


@dataclass(frozen=True, slots=True)
class Refusal:
    """The first entry that breaks a rule; `kind` is None when it could not be read."""

    error: GovernanceError
    entry: int
    kind: str | None

    @property
    def check(self) -> str:
        """The check it fails."""
        return ballot_check(self.error, self.kind)

    @property
    def detail(self) -> str:
        """The reason in words."""
        error = self.error
        return f"{error.title}: {error.detail}" if isinstance(error, Malformed) else error.detail


Found = tuple[str, dict[str, int]]


def write_fold(log: Log, state: BallotState, refused: Refusal | None, complete: bool) -> None:
    """One check for each thing that folding judges."""
    failing = None if refused is None else refused.check
    stopped = refused is not None or not complete
    for name in BALLOT_CHECKS:
        if name == "delegations" and failing != name and not _delegates(state):
            continue
        found = _FOUND[name](state)
        if refused is not None and name == failing:
            log.fail(name, refused.detail, refused.entry)
        elif name in log.unknown:
            log.skipped(name, log.unknown[name])
        elif stopped and (found is None or name not in _FROZEN):
            log.skipped(name, f"judging stopped at entry {state.size}")
        elif found is None:
            log.skipped(name, "the ballot has not opened" if state.opening is None else "the ballot is open")
        else:
            log.passed(name, found[0], **found[1])
    if refused is not None and failing not in BALLOT_CHECKS:
        log.fail(refused.check, refused.detail, refused.entry)


def _delegates(state: BallotState) -> bool:
    return state.definition is not None and state.definition.ballot.delegation_rule is not None


_FROZEN: Final = frozenset({"definition", "electorate", "entitlement", "opening"})
"""Checks that no later entry can change once the ballot has opened."""


def _entries(state: BallotState) -> Found:
    return f"{state.size} entries: statements of known kinds in normal form", {"entries": state.size}


def _authority(state: BallotState) -> Found:
    return f"{state.size} entries, each signed by one who may", {"entries": state.size}


def _definition(state: BallotState) -> Found | None:
    definition = state.definition
    if definition is None or state.opening is None:
        return None
    text = f"{definition.digest}, signed by {definition.ballot.signer}"
    return text, {"questions": len(definition.questions)}


def _electorate(state: BallotState) -> Found | None:
    if state.opening is None:
        return None
    roll = state.opening.electorate
    return f"{roll.count} on the roll, weight {roll.weight}, root {roll.root}", {"voters": roll.count}


def _entitlement(state: BallotState) -> Found | None:
    if state.opening is None:
        return None
    head = state.opening.space
    text = f"the roll is what the members of {head.origin} make at size {head.size}"
    return text, {"voters": state.opening.electorate.count}


def _opening(state: BallotState) -> Found | None:
    if state.opening is None:
        return None
    return f"opened at entry {state.opening_index}", {"entry": state.opening_index}


def _delegations(state: BallotState) -> Found | None:
    if state.cancellation is not None:
        return "the ballot was cancelled; none were resolved", {}
    taken = state.snapshot
    if taken is None:
        return None
    return f"{taken.live} live at size {taken.space.size} of {taken.space.origin}", {"live": taken.live}


def _closing(state: BallotState) -> Found | None:
    if state.cancellation is not None:
        return "cancelled by a recorded order", {}
    if state.close is None:
        return None
    extended = ", after one extension" if state.extended else ""
    return f"closed at entry {state.close_index}{extended}", {"entry": state.close_index}


def _votes(text: str) -> Callable[[BallotState], Found | None]:
    def found(state: BallotState) -> Found | None:
        if state.opening is None:
            return None
        casts = state.casts
        numbers = {"votes": casts.accepted, "voters": casts.voters, "replaced": casts.replaced()}
        return text.format(**numbers), numbers

    return found


_FOUND: Final[dict[str, Callable[[BallotState], Found | None]]] = {
    "entries": _entries,
    "authority": _authority,
    "definition": _definition,
    "electorate": _electorate,
    "entitlement": _entitlement,
    "opening": _opening,
    "vote signatures": _votes("{votes} votes verify under the keys on the roll"),
    "eligibility": _votes("{votes} votes by {voters} voters of the roll"),
    "answers": _votes("{votes} votes answer as the counting rules ask"),
    "replacements": _votes("{replaced} votes were replaced by a later one; {voters} count"),
    "deadline": _votes("{votes} votes between opening and close"),
    "delegations": _delegations,
    "closing": _closing,
}
