"""Counts agree with `belenios-tool method` (Debian package belenios-tool), on real and generated profiles."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from typing import Any

import pytest

from governance.counting import Option, Outcome, Profile, get_rule
from governance.counting.files.ballot_file import BallotFile
from governance.counting.files.sniff import read_ballot_file
from tests.support.elections import BURLINGTON, DEBIAN, MEEK, ORSAY, SCOTTISH, load

TOOL = shutil.which("belenios-tool")
GENERATED = 200

pytestmark = pytest.mark.skipif(TOOL is None, reason="belenios-tool is not installed")

Ballots = list[list[int]]
"""One row for each voter: the rank (or grade) of each option, 0 for none."""


def belenios(method: str, ballots: Ballots, *arguments: str) -> bytes:
    """What belenios-tool prints; without its line end."""
    assert TOOL is not None
    done = subprocess.run(
        [TOOL, "method", method, *arguments],
        input=json.dumps(ballots).encode(),
        capture_output=True,
        check=True,
        timeout=120,
    )
    return done.stdout.strip()


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def rows_of(file: BallotFile) -> Ballots:
    """The ballots of a file of rankings as Belenios takes them."""
    number = {option.id: index for index, option in enumerate(file.options)}
    rows: Ballots = []
    for line in file.ballots:
        row = [0] * len(number)
        for rank, item in enumerate(line.answer or (), 1):
            for name in [item] if isinstance(item, str) else item:
                row[number[name]] = rank
        rows += [row] * (line.weight * line.count)
    return rows


def answer_of(row: list[int]) -> list[Any]:
    """A row of ranks as our answer: option ids are numbers, equal ranks share a list."""
    ranks = sorted({rank for rank in row if rank})
    groups = [[str(index) for index, own in enumerate(row) if own == rank] for rank in ranks]
    return [group[0] if len(group) == 1 else group for group in groups]


def count(rule_id: str, answers: list[Any], options: int, **params: Any) -> Outcome:
    rule = get_rule(rule_id)
    ids = [Option(str(number)) for number in range(options)]
    checked = rule.parse_params(params)
    rule.check_definition(ids, checked)
    for answer in answers:
        if answer is not None:
            rule.check_answer(ids, checked, answer)
    profile = Profile.from_answers((answer, 1) for answer in answers)
    return rule.count(ids, checked, profile, [option.id for option in ids])


def numbers(groups: list[list[str]]) -> list[list[int]]:
    return [sorted(map(int, group)) for group in groups]


# --- Schulze


def our_schulze(rows: Ballots, blank_allowed: bool) -> bytes:
    """Our outcome in the words of Belenios, byte for byte."""
    answers = [answer_of(row) or (None if blank_allowed else []) for row in rows]
    outcome = count("schulze", answers, len(rows[0]))
    found = {"valid": int(outcome.facts["valid_weight"])}
    if blank_allowed:
        found["blank"] = int(outcome.facts["blank_weight"])
    return compact(
        {
            **found,
            "raw": json.loads(outcome.facts["pairwise"]),
            "beatpaths": json.loads(outcome.facts["beatpaths"]),
            "winners": numbers(outcome.ranking),
        }
    )


@pytest.mark.parametrize("name", [*DEBIAN, BURLINGTON])
@pytest.mark.parametrize("blank_allowed", [False, True])
def test_schulze_on_real_elections(name: str, blank_allowed: bool) -> None:
    rows = rows_of(read_ballot_file(load(name)[0]))
    theirs = belenios("schulze", rows, f"--blank-allowed={str(blank_allowed).lower()}")
    assert our_schulze(rows, blank_allowed) == theirs


@pytest.mark.parametrize("seed", range(GENERATED))
def test_schulze_on_generated_profiles(seed: int) -> None:
    draw = random.Random(seed)
    options = draw.randint(1, 7)
    rows = [[draw.randint(0, 4) for _ in range(options)] for _ in range(draw.randint(1, 25))]
    blank_allowed = bool(seed % 2)
    theirs = belenios("schulze", rows, f"--blank-allowed={str(blank_allowed).lower()}")
    assert our_schulze(rows, blank_allowed) == theirs


# --- majority judgment: Belenios numbers grades from 1, the best, and takes the smaller number of the two
# in the middle of an even count, which is the better grade; Balinski & Laraki take the worse. So it is
# given 1 for the worst grade, and its list is read from the end: then both remove the same medians. The
# real elections, with odd counts, agree as they are, too.


def our_judgment(rows: Ballots, grades: int) -> list[list[int]]:
    answers = [{str(index): grade for index, grade in enumerate(row)} for row in rows]
    outcome = count(
        "majority-judgment", answers, len(rows[0]), min_grade=1, max_grade=grades, unmarked="refused"
    )
    return numbers(outcome.ranking)


def their_judgment(rows: Ballots, grades: int) -> list[list[int]]:
    sizes = (f"--nchoices={len(rows[0])}", f"--ngrades={grades}")
    found = json.loads(belenios("majority-judgment", rows, *sizes, "--blank-allowed=false"))
    assert found["valid"] == len(rows)
    return [sorted(group) for group in found["winners"]]


@pytest.mark.parametrize("name", ORSAY)
def test_majority_judgment_on_real_elections(name: str) -> None:
    file = read_ballot_file(load(name)[0])
    rows = [
        [line.answer.get(option.id, 1) for option in file.options]
        for line in file.ballots
        if isinstance(line.answer, dict)
    ]
    assert len(rows) == len(file.ballots)
    best_is_one = [[7 - grade for grade in row] for row in rows]
    assert our_judgment(rows, 6) == their_judgment(best_is_one, 6) == their_judgment(rows, 6)[::-1]


@pytest.mark.parametrize("seed", range(GENERATED))
def test_majority_judgment_on_generated_profiles(seed: int) -> None:
    draw = random.Random(seed)
    options, grades = draw.randint(2, 6), draw.randint(2, 6)
    rows = [[draw.randint(1, grades) for _ in range(options)] for _ in range(draw.randint(1, 24))]
    assert our_judgment(rows, grades) == their_judgment(rows, grades)[::-1]


# --- STV: only the elected are compared, as a set. Belenios counts in floating point where Scotland cuts
# off at five decimals; of tied options it takes the first of the list where rule 49(2) looks back and then
# draws lots; and of several options over the quota at once it elects one, and the others still take part in
# its transfer, where by rule 47(1) all are deemed elected. Profiles in which a tie or that third case
# arises are not compared.


def their_elected(rows: Ballots, seats: int) -> tuple[list[int], bool]:
    """The elected, and whether a tie was broken."""
    found = json.loads(belenios("stv", rows, f"--nseats={seats}"))
    assert found["invalid"] == []
    return sorted(found["winners"]), any(event[0].startswith("Tie") for event in found["events"])


@pytest.mark.parametrize("name", [*SCOTTISH[:-1], MEEK[0], BURLINGTON])
def test_stv_on_real_elections(name: str) -> None:
    file = read_ballot_file(load(name)[0])
    seats = file.params.get("seats", 1)
    rows = rows_of(file)
    outcome = count("scottish-stv", [answer_of(row) for row in rows], len(file.options), seats=seats)
    assert sorted(map(int, outcome.winners)) == their_elected(rows, seats)[0]


def generated_rankings(seed: int) -> tuple[Ballots, int]:
    """A few hundred voters who agree to some extent, so that exact ties are rare; and a number of seats."""
    draw = random.Random(seed)
    options = draw.randint(3, 6)
    seats = draw.randint(1, options - 1)
    liked = [draw.random() + 0.3 for _ in range(options)]
    rows: Ballots = []
    for _ in range(draw.randint(300, 400)):
        order = sorted(range(options), key=lambda c: liked[c] * draw.random())
        row = [0] * options
        for rank, option in enumerate(order[: draw.randint(1, options)], 1):
            row[option] = rank
        rows.append(row)
    return rows, seats


def test_stv_on_generated_profiles() -> None:
    compared = 0
    for seed in range(4 * GENERATED):
        rows, seats = generated_rankings(seed)
        outcome = count("scottish-stv", [answer_of(row) for row in rows], len(rows[0]), seats=seats)
        at_once = [step for step in outcome.steps if step.action == "elect" and len(step.options) > 1]
        elected, tie = their_elected(rows, seats)
        if not tie and not at_once:
            assert sorted(map(int, outcome.winners)) == elected, seed
            compared += 1
        if compared == GENERATED:
            return
    pytest.fail(f"only {compared} profiles could be compared")
