"""A Snapshot proposal with its votes, as JSON: the examples of snapshot.js, or what the Snapshot hub answers.

    {"proposal": {"choices": ["Yes", "No"], "type": "single-choice"},
     "votes": [{"choice": 1, "balance": 12.5}, …]}

`candidates` may stand for the proposal's choices, `weight` and `vp` for `balance`; all may lie in `data`.
A choice is the number of an option, a list of numbers, or numbers by number. Option ids are those numbers.
Weights with a fraction are counted in the unit of the last decimal that any of them has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from governance import limits
from governance.counting.checks import at
from governance.counting.files.ballot_file import BallotFile, Ballots
from governance.counting.files.foreign_json import decimals_of, load, scaled
from governance.counting.option import Option
from governance.counting.profile import Answer
from governance.errors import MalformedBallotFile

RULES: Final = {
    "single-choice": "plurality",
    "basic": "plurality",
    "approval": "approval",
    "weighted": "snapshot-weighted",
    "quadratic": "snapshot-quadratic",
    "ranked-choice": "irv",
    "copeland": "copeland",
}
"""Our rule for each voting type of Snapshot."""

_WEIGHTS: Final = ("weight", "balance", "vp")
_number: Final = re.compile(r"[1-9][0-9]{0,3}")


def parse_snapshot(data: bytes) -> BallotFile:
    """The question and votes of a proposal. Without a stated type, the form of the choices says which rule.

    Raises:
        MalformedBallotFile: with line and column, or with the place in the document.
    """
    document = load(data)
    if isinstance(document, dict) and isinstance(document.get("data"), dict):
        document = document["data"]
    if not isinstance(document, dict):
        raise MalformedBallotFile("a proposal is an object", pointer="")
    proposal = document.get("proposal", document)
    if not isinstance(proposal, dict):
        raise MalformedBallotFile("the proposal is not an object", pointer="/proposal")
    names = _names(proposal.get("choices", document.get("candidates")))
    votes = document.get("votes")
    if not isinstance(votes, list) or not all(isinstance(vote, dict) for vote in votes):
        raise MalformedBallotFile("votes are a list of objects", pointer="/votes")
    weights = [_weight(vote, f"/votes/{index}") for index, vote in enumerate(votes)]
    decimals = max(map(decimals_of, weights), default=0)
    ballots = tuple(
        Ballots(_answer(vote.get("choice"), f"/votes/{index}/choice"), scaled(weight, decimals))
        for index, (vote, weight) in enumerate(zip(votes, weights, strict=True))
    )
    kind = proposal.get("type")
    rule = RULES.get(kind) if isinstance(kind, str) else None
    options = tuple(Option(str(number), name) for number, name in enumerate(names, 1))
    sums = (sum(b.answer.values()) for b in ballots if isinstance(b.answer, dict))
    params = {"max_sum": min(1_000_000, max([10_000, *sums]))}
    return BallotFile(
        rule or _by_form([ballot.answer for ballot in ballots], len(names)),
        params,
        options,
        ballots,
        foreign=True,
        decimals=decimals,
    )


def _names(choices: Any) -> list[str]:
    if not isinstance(choices, list) or not all(isinstance(name, str) for name in choices):
        raise MalformedBallotFile("choices are a list of names", pointer="/proposal/choices")
    if not 1 <= len(choices) <= limits.OPTIONS:
        raise MalformedBallotFile(
            f"{len(choices)} choices; 1 to {limits.OPTIONS} can be counted", pointer="/proposal/choices"
        )
    return choices


def _weight(vote: Mapping[str, Any], pointer: str) -> int | Decimal:
    name = next((name for name in _WEIGHTS if name in vote), None)
    if name is None:
        raise MalformedBallotFile(f"the vote has no {' or '.join(_WEIGHTS)}", pointer=pointer)
    weight = vote[name]
    if isinstance(weight, bool) or not isinstance(weight, (int, Decimal)) or weight < 0:
        raise MalformedBallotFile("a weight is a number, not below 0", pointer=at(pointer, name))
    return weight


def _answer(choice: Any, pointer: str) -> Answer:
    """The choice with ids for numbers. Whether it is valid is for the rule to say."""
    if isinstance(choice, int) and not isinstance(choice, bool):
        return str(choice)
    if isinstance(choice, list) and all(type(number) is int for number in choice):
        return [str(number) for number in choice]
    if isinstance(choice, dict) and all(
        type(part) in (int, Decimal) and _number.fullmatch(name) for name, part in choice.items()
    ):
        # Only proportions count, so parts with a fraction are scaled up to whole numbers.
        decimals = max(map(decimals_of, choice.values()), default=0)
        return {name: scaled(part, decimals) for name, part in choice.items()}
    raise MalformedBallotFile(
        "a choice is a number, a list of numbers, or numbers by number", pointer=pointer
    )


def _by_form(answers: Sequence[Answer | None], choices: int) -> str:
    """A rule for choices of this form; lists that all name every choice are rankings."""
    if any(isinstance(answer, dict) for answer in answers):
        return "snapshot-weighted"
    lists = [answer for answer in answers if isinstance(answer, list)]
    if not lists:
        return "plurality"
    return "irv" if all(len(answer) == choices for answer in lists) and choices > 1 else "approval"
