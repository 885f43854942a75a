"""The demonstration plays to its end, and what it keeps is checked by other code than that which made it."""

import subprocess
import sys
from collections import Counter

import pytest

from governance.cli import demo
from governance.cli.play.stage import Stage, command, environment
from governance.errors import SetupFault
from governance.log.policy import Policy, PolicyLog
from governance.log.receipt import parse_receipt, verify_receipt
from governance.signing.note import parse_vkey
from tests.support.gocheck import Gocheck, gocheck
from tests.support.server import Person

__all__ = ["gocheck"]


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """The directory and what was printed."""
    folder = tmp_path_factory.mktemp("demo")
    data = folder / "kept"
    return data, Person(folder / "home").do("demo", "--once", "--data", data)


def logs_of(data):
    return sorted(p.parent for p in (data / "public" / "logs").rglob("checkpoint"))


def test_the_story_is_told(played):
    _, said = played
    for words in (
        "40 members are enrolled",
        "changed their mind",
        "not on the roll is refused",
        "changed on its way, is refused",
        "submitted later",
        "greedy",
        "winners are commitments",
        "All 41 receipts hold",
        "audit passed",
    ):
        assert words in said
    assert "Traceback" not in said


def test_every_receipt_verifies_with_the_public_log_key(played):
    data, _ = played
    proofs = sorted((data / "receipts").glob("*.tlog-proof"))
    assert len(proofs) == 41
    (ballot,) = [log for log in logs_of(data) if "ballots" in log.parts]
    policy = Policy(logs=(PolicyLog(parse_vkey((ballot / "vkey").read_text().strip())),))
    indices = set()
    for proof in proofs:
        assert proof.with_suffix(".vkey").read_bytes() == (ballot / "vkey").read_bytes()
        entry = proof.with_suffix(".entry").read_bytes()
        indices.add(verify_receipt(parse_receipt(proof.read_bytes()), entry, policy).index)
    assert len(indices) == 41


def test_every_log_has_its_key_beside_its_head(played):
    data, _ = played
    logs = logs_of(data)
    assert len(logs) == 3
    assert all((log / "vkey").read_text().count("\n") == 1 for log in logs)


def test_programs_of_others_accept_every_log(played, gocheck: Gocheck):
    for log in logs_of(played[0]):
        run = gocheck(log)
        assert run.returncode == 0, run.stderr
        assert run.stdout.startswith("ok ")


def test_the_exported_files_pass_the_audit_without_the_service(played):
    data, _ = played
    audit = command("audit", str(data / "public"), "--jobs", "1")
    assert subprocess.run(audit, env=environment(), capture_output=True, check=False).returncode == 0


def test_secrets_are_for_their_owners_and_a_used_directory_is_left_alone(played):
    data, _ = played
    keys = list((data / "keys").iterdir())
    assert Counter(key.name.partition("-")[0] for key in keys) == {"member": 40, "steward": 3, "root": 1}
    assert all(key.stat().st_mode & 0o077 == 0 for key in keys)
    again = Person(data).run("demo", "--once", "--data", data)
    assert again.exit_code == 1
    assert "is not empty" in again.stderr


def test_without_once_the_service_stays_and_whoever_watches_is_told_what_to_try(
    tmp_path, capsys, monkeypatch
):
    class Stays:
        url = "http://127.0.0.1:1"

        class process:
            @staticmethod
            def wait():
                raise KeyboardInterrupt

    class Played:
        ballot, kept = "q1", [tmp_path / "a", tmp_path / "b"]

        @staticmethod
        def invite():
            return "http://127.0.0.1:1/spaces/skerry/ballots/name-the-buoy"

    # Installed beside nobody's PATH, the program is named as it was called.
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [".venv/bin/althing"])
    demo._stay(Played, Stays, tmp_path)
    said = capsys.readouterr().out
    for word in ("bin/althing vote http", "bin/althing receipt check", "bin/althing audit", "Stopped."):
        assert word in said


def test_a_service_that_does_not_start_is_told_with_what_it_said(tmp_path):
    (tmp_path / "instance").write_text("a file where a directory should be")
    with pytest.raises(SetupFault, match="data directory"), Stage(tmp_path / "instance", tmp_path / "log"):
        pass
