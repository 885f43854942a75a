"""The check `witnesses`: what is published of cosignatures fits the log, and a ballot waited for its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.audit.alone import audit_log
from governance.audit.run import audit
from governance.fetch.directory import Directory
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.cosignature import cosign
from governance.service import cosigned, lifecycle, publishing
from governance.service.log_keys import LogKeys
from governance.signing.note import Note, NoteSignature, parse_note
from governance.store import entries
from tests.support.cosigners import ONE, STRANGER, THREE, TWO, cosigned_by, policy_text, verifiers
from tests.support.people import key, recorded
from tests.support.service import NOW, Running, running

DAY = 86_400
BALLOT = "logs/spaces/nix/ballots/q1"
POLICY = policy_text(ONE, TWO, THREE, threshold=2)


class Stage:
    """A live service whose public files are exported and then tampered with."""

    def __init__(self, live: Running, out: Path) -> None:
        self.live, self.out = live, out
        self.origin = f"{live.community.origin}/ballots/q1"

    def head(self, origin=None):
        with self.live.service.store.read() as conn:
            return entries.head(conn, origin or self.origin)

    def begin(self, policy=POLICY):
        self.live.community.open(self.live.community.definition(witness_policy=policy))
        recorded(self.live.community.cast(key(100), ["a"]))
        return self

    def close(self):
        self.live.clock.now = NOW + DAY
        lifecycle.tick(self.live.service, NOW + DAY)
        return self

    def cosign(self, *witnesses, head=None, origin=None):
        note = cosigned_by((head or self.head(origin)).checkpoint, NOW + DAY, *witnesses)
        cosigned.record(self.live.service, origin or self.origin, note, verifiers(*witnesses))
        return self

    def decided(self):
        self.begin().close().cosign(ONE, THREE)
        lifecycle.tick(self.live.service, NOW + DAY)
        return self

    def export(self):
        publishing.export(self.live.service.store, self.out)
        return self

    def file(self, name="cosigned", folder=BALLOT):
        return self.out / folder / name

    def signed(self, size, root):
        """A checkpoint by the log's own key: what a cheating operator can make."""
        signer = LogKeys(self.live.data).load(self.origin)
        return sign_checkpoint(Checkpoint(self.origin, size, root), [signer])

    def checks(self, origin=None):
        verdict = audit(Directory(self.out))
        return verdict, [
            c for c in verdict.checks if c.name == "witnesses" and c.log == (origin or self.origin)
        ]

    def fails(self, match):
        verdict, (check,) = self.checks()
        assert not verdict.passed
        assert [c.name for c in verdict.failures] == ["witnesses"]
        assert check.status == "failed"
        assert match in check.detail
        return check


@pytest.fixture
def stage(tmp_path):
    with running(tmp_path / "data") as live:
        yield Stage(live, tmp_path / "out")


def test_a_ballot_that_waited_passes(stage):
    verdict, (check,) = stage.decided().export().checks()
    assert verdict.passed, verdict.failures
    assert (check.status, check.numbers) == ("passed", {"entries": 5, "cosignatures": 2})
    assert "one.example/witness (time" in check.detail
    alone = audit_log(Directory(stage.out / BALLOT))
    assert alone.passed
    assert [c.status for c in alone.checks if c.name == "witnesses"] == ["passed"]


def test_the_newer_checkpoint_with_one_line_does_not_hide_the_quorum(stage):
    stage.decided().cosign(ONE)
    verdict, (check,) = stage.export().checks()
    assert verdict.passed
    assert check.numbers["entries"] == 5
    assert stage.file("checkpoint").read_bytes() != stage.file().read_bytes()


def test_the_file_checkpoint_is_enough(stage):
    """A mirror or file server that shows no file `cosigned`."""
    stage.decided().cosign(ONE, TWO).export()
    stage.file().unlink()
    verdict, (check,) = stage.checks()
    assert verdict.passed
    assert (check.status, check.numbers["entries"]) == ("passed", 6)


def test_decided_without_witnesses_fails(stage):
    stage.begin().close().cosign(ONE)
    lifecycle.decide(stage.live.service, stage.origin, NOW + DAY)
    check = stage.export().fails("decided without its witnesses")
    assert (check.entry, check.file) == (5, f"{BALLOT}/cosigned")


def test_cosignatures_from_before_the_close_do_not_count(stage):
    stage.begin().cosign(ONE, TWO, THREE).close()
    lifecycle.decide(stage.live.service, stage.origin, NOW + DAY)
    stage.export().fails("cosigned 4 entries, the close is entry 4")


def test_strangers_do_not_count(stage):
    stage.begin().close().cosign(ONE, STRANGER)
    lifecycle.decide(stage.live.service, stage.origin, NOW + DAY)
    stage.export().fails("of its 3 witnesses, one.example/witness (time")


def test_nothing_published_of_a_decided_ballot_fails(stage):
    stage.decided().export()
    stage.file().unlink()
    stage.fails("nobody cosigned 6 entries")


def test_a_wrong_line_of_a_known_witness_fails(stage):
    stage.decided().export()
    note = parse_note(stage.file().read_bytes())
    *others, last = note.signatures
    bad = NoteSignature(last.name, last.key_id, last.signature[:-1] + bytes([last.signature[-1] ^ 1]))
    stage.file().write_bytes(bytes(Note(note.text, (*others, bad))))
    stage.fails("does not match the text")


@pytest.mark.parametrize("data", [b"", b"no note", b"x\n" * 70_000, b"\xff\n\n\xff"])
def test_a_file_that_is_no_note_fails(stage, data):
    stage.decided().export()
    stage.file().write_bytes(data)
    stage.fails("")


def test_another_tree_with_all_signatures_fails(stage):
    """The log equivocated: its witnesses were shown another tree than the auditor."""
    stage.decided().export()
    forged = stage.signed(5, bytes(32))
    stage.file().write_bytes(cosigned_by(forged, NOW, ONE, TWO, THREE))
    stage.fails("the log has signed two trees")


def test_a_larger_tree_than_the_one_shown_fails(stage):
    stage.decided().export()
    stage.file().write_bytes(cosigned_by(stage.signed(9, bytes(32)), NOW, ONE, TWO, THREE))
    stage.fails("it is of 9 entries, the log shows 6")


def test_another_logs_note_fails(stage):
    stage.decided().cosign(ONE, TWO, origin=stage.live.community.origin).export()
    stage.file().write_bytes(stage.file(folder="logs/spaces/nix").read_bytes())
    stage.fails("")


def test_an_unfinished_ballot_is_provisional(stage):
    stage.begin().cosign(ONE)
    verdict, (check,) = stage.export().checks()
    assert (verdict.passed, check.status) == (True, "skipped")
    assert "provisional: the ballot is open" in check.detail
    stage.close()
    verdict, (check,) = stage.export().checks()
    assert (verdict.passed, check.status) == (True, "skipped")
    assert "waits for its witnesses" in check.detail
    stage.cosign(TWO, THREE)
    verdict, (check,) = stage.export().checks()
    assert (verdict.passed, check.status) == (True, "passed")


def test_logs_without_a_policy_are_spoken_of_when_somebody_cosigned(stage):
    origin = stage.live.community.origin
    stage.begin("").close().export()
    assert stage.checks(origin)[1] == stage.checks()[1] == []
    stage.cosign(ONE, origin=origin).cosign(ONE, TWO)
    stage.cosign(ONE, origin=stage.live.service.states.instance_origin).export()
    verdict, (space,) = stage.checks(origin)
    _, (ballot,) = stage.checks()
    _, (instance,) = stage.checks(stage.live.service.states.instance_origin)
    assert verdict.passed
    assert [c.status for c in (space, ballot, instance)] == ["passed"] * 3
    assert "2 cosignatures" in ballot.detail


@pytest.mark.parametrize("folder", ["logs/instance", "logs/spaces/nix", BALLOT])
def test_logs_without_a_policy_may_not_show_another_tree(stage, folder):
    stage.begin("").close().export()
    origin = stage.live.service.states.base + folder.removeprefix("logs")
    signer = LogKeys(stage.live.data).load(origin)
    head = stage.head(origin)
    note = sign_checkpoint(Checkpoint(origin, head.size, bytes(32)), [signer])
    stage.file(folder=folder).write_bytes(note)
    verdict, (check,) = stage.checks(origin)
    assert [c.name for c in verdict.failures] == ["witnesses"]
    assert "two trees" in check.detail
    alone = audit_log(Directory(stage.out / folder))
    assert [c.name for c in alone.failures] == ["witnesses"]


def test_one_line_is_not_read_as_another(stage):
    """The time belongs to what is signed."""
    stage.decided().export()
    note = parse_note(stage.file().read_bytes())
    line = cosign(note.text, TWO, NOW)
    later = NoteSignature(line.name, line.key_id, (NOW + 1).to_bytes(8, "big") + line.signature[8:])
    stage.file().write_bytes(bytes(Note(note.text, (*note.signatures, later))))
    stage.fails("does not match")
