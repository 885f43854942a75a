"""An outcome's steps with what an auditor asks of each: totals before and after, the reason, the clause."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from governance.counting.outcome import Outcome
from governance.counting.registry import RULES
from governance.counting.rule import Rule

_PLACE: Final = r"[0-9]+(?:\([0-9a-z]+\))*"
_clause: Final = re.compile(
    rf"\((?:quorum, |majority, )?(rules? {_PLACE}(?:, {_PLACE})*|[A-C]\.[0-9][0-9a-zA-Z., ]*)\)(?=[ .:]|$)"
)


class TracedStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step: `clause` is the rule's own text that the reason names, else the rule's reference.

    `before` is empty where a step is the first to give totals.
    """

    action: str
    options: list[str]
    before: dict[str, str]
    after: dict[str, str]
    reason: str
    clause: str


def rule_of(outcome: Outcome) -> Rule[Any] | None:
    """The rule that counted, in its newest registered version; None when it is not registered here."""
    versions = [key for key in RULES if key[0] == outcome.rule]
    return RULES[max(versions)] if versions else None


def trace(outcome: Outcome) -> list[TracedStep]:
    """The steps in order. A rule that counts in rounds has everybody's totals at the end of each."""
    rule = rule_of(outcome)
    reference = "" if rule is None else rule.reference
    in_rounds = "rounds" in outcome.facts
    now: dict[str, str] = {}
    found = []
    for step in outcome.steps:
        before: dict[str, str] = {}
        after = step.totals
        if in_rounds and after:
            before, now = now, after
        elif in_rounds:
            before = after = {option: now[option] for option in step.options if option in now}
        clauses = _clause.findall(step.note)
        clause = clauses[-1] if clauses else reference
        found.append(TracedStep(step.action, step.options, before, after, step.note, clause))
    return found
