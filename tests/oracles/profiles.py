"""`python -m tests.oracles.profiles [COUNT]`: seeded profiles with our outcomes, as JSON for `compare.py`.

The two programs share nothing but this JSON, so that libraries of any licence stay in an environment of their
own. Options are called "0", "1", …; small electorates make ties common.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final

import msgspec

from governance.counting import Option, Profile, get_rule

COUNT: Final = 200
Votes = list[tuple[Any, int]]


def strict(draw: Random, ids: list[str]) -> Any:
    """All options in some order."""
    return draw.sample(ids, len(ids))


def partial(draw: Random, ids: list[str]) -> Any:
    """Some options, at least one, in some order."""
    return draw.sample(ids, draw.randint(1, len(ids)))


def weak(draw: Random, ids: list[str]) -> Any:
    """Some options in some order, neighbours sometimes at one rank."""
    ranks: list[Any] = []
    for name in partial(draw, ids):
        if ranks and draw.random() < 0.3:
            ranks[-1] = [*([ranks[-1]] if isinstance(ranks[-1], str) else ranks[-1]), name]
        else:
            ranks.append(name)
    return ranks


def marks(draw: Random, ids: list[str]) -> Any:
    """At least one option, in the order of the definition."""
    return sorted(draw.sample(ids, draw.randint(1, len(ids))))


def grades(draw: Random, ids: list[str]) -> Any:
    """0 to 3 for every option."""
    return {name: draw.randint(0, 3) for name in ids}


Form = Callable[[Random, list[str]], Any]
Given = Callable[[Random, int], dict[str, Any]]


def seats(draw: Random, options: int) -> dict[str, Any]:
    """Any number of seats that leaves somebody out."""
    return {"seats": draw.randint(1, options - 1)}


def _budget(draw: Random, options: int) -> dict[str, Any]:
    return {"budget": str(draw.randint(10, 20 * options))}


def nothing(draw: Random, options: int) -> dict[str, Any]:
    """Defaults."""
    return {}


def _with(**more: Any) -> Given:
    return lambda draw, options: {**_budget(draw, options), **more}


CASES: Final[dict[str, tuple[str, Form, Given]]] = {
    "approval": ("approval", marks, seats),
    "score": ("score", grades, lambda *_: {"max_grade": 3, "ties": "lot"}),
    "cumulative": ("cumulative", grades, lambda *_: {"max_sum": 100}),
    "borda/strict": ("borda", strict, nothing),
    "borda/weak": ("borda", weak, nothing),
    "positional": ("positional", partial, lambda _, options: {"points": [5, 3, 2][:options]}),
    "positional/dowdall": ("positional", partial, lambda *_: {"points": "dowdall"}),
    "irv/strict": ("irv", strict, nothing),
    "irv/partial": ("irv", partial, nothing),
    "scottish-stv": ("scottish-stv", partial, seats),
    "meek-stv": ("meek-stv", partial, seats),
    "schulze/strict": ("schulze", strict, nothing),
    "schulze/weak": ("schulze", weak, nothing),
    "schulze/no-opinion": ("schulze", weak, lambda *_: {"unranked": "no-opinion"}),
    "ranked-pairs/strict": ("ranked-pairs", strict, nothing),
    "ranked-pairs/weak": ("ranked-pairs", weak, nothing),
    "copeland": ("copeland", weak, nothing),
    "majority-judgment": ("majority-judgment", grades, lambda *_: {"max_grade": 3}),
    "equal-shares/cost": ("equal-shares", marks, _with(completion="none")),
    "equal-shares/cardinality": ("equal-shares", marks, _with(completion="none", utility="cardinality")),
    "equal-shares/add1": ("equal-shares", marks, _with(step="2")),
    "equal-shares/committee": ("equal-shares", marks, _with(completion="none")),
    "phragmen": ("phragmen", marks, _with(skip=False)),
    "phragmen/committee": ("phragmen", marks, seats),
    "greedy": ("greedy", marks, _budget),
}
"""Name of a case: the rule, the form of its answers, and its parameters."""


def profile(case: str, seed: int) -> dict[str, Any]:
    """One profile and what we count."""
    rule_id, form, given = CASES[case]
    draw = Random(f"{case} {seed}")
    size = draw.randint(2, 6)
    ids = [str(number) for number in range(size)]
    params = given(draw, size)
    unit = case.endswith("/committee")
    costs = [1 if unit else draw.randint(1, 30) for _ in ids]
    if unit and "budget" in params:
        params["budget"] = str(draw.randint(1, size - 1))
    most = 3 if seed % 2 else 1
    # Transfers of a handful of papers are ties and little else.
    voters = draw.randint(20, 60) if "stv" in case else draw.randint(1, 12)
    votes: Votes = [(form(draw, ids), draw.randint(1, most)) for _ in range(voters)]
    lot = ids if unit else draw.sample(ids, size)
    rule = get_rule(rule_id)
    options = [Option(name, cost=cost) for name, cost in zip(ids, costs, strict=True)]
    checked = rule.parse_params(params)
    rule.check_definition(options, checked)
    for answer, _ in votes:
        rule.check_answer(options, checked, answer)
    outcome = rule.count(options, checked, Profile.from_answers(votes), lot)
    return {
        "case": case,
        "seed": seed,
        "options": ids,
        "costs": costs,
        "params": params,
        "votes": votes,
        "lot": lot,
        "outcome": msgspec.to_builtins(outcome),
    }


def profiles(count: int = COUNT) -> Iterator[dict[str, Any]]:
    """The profiles of every case."""
    return (profile(case, seed) for case in CASES for seed in range(count))


def main() -> None:
    """One profile per line."""
    for made in profiles(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT):
        print(json.dumps(made))


if __name__ == "__main__":
    main()
