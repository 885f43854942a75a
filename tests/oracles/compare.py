"""Our counts beside those of other people's libraries; needs nothing of Althing, only those libraries.

    python -m tests.oracles.profiles > profiles.jsonl           # in Althing's environment
    python tests/oracles/compare.py profiles.jsonl              # in an environment with the libraries

Prints one line for each comparison, and the profile of every difference without a reason; ends with 1 if
there is one. docs/decisions/0015-oracles.md explains each reason.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

LIBRARIES = ("pref_voting", "votelib", "pyrankvote", "pabutools", "abcvoting")

Made = dict[str, Any]
"""A line of profiles.jsonl."""


class Found(NamedTuple):
    """What a library found, what we did, and why they may differ ("" means they may not)."""

    theirs: Any
    ours: Any
    reason: str = ""


class Comparison(NamedTuple):
    """A library's own function, and the cases that it takes."""

    name: str
    cases: tuple[str, ...]
    compare: Callable[[Made], Found]


def groups(answer: Any) -> list[list[str]]:
    """A ranking as lists of options at one rank."""
    return [[rank] if isinstance(rank, str) else list(rank) for rank in answer]


def steps(made: Made, action: str) -> list[Any]:
    """Our steps of one kind."""
    return [step for step in made["outcome"]["steps"] if step["action"] == action]


def lots(made: Made) -> bool:
    """Whether our count drew a lot."""
    return any("lot decided" in step["note"] for step in steps(made, "tie"))


def top(made: Made) -> set[str]:
    """The options that we find first and level."""
    return set(made["outcome"]["ranking"][0])


def comparisons() -> Iterator[Comparison]:
    """Those of every library that is installed."""
    here = str(Path(__file__).parent)
    if here not in sys.path:
        sys.path.insert(0, here)
    for name in LIBRARIES:
        try:
            version(name)
        except PackageNotFoundError:
            continue
        yield from import_module(f"with_{name}").COMPARISONS


def run(lines: Iterable[str], show: Callable[[str], None] = print) -> int:
    """How many differences nothing explains; `show` is given the table."""
    made = [json.loads(line) for line in lines]
    unexplained = 0
    for comparison in comparisons():
        found: Counter[str] = Counter()
        for one in made:
            if one["case"] not in comparison.cases:
                continue
            theirs, ours, reason = comparison.compare(one)
            found["agree" if theirs == ours else reason or "DIFFER"] += 1
            if theirs != ours and not reason:
                show(f"{comparison.name}: theirs {theirs}, ours {ours}: {json.dumps(one)[:1500]}")
        unexplained += found["DIFFER"]
        counts = ", ".join(f"{number} {what}" for what, number in sorted(found.items()))
        show(f"{comparison.name} [{', '.join(comparison.cases)}]: {counts}")
    return unexplained


def main() -> int:
    """Compare the profiles of a file, or of standard input."""
    for name in LIBRARIES:
        try:
            print(name, version(name))
        except PackageNotFoundError:
            print(name, "is not installed")
    text = Path(sys.argv[1]).read_text() if len(sys.argv) > 1 else sys.stdin.read()
    return 1 if run(text.splitlines()) else 0


if __name__ == "__main__":
    sys.modules["compare"] = sys.modules["__main__"]
    sys.exit(main())
