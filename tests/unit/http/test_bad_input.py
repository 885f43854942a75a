"""Every row of 'Limits and bad input': status, code, place, and that nothing was stored."""

import base64
import json

import pytest

from governance.signing.envelope import Envelope, Signature, normalise, sign_envelope
from governance.signing.keyfile import HybridKey
from tests.support.people import body, key, question, ssh_key

VOTES = "/api/v1/spaces/nix/ballots/q1/votes"
MEMBER = key(100)


@pytest.fixture
def opened(lite):
    """A service with an open ballot."""
    lite.community.open()
    return lite


def size(running):
    return running.client.get("/api/v1/spaces/nix/ballots/q1").json()["size"]


def refused(running, content, status, code, pointer=None, path=VOTES):
    """Post, and see this problem and no new entry."""
    before = size(running)
    answer = running.client.post(path, content=content)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"http://127.0.0.1:8000/problems/{code}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    if pointer is not None:
        assert problem["pointer"] == pointer
    assert size(running) == before
    return problem


def payload(running, **changes):
    """A valid vote's fields, some changed."""
    vote = running.community.vote(MEMBER, ["a"])
    return json.loads(vote.to_bytes()) | changes


def signed_raw(data, who=MEMBER, kind="vote"):
    return normalise(sign_envelope(f"application/vnd.althing.{kind}.v1+json", data, [who]))


def encoded(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def test_body_of_more_than_64_kib(opened):
    refused(opened, b"x" * (64 * 1024 + 1), 413, "too-large")


def test_body_of_more_than_64_kib_without_a_content_length(opened):
    refused(opened, (b"x" * 1024 for _ in range(65)), 413, "too-large")


def test_envelope_that_fits_the_body_but_not_an_entry(opened):
    long = encoded(payload(opened)) + b" " * (46 * 1024)
    refused(opened, signed_raw(long), 413, "too-large")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"payload":1}', b'"' * 10],
    ids=["empty", "half", "list", "null", "not UTF-8", "no fields", "number", "quotes"],
)
def test_malformed_envelope(opened, content):
    refused(opened, content, 400, "malformed-envelope")


def test_duplicate_key_in_the_envelope(opened):
    good = body(opened.community.vote(MEMBER, ["a"]), MEMBER).decode()
    twice = good[:-1] + ',"payloadType":"x"}'
    assert "payloadType" in refused(opened, twice.encode(), 400, "malformed-envelope")["detail"]


def test_not_base64(opened):
    good = json.loads(body(opened.community.vote(MEMBER, ["a"]), MEMBER))
    refused(opened, encoded(good | {"payload": "ab!d"}), 400, "malformed-envelope", "/payload")
    wrong = [{"keyid": MEMBER.member_id, "sig": "a==="}]
    refused(opened, encoded(good | {"signatures": wrong}), 400, "malformed-envelope", "/signatures/0/sig")


def test_malformed_json_inside(opened):
    refused(opened, signed_raw(b"{"), 400, "malformed-json")


def test_duplicate_key_inside(opened):
    twice = encoded(payload(opened))[:-1] + b',"cast_at":1}'
    assert "cast_at" in refused(opened, signed_raw(twice), 400, "malformed-json")["detail"]


def test_unknown_field(opened):
    refused(opened, signed_raw(encoded(payload(opened, colour="red"))), 400, "malformed-statement")


def test_wrong_type(opened):
    wrong = encoded(payload(opened, cast_at="yesterday"))
    refused(opened, signed_raw(wrong), 400, "malformed-statement", "/cast_at")


def test_number_out_of_range(opened):
    refused(opened, signed_raw(encoded(payload(opened, cast_at=-1))), 400, "malformed-statement", "/cast_at")
    refused(opened, signed_raw(encoded(payload(opened, cast_at=2**60))), 400, "malformed-json")
    huge = encoded(payload(opened)).replace(b'"cast_at":1800000000', b'"cast_at":1e9')
    refused(opened, signed_raw(huge), 400, "malformed-json")


def test_unknown_payload_type(opened):
    refused(opened, signed_raw(encoded(payload(opened)), kind="wish"), 422, "unsupported")


def test_another_kind_of_statement(opened):
    item = opened.community.item()
    refused(opened, body(item, MEMBER), 422, "invalid-statement")


def test_unknown_ballot(opened):
    content = body(opened.community.vote(MEMBER, ["a"]), MEMBER)
    answer = opened.client.post("/api/v1/spaces/nix/ballots/none/votes", content=content)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    answer = opened.client.post("/api/v1/spaces/none/ballots/q1/votes", content=content)
    assert answer.status_code == 404


def test_wrong_ballot_digest(opened):
    vote = opened.community.vote(MEMBER, ["a"], definition="sha256:" + "0" * 64)
    refused(opened, body(vote, MEMBER), 422, "wrong-ballot", "/definition")


def test_vote_for_another_ballot(opened):
    vote = opened.community.vote(MEMBER, ["a"], ballot="q1")
    wrong = encoded(json.loads(vote.to_bytes()) | {"ballot": "127.0.0.1:8000/spaces/nix/ballots/q2"})
    refused(opened, signed_raw(wrong), 422, "wrong-ballot", "/ballot")


def test_not_on_the_roll(opened):
    stranger = key(999)
    refused(opened, body(opened.community.vote(stranger, ["a"]), stranger), 403, "not-on-roll", "/voter")


def test_signed_by_somebody_else(opened):
    vote = opened.community.vote(MEMBER, ["a"])
    refused(opened, body(vote, key(101)), 422, "bad-signature")


def test_tampered_after_signing(opened):
    good = sign_envelope("application/vnd.althing.vote.v1+json", encoded(payload(opened)), [MEMBER])
    other = encoded(payload(opened, answers={"q": ["b"]}))
    tampered = Envelope(payload=other, payload_type=good.payload_type, signatures=good.signatures)
    refused(opened, normalise(tampered), 422, "bad-signature")


def test_wrong_suite_for_the_key(opened):
    data = encoded(payload(opened))
    made = sign_envelope("application/vnd.althing.vote.v1+json", data, [ssh_key()]).signatures[0]
    wrong = Envelope(
        payload=data,
        payload_type="application/vnd.althing.vote.v1+json",
        signatures=(Signature(keyid=MEMBER.member_id, sig=made.sig),),
    )
    refused(opened, normalise(wrong), 422, "wrong-suite", "/signatures/0/sig")


@pytest.mark.parametrize(
    ("answers", "pointer"),
    [
        ({"q": ["a", "z"]}, "/answers/q/1"),
        ({"q": ["a", "a"]}, "/answers/q/1"),
        ({"q": {"a": 1}}, "/answers/q"),
        ({"q": "a"}, "/answers/q"),
        ({"other": ["a"]}, "/answers/other"),
    ],
    ids=["unknown option", "twice", "points", "one mark", "unknown question"],
)
def test_answer_the_rule_refuses(opened, answers, pointer):
    content = signed_raw(encoded(payload(opened, answers=answers)))
    refused(opened, content, 422, "invalid-answer", pointer)


def test_marks_and_points_are_checked_by_the_rule(lite):
    community = lite.community
    community.open(community.definition("q1", question("score", max_grade=5)))
    too_much = community.cast(MEMBER, {"a": 6})
    assert (too_much.status_code, too_much.json()["pointer"]) == (422, "/answers/q/a")
    assert community.cast(MEMBER, {"a": 5, "b": 0}).status_code == 201


def test_cast_in_the_future(opened):
    ahead = opened.community.vote(MEMBER, ["a"], cast_at=opened.clock.now + 301)
    refused(opened, body(ahead, MEMBER), 422, "invalid-statement", "/cast_at")
    near = opened.community.cast(MEMBER, ["a"], cast_at=opened.clock.now + 299)
    assert near.status_code == 201


def test_before_opening(lite):
    community = lite.community
    later = community.definition(opens_at=lite.clock.now + 100, closes_at=lite.clock.now + 200)
    community.define(later)
    answer = community.cast(MEMBER, ["a"])
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "ballot-not-open")
    assert (problem["opens_at"], problem["closes_at"]) == (later.opens_at, later.closes_at)
    wrong = community.cast(MEMBER, ["a"], definition="sha256:" + "1" * 64)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong-ballot")


def test_after_close(opened):
    opened.community.order("close")
    problem = refused(opened, body(opened.community.vote(MEMBER, ["a"]), MEMBER), 409, "ballot-closed")
    assert problem["opened_at"] == opened.clock.now
    assert problem["closed_at"] == opened.clock.now


def test_after_the_deadline_even_before_anybody_has_closed(opened):
    closes = opened.clock.now + 86_400
    opened.clock.now = closes
    late = opened.community.vote(MEMBER, ["a"], cast_at=closes - 1)
    answer = opened.client.post(VOTES, content=body(late, MEMBER))
    assert (answer.status_code, answer.json()["code"]) == (409, "ballot-closed")
    assert answer.json()["closed_at"] == closes


def test_exact_duplicate_gives_the_first_receipt_again(opened):
    first = opened.community.cast(MEMBER, ["a"])
    again = opened.community.cast(MEMBER, ["a"])
    assert (first.status_code, again.status_code) == (201, 200)
    same = ("index", "digest", "voter", "receipt", "entry", "vkey", "closes_at")
    assert {k: first.json()[k] for k in same} == {k: again.json()[k] for k in same}
    opened.community.cast(key(101), ["a"])
    grown = opened.community.cast(MEMBER, ["a"]).json()
    assert grown["index"] == first.json()["index"]
    assert grown["receipt"] != first.json()["receipt"]


def test_a_recorded_vote_is_acknowledged_after_the_close_too(opened):
    first = opened.community.cast(MEMBER, ["a"]).json()
    opened.community.order("close")
    again = opened.community.cast(MEMBER, ["a"])
    assert (again.status_code, again.json()["index"], again.json()["entry"]) == (
        200,
        first["index"],
        first["entry"],
    )
    refused(opened, body(opened.community.vote(MEMBER, ["b"]), MEMBER), 409, "ballot-closed")


def test_the_same_vote_with_another_signature_gives_back_the_recorded_entry(lite):
    member = HybridKey(bytes(64))  # signs differently every time
    lite.community.enrol(member)
    lite.community.open()
    first, again = (lite.community.cast(member, ["a"]) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["entry"] == again.json()["entry"]


def test_another_layout_of_the_same_vote_is_the_same_vote(opened):
    first = opened.community.cast(MEMBER, ["a"]).json()
    loose = json.loads(base64.b64decode(first["entry"])) | {"comment": "resent"}
    again = opened.client.post(VOTES, content=json.dumps(loose, indent=1))
    assert (again.status_code, again.json()["index"]) == (200, first["index"])


def test_older_than_one_already_recorded(opened):
    opened.clock.now += 100
    opened.community.cast(MEMBER, ["a"], cast_at=opened.clock.now)
    older = opened.community.vote(MEMBER, ["b"], cast_at=opened.clock.now - 1)
    problem = refused(opened, body(older, MEMBER), 409, "stale-vote", "/cast_at")
    assert problem["index"] == 3


def test_a_changed_mind_replaces(opened):
    first = opened.community.cast(MEMBER, ["a"]).json()
    second = opened.community.cast(MEMBER, ["b"]).json()
    assert (first["replaces"], second["replaces"]) == (None, first["index"])
    seen = opened.client.get(f"{VOTES}/{MEMBER.member_id}").json()
    assert (seen["index"], seen["counts"], seen["replaced"]) == (second["index"], True, [first["index"]])
