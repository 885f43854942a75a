"""`althing evidence check` as a third person meets it: a file, and nothing else."""

from __future__ import annotations

import json

import pytest

from governance.canonical import digest
from governance.log.evidence import different_sizes, same_size
from tests.support.cosigners import ONE, TWO
from tests.support.forks import KEY, ORIGIN, Story
from tests.support.server import Person

VKEY = str(KEY.key)
HONEST, LIAR = Story(), Story(3)
PROOFS = {
    "same-size": same_size(VKEY, HONEST.note(5), LIAR.note(5)),
    "different-sizes": different_sizes(VKEY, HONEST.note(5), LIAR.note(9), LIAR.read_hash),
    "cosigner": different_sizes(
        VKEY, HONEST.note(5, ONE, TWO), LIAR.note(9, ONE), LIAR.read_hash, str(ONE.key)
    ),
}


@pytest.fixture
def person(tmp_path):
    return Person(tmp_path / "home")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "evidence.json"


@pytest.mark.parametrize("kind", PROOFS)
def test_in_words(person, file, kind):
    file.write_bytes(PROOFS[kind])
    said = person.do("evidence", "check", file)
    assert f"valid evidence: {ORIGIN} has signed two histories" in said
    for part in (HONEST.root(5).hex(), LIAR.root(5 if kind == "same-size" else 9).hex(), VKEY):
        assert part in said
    assert digest(PROOFS[kind]) in said
    assert ("as the witness one.example/witness" in said) == (kind == "cosigner")
    assert TWO.key.name not in said, "who signed only one of them is not named"


@pytest.mark.parametrize("kind", PROOFS)
def test_as_json(person, file, kind):
    file.write_bytes(PROOFS[kind])
    size = 5 if kind == "same-size" else 9
    assert person.json("evidence", "check", file) == {
        "digest": digest(PROOFS[kind]),
        "kind": kind,
        "origin": ORIGIN,
        "accused": [VKEY, *([str(ONE.key)] if kind == "cosigner" else [])],
        "sizes": [5, size],
        "roots": [HONEST.root(5).hex(), LIAR.root(size).hex()],
    }


def honest_pair():
    made = json.loads(PROOFS["same-size"])
    return json.dumps(
        {**made, "notes": [made["notes"][0]] * 2}, separators=(",", ":"), sort_keys=True, ensure_ascii=False
    ).encode()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "malformed-evidence"),
        (b"\xff" * 50, "malformed-evidence"),
        (b"[" * 5_000, "malformed-evidence"),
        (PROOFS["cosigner"][:-1], "malformed-evidence"),
        (PROOFS["cosigner"] + b"\n", "malformed-evidence"),
        (b" " * (1 << 20), "too-large"),
        (honest_pair(), "bad-evidence"),
        (PROOFS["same-size"].replace(b"\\n5\\n", b"\\n6\\n"), "bad-evidence"),
    ],
    ids=["nothing", "noise", "deep", "cut off", "another spelling", "too large", "one head", "not signed"],
)
def test_what_proves_nothing_is_exit_code_1(person, file, data, code):
    file.write_bytes(data)
    assert person.refused("evidence", "check", file)["error"] == code
    result = person.run("evidence", "check", file)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "✗" in result.stderr


def test_misuse_is_exit_code_2(person, tmp_path):
    for words in ((), ("check",), ("check", tmp_path / "missing"), ("check", tmp_path)):
        assert person.run("evidence", *words).exit_code == 2
