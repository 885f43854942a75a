"""RFC 8785 test data against our canonical form."""

import base64
import json
import struct
from pathlib import Path

import pytest

from governance.canonical import canonical, parse_json
from governance.errors import MalformedJson

VECTORS = json.loads((Path(__file__).parent / "data" / "rfc8785_jcs.json").read_bytes())


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda c: c["name"])
def test_files(case):
    value = json.loads(base64.b64decode(case["input_base64"]))
    assert canonical(value) == base64.b64decode(case["output_base64"])


@pytest.mark.parametrize(
    "case", [c for c in VECTORS["cases"] if c["name"] != "values.json"], ids=lambda c: c["name"]
)
def test_canonical_form_is_read_back(case):
    expected = base64.b64decode(case["output_base64"])
    assert canonical(parse_json(expected)) == expected


def test_fractions_have_a_canonical_form_and_are_refused_all_the_same():
    (case,) = (c for c in VECTORS["cases"] if c["name"] == "values.json")
    with pytest.raises(MalformedJson, match="not an integer"):
        parse_json(base64.b64decode(case["output_base64"]))


@pytest.mark.parametrize(("bits", "text"), [case[:2] for case in VECTORS["numbers_ieee_hex"]])
def test_numbers(bits, text):
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical(number).decode() == text
