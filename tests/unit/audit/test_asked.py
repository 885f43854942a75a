"""An auditor asks the witnesses: the same history, another one, an older one, no answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.audit.asked import Asking
from governance.audit.checks import Findings
from governance.audit.instance import audit_instance
from governance.audit.run import audit
from governance.audit.structure import Workers
from governance.canonical import sha256
from governance.errors import NotFound, SourceUnavailable
from governance.fetch.directory import Directory
from governance.log.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from governance.log.cosignature import Ed25519Cosigner, cosign
from governance.log.evidence import parse_evidence, verify_evidence
from governance.log.policy import Policy, PolicyWitness
from governance.signing.note import add_signatures, parse_note
from tests.support.ballots import BALLOT_ORIGIN, make_public_dir

ONE = Ed25519Cosigner("one.example/witness", bytes([1] * 32))
TWO = Ed25519Cosigner("two.example/witness", bytes([2] * 32))
NOW = 1_800_000_000


class Asked:
    """Public files, and what the witnesses show of them by URL."""

    def __init__(self, folder: Path) -> None:
        self.made = make_public_dir(folder, 5)
        self.files = Directory(folder)
        self.shown: dict[str, bytes | Exception] = {}
        self.policy = Policy(
            witnesses=(
                PolicyWitness("one", ONE.key, "https://one.example/witness"),
                PolicyWitness("two", TWO.key, "https://two.example/witness/"),
            )
        )
        for path in folder.rglob("checkpoint"):
            note = path.read_bytes()
            self.show("one", note, ONE)
            self.show("two", note, TWO)

    def show(self, name: str, note: bytes, by: Ed25519Cosigner) -> str:
        origin = parse_checkpoint(parse_note(note).text).origin
        url = f"https://{name}.example/witness/{sha256(origin.encode()).hex()}/checkpoint"
        self.shown[url] = add_signatures(note, [cosign(parse_note(note).text, by, NOW)])
        return url

    def ask(self, url: str, limit: int) -> bytes:
        found = self.shown.get(url, NotFound("never heard of it"))
        if isinstance(found, Exception):
            raise found
        assert len(found) <= limit
        return found

    def audit(self):
        asking = Asking(self.policy, self.ask)
        verdict = audit(self.files, asking=asking)
        return verdict, [c for c in verdict.checks if c.name == "seen"], asking.evidence


@pytest.fixture
def asked(tmp_path):
    return Asked(tmp_path / "public")


def ballot_folder(asked):
    return next(p.parent for p in Path(asked.files.name).rglob("ballots/*/checkpoint"))


def forged(asked, size, root=bytes(32)):
    """A head of the ballot's log that its own key has signed and that is not of its tree."""
    signer = asked.made.log_signer(BALLOT_ORIGIN)
    return sign_checkpoint(Checkpoint(BALLOT_ORIGIN, size, root), [signer])


def test_the_same_history(asked):
    verdict, checks, evidence = asked.audit()
    assert verdict.passed
    assert len(checks) >= 3
    assert {c.status for c in checks} == {"passed"}
    assert all("one (" in c.detail and "two (" in c.detail for c in checks)
    assert evidence == []


def test_what_was_read_twice_is_asked_about_once(asked):
    findings = Findings()
    for _ in range(2):
        audit_instance(asked.files, findings, None, Workers())
    assert len(findings.heads) == 2
    Asking(asked.policy, asked.ask).about(findings)
    assert [c.name for c in findings.checks].count("seen") == 1


def test_who_is_down_is_asked_once_and_all_in_the_order_of_the_policy(asked):
    wanted = []

    def ask(url, limit):
        wanted.append(url)
        if "one.example" in url:
            raise SourceUnavailable("down")
        return asked.ask(url, limit)

    def backwards(function, urls):
        return [function(url) for url in reversed(list(urls))][::-1]

    verdict = audit(asked.files, asking=Asking(asked.policy, ask, backwards))
    checks = [c for c in verdict.checks if c.name == "seen"]
    assert [url.split("/")[2] for url in wanted] == ["two.example", "one.example"] + (len(checks) - 1) * [
        "two.example"
    ]
    assert all("1 of 2" in c.detail and "no answer of one (down)" in c.detail for c in checks)


def test_nobody_answers(asked):
    asked.shown = dict.fromkeys(asked.shown, SourceUnavailable("down"))
    verdict, checks, _ = asked.audit()
    assert verdict.passed
    assert {c.status for c in checks} == {"skipped"}


def test_one_does_not_know_the_log(asked):
    for url in [u for u in asked.shown if "two.example" in u]:
        del asked.shown[url]
    verdict, checks, _ = asked.audit()
    assert verdict.passed
    assert all("never heard of it" in c.detail for c in checks)


def test_a_witness_cannot_show_another_log(asked):
    instance, other = sorted(u for u in asked.shown if "one.example" in u)[:2]
    asked.shown[instance] = asked.shown[other]
    verdict, _, _ = asked.audit()
    assert not verdict.passed
    assert [c.name for c in verdict.failures] == ["seen"]


def test_a_head_without_the_witness_itself(asked):
    for url in [u for u in asked.shown if "one.example" in u]:
        asked.shown[url] = asked.shown[url.replace("one.example", "two.example")]
    verdict, _, _ = asked.audit()
    assert {c.name for c in verdict.failures} == {"seen"}


@pytest.mark.parametrize("smaller", [0, 1, 2])
def test_another_history_is_evidence(asked, smaller):
    note = (ballot_folder(asked) / "checkpoint").read_bytes()
    size = parse_checkpoint(parse_note(note).text).size - smaller
    asked.show("two", forged(asked, size), TWO)
    verdict, checks, evidence = asked.audit()
    assert [c.name for c in verdict.failures] == ["seen"]
    assert any("another history" in c.detail for c in checks)
    (proof,) = evidence
    finding = verify_evidence(parse_evidence(proof))
    assert finding.sizes == (size, size + smaller)


def test_more_than_the_source_shows(asked):
    note = (ballot_folder(asked) / "checkpoint").read_bytes()
    size = parse_checkpoint(parse_note(note).text).size
    asked.show("two", forged(asked, size + 1), TWO)
    verdict, checks, evidence = asked.audit()
    assert [c.name for c in verdict.failures] == ["seen"]
    assert any("an old state, or a hidden part" in c.detail for c in checks)
    assert evidence == []
