"""The 914 edge cases of C2SP/CCTV: two libraries, one rule."""

import json
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from governance.signing.ed25519 import is_acceptable_point, verify, verify_cryptography

CASES = json.loads((Path(__file__).parent / "data" / "ed25519_edge_cctv.json").read_bytes())["cases"]


def fields(case):
    return bytes.fromhex(case["key"]), case["msg"].encode(), bytes.fromhex(case["sig"])


def test_both_libraries_give_one_answer_on_every_case():
    assert len(CASES) == 914
    differing = [c["number"] for c in CASES if verify(*fields(c)) != verify_cryptography(*fields(c))]
    assert differing == []


def test_how_many_are_accepted():
    assert sum(verify(*fields(c)) for c in CASES) == 43


def test_openssl_alone_would_count_other_votes():
    """Why the rule is written down: without the checks on points, OpenSSL takes 208."""

    def bare(public, message, signature):
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    assert sum(bare(*fields(c)) for c in CASES) == 208


def test_no_accepted_case_has_a_flag_that_the_rule_excludes():
    excluded = {"low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R"}
    for case in CASES:
        if verify(*fields(case)):
            assert not excluded & set(case["flags"] or ()), case["number"]


def test_low_order_and_non_canonical_points_are_not_acceptable():
    for case in CASES:
        flags = set(case["flags"] or ())
        if flags & {"low_order_A", "non_canonical_A"}:
            assert not is_acceptable_point(bytes.fromhex(case["key"])), case["number"]
