"""RFC 6962 2.1.2: 98 consistency proofs of transparency-dev/merkle, most of them to be refused.

Those that begin at size 0 count as errors in that project, also the consistent ones, and so they do for our
proof function: what a protocol wants from an empty old tree is decided before it.
"""

from __future__ import annotations

from typing import Any

import pytest

from governance.errors import BadProof, MalformedProof
from governance.log.proofs import verify_consistency
from tests.support.vectors import b64, load

CASES = load("rfc6962_consistency")["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["file"].removeprefix("testdata/"))
def test_consistency(case: dict[str, Any]) -> None:
    proof = [b64(h) for h in case["proof"] or []]
    arguments = (case["size1"], b64(case["root1"]), case["size2"], b64(case["root2"]), proof)
    if case["wantErr"]:
        with pytest.raises((BadProof, MalformedProof)):
            verify_consistency(*arguments)
    else:
        verify_consistency(*arguments)


def test_the_file_is_whole() -> None:
    assert len(CASES) == 98
    assert {case["wantErr"] for case in CASES} == {True, False}
    assert all(case["wantErr"] for case in CASES if case["size1"] == 0)
