"""What a manifest may say."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from governance.canonical import encode
from governance.counting.threshold import Threshold
from governance.errors import GovernanceError, InvalidDefinition, TooLarge, Unsupported
from governance.replay.joint_manifest import check_manifest, manifest_digest, parse_manifest, roll_ref
from governance.statements.joint import DoubleMajority, VetoShare
from governance.statements.space import Quorum
from tests.support.joint import CLOSES, OPENS, Community, log_signer, manifest_of, question

CLUBS = [Community(0, [100]), Community(1, [200])]
MANIFEST = manifest_of(CLUBS, nonce=True)
FIRST, SECOND = MANIFEST.shards
HALF, NEVER = Threshold(1, 2, True), Threshold(1, 1, True)


def pointer(**changes) -> str:
    with pytest.raises(InvalidDefinition) as caught:
        check_manifest(replace(MANIFEST, **changes))
    return caught.value.pointer


def test_a_good_one_passes_and_reads_back():
    check_manifest(MANIFEST)
    assert parse_manifest(encode(MANIFEST)) == MANIFEST
    assert manifest_digest(MANIFEST).startswith("sha256:")


def test_parts_that_do_not_fit_together():
    assert pointer(minimum=3) == "/minimum"
    assert pointer(partial="refuse", minimum=1) == "/minimum"
    assert pointer(opens_at=CLOSES) == "/closes_at"
    assert pointer(quorum=Quorum(NEVER, abstentions_count=True)) == "/quorum/participation"
    assert pointer(questions=[question(), question()]) == "/questions/1"
    assert pointer(text="x" * 8_000, questions=[replace(question(), text="y" * 8_000)] * 4) == ""


@pytest.mark.parametrize(
    ("shard", "expected"),
    [
        (FIRST, "/shards/1/origin"),
        (replace(SECOND, space="other"), "/shards/1/origin"),
        (replace(SECOND, base_url="https://elsewhere.example"), "/shards/1/origin"),
        (replace(SECOND, vkey=FIRST.vkey), "/shards/1/vkey"),
        (replace(SECOND, vkey=str(log_signer("x").key)), "/shards/1/vkey"),
        (replace(SECOND, vkey="nonsense"), "/shards/1/vkey"),
        (replace(SECOND, nonce_holders=SECOND.nonce_holders * 2), "/shards/1/nonce_holders"),
    ],
)
def test_a_community_is_where_it_says(shard, expected):
    assert pointer(shards=[FIRST, shard]) == expected


def test_ways_of_combining_that_cannot_be():
    assert pointer(combine=DoubleMajority(NEVER, HALF)) == "/combine/members"
    assert pointer(combine=DoubleMajority(HALF, NEVER)) == "/combine/communities"
    yes_no = [question("yes-no")]
    assert pointer(combine=VetoShare(NEVER, "votes"), questions=yes_no) == "/combine/share"
    assert pointer(combine=VetoShare(Threshold(0, 1, False), "votes"), questions=yes_no) == "/combine/share"


def test_rules_under_which_a_community_says_nothing_by_itself():
    for rule in ("schulze", "irv", "score", "equal-shares"):
        given = {"budget": "10"} if rule == "equal-shares" else {}
        asked = [question(), question(rule, "second", **given)]
        assert pointer(combine=DoubleMajority(HALF, HALF), questions=asked) == "/questions/1/rule"
        check_manifest(replace(MANIFEST, questions=asked))
    assert pointer(combine=VetoShare(HALF, "votes")) == "/questions/0/rule"


def test_what_this_version_cannot_verify_is_refused():
    with pytest.raises(Unsupported):
        check_manifest(replace(MANIFEST, requires=["secret/v1"]))


def test_bounds_have_clear_errors(monkeypatch):
    with pytest.raises(TooLarge, match="32768"):
        parse_manifest(b" " * 40_000)
    rows = CLUBS[0].space.state.roll(["member"], "equal")
    monkeypatch.setattr("governance.limits.BLOB", 10)
    with pytest.raises(TooLarge, match="1 members"):
        roll_ref(rows)


def test_not_the_one_form():
    data = encode(MANIFEST)
    spaced = data.replace(b'"grace":', b'"grace": ')
    for odd in (spaced, data + b"\n", b"[]", b"", b'{"a":1,"a":2}', data.replace(b'"pooled"', b'"dictator"')):
        with pytest.raises(GovernanceError):
            parse_manifest(odd)
    assert OPENS < CLOSES
