"""Witnesses in words: who has cosigned, how many are asked for, what that makes of a ballot or vote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from governance.cli import home
from governance.cli.console import brief
from governance.cli.receipts import Kept
from governance.errors import MalformedPolicy, QuorumNotMet
from governance.log.cosignature import Cosignature, open_cosigned
from governance.log.policy import NONE, Policy, parse_policy
from governance.service.answers import BallotView
from governance.statements.ballot import Ballot

_LAST: Final = 253_402_300_799
"""The end of the year 9999: a cosignature may name any second up to 2^63."""


class Line(msgspec.Struct, frozen=True):
    """A verified cosignature: the witness's key name, and when it signed (Unix seconds, 0: not said)."""

    name: str
    time: int


def lines_of(cosignatures: Iterable[Cosignature]) -> list[Line]:
    """Verified cosignatures by name."""
    return sorted((Line(c.key.name, c.time) for c in cosignatures), key=lambda line: (line.name, line.time))


def who(lines: Sequence[Line]) -> str:
    """Who has cosigned and when, for a sentence."""
    return ", ".join(f"{line.name}{_at(line.time)}" for line in lines) or "nobody"


def _at(time: int) -> str:
    if time == 0:
        return ""
    return f" ({brief(time)} UTC)" if time <= _LAST else f" (time {time})"


def least(policy: Policy) -> int:
    """The smallest number of witnesses that makes the quorum."""
    cost = {witness.name: 1 for witness in policy.witnesses}
    for group in policy.groups:
        cost[group.name] = sum(sorted(cost[member] for member in group.members)[: group.threshold])
    return 0 if policy.quorum == NONE else cost[policy.quorum]


def so_far(policy: Policy, names: Iterable[str]) -> str:
    """How far a policy is from its quorum."""
    known = {witness.key.name for witness in policy.witnesses}
    have = sorted(known.intersection(names))
    least_of = f"{least(policy)} of its {len(policy.witnesses)} witnesses"
    return f"{least_of} needed, cosigned by {', '.join(have) or 'none of them'}"


def ballot_lines(view: BallotView, ballot: Ballot) -> list[str]:
    """The state of a ballot, in a line or two."""
    if not ballot.witness_policy:
        told = f"; cosigned by {', '.join(view.cosigners)}" if view.cosigners else ""
        return [f"  {view.state}; {view.origin}", f"  unwitnessed: no policy names witnesses{told}"]
    policy = parse_policy(ballot.witness_policy.encode())
    known = {witness.key.name for witness in policy.witnesses}
    have = known.intersection(view.cosigners)
    state = view.state
    if state == "closed" and view.checkpoint_status == "provisional":
        state = f"closed, waits for its witnesses: {len(have)} of {len(known)} have cosigned"
    lines = [f"  {state}; {view.origin}"]
    if view.state == "draft":
        wanted = f"{least(policy)} of {len(policy.witnesses)} witnesses"
        return [*lines, f"  {wanted} will have to cosign its close"]
    if view.checkpoint_status == "final":
        return [*lines, f"  final: cosigned by {', '.join(sorted(have))}"]
    return [*lines, f"  provisional: {so_far(policy, have)}"]


def trusted(kept: Kept, file: Path) -> Kept:
    """A receipt to be judged under a policy file; where that names no key of its log, the kept key stays.

    Raises:
        NotFound, MalformedPolicy: the file cannot be read.
    """
    policy = parse_policy(home.read_file(file, "policy file"))
    if policy.quorum == NONE:
        raise MalformedPolicy(f"{file} asks for no witness: its quorum is none")
    _, vote = kept.vote()
    named = tuple(log for log in policy.logs if log.key.name == vote.ballot)
    return replace(kept, policy=replace(policy, logs=named or kept.policy.logs))


def judge(note: bytes, kept: Kept, policy: Policy) -> tuple[bool, list[Line]]:
    """Whether a checkpoint of the kept receipt's log satisfies a policy, and who has cosigned it.

    Raises:
        BadSignature: the log did not sign it, or a line of a known witness fails.
    """
    opened = open_cosigned(note, kept.policy.log_verifiers, policy.witness_verifiers)
    lines = opened.cosignatures
    return policy.satisfied_by([line.key for line in lines]), lines_of(lines)


def advised(error: QuorumNotMet, file: Path) -> QuorumNotMet:
    """The refusal of a receipt with too few cosignatures, with what to do about it."""
    names = error.facts.get("cosigned_by")
    have = ", ".join(names) if isinstance(names, list) and names else "none of the known witnesses"
    advice = f"`althing receipt upgrade {file}` fetches the cosignatures there are now"
    told = QuorumNotMet(f"{error.detail}: cosigned by {have}; {advice}")
    told.facts = error.facts
    return told
