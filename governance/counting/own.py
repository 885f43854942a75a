"""What became of one voter's answer, in plain language, from the outcome and the answer alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from governance.counting.option import Option
from governance.counting.outcome import Outcome, rounded
from governance.counting.paper import Stop, path_of
from governance.counting.payments import spending_of
from governance.counting.profile import Answer
from governance.counting.ranked import preferences
from governance.counting.telling import Words, listed

FOLLOWED: Final = ("irv", "scottish-stv")
"""Rules under which a paper is followed from option to option."""


def explain_answer(
    outcome: Outcome, options: Sequence[Option], params: Any, answer: Answer | None, weight: int
) -> list[str]:
    """What this answer of this weight did; for every rule at least what of it was chosen.

    Args:
        outcome: of the question.
        options: of the question, with titles and costs.
        params: the rule's parameters.
        answer: valid, or None for a blank one.
        weight: of the voter, with what was delegated.
    """
    words = Words(outcome, {option.id: option.title for option in options})
    if answer is None:
        return ["You left this question blank: your vote counts as taking part and as nothing else."]
    if outcome.rule == "equal-shares":
        return _shares(words, options, answer, weight)
    if outcome.rule in FOLLOWED and isinstance(answer, list):
        return _paper(words, preferences(params, answer), weight)
    return _chosen(words, answer)


def _shares(words: Words, options: Sequence[Option], answer: Answer, weight: int) -> list[str]:
    outcome = words.outcome
    marks = [mark for mark in answer if isinstance(mark, str)]
    money = spending_of(outcome, options, marks, weight)
    if money is None:
        return ["You marked nothing, so no share of the budget was set aside for you."]
    lines = [f"Your {money.part} share of the budget was {rounded(money.share)}."]
    if money.raised != money.share:
        lines.append(f"Completion raised every share; yours was {rounded(money.raised)} in the end.")
    for payment in money.payments:
        name = words.name(payment.option)
        if not payment.paid:
            lines.append(f"{name}, which you support, was bought when you had nothing left.")
        else:
            rest = ", all that was left" if payment.everything else f"; {rounded(payment.left)} was left"
            lines.append(f"It paid {rounded(payment.paid)} for {name}{rest}.")
    added = [o for step in outcome.steps if step.action == "add" for o in step.options if o in marks]
    if added:
        lines.append(f"Bought afterwards from what nobody had spent: {words.names(added)}.")
    missed = [mark for mark in marks if mark not in outcome.winners]
    if missed:
        lines.append(f"You also support {words.names(missed)}: not bought, since supporters could not pay.")
    return [*lines, f"Not spent: {rounded(money.left)}."]


def _paper(words: Words, order: Sequence[str], weight: int) -> list[str]:
    stops = path_of(words.outcome, order)
    if stops[0].option is None:
        return ["Your paper ranks nobody in a way that counts."]
    lines = [_stop(words, stop) for stop in stops]
    last = stops[-1]
    if last.option is not None:
        fate = "was elected" if last.option in words.outcome.winners else "was not elected"
        lines.append(f"There it stayed to the end: {words.name(last.option)} {fate}.")
    unit = "" if weight == 1 else f" Your weight of {weight} counts {weight} times as much."
    return [*lines[:-1], lines[-1] + unit]


def _stop(words: Words, stop: Stop) -> str:
    to = "nobody is left on it" if stop.option is None else words.name(stop.option)
    if stop.why == "first" or stop.source is None:
        return f"Round 1: your paper counts for {to}, your first preference."
    source = words.name(stop.source)
    if stop.why == "excluded":
        how = f"{source} was excluded; your paper"
    else:
        how = f"{source} was elected with more than the quota; what your paper is not needed for there"
    if stop.option is None:
        return f"Round {stop.round}: {how} goes no further: {to}."
    return f"Round {stop.round}: {how} goes on to {to}, at a value of {stop.value}."


def _chosen(words: Words, answer: Answer) -> list[str]:
    winners = words.outcome.winners
    ranks = [answer] if isinstance(answer, str) else answer
    if isinstance(ranks, dict):
        given = listed([f"{words.name(option)} {points}" for option, points in ranks.items()])
        wanted = [option for option, points in ranks.items() if points > 0]
    else:
        tied = [[rank] if isinstance(rank, str) else rank for rank in ranks]
        given = listed([" = ".join(map(words.name, rank)) for rank in tied])
        wanted = [option for rank in tied for option in rank]
    chosen = [option for option in wanted if option in winners]
    lines = [f"You answered: {given or 'nothing'}."]
    if not winners:
        return [*lines, "Nothing was chosen."]
    return [*lines, f"Of what you named, chosen: {words.names(chosen) or 'nothing'}."]
