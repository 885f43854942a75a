"""Small profiles for every counting rule, from one source of chance; `python -m` digests their outcomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any

import msgspec

from governance.counting import RULES, Option, Profile, get_rule

IDS = ["a", "b", "c", "d"]
Votes = list[tuple[Any, int]]


@dataclass(frozen=True)
class Kind:
    """How a rule is answered, with which parameters and options."""

    answer: Callable[[Random], Any]
    params: dict[str, Any]
    ids: tuple[str, ...] = tuple(IDS)


def _choice(draw: Random) -> Any:
    return draw.choice(IDS)


def _marks(draw: Random) -> Any:
    return draw.sample(IDS, draw.randint(0, 4))


def _weak(draw: Random) -> Any:
    ranks: list[Any] = []
    for name in draw.sample(IDS, draw.randint(0, 4)):
        if ranks and draw.random() < 0.3:
            ranks[-1] = [*([ranks[-1]] if isinstance(ranks[-1], str) else ranks[-1]), name]
        else:
            ranks.append(name)
    return ranks


def _points(draw: Random) -> Any:
    return {name: draw.randint(0, 3) for name in draw.sample(IDS, draw.randint(0, 4))}


def _parts(draw: Random) -> Any:
    return {name: draw.randint(1, 3) for name in draw.sample(IDS, draw.randint(1, 4))}


def _yes(draw: Random) -> Any:
    return draw.choice(["yes", "no", "abstain"])


KINDS: dict[str, Kind] = {
    "approval": Kind(_marks, {"seats": 2}),
    "borda": Kind(_weak, {"seats": 2}),
    "copeland": Kind(_weak, {}),
    "cumulative": Kind(_points, {"max_sum": 12}),
    "equal-shares": Kind(_marks, {"budget": "20", "second_completion": "greedy"}),
    "greedy": Kind(_marks, {"budget": "20"}),
    "irv": Kind(_marks, {}),
    "majority-judgment": Kind(_points, {}),
    "meek-stv": Kind(_marks, {"seats": 2}),
    "phragmen": Kind(_marks, {"budget": "20"}),
    "plurality": Kind(_choice, {}),
    "positional": Kind(_weak, {"points": "dowdall", "ties": "allowed"}),
    "quadratic": Kind(_points, {"personhood": "checked"}),
    "ranked-pairs": Kind(_weak, {}),
    "schulze": Kind(_weak, {"unranked": "no-opinion"}),
    "score": Kind(_points, {}),
    "scottish-stv": Kind(_marks, {"seats": 2}),
    "snapshot-quadratic": Kind(_parts, {}),
    "snapshot-weighted": Kind(_parts, {}),
    "yes-no": Kind(_yes, {}, ("yes", "no", "abstain")),
}


def votes_of(rule_id: str, draw: Random) -> Votes:
    """Up to eight votes: some blank, some of weight 0, some heavier than 64 bits."""
    heaviest = draw.choice([1, 4, 2**128])
    answer = KINDS[rule_id].answer
    return [
        (None if draw.random() < 0.1 else answer(draw), draw.randint(0, heaviest))
        for _ in range(draw.randint(0, 8))
    ]


def result(rule_id: str, votes: Votes, lot: list[str]) -> bytes:
    """The outcome of checked votes, as bytes."""
    rule, kind = get_rule(rule_id), KINDS[rule_id]
    options = [Option(name, cost=number * 4) for number, name in enumerate(kind.ids, 1)]
    params = rule.parse_params(kind.params)
    rule.check_definition(options, params)
    for answer, _ in votes:
        if answer is not None:
            rule.check_answer(options, params, answer)
    return msgspec.json.encode(rule.count(options, params, Profile.from_answers(votes), lot))


def main() -> None:
    """One digest for each rule, over 40 profiles."""
    for rule_id, _ in sorted(RULES):
        digest = sha256()
        for seed in range(40):
            draw = Random(f"{rule_id} {seed}")
            votes = votes_of(rule_id, draw)
            digest.update(result(rule_id, votes, draw.sample(KINDS[rule_id].ids, len(KINDS[rule_id].ids))))
        print(rule_id, digest.hexdigest())


if __name__ == "__main__":
    main()
