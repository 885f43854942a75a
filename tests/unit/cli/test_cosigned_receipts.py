"""Receipts with cosignatures: against a policy file, fetched anew, and held against copies of the log."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from governance.app import create_app
from governance.audit.run import audit
from governance.cli import receipts, witnessed
from governance.cli.casting import entry_bytes
from governance.fetch.directory import Directory
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.merkle import leaf_hash, node_hash, root
from governance.log.policy import parse_policy
from governance.log.receipt import Receipt, parse_receipt
from governance.log.tiles import encode_bundle, parse_bundle
from governance.service import cosigned, lifecycle, publishing, succession
from governance.service.log_keys import LogKeys
from governance.settings import Settings
from governance.signing.note import Note, NoteSignature, parse_note
from governance.store import entries
from tests.support.cosigners import ONE, THREE, TWO, cosigned_by, policy_text, verifiers
from tests.support.people import Community, key, operator_of, recorded
from tests.support.ports import free_port
from tests.support.server import Person
from tests.support.service import NOW, TestClock

DAY = 86_400


@contextmanager
def threaded(data: Path, clock: TestClock) -> Iterator[tuple[str, object]]:
    """A server in a thread, so that the test reaches its service; its address and its app."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    app = create_app(Settings(data=data, url=url, port=port, rate=0), clock=clock, tick=0)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.02)
        yield url, app
    finally:
        server.should_exit = True
        thread.join()


class Scene:
    """A community with one open ballot under a policy, and a member with the receipt of a vote in it."""

    def __init__(self, url, app, clock, tmp: Path) -> None:
        self.url, self.service, self.clock, self.tmp = url, app.state.service, clock, tmp
        self.client = httpx.Client(base_url=url)
        self.data = tmp / "data"
        self.community = Community(
            self.client, operator_of(self.data), clock.now, base=url.partition("://")[2]
        )
        self.community.found()
        self.community.enrol(key(100), key(101))
        self.community.open(self.community.definition(witness_policy=policy_text(ONE, TWO)))
        self.origin = f"{self.community.origin}/ballots/q1"
        self.person = Person(tmp / "home", url)
        self.receipt = self.vote(100, "a")

    def vote(self, who: int, option: str) -> Path:
        answer = recorded(self.community.cast(key(who), [option])).json()
        entry = entry_bytes(answer["entry"])
        return receipts.save(
            self.tmp / "home", f"q1-{answer['index']}", answer["receipt"].encode(), entry, answer["vkey"]
        )

    def cosign(self, *witnesses):
        with self.service.store.read() as conn:
            head = entries.head(conn, self.origin)
        note = cosigned_by(head.checkpoint, self.clock.now, *witnesses)
        cosigned.record(self.service, head.origin, note, verifiers(*witnesses))

    def policy(self, text: str) -> Path:
        path = self.tmp / "trust.policy"
        path.write_text(text)
        return path

    def export(self) -> Path:
        out = self.tmp / "copy"
        shutil.rmtree(out, ignore_errors=True)
        publishing.export(self.service.store, out)
        return out

    def signer(self):
        return LogKeys(self.data).load(self.origin)


@pytest.fixture
def scene(tmp_path):
    clock = TestClock()
    with threaded(tmp_path / "data", clock) as (url, app):
        made = Scene(url, app, clock, tmp_path)
        yield made
        made.client.close()


def test_from_provisional_to_final(scene):
    person, receipt = scene.person, scene.receipt
    told = person.do("receipt", "check", receipt)
    assert "Provisional: of the ballot's witnesses, nobody cosigned it" in told
    assert "provisional: 2 of its 2 witnesses needed" in person.do("ballot", "show", "q1")
    scene.cosign(ONE)
    found = person.json("receipt", "check", receipt)
    assert (found["checkpoint_status"], found["cosigned_by"]) == (
        "provisional", [{"name": ONE.key.name, "time": NOW}],
    )  # fmt: skip
    scene.clock.now = NOW + DAY
    lifecycle.tick(scene.service, NOW + DAY)
    told = person.do("ballot", "show", "q1")
    assert "closed, waits for its witnesses: 0 of 2 have cosigned" in told
    scene.cosign(ONE)
    assert "1 of 2 have cosigned" in person.do("ballot", "show", "q1")
    scene.cosign(TWO)
    assert "final: cosigned by one.example/witness, two.example/witness" in person.do("ballot", "show", "q1")
    told = person.do("receipt", "check", receipt)
    assert "Final: the ballot's witnesses have cosigned it (one.example/witness (2027-01-16" in told


def test_upgrade_then_check_offline_under_a_policy(scene):
    person, receipt = scene.person, scene.receipt
    policy = scene.policy(policy_text(ONE, TWO))
    refused = person.refused("receipt", "check", receipt, "--offline", "--policy", policy)
    assert refused["error"] == "quorum-not-met"
    assert f"althing receipt upgrade {receipt}" in refused["detail"]
    before = receipt.read_bytes()
    assert person.json("receipt", "upgrade", receipt)["upgraded"] is False
    assert receipt.read_bytes() == before
    scene.vote(101, "b")
    scene.cosign(ONE, TWO)
    found = person.json("receipt", "upgrade", receipt, "--policy", policy)
    assert (found["upgraded"], found["satisfied"], found["signatures"]) == (True, True, 2)
    assert receipt.read_bytes() != before
    checked = person.json("receipt", "check", receipt, "--offline", "--policy", policy)
    assert checked["checkpoint_status"] == "final"
    assert [line["name"] for line in checked["cosigned_by"]] == [ONE.key.name, TWO.key.name]
    told = person.do("receipt", "check", receipt, "--policy", policy)
    assert "Final: cosigned by one.example/witness (2027-01-15 08:00 UTC)" in told
    assert "ballot's witnesses" not in told
    other = scene.policy(policy_text(ONE, THREE))
    assert person.run("receipt", "check", receipt, "--offline", "--policy", other).exit_code == 1
    assert person.json("receipt", "upgrade", receipt)["upgraded"] is False
    assert not list(receipt.parent.glob("*.part"))


def test_receipts_of_a_burnt_log(scene):
    """The root key says where the log goes on, and the witnesses are asked for as before."""
    person, late = scene.person, scene.vote(101, "b")
    size = receipts.load(late).verify().index
    scene.cosign(ONE, TWO)
    new = succession.succeed(scene.service, scene.origin, size, "stolen", scene.data / "keys" / "root")
    told = person.do("receipt", "check", late)
    assert f"goes on as {scene.origin}.2" in told
    assert f"does not count any more: the log goes on from before entry {size}. Vote again." in told
    assert person.json("receipt", "check", late)["standing"] == "dropped"
    again = scene.vote(101, "c")
    found = person.json("receipt", "check", scene.receipt)
    assert (found["standing"], found["successor"]) == ("counts", new.successor)
    assert found["checkpoint_status"] == "provisional"
    assert person.json("receipt", "check", again)["successor"] is None
    person.do("receipt", "check", again, "--offline", "--mirror", str(scene.export()))
    scene.clock.now = NOW + DAY
    lifecycle.tick(scene.service, NOW + DAY)
    assert "closed, waits for its witnesses" in person.do("ballot", "show", "q1")
    scene.cosign(ONE, TWO)
    lifecycle.tick(scene.service, NOW + DAY)
    assert person.json("receipt", "check", scene.receipt)["checkpoint_status"] == "final"
    verdict = audit(Directory(scene.export()))
    assert verdict.passed, verdict.failures


def test_the_policys_own_log_line_wins(scene):
    scene.cosign(ONE)
    scene.person.do("receipt", "upgrade", scene.receipt)
    vkey = scene.receipt.with_suffix(".vkey").read_text().strip()
    text = policy_text(ONE)
    good = scene.policy(f"log {vkey}\n{text}")
    scene.person.do("receipt", "check", scene.receipt, "--offline", "--policy", good)
    stranger = LogKeys(scene.tmp / "other").create(scene.origin).key
    bad = scene.policy(f"log {stranger}\n{text}")
    refused = scene.person.refused("receipt", "check", scene.receipt, "--offline", "--policy", bad)
    assert refused["error"] == "bad-signature"
    elsewhere = LogKeys(scene.tmp / "other").create("elsewhere.example/log").key
    fine = scene.policy(f"log {elsewhere}\n{text}")
    scene.person.do("receipt", "check", scene.receipt, "--offline", "--policy", fine)
    none = scene.policy("quorum none\n")
    assert (
        scene.person.refused("receipt", "check", scene.receipt, "--policy", none)["error"]
        == "malformed-policy"
    )


def test_a_wrong_line_of_a_trusted_witness_is_refused(scene):
    scene.cosign(ONE)
    scene.person.do("receipt", "upgrade", scene.receipt)
    kept = parse_receipt(scene.receipt.read_bytes())
    note = parse_note(kept.checkpoint)
    own, line = note.signatures
    bad = NoteSignature(line.name, line.key_id, line.signature[:-1] + bytes([line.signature[-1] ^ 1]))
    scene.receipt.write_bytes(bytes(Receipt(kept.index, kept.proof, bytes(Note(note.text, (own, bad))))))
    policy = scene.policy(policy_text(ONE))
    refused = scene.person.refused("receipt", "check", scene.receipt, "--offline", "--policy", policy)
    assert refused["error"] == "bad-signature"


def test_copies_of_the_log(scene):
    person, receipt = scene.person, scene.receipt
    out = scene.export()
    assert person.json("receipt", "check", receipt, "--mirror", out)["copy"]["size"] == 4
    scene.vote(101, "b")
    scene.vote(101, "c")
    scene.cosign(ONE)
    policy = scene.policy(policy_text(ONE))
    person.do("receipt", "upgrade", receipt)
    told = person.do("receipt", "check", receipt, "--mirror", scene.url, "--policy", policy)
    assert f"The copy at {scene.url} holds it, among 6 entries." in told
    assert "of one tree" in told
    assert "It is cosigned by one.example/witness" in told
    behind = person.json("receipt", "check", receipt, "--mirror", out)["copy"]
    assert (behind["size"], behind["compared"]) == (4, False)
    assert "does not reach as far as the receipt" in person.do("receipt", "check", receipt, "--mirror", out)
    alone = scene.export() / "logs" / "spaces" / "nix" / "ballots" / "q1"
    assert person.json("receipt", "check", receipt, "--mirror", alone)["copy"]["size"] == 6


def test_a_copy_that_is_behind_says_so(scene):
    out = scene.export()
    later = scene.vote(101, "b")
    refused = scene.person.refused("receipt", "check", later, "--mirror", out)
    assert refused["error"] == "not-found"
    assert "holds 4 entries so far; this vote is entry 4" in refused["detail"]


def fork(scene, out: Path, entry: bytes | None) -> None:
    """The copy shows another tree of four entries, with the log's own signature."""
    folder = out / "logs" / "spaces" / "nix" / "ballots" / "q1"
    bundle = folder / "tile" / "entries" / "000.p" / "4"
    data = parse_bundle(bundle.read_bytes(), 4)
    data[3 if entry is None else 0] = entry or b"another vote"
    leaves = [leaf_hash(each) for each in data]
    bundle.write_bytes(encode_bundle(data))
    (folder / "tile" / "0" / "000.p" / "4").write_bytes(b"".join(leaves))
    (folder / "checkpoint").write_bytes(
        sign_checkpoint(Checkpoint(scene.origin, 4, root(leaves)), [scene.signer()])
    )


@pytest.mark.parametrize(
    ("entry", "why"), [(None, "another entry 3"), (b"another definition", "not of one tree")]
)
def test_a_copy_of_another_tree_is_refused(scene, entry, why):
    out = scene.export()
    fork(scene, out, entry)
    refused = scene.person.refused("receipt", "check", scene.receipt, "--mirror", out)
    assert refused["error"] == "bad-proof"
    assert why in refused["detail"]


def test_an_upgrade_to_another_tree_keeps_the_old_receipt(scene):
    """The kept proof and the new one together are the evidence: none of them may be overwritten."""
    scene.vote(101, "b")
    scene.cosign(ONE, TWO)
    kept = parse_receipt(scene.receipt.read_bytes())
    entry = scene.receipt.with_suffix(".entry").read_bytes()
    leaves = [bytes([i]) * 32 for i in range(3)] + [leaf_hash(entry)]
    forged = sign_checkpoint(Checkpoint(scene.origin, 4, root(leaves)), [scene.signer()])
    scene.receipt.write_bytes(
        bytes(Receipt(kept.index, (leaves[2], node_hash(leaves[0], leaves[1])), forged))
    )
    scene.person.do("receipt", "check", scene.receipt, "--offline")
    held = scene.receipt.read_bytes()
    refused = scene.person.refused("receipt", "upgrade", scene.receipt)
    assert "not of one tree" in refused["detail"]
    assert scene.receipt.read_bytes() == held


def test_works_when_the_instance_is_gone(tmp_path):
    clock = TestClock()
    with threaded(tmp_path / "data", clock) as (url, app):
        scene = Scene(url, app, clock, tmp_path)
        scene.cosign(ONE, TWO)
        scene.person.do("receipt", "upgrade", scene.receipt)
        out, policy = scene.export(), scene.policy(policy_text(ONE, TWO))
        scene.client.close()
    told = scene.person.do("receipt", "check", scene.receipt, "--mirror", out, "--policy", policy)
    assert "among 4 entries" in told


@pytest.mark.parametrize(
    ("text", "least"),
    [
        (policy_text(ONE, TWO, THREE, threshold=2), 2),
        (policy_text(ONE), 1),
        (f"witness A {ONE.key}\nwitness B {TWO.key}\nwitness C {THREE.key}\n"
         "group G all A B\ngroup H any G C\nquorum H\n", 1),
        (f"witness A {ONE.key}\nwitness B {TWO.key}\nwitness C {THREE.key}\n"
         "group G any A B\ngroup H all G C\nquorum H\n", 2),
        ("quorum none\n", 0),
    ],
)  # fmt: skip
def test_how_many_witnesses_make_a_quorum(text, least):
    assert witnessed.least(parse_policy(text.encode())) == least


@pytest.mark.parametrize(
    ("time", "said"),
    [(0, "w"), (1_800_000_000, "w (2027-01-15 08:00 UTC)"), (2**63 - 1, f"w (time {2**63 - 1})")],
)
def test_any_time_can_be_told(time, said):
    assert witnessed.who([witnessed.Line("w", time)]) == said
