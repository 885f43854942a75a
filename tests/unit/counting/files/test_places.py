"""A broken file of any format is refused with the line and column where it breaks."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.counting.files.locate import spots
from governance.counting.files.sniff import read_ballot_file
from governance.errors import MalformedBallotFile

PB = (
    "META\nkey;value\nbudget;100\nvote_type;{}\nPROJECTS\nproject_id;cost\na;10\nb;{}\n"
    "VOTES\nvoter_id;vote{}\n"
)
OWN = (
    '{{"format": "althing/ballot-file/v1",\n "rule": "approval",\n "options": [{{"id": "a"}}],\n'
    ' "ballots": [{}]}}'
)

BROKEN = {
    "blt: an unknown candidate": (b"2 1\n1 2 3 0\n0\n", 2, 5),
    "blt: names missing": (b'2 1\n1 2 0\n0\n"Ann"\nBen\n', 5, 1),
    "pabulib: a cost": (PB.format("approval", "1x", "") + "1;a\n", 8, 3),
    "pabulib: a section": ("META\nkey;value\nbudget;1\n", 3, 1),
    "pabulib: too few cells": (PB.format("approval", "5", "") + "1\n", 11, 3),
    "pabulib: a project twice": (PB.format("approval", "5", "").replace("\nb;", "\na;") + "1;a\n", 8, 1),
    "pabulib: a budget": (PB.format("approval", "5", "").replace("100", "many") + "1;a\n", 3, 8),
    "pabulib: points": (PB.format("scoring", "5", ";points") + "1;a,b;3,x\n", 11, 7),
    "pabulib: points that do not pair up": (PB.format("scoring", "5", ";points") + "1;a,b;3\n", 11, 7),
    "pabulib: no points": (PB.format("scoring", "5", "") + "1;a\n", 11, 3),
    "pabulib: not UTF-8": (b"META\nkey;value\nx;\xff\n", 3, 3),
    "preflib: an alternative": (b"# NUMBER ALTERNATIVES: 2\n1: 1\n1: 1,3\n", 3, 6),
    "preflib: no number": (b"# TITLE: x\n1: 1\n", 1, 1),
    "preflib: voters": (b"# NUMBER ALTERNATIVES: 1\n# NUMBER VOTERS: 3\n1: 1\n", 2, 1),
    "grades: a cell": (b"n,Ann,Ben\n0,5,3\n1,6,x\n", 3, 5),
    "grades: a name twice": (b"n,Ann,Ann\n0,5,3\n", 1, 7),
    "debian: a rank": (b"Option 1-->: Ann\nOption 2-->: Ben\nV: 1? x\n", 3, 5),
    "debian: an order": (b"Option 1-->: Ann\nOption 3-->: Ben\nV: 12 x\n", 2, 8),
    "snapshot: a weight": (b'{"votes": [\n {"choice": 1, "vp": -1}],\n "choices": ["a"]}', 2, 22),
    "snapshot: choices": (b'{"proposal": {"choices":\n 3},\n "votes": []}', 2, 2),
    "snapshot: a key twice": (b'{"votes": [],\n "votes": [],\n "choices": ["a"]}', 2, 11),
    "snapshot: a number": (b'{"votes": [{"choice": 1,\n "vp": 1e999}], "choices": ["a"]}', 2, 8),
    "rankings: a ballot": (b'{"candidates": ["a"],\n "ballots": [[1, ["a"]],\n  [0, ["a"]]]}', 3, 3),
    "rankings: syntax": (b'{"candidates": ["a"],\n "ballots": [[1, ["a"]],,]}', 2, 25),
    "rankings: candidates": (b'{"ballots": [[1, ["a"]]],\n "candidates": [""]}', 2, 16),
    "own: syntax": (OWN.format("}"), 4, 14),
    "own: a member that is not known": (OWN.format('\n{"answer": null, "who": 1}'), 5, 1),
    "own: a weight": (OWN.format('{"answer": null, "weight": "x"}'), 4, 41),
    "own: a fraction": (OWN.format('{"answer": {"a": 1.5}}'), 4, 31),
    "own: a key twice": (OWN.format('{"answer": ["a"],\n "answer": ["a"]}'), 5, 12),
    "own: an option twice": (OWN.replace('{{"id": "a"}}', '{{"id": "a"}},{{"id": "a"}}').format(""), 3, 13),
    "own: not UTF-8": (OWN.format("").encode().replace(b"approval", b"\xffx"), 2, 11),
    "own: too deep": (OWN.format('{"answer": ' + "[" * 60 + "]" * 60 + "}"), 4, 54),
}


@pytest.mark.parametrize("name", BROKEN)
def test_where_a_file_breaks(name):
    data, line, column = BROKEN[name]
    data = data if isinstance(data, bytes) else data.encode()
    with pytest.raises(MalformedBallotFile) as caught:
        read_ballot_file(data)
    error = caught.value
    assert (error.facts["line"], error.facts["column"]) == (line, column), error.detail
    assert error.detail.startswith(f"line {line}, column {column}: ")
    assert not re.search(r" at (line|byte)", error.detail)


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=4)),
    lambda x: st.one_of(st.lists(x, max_size=3), st.dictionaries(st.text(max_size=3), x, max_size=3)),
    max_leaves=8,
)


def pointers(value, at=""):
    yield at, value
    parts = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for key, part in parts:
        yield from pointers(part, f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}")


@given(values, st.sampled_from([None, 1]))
def test_every_value_of_a_document_is_found_where_it_is(value, indent):
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    found = list(spots(text))
    assert len(found) == len(list(pointers(value)))
    for spot in found:
        read, _ = json.JSONDecoder().raw_decode(text, spot.offset)
        # Keys with escapes of their own are matched as they are written.
        if "\\" not in text:
            assert dict(pointers(value))[spot.pointer] == read


@given(st.text(max_size=60))
def test_any_text(text):
    list(spots(text))
    list(spots("{" + text))
