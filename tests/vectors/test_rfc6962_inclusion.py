"""RFC 6962 2.1.1: 98 inclusion proofs of transparency-dev/merkle, most of them to be refused."""

from __future__ import annotations

from typing import Any

import pytest

from governance.errors import BadProof, MalformedProof
from governance.log.proofs import verify_inclusion
from tests.support.vectors import b64, load

CASES = load("rfc6962_inclusion")["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["file"].removeprefix("testdata/"))
def test_inclusion(case: dict[str, Any]) -> None:
    proof = [b64(h) for h in case["proof"] or []]
    arguments = (case["leafIdx"], case["treeSize"], b64(case["leafHash"]), proof, b64(case["root"]))
    if case["wantErr"]:
        with pytest.raises((BadProof, MalformedProof)):
            verify_inclusion(*arguments)
    else:
        verify_inclusion(*arguments)


def test_the_file_is_whole() -> None:
    assert len(CASES) == 98
    assert {case["wantErr"] for case in CASES} == {True, False}
