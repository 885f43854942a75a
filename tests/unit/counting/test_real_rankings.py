"""Real elections by rankings, grades, points and tokens come out as published."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

from governance.counting.files.count import count_file
from tests.support.elections import (
    BURLINGTON,
    DEBIAN,
    KRAKOW,
    MINNEAPOLIS,
    ORSAY,
    SNAPSHOT,
    TOULOUSE,
    load,
)

CONDORCET = ["schulze", "ranked-pairs", "copeland"]


def titles(data: bytes) -> list[str]:
    """The names on a Debian sheet or in a PrefLib header, in order."""
    found = []
    for line in data.decode().splitlines():
        before, _, name = line.partition(": ")
        if "Option " in before or "ALTERNATIVE NAME" in before:
            found.append(name.strip())
    return found


@pytest.mark.parametrize("name", DEBIAN)
def test_debian_matrix_paths_and_order(name: str) -> None:
    data, expected = load(name)
    result = count_file(data)
    names = titles(data)
    assert result["rule"] == "schulze"
    assert json.loads(result["facts"]["pairwise"]) == expected["pairwise"]
    paths = json.loads(result["facts"]["beatpaths"])
    assert [[winning for winning, _ in row] for row in paths] == expected["strongest_paths"]
    groups = [[int(option) - 1 for option in sorted(group)] for group in result["ranking"]]
    assert groups == expected["belenios_tool_2.0_winners"]
    # Equal numbers of options beaten are listed in the order of the sheet.
    listed = sorted(result["options"], key=lambda option: -int(result["totals"][option]))
    assert [names[int(option) - 1] for option in listed] == expected["beats_count_order"]
    assert result["ballots"] == {"valid": expected["voters"], "blank": 0, "invalid": 0}


@pytest.mark.parametrize("rule", CONDORCET)
@pytest.mark.parametrize("name", DEBIAN)
def test_debian_winner(name: str, rule: str) -> None:
    data, expected = load(name)
    (winner,) = count_file(data, rule)["winners"]
    assert titles(data)[int(winner) - 1] == expected["winner"]


def test_what_left_out_options_mean_decides_the_debian_election_of_2006() -> None:
    data, _ = load(DEBIAN[0])
    assert titles(data)[2:4] == ["Steve McIntyre", "Anthony Towns"]
    assert count_file(data)["winners"] == ["4"]
    assert count_file(data, options={"unranked": "no-opinion"})["winners"] == ["3"]


def test_the_constitution_drops_two_candidates_of_2006() -> None:
    data, _ = load(DEBIAN[0])
    form = {"default_option": "8", "quorum_electors": "972"}
    result = count_file(data, "schulze", form)
    assert result["winners"] == ["4"]
    dropped = [step["options"] for step in result["steps"] if step["action"] == "drop"]
    assert dropped == [["2"], ["6"]]
    assert result["ranking"][-2:] == [["2"], ["6"]]


@pytest.mark.parametrize("rule", [*CONDORCET, "borda"])
def test_burlington_had_a_condorcet_winner_whom_irv_did_not_elect(rule: str) -> None:
    data, expected = load(BURLINGTON)
    assert count_file(data, rule)["winners"] == [expected["condorcet_winner"]]
    assert count_file(data, "irv")["winners"] == [expected["irv"]]
    assert count_file(data, "plurality")["winners"] == [expected["plurality"]]


def test_minneapolis_has_a_condorcet_winner() -> None:
    data, expected = load(MINNEAPOLIS)
    results = [count_file(data, rule)["winners"] for rule in CONDORCET]
    assert results == [results[0]] * 3
    assert results[0] == count_file(data, "irv")["winners"]
    assert expected


@pytest.mark.parametrize("name", ORSAY)
def test_orsay_grades(name: str) -> None:
    data, expected = load(name)
    result = count_file(data)
    assert result["rule"] == "majority-judgment"
    assert result["order"] == expected["mj_order"]
    assert [list(group) for group in result["ranking"]] == expected["belenios_tool_2.0_order"]
    assert result["totals"] == {option: str(grade) for option, grade in expected["median"].items()}
    assert result["ballots"] == {"valid": expected["ballots"], "blank": 0, "invalid": 0}
    tallies = {
        step["options"][0]: [int(step["totals"].get(str(grade), 0)) for grade in range(1, 7)]
        for step in result["steps"]
        if step["action"] == "grades"
    }
    assert tallies == expected["tally_grades_1_to_6"]


@pytest.mark.parametrize("name", ORSAY)
def test_orsay_sums(name: str) -> None:
    data, expected = load(name)
    totals = count_file(data, "score")["totals"]
    assert totals == {option: str(total) for option, total in expected["score_sum"].items()}


@pytest.mark.parametrize(("name", "rule"), SNAPSHOT.items())
def test_snapshot_scores(name: str, rule: str) -> None:
    data, expected = load(name)
    result = count_file(data, rule)
    scores = [Fraction(result["totals"][option]) for option in result["options"]]
    for ours, theirs in zip(scores, expected["scores"], strict=True):
        assert abs(ours - Fraction(theirs)) <= Fraction(theirs) / 10**9
    assert result["facts"]["valid_weight"] == str(expected["scores_total"])
    assert result["ballots"]["invalid"] == 0


def test_snapshot_roots_to_50_digits() -> None:
    data, expected = load("dao_snapshot-quadratic.json")
    totals = count_file(data, "snapshot-quadratic")["totals"]
    squares = [Fraction(root) ** 2 for root in expected["sqrt_sums_50digits"]]
    for option, square in enumerate(squares, 1):
        exact = square * expected["scores_total"] / sum(squares)
        assert abs(Fraction(totals[str(option)]) - exact) < Fraction(1, 10**13)


@pytest.mark.parametrize(
    ("name", "rule", "params"),
    [
        (TOULOUSE, "cumulative", {"max_sum": 7, "max_points": 3}),
        (KRAKOW, "positional", {"points": [3, 2, 1]}),
    ],
)
def test_official_scores_of_participatory_budgets(name: str, rule: str, params: dict[str, Any]) -> None:
    data, expected = load(name)
    result = count_file(data, rule)
    assert result["totals"] == expected["score"]
    assert result["ballots"] == {"valid": int(expected["meta"]["num_votes"]), "blank": 0, "invalid": 0}
    assert params.items() <= result["params"].items()
    assert count_file(data, rule, {"points": "3,2,1"} if rule == "positional" else {"max_sum": "7"}) == result
