"""A ballot with a witness policy: counted once its quorum has cosigned the close, and shown as it stands."""

from __future__ import annotations

import pytest

from governance.service import cosigned, lifecycle
from governance.store import entries
from tests.support.cosigners import ONE, STRANGER, THREE, TWO, cosigned_by, policy_text, verifiers
from tests.support.people import key, recorded
from tests.support.service import NOW, TestClock, running

DAY = 86_400
BALLOT = "/api/v1/spaces/nix/ballots/q1"


def tick(live, now=None):
    live.clock.now = live.clock.now if now is None else now
    lifecycle.tick(live.service, live.clock.now)


def origin_of(live):
    return f"{live.community.origin}/ballots/q1"


def head_of(live):
    with live.service.store.read() as conn:
        return entries.head(conn, origin_of(live))


def cosign(live, *witnesses, head=None):
    """These witnesses cosign the ballot's log as it is, or as it was at a head."""
    note = cosigned_by((head or head_of(live)).checkpoint, live.clock.now, *witnesses)
    cosigned.record(live.service, origin_of(live), note, verifiers(*witnesses))


def seen(live):
    view = live.client.get(BALLOT).json()
    return view["state"], view["checkpoint_status"], view["cosigners"]


def begin(live, policy):
    live.community.open(live.community.definition(witness_policy=policy))
    return recorded(live.community.cast(key(100), ["a"])).json()


def test_counting_waits_for_the_quorum_of_the_close(live):
    begin(live, policy_text(ONE, TWO))
    before = head_of(live)
    cosign(live, ONE, TWO)
    assert seen(live) == ("open", "final", [ONE.key.name, TWO.key.name])
    tick(live, NOW + DAY)
    # Two lines before the close do not cover it, and so do not count for it.
    assert seen(live) == ("closed", "provisional", [])
    cosign(live, ONE)
    cosign(live, TWO, head=before)
    tick(live)
    assert seen(live) == ("closed", "provisional", [ONE.key.name])
    cosign(live, STRANGER)
    tick(live)
    assert seen(live)[:2] == ("closed", "provisional")
    cosign(live, TWO)
    assert seen(live)[:2] == ("closed", "final")
    assert head_of(live).size == before.size + 1
    tick(live)
    assert seen(live) == ("decided", "final", [ONE.key.name, STRANGER.key.name, TWO.key.name])
    assert head_of(live).size == before.size + 2


def test_a_cancelled_ballot_waits_for_nobody(lite):
    begin(lite, policy_text(ONE))
    recorded(lite.community.order("cancel"))
    tick(lite)
    assert seen(lite) == ("cancelled", "provisional", [])


def test_closing_by_order_waits_too(lite):
    begin(lite, policy_text(ONE, TWO, THREE, threshold=2))
    recorded(lite.community.order("close"))
    tick(lite)
    assert seen(lite)[0] == "closed"
    cosign(lite, THREE, TWO)
    tick(lite)
    assert seen(lite)[0] == "decided"


def test_a_restart_between_close_and_quorum(tmp_path):
    with running(tmp_path / "data") as first:
        begin(first, policy_text(ONE, TWO))
        tick(first, NOW + DAY)
        cosign(first, ONE)
        assert seen(first)[0] == "closed"
    with running(tmp_path / "data", found=False, clock=TestClock(NOW + DAY)) as again:
        tick(again)
        assert seen(again) == ("closed", "provisional", [ONE.key.name])
        cosign(again, TWO)
        tick(again)
        assert seen(again)[:2] == ("decided", "final")


def test_votes_say_how_they_stand(lite):
    first = begin(lite, policy_text(ONE))
    assert (first["checkpoint_status"], first["cosigners"]) == ("provisional", [])
    cosign(lite, ONE)
    second = recorded(lite.community.cast(key(101), ["b"])).json()
    assert second["checkpoint_status"] == "provisional"
    for number, status, names in ((100, "final", [ONE.key.name]), (101, "provisional", [])):
        view = lite.client.get(f"{BALLOT}/votes/{key(number).member_id}").json()
        assert (view["checkpoint_status"], view["cosigners"]) == (status, names)
    again = lite.community.cast(key(100), ["a"])
    assert (again.status_code, again.json()["checkpoint_status"]) == (200, "final")


def test_without_a_policy_nothing_waits_and_cosigners_are_named(lite):
    first = begin(lite, "")
    assert first["checkpoint_status"] == "unwitnessed"
    cosign(lite, ONE)
    assert seen(lite) == ("open", "unwitnessed", [ONE.key.name])
    tick(lite, NOW + DAY)
    assert seen(lite) == ("decided", "unwitnessed", [])


def test_a_draft_says_that_it_will_have_witnesses(lite):
    recorded(lite.community.define(lite.community.definition(witness_policy=policy_text(ONE))))
    assert seen(lite) == ("draft", "provisional", [])


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ("quorum none\n", "asks for a quorum"),
        ("nonsense", "cannot be read"),
        (f"witness W {ONE.key}\n", "cannot be read"),
        (f"witness W {ONE.key}\nwitness V {ONE.key}\nquorum W\n", "cannot be read"),
        ("quorum W\n", "cannot be read"),
    ],
)
def test_policies_that_ask_for_nothing_sensible(lite, policy, why):
    answer = lite.community.define(lite.community.definition(witness_policy=policy))
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/witness_policy")
    assert why in answer.json()["detail"]


def test_a_policy_names_no_log(lite):
    log = head_of_space(lite).vkey
    text = f"log {log}\nwitness W {ONE.key}\nquorum W\n"
    answer = lite.community.define(lite.community.definition(witness_policy=text))
    assert "no key yet" in answer.json()["detail"]


def head_of_space(live):
    with live.service.store.read() as conn:
        return entries.head(conn, live.community.origin)
