"""Recorded delegations: what a space's log admits, and which one of a member a ballot asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from governance import limits
from governance.errors import InvalidStatement, StaleRevision
from governance.replay.delegation import OUTSIDE, Chosen, chosen_of
from governance.replay.roll import Roll
from governance.replay.schedule import quarter_number, quarter_of
from governance.statements.ballot import Ballot
from governance.statements.delegation import Delegation, DelegationRule


@dataclass(frozen=True, slots=True)
class DelegationRecord:
    """A member's latest delegation in a scope; revoked when there are no delegates."""

    delegates: tuple[str, ...]
    expires: str | None
    sequence: int
    index: int


Delegated: TypeAlias = Mapping[str, Mapping[str, DelegationRecord]]
"""Delegator -> scope -> record."""


def check_delegation(
    new: Delegation, records: Mapping[str, DelegationRecord], members: Mapping[str, object], reach: int | None
) -> None:
    """That a delegation may follow its delegator's earlier ones; the signature is judged elsewhere.

    Args:
        new: the statement.
        records: the delegator's records by scope.
        members: everybody ever enrolled, by id.
        reach: for how many quarters ahead the constitution allows a delegation; None: not at all.

    Raises:
        StaleRevision: its sequence does not rise.
        InvalidStatement: the rule it breaks.
    """
    last = max((record.sequence for record in records.values()), default=0)
    if new.sequence <= last:
        raise StaleRevision(
            f"your delegation {last} is recorded already; the next one has a higher sequence",
            pointer="/sequence",
            sequence=last,
        )
    if new.scope not in records and len(records) >= limits.DELEGATION_SCOPES:
        raise InvalidStatement(
            f"a member delegates in at most {limits.DELEGATION_SCOPES} scopes", pointer="/scope"
        )
    if (new.expires is None) != (not new.delegates):
        raise InvalidStatement("a delegation names its last quarter, a revocation none", pointer="/expires")
    if new.expires is not None:
        _check_expiry(new.expires, new.delegated_at, reach)
    for position, delegate in enumerate(new.delegates):
        pointer = f"/delegates/{position}"
        if delegate == new.delegator:
            raise InvalidStatement("nobody delegates to themselves", pointer=pointer)
        if delegate in new.delegates[:position]:
            raise InvalidStatement(f"{delegate} stands twice", pointer=pointer)
        if delegate not in members:
            raise InvalidStatement(f"{delegate} is not a member of this space", pointer=pointer)


def _check_expiry(expires: str, delegated_at: int, reach: int | None) -> None:
    if reach is None:
        raise InvalidStatement("the constitution of this space allows no delegation")
    ahead = quarter_number(expires) - quarter_number(quarter_of(delegated_at))
    if not 0 <= ahead <= reach:
        raise InvalidStatement(
            f"the constitution allows a delegation to reach {reach} quarters ahead of "
            f"{quarter_of(delegated_at)}, this one ends with {expires}",
            pointer="/expires",
        )


def scopes_of(ballot: str, topic: str | None) -> list[str]:
    """The scopes that reach a ballot, the most specific first: ballot, topics from long to short, space."""
    parts = [] if topic is None else topic.split("/")
    topics = ["topic:" + "/".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return [f"ballot:{ballot}", *topics, "space"]


def quarter_for(ballot: Ballot) -> str:
    """The quarter that a delegation must still hold in: the ballot's own, else that of its planned close."""
    return ballot.quarter or quarter_of(ballot.closes_at)


def choose(delegated: Delegated, roll: Roll, ballot: Ballot, rule: DelegationRule) -> Chosen:
    """For each row of the roll its most specific live delegation that reaches this ballot.

    A revoked or expired one leaves the place to the next wider scope. Without the ranked fallback only the
    first delegate is asked.
    """
    scopes, quarter = scopes_of(ballot.ballot, rule.topic), quarter_for(ballot)
    most = None if rule.fallback == "ranked" else 1
    rows: list[Sequence[int]] = [()] * len(roll)
    index = [-1] * len(roll)
    expired = [False] * len(roll)
    for delegator, records in delegated.items():
        row = roll.row_of(delegator)
        if row is None:
            continue
        for scope in scopes:
            record = records.get(scope)
            if record is None or record.expires is None:
                continue
            if record.expires < quarter:
                expired[row] = True
                continue
            rows[row] = [_row(roll, delegate) for delegate in record.delegates[:most]]
            index[row], expired[row] = record.index, False
            break
    return chosen_of(rows, index, expired)


def _row(roll: Roll, member: str) -> int:
    row = roll.row_of(member)
    return OUTSIDE if row is None else row
