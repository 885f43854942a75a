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


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda c: c["name"])
def test_canonical_form_is_read_back_unless_it_holds_fractions(case):
    expected = base64.b64decode(case["output_base64"])
    try:
        value = parse_json(expected)
    except MalformedJson as e:
        assert case["name"] == "values.json", e
        return
    assert canonical(value) == expected


@pytest.mark.parametrize(("bits", "text"), [case[:2] for case in VECTORS["numbers_ieee_hex"]])
def test_numbers(bits, text):
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical(number).decode() == text
