import json
from pathlib import Path

import pytest

from governance.cli.count import parameters
from governance.errors import MalformedRequest
from tests.support.server import Person

ELECTIONS = Path(__file__).parents[2] / "data" / "elections"
ASSEN = ELECTIONS / "pb-mes_Netherlands_Assen_2024.pb"


def test_a_file_is_counted_by_its_own_rule(tmp_path):
    official = json.loads(Path(f"{ASSEN}.expected.json").read_text())["expected"]["selected"]
    found = Person(tmp_path).json("count", ASSEN)
    assert found["rule"] == "equal-shares"
    assert sorted(found["winners"]) == sorted(official)


def test_another_rule_and_its_parameters(tmp_path):
    person = Person(tmp_path)
    assert len(person.json("count", ASSEN, "--rule", "approval", "--seats", "3")["winners"]) == 3
    assert "approval" in person.do("count", ASSEN, "--rule", "approval", "--seats=3")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--rule", "nonsense"], "unsupported"),
        (["--rule", "approval", "--seats", "many"], "invalid-definition"),
        (["stray"], "malformed-request"),
        (["--seats"], "malformed-request"),
    ],
)
def test_what_is_refused(tmp_path, arguments, code):
    result = Person(tmp_path).run("count", ASSEN, "--json", *arguments)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"] == code


def test_a_file_of_another_kind(tmp_path):
    file = tmp_path / "x.txt"
    file.write_bytes(b"\x00\xff")
    assert Person(tmp_path).refused("count", file)["error"] == "malformed-ballot-file"


def test_parameters():
    assert parameters(["--max-marks", "3", "--skip=false"]) == {"max_marks": "3", "skip": "false"}
    with pytest.raises(MalformedRequest):
        parameters(["3"])


SHEET = ELECTIONS / "schulze_debian-leader-2006.txt"


def test_the_count_in_plain_language(tmp_path):
    person = Person(tmp_path)
    told = person.do("count", SHEET, "--explain")
    assert "Anthony Towns wins every comparison." in told
    assert "How ties were resolved:" in told
    found = person.json("count", SHEET)
    assert found["explanation"][-1].startswith("The lot puts the options in this order: ")
    assert [step["reason"] for step in found["trace"]] == [step["note"] for step in found["steps"]]


def test_what_other_rules_would_have_chosen(tmp_path):
    person = Person(tmp_path)
    found = person.json("count", ASSEN, "--compare", "greedy, approval,irv,quadratic")
    assert found == person.json("count", ASSEN) | {"comparison": found["comparison"]}
    greedy, approval, irv, quadratic = found["comparison"]
    assert [entry["binding"] for entry in found["comparison"]] == [False] * 4
    (told,) = [step["options"] for step in found["steps"] if step["action"] == "compare"]
    assert (greedy["winners"], greedy["same"]) == (told, False)
    assert len(approval["winners"]) == len(found["winners"])
    assert "ballots are no valid answers" in irv["reason"]
    assert "personhood" in quadratic["reason"]
    shown = person.do("count", ASSEN, "--compare", "greedy,irv")
    assert "greedy*" in shown
    assert "Not binding" in shown
    assert "irv does not fit" in shown
    assert person.refused("count", ASSEN, "--compare", "nonsense")["error"] == "unsupported"


def test_parameters_go_to_the_rules_that_know_them(tmp_path):
    found = Person(tmp_path).json("count", SHEET, "--seats", "2", "--compare", "copeland,ranked-pairs")
    assert [len(entry["winners"]) for entry in (found, *found["comparison"])] == [2, 2, 2]
    assert found["comparison"][0]["params"]["seats"] == 2


def test_a_lot_of_ones_own(tmp_path):
    file = tmp_path / "tie.json"
    options, ballots = [{"id": "a"}, {"id": "b"}], [{"answer": ["a", "b"]}]
    head = {"format": "althing/ballot-file/v1", "rule": "approval", "lot": ["a", "b"]}
    file.write_text(json.dumps(head | {"options": options, "ballots": ballots}))
    person = Person(tmp_path)
    assert person.json("count", file)["winners"] == ["a"]
    assert person.json("count", file, "--lot", "b,a")["winners"] == ["b"]
    assert person.refused("count", file, "--lot", "b")["error"] == "malformed-request"
