"""Outcomes as people read them."""

from __future__ import annotations

from governance.cli.console import say, table
from governance.counting.explain import explain
from governance.counting.outcome import Outcome
from governance.replay.carried import Delegations
from governance.replay.definition import Asked, Definition
from governance.replay.result import Result

_QUORUM = {
    "met": "The quorum was met.",
    "missed": "The quorum was missed: nothing is decided; the count below is for information.",
    "none": "No quorum was asked for.",
}


_LOST = {
    "cycle": "went in a circle",
    "no-vote": "ended at somebody who did not vote",
    "expired": "ended at a delegation that has expired",
    "not-on-roll": "left the roll",
    "too-long": "took more steps than the ballot allows",
    "over-cap": "were beyond what one voter may carry",
}


def show(definition: Definition, result: Result, *, steps: bool = False) -> None:
    """A ballot's outcome: participation, then each question as a table."""
    say(
        definition.ballot.title,
        f"  {result.voters} of {result.voters_on_roll} members voted; "
        f"{result.blank_voters} left everything blank; "
        f"{result.votes_replaced} votes were replaced by later ones.",
        f"  {_QUORUM[result.quorum]}",
    )
    if result.delegations is not None:
        say(*_delegations(result.delegations))
    for asked, found in zip(definition.questions, result.questions, strict=True):
        show_question(asked, found.outcome, steps=steps)


def _delegations(told: Delegations) -> list[str]:
    """Who counted through others, what was lost and why, and how concentrated the weight is."""
    lines = [
        f"  {told.delegators} members counted through {told.carriers} voters (weight {told.weight}); "
        f"the heaviest vote was {told.largest_share} of the weight, Gini {told.gini}."
    ]
    lost = [f"{line.delegators} {_LOST.get(line.reason, line.reason)}" for line in told.lost]
    return [*lines, f"  Delegations that counted nowhere: {'; '.join(lost)}."] if lost else lines


def show_question(asked: Asked, outcome: Outcome, *, steps: bool = False) -> None:
    """One question: options from strong to weak, with the greedy outcome beside where the count compares."""
    lines = {o.id: o for o in asked.question.options}
    greedy = greedy_of(outcome)
    header = (
        ["option", "cost", "votes", "chosen"]
        if any(o.cost for o in lines.values())
        else ["option", "votes", "chosen"]
    )
    rows = []
    for option in outcome.order:
        line = lines[option]
        row = [line.title, *([line.cost or ""] if "cost" in header else []), outcome.totals.get(option, "")]
        row.append("✓" if option in outcome.winners else "")
        if greedy is not None:
            row.append("✓" if option in greedy else "")
        rows.append(row)
    if greedy is not None:
        header[-1:] = [asked.rule.id, "greedy"]
    table(f"{asked.question.title} — {asked.rule.title}", header, rows)
    if steps:
        say(*(f"  {line}" for line in explain(outcome, {o.id: o.title for o in asked.question.options})))
        return
    for step in outcome.steps:
        if greedy is not None and step.action == "compare":
            say(f"  {step.note}")


def greedy_of(outcome: Outcome) -> list[str] | None:
    """What greedy budgeting would have selected, where the count says so."""
    if "prefer_greedy" not in outcome.facts:
        return None
    return next((step.options for step in outcome.steps if step.action == "compare"), None)
