"""The demonstration plays to its end, and what it keeps is checked by other code than that which made it."""

import subprocess

import pytest

from governance.cli.play.stage import command, environment
from governance.log.policy import Policy, PolicyLog
from governance.log.receipt import parse_receipt, verify_receipt
from governance.signing.note import parse_vkey
from tests.support.gocheck import Gocheck, gocheck

__all__ = ["gocheck"]


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """The directory and what was printed."""
    data = tmp_path_factory.mktemp("demo") / "kept"
    done = subprocess.run(
        command("demo", "--once", "--data", str(data)),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return data, done.stdout


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
    assert len(keys) == 41
    assert all(key.stat().st_mode & 0o077 == 0 for key in keys)
    again = subprocess.run(
        command("demo", "--once", "--data", str(data)), env=environment(), capture_output=True, check=False
    )
    assert again.returncode == 1
