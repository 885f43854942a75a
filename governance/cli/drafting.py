"""Writing a ballot's definition: everything explicit, nothing left to a default (DESIGN 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from governance.cli.spaces import Adopted
from governance.counting.files.parameters import typed_params
from governance.counting.registry import get_rule
from governance.errors import InvalidDefinition
from governance.log.lineage import name_of
from governance.replay.schedule import window
from governance.service.answers import ItemView
from governance.statements.ballot import Ballot, Eligibility, OptionLine, Question, RuleChoice
from governance.statements.delegation import DelegationRule
from governance.statements.space import Quorum

REVIEW: Final = 3_600
"""Seconds that a draft waits before it opens by itself, unless the steward or the calendar says otherwise."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a steward says about a ballot; None leaves it to the constitution."""

    ballot: str
    title: str
    options: Sequence[OptionLine]
    rule: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    question: str = "question"
    question_title: str | None = None
    text: str = ""
    quarter: str | None = None
    opens_at: int | None = None
    closes_at: int | None = None
    quorum: bool = True
    weights: str | None = None
    delegation: DelegationRule | None = None
    witness_policy: str = ""


def from_items(items: Iterable[ItemView], *, costs: bool) -> list[OptionLine]:
    """Roadmap items as options; with costs, each costs its effort in person-days.

    Raises:
        InvalidDefinition: an item without an effort where costs are needed; names all of them.
    """
    chosen = list(items)
    silent = [i.item for i in chosen if costs and not i.effort_days]
    if silent:
        raise InvalidDefinition(
            f"these items have no effort that could be their cost: {', '.join(silent)}; "
            'write it into the roadmap ("(2 weeks)"), or leave them out with --items',
            items=silent,
        )
    return [
        OptionLine(i.item, i.title, str(i.effort_days) if costs else None, i.item)
        for i in sorted(chosen, key=lambda i: i.item)
    ]


def spends(rule: str) -> bool:
    """Whether a rule spends a budget on options."""
    return "budget" in {f.name for f in msgspec.structs.fields(get_rule(rule).Params)}


def full_params(rule_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a rule, those given in their types and the others at the rule's defaults.

    Raises:
        Unsupported: no such rule.
        InvalidDefinition: unknown or unfitting parameters.
    """
    rule = get_rule(rule_id)
    params = rule.parse_params(typed_params(rule, given), "/questions/0/rule")
    found: dict[str, Any] = msgspec.to_builtins(params)
    return found


def define(space: Adopted, wish: Wish, steward: str, now: int) -> Ballot:
    """The definition of a ballot with one question.

    Raises:
        InvalidDefinition, Unsupported: what does not fit.
    """
    defaults = space.constitution.ballots
    rule = wish.rule or defaults.rule
    opens, closes = _window(space, wish, now)
    quorum: Quorum | None = defaults.quorum if wish.quorum else None
    question = Question(
        id=wish.question,
        title=wish.question_title or wish.title,
        text=wish.text,
        options=list(wish.options),
        rule=RuleChoice(rule, get_rule(rule).version, full_params(rule, wish.params)),
        ties="rule-then-lot",
    )
    return Ballot(
        protocol=1,
        space=space.view.space,
        ballot=wish.ballot,
        origin=f"{name_of(space.view.origin)}/ballots/{wish.ballot}",
        title=wish.title,
        text=wish.text,
        quarter=wish.quarter,
        privacy="open",
        questions=[question],
        eligibility=Eligibility(["member"], wish.weights or defaults.weights),
        quorum=quorum,
        opens_at=opens,
        closes_at=closes,
        early_close="steward",
        extension=min(defaults.extension, closes - opens) if quorum and closes > opens else 0,
        revote="last-counts",
        delegation=wish.delegation or "none",
        nonce_holders=[],
        witness_policy=wish.witness_policy,
        requires=["open-ballot/v1"] if wish.delegation is None else ["delegation/v1", "open-ballot/v1"],
        signer=steward,
        defined_at=now,
    )


def _window(space: Adopted, wish: Wish, now: int) -> tuple[int, int]:
    """As wished; else by the constitution's calendar for the quarter.

    Where only the close is said, it opens by itself after `REVIEW`: time to look at the draft, or to open it.

    Raises:
        InvalidDefinition: neither says when.
    """
    plan = space.constitution.calendar
    due = window(plan, wish.quarter) if plan is not None and wish.quarter is not None else None
    if wish.closes_at is not None:
        later = now + max(0, min(REVIEW, (wish.closes_at - now) // 2))
        return later if wish.opens_at is None else wish.opens_at, wish.closes_at
    if due is None:
        raise InvalidDefinition(
            "say when the ballot closes (--closes +7d), or name the quarter it is for (--quarter): "
            "then the constitution's calendar decides",
            pointer="/closes_at",
        )
    return due.opens_at if wish.opens_at is None else wish.opens_at, due.closes_at
