"""Real elections come out as their organisers published them."""

from __future__ import annotations

import json

import pytest

from governance.counting.files.count import count_file
from tests.support.elections import ASSEN, KRAKOW, LODZ, SWIECIE, TOULOUSE, load


@pytest.mark.parametrize("name", [SWIECIE, ASSEN])
def test_equal_shares_selects_what_was_officially_selected(name: str) -> None:
    data, expected = load(name)
    result = count_file(data)
    assert result["rule"] == "equal-shares"
    assert sorted(result["winners"]) == sorted(expected["selected"])
    assert result["winners"] == expected["order_at_last_increment"]
    assert result["facts"]["increment"] == str(expected["last_feasible_increment"])
    assert result["totals"] == expected["approvals"]
    assert result["ballots"]["invalid"] == 0
    assert len(json.dumps(result)) < 60_000


@pytest.mark.parametrize("name", [SWIECIE, ASSEN])
@pytest.mark.parametrize(
    ("utility", "order"), [("cost", "exact_base_order"), ("cardinality", "exact_cardinality_base_order")]
)
def test_equal_shares_without_completion(name: str, utility: str, order: str) -> None:
    data, expected = load(name)
    result = count_file(data, "equal-shares", {"utility": utility, "completion": "none"})
    assert result["winners"] == expected[order]


def test_assen_left_out_what_a_second_completion_would_add() -> None:
    data, expected = load(ASSEN)
    result = count_file(data, options={"second_completion": "greedy"})
    assert set(result["winners"]) - set(expected["selected"]) == {"7"}


def test_lodz_greedy_with_a_threshold() -> None:
    data, expected = load(LODZ)
    result = count_file(data)
    assert result["rule"] == "greedy"
    assert result["params"]["threshold"] == "50"
    assert result["winners"] == expected["selected"]
    assert result["totals"] == expected["votes"]


@pytest.mark.parametrize("name", [LODZ, TOULOUSE, ASSEN, SWIECIE, KRAKOW])
def test_approvals_are_the_official_votes(name: str) -> None:
    data, expected = load(name)
    result = count_file(data, "approval")
    assert result["totals"] == expected.get("votes", expected.get("approvals"))
    assert result["ballots"]["invalid"] == 0


@pytest.mark.parametrize("name", [TOULOUSE, KRAKOW])
@pytest.mark.parametrize("rule", ["score", "greedy"])
def test_points_and_positions_are_the_official_scores(name: str, rule: str) -> None:
    data, expected = load(name)
    result = count_file(data, rule)
    assert result["totals"] == expected["score"]
    assert result["ballots"] == {"valid": int(expected["meta"]["num_votes"]), "blank": 0, "invalid": 0}
