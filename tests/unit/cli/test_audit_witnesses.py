"""`althing audit --witnesses` over HTTP: a log with two stories, an auditor, and a third person."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from governance.canonical import digest, sha256
from governance.log.checkpoint import parse_checkpoint
from governance.signing.note import parse_note
from tests.support.ballots import BALLOT_ORIGIN, decide, log_folder, make_world, root_at, undecide
from tests.support.cosigners import ONE, TWO, cosigned_by
from tests.support.server import Person

NOW = 1_800_000_000
FOLDER = log_folder(BALLOT_ORIGIN)
TRUTH = make_world(20)
LIE = make_world(20)
undecide(LIE)
LIE.ballot[LIE.head :] = LIE.ballot[LIE.head :][::-1]
decide(LIE)


@contextmanager
def website(files):
    """A web server over a dictionary of paths; gives its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            data = files.get(self.path.lstrip("/"))
            self.send_response(404 if data is None else 200)
            self.send_header("content-length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def seen_by(witness, world):
    """What a witness serves that has been shown this story."""
    notes = [data for path, data in world.files().items() if path.endswith("/checkpoint")]
    named = {parse_checkpoint(parse_note(note).text).origin: note for note in notes}
    return {
        f"w/{sha256(origin.encode()).hex()}/checkpoint": cosigned_by(note, NOW, witness)
        for origin, note in named.items()
    }


@pytest.fixture
def person(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Person(tmp_path / "home")


def policy(tmp_path, *lines):
    path = tmp_path / "trust.policy"
    path.write_text("".join(f"{line}\n" for line in (*lines, "quorum none")))
    return path


def lines(one, two):
    return f"witness one {ONE.key} {one}/w", f"witness two {TWO.key} {two}/w/"


def test_one_history(person, tmp_path):
    with website(TRUTH.files()) as source, website(seen_by(ONE, TRUTH)) as one, website({}) as two:
        file = policy(tmp_path, *lines(one, two))
        said = person.do("audit", source, "--witnesses", file, "--jobs", 1)
        assert said.count("✓ seen  1 of 2 witnesses have seen this history: one (") == 3
        verdict = person.json("audit", source, "--witnesses", file, "--jobs", 1)
        assert [c["numbers"] for c in verdict["checks"] if c["name"] == "seen"] == [
            {"witnesses": 1, "asked": 2}
        ] * 3
    assert not list(tmp_path.glob("evidence*"))


class Waiting(dict):
    """Files of a witness that answers only after another one was asked."""

    def __init__(self, files, other):
        super().__init__(files)
        self.other = other

    def get(self, path):
        return super().get(path) if self.other.wait(20) else None


class Telling(dict):
    """Files of a witness; `asked` is set by the first request."""

    def __init__(self, files):
        super().__init__(files)
        self.asked = Event()

    def get(self, path):
        self.asked.set()
        return super().get(path)


def test_witnesses_are_asked_side_by_side_and_told_of_in_order(person, tmp_path):
    public = TRUTH.publish(tmp_path / "public")
    second = Telling(seen_by(TWO, TRUTH))
    first = Waiting(seen_by(ONE, TRUTH), second.asked)
    with website(first) as one, website(second) as two:
        file = policy(tmp_path, *lines(one, two))
        said = person.do("audit", public / FOLDER, "--witnesses", file, "--jobs", 1)
    assert "2 of 2 witnesses have seen this history: one (" in said
    assert said.index("one (") < said.index("two (")


@pytest.mark.parametrize("chosen", [None, "proof.json"])
def test_a_split_view_and_the_third_person(person, tmp_path, chosen):
    origins = ("logs/spaces/nix", FOLDER)
    with (
        website(LIE.files()) as source,
        website(seen_by(ONE, TRUTH)) as one,
        website(seen_by(TWO, LIE)) as two,
    ):
        words = [
            "audit",
            source,
            "--witnesses",
            policy(tmp_path, *lines(one, two)),
            "--jobs",
            1,
            *(["--evidence", tmp_path / chosen] if chosen else []),
        ]
        result = person.run(*map(str, words))
        assert result.exit_code == 1, result.output
        assert result.stdout.count("✗ seen  one shows another history") == len(origins)
        found = sorted(tmp_path.glob("*.json"))
        assert len(found) == len(origins), "one file for each forked log"
        if chosen is None:
            assert f"evidence-{sha256(BALLOT_ORIGIN.encode()).hex()[:16]}.json" in {p.name for p in found}
        before = {path: path.read_bytes() for path in found}
        assert all(str(path.name) in result.stderr for path in found)
        person.run(*map(str, words))
        assert {path: path.read_bytes() for path in tmp_path.glob("*.json")} == before, "nothing new"
    proofs = [person.json("evidence", "check", path) for path in found]
    (proof,) = [each for each in proofs if each["origin"] == BALLOT_ORIGIN]
    assert set(proof["roots"]) == {root_at(w.ballot, len(w.ballot)).hex() for w in (TRUTH, LIE)}
    assert proof["accused"] == [TRUTH.vkey(BALLOT_ORIGIN)]
    assert {each["digest"] for each in proofs} == {digest(data) for data in before.values()}
    assert "has signed two histories" in person.do("evidence", "check", found[0])


def test_other_files_are_never_overwritten(person, tmp_path):
    (tmp_path / "proof.json").write_text("mine")
    with website(LIE.files()) as source, website(seen_by(ONE, TRUTH)) as one:
        file = policy(tmp_path, f"witness one {ONE.key} {one}/w")
        person.run("audit", source, "--witnesses", file, "--evidence", "proof.json", "--jobs", "1")
    assert (tmp_path / "proof.json").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.glob("proof-*")) == ["proof-2.json", "proof-3.json"]


def test_one_log_can_be_asked_about(person, tmp_path):
    public = LIE.publish(tmp_path / "public")
    with website(seen_by(ONE, TRUTH)) as one:
        file = policy(tmp_path, f"witness one {ONE.key} {one}/w")
        result = person.run("audit", public / FOLDER, "--witnesses", file, "--jobs", "1", "--json")
    assert result.exit_code == 1
    assert [c["name"] for c in json.loads(result.stdout)["checks"] if c["status"] == "failed"] == ["seen"]


@pytest.mark.parametrize("text", ["", "quorum", "witness one x\nquorum none\n"])
def test_a_policy_that_is_none(person, tmp_path, text):
    public = TRUTH.publish(tmp_path / "public")
    (tmp_path / "bad.policy").write_text(text)
    result = person.run("audit", public, "--witnesses", tmp_path / "bad.policy", "--jobs", "1")
    assert result.exit_code == 1
    assert "✗" in result.stderr


def test_misuse(person, tmp_path):
    public = TRUTH.publish(tmp_path / "public")
    assert person.run("audit", public, "--witnesses", tmp_path / "missing").exit_code == 2
