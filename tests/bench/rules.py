"""Every counting rule on 10^3 to 10^6 votes: time, memory above the votes, growth, the quickest library.

Each rule counts in a process of its own, from answers as the log holds them, so grouping is included. The
libraries are those of tests/oracles, in the environment that ALTHING_ORACLES names; each is given up after
`PATIENCE` seconds, and the ratio is of the largest size that one of them bears.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

from governance.counting import Option, Outcome, Profile, get_rule
from tests.bench.figures import Figure

ROOT: Final = Path(__file__).parents[2]
SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
PATIENCE: Final = 20
IDS: Final = [f"{number}" for number in range(20)]
COSTS: Final = [Random(7).randint(10, 200) * 1000 for _ in IDS]
_LIKED: Final = [1 / (rank + 3) for rank in range(20)]

Draw = Callable[[Random], Any]


def _ranks(draw: Random) -> Any:
    return draw.sample(IDS, 10)


def _marks(draw: Random) -> Any:
    chosen = set(draw.choices(IDS, _LIKED, k=draw.randint(1, 8)))
    return [name for name in IDS if name in chosen]


def _grades(draw: Random) -> Any:
    return dict(zip(IDS, draw.choices(range(4), k=20), strict=True))


def _dots(draw: Random) -> Any:
    return dict.fromkeys(draw.choices(IDS, _LIKED, k=8), 1)


def _choice(draw: Random) -> Any:
    return draw.choices(IDS, _LIKED)[0]


_BUDGET: Final = {"budget": "1000000"}
RULES: Final[dict[str, tuple[Draw, dict[str, Any], str]]] = {
    "plurality": (_choice, {}, ""),
    "approval": (_marks, {"seats": 5}, "approval"),
    "score": (_grades, {"max_grade": 3, "ties": "lot"}, "score"),
    "cumulative": (_dots, {"max_sum": 100}, "cumulative"),
    "quadratic": (_dots, {"personhood": "checked"}, ""),
    "borda": (_ranks, {}, "borda/weak"),
    "positional": (_ranks, {"points": [5, 3, 2]}, "positional"),
    "irv": (_ranks, {}, "irv/partial"),
    "scottish-stv": (_ranks, {"seats": 5}, "scottish-stv"),
    "meek-stv": (_ranks, {"seats": 5}, "meek-stv"),
    "schulze": (_ranks, {}, "schulze/weak"),
    "ranked-pairs": (_ranks, {}, "ranked-pairs/weak"),
    "copeland": (_ranks, {}, "copeland"),
    "majority-judgment": (_grades, {"max_grade": 3}, "majority-judgment"),
    "equal-shares": (_marks, {**_BUDGET, "completion": "none"}, "equal-shares/cost"),
    "phragmen": (_marks, {**_BUDGET, "skip": False}, "phragmen"),
    "greedy": (_marks, _BUDGET, "greedy"),
    "yes-no": (lambda draw: draw.choice(["yes", "no", "abstain"]), {}, ""),
    "snapshot-weighted": (_dots, {}, ""),
    "snapshot-quadratic": (_dots, {}, ""),
}
"""How a rule is answered, its parameters, and its case in tests/oracles ("": no library has it)."""

GOALS: Final = {"scottish-stv": 3.0, "schulze": 3.0}
"""Seconds for a million votes of 10 ranks of 20 options."""


def run(quick: bool) -> Iterator[Figure]:
    """One row for each rule; one more where a library has it."""
    sizes = SIZES[:3] if quick else SIZES
    for name in RULES:
        asked = [sys.executable, "-m", "tests.bench.rules", name, *map(str, sizes)]
        done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        yield _own(name, rows)
        case = RULES[name][2]
        if case and os.environ.get("ALTHING_ORACLES"):
            yield from _beside(name, case)


def _own(name: str, rows: list[dict[str, float]]) -> Figure:
    last, before = rows[-1], rows[-2]
    growth = (last["seconds"] / last["votes"]) / (before["seconds"] / before["votes"])
    smaller = ", ".join(f"{row['votes']:,}: {row['seconds'] * 1000:,.1f} ms" for row in rows[:-1])
    return Figure(
        "rules", f"{name}, {last['votes']:,} votes", last["seconds"], "s",
        goal=("<=", GOALS[name]) if name in GOALS and last["votes"] == SIZES[-1] else None,
        note=f"{smaller}; x{growth:.2f} per vote at the end; {last['megabytes']:,.0f} MB above the votes",
    )  # fmt: skip


def _beside(name: str, case: str) -> Iterator[Figure]:
    best = None
    for size in SIZES[:3]:
        options, votes = election(name, size)
        ours, outcome = _timed(name, options, votes)
        made = {
            "case": case, "seed": 0, "options": IDS, "costs": COSTS, "params": RULES[name][1], "lot": IDS,
            "votes": votes, "outcome": msgspec.to_builtins(outcome),
        }  # fmt: skip
        found = _libraries(json.dumps(made))
        if not found:
            break
        theirs, library = min(found)
        best = Figure(
            "rules", f"{name}, {size:,} votes", ours, "s", ceiling=theirs, against=library,
            note="same outcome",
        )  # fmt: skip
        if theirs > PATIENCE / 8:
            break
    if best is not None:
        yield best


def _libraries(line: str) -> list[tuple[float, str]]:
    """Seconds and names of the libraries that counted a profile in time, and as we do.

    One that gives up at a tie is quick, too, but has not counted.
    """
    python = Path(os.environ["ALTHING_ORACLES"]) / "bin" / "python"
    asked = [python, "-u", ROOT / "tests" / "oracles" / "timing.py"]
    with subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        with suppress(subprocess.TimeoutExpired):
            running.stdin.write(line)
            running.stdin.close()
            running.wait(PATIENCE)
        running.kill()
        rows = [json.loads(row) for row in running.stdout.read().splitlines()]
    return [(row["seconds"], row["name"]) for row in rows if row["agrees"]]


def election(name: str, size: int) -> tuple[list[Option], list[tuple[Any, int]]]:
    """Generated votes of weight 1; rankings and cards are nearly all distinct."""
    draw = Random(size)
    answer = RULES[name][0]
    ids = ["yes", "no", "abstain"] if name == "yes-no" else IDS
    options = [Option(one, cost=cost) for one, cost in zip(ids, COSTS, strict=False)]
    return options, [(answer(draw), 1) for _ in range(size)]


def _timed(name: str, options: list[Option], votes: list[tuple[Any, int]]) -> tuple[float, Outcome]:
    rule = get_rule(name)
    params = rule.parse_params(RULES[name][1])
    start = time.perf_counter()
    outcome = rule.count(options, params, Profile.from_answers(votes), [option.id for option in options])
    return time.perf_counter() - start, outcome


def _memory(field: str) -> float:
    """Megabytes of this process (Linux): VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def main() -> None:
    """Count one rule on the sizes asked for; one JSON line for each."""
    name, *sizes = sys.argv[1:]
    _timed(name, *election(name, 100))  # imports and first-time work
    for size in map(int, sizes):
        options, votes = election(name, size)
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        before = _memory("VmRSS")
        seconds, _ = _timed(name, options, votes)
        peak = max(0.0, _memory("VmHWM") - before)
        print(json.dumps({"votes": size, "seconds": seconds, "megabytes": peak}))


if __name__ == "__main__":
    main()
