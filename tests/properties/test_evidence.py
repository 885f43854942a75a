"""Evidence accuses nobody who did not sign two histories, and misses nobody who did."""

from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from governance.canonical import encode
from governance.errors import BadEvidence, Malformed, MalformedEvidence, TooLarge
from governance.log.checkpoint import Checkpoint, sign_checkpoint
from governance.log.evidence import (
    LIMIT,
    Evidence,
    different_sizes,
    parse_evidence,
    same_size,
    verify_evidence,
)
from governance.log.merkle import node_hash
from governance.log.proofs import consistency_path
from tests.support.cosigners import ONE, TWO
from tests.support.forks import KEY, ORIGIN, QUANTUM_KEY, Story

VKEY = str(KEY.key)
MOST = 70
HONEST = Story()
PAIRS = [(m, n) for n in range(2, MOST) for m in range(1, n)]


def range_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 2.1, as it is written there."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(range_root(leaves[:k]), range_root(leaves[k:]))


def subproof(m: int, leaves: list[bytes]) -> list[bytes]:
    """SUBPROOF of RFC 6962 2.1.2 with b always false: the first node is never left out."""
    if m == len(leaves):
        return [range_root(leaves)]
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    if m <= k:
        return [*subproof(m, leaves[:k]), range_root(leaves[k:])]
    return [*subproof(m - k, leaves[k:]), range_root(leaves[:k])]


def test_the_path_is_the_one_of_the_rfc_with_its_first_node():
    for m, n in PAIRS:
        assert consistency_path(HONEST.read_hash, m, n) == subproof(m, HONEST.leaves[:n])


def test_no_honest_log_is_accused():
    for m, n in PAIRS:
        with pytest.raises(BadEvidence, match="one history"):
            different_sizes(VKEY, HONEST.note(m), HONEST.note(n), HONEST.read_hash)


@pytest.mark.parametrize("where", ["first entry", "last entry", "middle"])
def test_no_liar_is_missed(where):
    liars: dict[int, Story] = {}
    for m, n in PAIRS:
        fork = {"first entry": 0, "last entry": m - 1, "middle": m // 2}[where]
        liar = liars.setdefault(fork, Story(fork, most=MOST))
        made = parse_evidence(different_sizes(VKEY, HONEST.note(m), liar.note(n), liar.read_hash))
        assert 1 <= len(made.path) <= 8
        finding = verify_evidence(made)
        assert (finding.sizes, finding.roots) == ((m, n), (HONEST.root(m), liar.root(n)))


def test_a_fork_after_the_smaller_head_is_none_between_them():
    """Both heads are of either history: the accuser needs heads that contradict each other."""
    for m, n in PAIRS[::7]:
        liar = Story(m, most=MOST)
        with pytest.raises(BadEvidence, match="one history"):
            different_sizes(VKEY, HONEST.note(m), liar.note(n), liar.read_hash)


def test_the_hashes_of_the_smaller_tree_do_not_make_evidence():
    liar = Story(0, most=MOST)
    for m, n in PAIRS[::5]:
        with pytest.raises(BadEvidence, match="does not lead to the larger"):
            different_sizes(VKEY, HONEST.note(m), liar.note(n), HONEST.read_hash)


@given(st.sampled_from(PAIRS), st.data())
def test_no_path_whatever_accuses_an_honest_log(pair, data):
    """Nodes exchanged, repeated, dropped, added, made up."""
    m, n = pair
    path = consistency_path(HONEST.read_hash, m, n)
    node = st.one_of(
        st.sampled_from(path), st.sampled_from(HONEST.leaves), st.binary(min_size=32, max_size=32)
    )
    forged = data.draw(st.lists(node, min_size=0, max_size=10) | st.permutations(path))
    notes = (HONEST.note(m).decode(), HONEST.note(n).decode())
    with pytest.raises(BadEvidence):
        verify_evidence(Evidence("different-sizes", VKEY, notes, list(forged), None))


@given(
    st.integers(0, MOST), st.integers(0, MOST), st.sampled_from(["same-size", "different-sizes", "cosigner"])
)
def test_no_two_heads_of_one_history_are_evidence_of_any_kind(m, n, kind):
    path = consistency_path(HONEST.read_hash, m, n) if 0 < m < n else []
    notes = (HONEST.note(m, ONE).decode(), HONEST.note(n, ONE).decode())
    cosigner = str(ONE.key) if kind == "cosigner" else None
    with pytest.raises(BadEvidence):
        verify_evidence(Evidence(kind, VKEY, notes, path, cosigner))


LIAR = Story(3, most=MOST)
GENUINE = [
    same_size(VKEY, HONEST.note(5), LIAR.note(5)),
    different_sizes(VKEY, HONEST.note(4), LIAR.note(7), LIAR.read_hash),
    different_sizes(VKEY, HONEST.note(5, ONE), LIAR.note(9, TWO, ONE), LIAR.read_hash, str(ONE.key)),
]


def judged(data: bytes) -> None:
    """Its own error, or evidence that stands in its one spelling and accuses the liar's key."""
    try:
        evidence = parse_evidence(data)
    except (MalformedEvidence, TooLarge):
        return
    assert encode(evidence) == data == rfc8785.dumps(json.loads(data))
    try:
        finding = verify_evidence(evidence)
    except BadEvidence:
        return
    assert finding.vkey == VKEY
    assert finding.roots[0] != finding.roots[1]


@given(st.binary(max_size=400))
def test_noise(data):
    judged(data)


@given(st.sampled_from(GENUINE), st.integers(0, 10_000), st.binary(max_size=3), st.integers(0, 3))
def test_evidence_with_a_few_bytes_changed(genuine, at, instead, dropped):
    at %= len(genuine)
    judged(genuine[:at] + instead + genuine[at + dropped :])


_text = st.text(max_size=60)
_values = st.one_of(st.none(), _text, st.integers(), st.lists(_text, max_size=3), st.booleans())


@given(
    st.sampled_from(GENUINE),
    st.dictionaries(
        st.sampled_from(["kind", "vkey", "notes", "path", "cosigner", "more"]), _values, min_size=1
    ),
)
def test_evidence_with_members_changed(genuine, changes):
    try:
        judged(rfc8785.dumps({**json.loads(genuine), **changes}))
    except rfc8785.IntegerDomainError:
        return


_line = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs", "Cc"]), min_size=1)


@given(st.lists(_line, max_size=4).map(tuple))
def test_extension_lines_change_nothing(extensions):
    """They are signed, but belong to no tree: only other roots are another history."""
    for signers in ((KEY,), (QUANTUM_KEY,)):
        notes = [
            sign_checkpoint(Checkpoint(ORIGIN, 5, story.root(5), more), [s.at(0) if s is QUANTUM_KEY else s])
            for s in signers
            for story, more in ((HONEST, ()), (HONEST, extensions), (LIAR, extensions))
        ]
        vkey = str(signers[0].key)
        with pytest.raises(BadEvidence):
            same_size(vkey, notes[0], notes[1])
        assert verify_evidence(parse_evidence(same_size(vkey, notes[0], notes[2]))).sizes == (5, 5)


def test_the_largest_notes_still_make_evidence():
    """Quotes and line ends need two bytes each in JSON; a log may sign as many as a note has room for."""
    notes = [
        sign_checkpoint(Checkpoint(ORIGIN, 5, story.root(5), ('"' * 130_700,)), [KEY])
        for story in (HONEST, LIAR)
    ]
    made = same_size(VKEY, *notes)
    assert 4 * 130_000 < len(made) <= LIMIT
    assert verify_evidence(parse_evidence(made)).kind == "same-size"


@given(st.sampled_from(GENUINE))
def test_other_spellings_are_refused(genuine):
    loose = json.loads(genuine)
    spaced = json.dumps(loose, ensure_ascii=False, sort_keys=True).encode()
    for other in (genuine + b"\n", spaced, json.dumps(loose, separators=(",", ":"), sort_keys=True).encode()):
        with pytest.raises(Malformed):
            parse_evidence(other)
