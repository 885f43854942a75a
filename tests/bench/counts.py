"""Row 4: how long counting takes, on real files and on a million generated voters."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from governance.counting.files.count import count_file
from governance.counting.lot import lot_order
from governance.counting.option import Option
from governance.counting.profile import Answer, Profile
from governance.counting.registry import get_rule
from tests.bench.figures import Figure
from tests.support.elections import FOLDER

RULES = ("approval", "greedy", "equal-shares")
OPTIONS = 40
BUDGET = 1_000_000


def run(quick: bool) -> Iterator[Figure]:
    """Files with every rule that takes them; then generated voters."""
    for path in sorted(FOLDER.glob("*.pb")):
        data = path.read_bytes()
        seconds, outcome = _timed(partial(count_file, data))
        voters = sum(outcome["ballots"].values())
        yield Figure(
            "counts", f"{path.stem.partition('_')[2]}: {outcome['rule']}", seconds * 1000, "ms",
            note=f"{voters:,} voters, file read and counted",
        )  # fmt: skip
    for voters in (100_000,) if quick else (100_000, 1_000_000):
        yield from _generated(voters)


def _generated(voters: int) -> Iterator[Figure]:
    options, answers = _election(voters)
    order = [option.id for option in options]
    # What any count must do at least: read each distinct answer once, as it stands in the votes.
    texts = [msgspec.json.encode(answer) for answer in answers]
    bare, _ = _timed(lambda: [msgspec.json.decode(text) for text in texts])
    for name in RULES:
        rule = get_rule(name)
        given = {"budget": str(BUDGET)} if name != "approval" else {}
        params = rule.parse_params(given)

        def count(rule: Any = rule, params: Any = params) -> Any:
            profile = Profile.from_answers((answer, 1) for answer in answers)
            return rule.count(options, params, profile, lot_order(bytes(32), "q", order))

        seconds, outcome = _timed(count)
        yield Figure(
            "counts", f"{name}, {voters:,} generated voters", seconds, "s", goal=("<=", 3.0),
            note=f"{len(outcome.winners)} of {OPTIONS} win; JSON of the answers alone: {bare:.2f} s",
        )  # fmt: skip


def _election(voters: int) -> tuple[list[Option], list[Answer]]:
    """Approvals with a long tail, 1 to 8 of 40 projects: nearly as many distinct answers as voters."""
    chance = random.Random(voters)
    options = [Option(f"p{i:02}", f"Project {i}", chance.randint(10_000, 200_000)) for i in range(OPTIONS)]
    ids = [option.id for option in options]
    weights = [1 / (rank + 3) for rank in range(OPTIONS)]
    answers: list[Answer] = []
    for _ in range(voters):
        marks = set(chance.choices(ids, weights, k=chance.randint(1, 8)))
        answers.append([option for option in ids if option in marks])
    return options, answers


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result
