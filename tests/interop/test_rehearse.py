"""Real elections played over HTTP, a key for every voter: exactly the officially selected projects win."""

import json
from pathlib import Path

import pytest

from tests.support.server import Person, running

ELECTIONS = Path(__file__).parents[1] / "data" / "elections"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("server")) as found:
        yield found


def official(name):
    expected = json.loads((ELECTIONS / f"{name}.expected.json").read_text())["expected"]
    return sorted(expected["selected"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "voters"),
    [("pb-mes_Netherlands_Assen_2024.pb", 84), ("pb-mes_Poland_Swiecie_2023.pb", 2553)],
)
def test_the_officially_selected_projects(server, tmp_path, name, voters):
    person = Person(tmp_path, server.url)
    found = person.json("rehearse", ELECTIONS / name, "--data", server.data)
    assert (found["voters"], found["receipts"], found["failed_receipts"]) == (voters, voters, 0)
    assert found["same_outcome"]
    assert found["passed"]
    assert sorted(found["winners"]) == official(name)


def test_points_of_a_greedy_file_and_a_second_rehearsal(server, tmp_path):
    person = Person(tmp_path, server.url)
    file = ELECTIONS / "pb-cumulative_France_Toulouse_2019.pb"
    arguments = ("rehearse", file, "--data", server.data, "--voters", "40", "--concurrency", "4")
    first, second = person.json(*arguments), person.json(*arguments)
    assert first["passed"]
    assert second["passed"]
    assert first["space"] != second["space"]
    assert first["winners"] == second["winners"]


def test_only_the_operator_can_rehearse(server, tmp_path):
    person = Person(tmp_path, server.url)
    person.do("key", "new")
    file = ELECTIONS / "pb-mes_Netherlands_Assen_2024.pb"
    assert person.refused("rehearse", file, "--key", person.home / "key")["error"] == "not-authorised"
