"""The protocol's own vectors: unchanged since they were published, and followed by this program."""

from __future__ import annotations

import base64
import json

import pytest

from governance.canonical import digest
from governance.errors import GovernanceError
from governance.log.evidence import parse_evidence, verify_evidence
from governance.replay.ballot import BallotState
from governance.replay.instance import InstanceState
from governance.replay.result import compute_result, result_bytes
from governance.replay.space import SpaceState
from governance.statements.entry import read_entry, read_envelope
from tests.support.protocol_vectors import VECTORS, all_vectors

FILES = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(VECTORS.glob("*.json"))}


def test_the_vectors_are_what_the_code_makes():
    assert {
        name: path.read_text(encoding="utf-8") for path in VECTORS.glob("*.json") for name in [path.name]
    } == all_vectors()


@pytest.mark.parametrize("name", [n for n in FILES if n.startswith("envelope-")])
def test_envelopes(name):
    vector = FILES[name]
    data = base64.b64decode(vector["input"])
    if vector["expect"] == "accepted":
        entry = read_envelope(data)
        assert (entry.identity, entry.data) == (vector["identity"], base64.b64decode(vector["normal_form"]))
    else:
        with pytest.raises(GovernanceError) as caught:
            read_envelope(data)
        assert caught.value.code == vector["expect"]


def replay(vector):
    states = {}
    for kind in ("instance", "space", "ballot"):
        if kind not in vector:
            return states["space"]
        origin = vector[kind]["origin"]
        if kind == "instance":
            state = InstanceState(origin)
        elif kind == "space":
            state = SpaceState(origin, states["instance"].keys)
        else:
            state = BallotState(origin, states["instance"].keys, states["space"])
        for index, data in enumerate(vector[kind]["entries"]):
            state.admit(index, read_entry(base64.b64decode(data)))
        states[kind] = state
    return states["ballot"]


@pytest.mark.parametrize("name", [n for n in FILES if n.startswith(("ballot-", "delegation-"))])
def test_what_may_follow_in_a_log(name):
    vector = FILES[name]
    state = replay(vector)
    entry = read_entry(base64.b64decode(vector["entry"]))
    if vector["expect"] == "accepted":
        state.admit(state.size, entry)
    else:
        with pytest.raises(GovernanceError) as caught:
            state.admit(state.size, entry)
        assert (caught.value.code, caught.value.pointer) == (vector["expect"], vector.get("pointer"))


@pytest.mark.parametrize("name", [n for n in FILES if n.startswith("result-")])
def test_a_whole_result(name):
    vector = FILES[name]
    state = replay(vector)
    assert (
        result_bytes(compute_result(state, bytes.fromhex(vector["open_root"]))).decode() == vector["result"]
    )


@pytest.mark.parametrize("name", [n for n in FILES if n.startswith("evidence-")])
def test_evidence(name):
    vector = FILES[name]
    data = base64.b64decode(vector["input"])
    if vector["expect"] != "accepted":
        with pytest.raises(GovernanceError) as caught:
            verify_evidence(parse_evidence(data))
        assert caught.value.code == vector["expect"]
        return
    finding = verify_evidence(parse_evidence(data))
    assert digest(data) == vector["digest"]
    assert [finding.kind, finding.origin, *finding.accused] == [
        vector["kind"],
        vector["origin"],
        *vector["accused"],
    ]
    assert (list(finding.sizes), [root.hex() for root in finding.roots]) == (vector["sizes"], vector["roots"])
    assert set(vector["accused"]) <= set(vector["test_keys"].values())


def test_evidence_of_each_kind_is_shown():
    assert {v["kind"] for n, v in FILES.items() if n.startswith("evidence-") and "kind" in v} == {
        "same-size",
        "different-sizes",
        "cosigner",
    }


def test_both_outcomes_are_shown():
    expectations = {v.get("expect") for v in FILES.values()}
    assert {
        "accepted",
        "bad-evidence",
        "malformed-evidence",
        "malformed-envelope",
        "malformed-json",
        "bad-signature",
        "not-on-roll",
    } <= expectations
