"""`althing audit` as a person or a program meets it."""

import json
import shutil
import zipfile

import pytest
import typer
from typer.testing import CliRunner

from governance.audit.verdict import Verdict
from governance.cli import audit
from tests.support.ballots import BALLOT, BALLOT_ORIGIN, SPACE, log_folder, make_public_dir


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    path = tmp_path_factory.mktemp("public")
    world = make_public_dir(path, 20)
    return path, world


@pytest.fixture(scope="module")
def run():
    app = typer.Typer()
    audit.register(app)

    @app.callback()
    def root() -> None:
        """The program around the command."""

    def call(*words):
        return CliRunner().invoke(app, ["audit", *map(str, words)])

    return call


def test_each_check_on_a_line(run, public):
    result = run(public[0], "--jobs", 1)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert any(line.startswith("  ✓ count ") for line in lines)
    assert lines[-1].startswith("✓ The audit passed")


def test_json_and_html(run, public, tmp_path):
    page = tmp_path / "verdict.html"
    result = run(public[0], "--json", "--html", page, "--instance", public[1].instance_id, "--jobs", 2)
    assert result.exit_code == 0, result.output
    verdict = json.loads(result.stdout)
    assert verdict["passed"]
    assert verdict["instance"] == public[1].instance_id
    assert set(verdict) == set(Verdict.__struct_fields__)
    assert "The audit passed" in page.read_text()


def test_a_failed_check_is_exit_code_1_and_named(run, public, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(public[0], copy)
    path = copy / log_folder(BALLOT_ORIGIN) / "outcome.json"
    path.write_bytes(path.read_bytes() + b" ")
    result = run(copy, "--jobs", 1)
    assert result.exit_code == 1
    assert "✗ count" in result.stdout
    assert "outcome.json" in result.stdout


def test_only_one_ballot(run, public):
    result = run(public[0], "--ballot", f"{SPACE}/{BALLOT}", "--jobs", 1)
    assert result.exit_code == 0
    assert "files" not in result.stdout
    assert run(public[0], "--ballot", f"{SPACE}/other", "--jobs", 1).exit_code == 1
    assert run(public[0], "--ballot", "else/other", "--jobs", 1).exit_code == 1


def test_one_log_and_a_bundle(run, public, tmp_path):
    result = run(public[0] / log_folder(BALLOT_ORIGIN), "--jobs", 1)
    assert result.exit_code == 0
    assert "– entitlement" in result.stdout
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in public[0].rglob("*"):
            archive.write(file, file.relative_to(public[0]))
    assert run(path, "--jobs", 1).exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["nowhere"],
        [],
        [".", "--jobs", "0"],
        ["{}", "--ballot", "x"],
        ["{}/logs/instance", "--instance", "ab"],
    ],
)
def test_misuse_is_exit_code_2(run, public, words):
    result = run(*(word.format(public[0]) for word in words))
    assert result.exit_code == 2
