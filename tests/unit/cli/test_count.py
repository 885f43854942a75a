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
