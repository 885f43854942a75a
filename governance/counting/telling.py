"""One sentence for each step of an outcome, with titles for ids: what happened, then the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Final

from governance.counting.outcome import Outcome, Step

NAMED: Final = 20
"""Options that one sentence names; of more it says how many there are."""


class Words:
    """An outcome's options by the titles a reader knows, where they tell options apart."""

    def __init__(self, outcome: Outcome, titles: Mapping[str, str]) -> None:
        self.outcome = outcome
        given = [titles.get(option) or option for option in outcome.options]
        self._titles = {
            option: title if given.count(title) == 1 else f"{title} ({option})"
            for option, title in zip(outcome.options, given, strict=True)
        }
        self.rows = {step.options[0]: step.totals for step in outcome.steps if _is_row(step)}

    def name(self, option: str) -> str:
        """An option's title."""
        return self._titles.get(option, option)

    def names(self, options: Iterable[str]) -> str:
        """Titles as a sentence has them: `a, b and c`."""
        return listed([self.name(option) for option in options])

    def numbers(self, totals: Mapping[str, str]) -> str:
        """Options with their totals: `a 5, b 3`."""
        return listed([f"{self.name(option)} {total}" for option, total in totals.items()], " and ")


def listed(words: list[str], last: str = " and ") -> str:
    """Words as a sentence has them, of many only the first."""
    if len(words) > NAMED:
        words = [*words[: NAMED - 1], f"{len(words) - NAMED + 1} others"]
    return last.join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def tell(step: Step, words: Words) -> str:
    """The step in words. An action that is not known is told as it is recorded."""
    return _TOLD.get(step.action, _recorded)(step, words)


def _is_row(step: Step) -> bool:
    return step.action == "compare" and len(step.options) == 1 and bool(step.totals)


def _recorded(step: Step, words: Words) -> str:
    names = f" {words.names(step.options)}" if step.options else ""
    return f"{step.action.capitalize()}{names}: {step.note}"


def _count(step: Step, words: Words) -> str:
    numbers = f" {words.numbers(step.totals)}." if step.totals else ""
    return f"{step.note}{numbers}"


def _note(step: Step, words: Words) -> str:
    del words
    return step.note


def _round(step: Step, words: Words) -> str:
    """A round's note names the options itself; other rules say the same of one option."""
    return step.note if "rounds" in words.outcome.facts else _recorded(step, words)


def _elect(step: Step, words: Words) -> str:
    return f"Elected: {words.names(step.options)}. {step.note}" if step.options else f"Nobody. {step.note}"


def _tie(step: Step, words: Words) -> str:
    # STV and IRV name the tied in their notes.
    return step.note if "rounds" in words.outcome.facts else f"{words.names(step.options)}: {step.note}"


def _heading(text: str) -> Callable[[Step, Words], str]:
    def told(step: Step, words: Words) -> str:
        totals = [step.totals[option] for option in step.options if option in step.totals]
        with_total = f", with {totals[0]}" if len(totals) == 1 else ""
        return f"{text} {words.names(step.options)}{with_total}. {step.note}"

    return told


def _buy(step: Step, words: Words) -> str:
    return f"Bought: {words.names(step.options)}. {step.note}"


def _drop(step: Step, words: Words) -> str:
    option = step.options[0] if step.options else ""
    return f"Dropped: {words.name(option)}. {_begun(step.note.removeprefix(f'{option}: '))}"


def _skip(step: Step, words: Words) -> str:
    if len(step.options) == 2:
        return f"{_pair(step, words)} Skipped: it would close a cycle of stronger majorities."
    return _heading("Left out:")(step, words) if step.options else step.note


def _lock(step: Step, words: Words) -> str:
    return f"{_pair(step, words)} Locked." if len(step.options) == 2 else _recorded(step, words)


def _pair(step: Step, words: Words) -> str:
    a, b = step.options
    score = f", {step.totals[a]} to {step.totals[b]}" if {a, b} <= step.totals.keys() else ""
    return f"{words.name(a)} over {words.name(b)}{score}."


def _compare(step: Step, words: Words) -> str:
    """A row of the comparisons; of other rules what greedy budgeting does, or what majority grades share."""
    if not _is_row(step):
        return f"{words.names(step.options) or 'Nothing'}: {step.note}"
    (option,) = step.options
    by_result: dict[str, list[str]] = {"beats": [], "ties with": [], "loses to": []}
    for other, text in step.totals.items():
        back = words.rows.get(other, {}).get(option)
        ours, theirs = number(text), number(back)
        if ours is None or theirs is None:
            return _recorded(step, words)
        result = "beats" if ours > theirs else "loses to" if ours < theirs else "ties with"
        by_result[result].append(f"{words.name(other)} {text} to {back}")
    parts = [f"{result} {listed(found)}" for result, found in by_result.items() if found]
    return f"{words.name(option)} {'; '.join(parts) or 'has no other to compare with'}."


def _paths(step: Step, words: Words) -> str:
    ways = listed([f"{words.name(other)} {strength}" for other, strength in step.totals.items()])
    beaten = step.note.rpartition("beaten by ")[2].rstrip(".")
    by = "nobody" if beaten == "nobody" else words.names(beaten.split(", "))
    return (
        f"Strongest paths from {words.names(step.options)} (winning-losing votes of the weakest step): "
        f"{ways or 'none'}. Beaten by {by}."
    )


def _grades(step: Step, words: Words) -> str:
    tally = listed([f"{weight} gave {grade}" for grade, weight in step.totals.items()])
    return f"{words.names(step.options)}: {tally or 'no grades'}. {step.note}"


def _winner(step: Step, words: Words) -> str:
    return f"{words.names(step.options)} wins every comparison."


def _judged(what: str) -> Callable[[Step, Words], str]:
    def told(step: Step, words: Words) -> str:
        del words
        return f"{what} {step.note[:1].lower()}{step.note[1:]}"

    return told


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def number(text: str | None) -> Fraction | None:
    """A total as a number; None when it is none."""
    try:
        return Fraction(text) if text is not None and len(text) < 5_000 else None
    except (ValueError, ZeroDivisionError):
        return None


_TOLD: Final[dict[str, Callable[[Step, Words], str]]] = {
    "count": _count,
    "points": _count,
    "elect": _elect,
    "tie": _tie,
    "exclude": _round,
    "transfer": _round,
    "distribute": _round,
    "raise": _note,
    "select": _heading("Selected:"),
    "stop": _heading("Not reached:"),
    "add": _heading("Added:"),
    "buy": _buy,
    "drop": _drop,
    "skip": _skip,
    "lock": _lock,
    "compare": _compare,
    "condorcet-winner": _winner,
    "paths": _paths,
    "grades": _grades,
    "participation": _judged("Participation"),
    "support": _judged("Support"),
}
