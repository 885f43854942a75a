"""Opening, extending, closing and counting: by schedule, by order, once, and after downtime."""

import threading
import time

import msgspec
import sqlalchemy as sa

from governance.counting.threshold import Threshold
from governance.replay.space import SpaceState
from governance.service import lifecycle
from governance.service.states import LiveBallot
from governance.signing.envelope import Envelope, Signature, normalise, pae
from governance.statements.space import Calendar, Quorum
from governance.statements.vote import Dispute
from tests.support.people import body, key, public, recorded
from tests.support.service import NOW, TestClock, running

DAY = 86_400
BALLOT = "/api/v1/spaces/nix/ballots/q1"


def tick(started, now=None):
    """The clock moves to now, and the service looks what is due."""
    if now is not None:
        started.clock.now = now
    lifecycle.tick(started.service, started.clock.now)


def ballot(started):
    return started.client.get(BALLOT).json()


def scheduled(community, **changes):
    definition = community.definition(opens_at=NOW + 100, closes_at=NOW + 100 + DAY, early_close="never")
    definition = msgspec.structs.replace(definition, **changes)
    recorded(community.define(definition))
    return definition


def test_opens_and_closes_by_itself_and_counts(live):
    scheduled(live.community)
    tick(live, NOW + 99)
    assert ballot(live)["state"] == "draft"
    tick(live, NOW + 100)
    seen = ballot(live)
    assert (seen["state"], seen["opened_at"], seen["on_roll"]) == ("open", NOW + 100, 3)
    live.community.now = NOW + 200
    live.clock.now = NOW + 200
    assert live.community.cast(key(100), ["b"]).status_code == 201
    tick(live, NOW + 99 + DAY)
    assert ballot(live)["state"] == "open"
    tick(live, NOW + 100 + DAY)
    seen = ballot(live)
    assert (seen["state"], seen["votes"], seen["voters"]) == ("decided", 1, 1)
    assert seen["winners"] == {"q": ["b"]}
    assert seen["closed_at"] == NOW + 100 + DAY


def test_opens_once_however_often_one_looks(lite):
    scheduled(lite.community)
    for _ in range(3):
        tick(lite, NOW + 150)
    assert ballot(lite)["size"] == 3
    notices = lite.service.states.get(lite.community.origin, SpaceState).ballots
    assert list(notices) == ["q1"]


def test_a_due_ballot_opens_after_downtime(tmp_path):
    with running(tmp_path / "data") as first:
        scheduled(first.community)
    with running(tmp_path / "data", found=False, clock=TestClock(NOW + DAY)) as again:
        tick(again)
        assert ballot(again)["opened_at"] == NOW + DAY


def test_a_ballot_whose_close_passed_during_downtime_never_opens(tmp_path):
    with running(tmp_path / "data") as first:
        plan = Calendar(opens_days_before=30, closes_days_before=1, hour=0, first_quarter="2027-Q1")
        community = first.community
        old = community.client.get(community.url).json()["constitution_digest"]
        revised = community.constitution(revision=2, previous=old, calendar=plan)
        recorded(community.post("/constitution", revised, community.steward))
        scheduled(community)
    with running(tmp_path / "data", found=False, clock=TestClock(NOW + 3 * DAY)) as again:
        tick(again)
        assert ballot(again)["state"] == "draft"
        quarters = again.client.get("/api/v1/spaces/nix/calendar").json()["items"]
        assert (quarters[0]["quarter"], quarters[0]["status"]) == ("2027-Q1", "missed")
        refused = again.client.post(f"{BALLOT}/votes", content=b"{}")
        assert refused.status_code == 400


def test_a_close_missed_during_downtime_happens_at_the_next_look(tmp_path):
    with running(tmp_path / "data") as first:
        scheduled(first.community)
        tick(first, NOW + 100)
        first.community.now = NOW + 100
        recorded(first.community.cast(key(100), ["a"]))
    with running(tmp_path / "data", found=False, clock=TestClock(NOW + 9 * DAY)) as again:
        tick(again)
        seen = ballot(again)
        assert (seen["state"], seen["closed_at"]) == ("decided", NOW + 9 * DAY)


def quorum(numerator, denominator):
    return Quorum(Threshold(numerator, denominator, False), True)


def test_a_missed_quorum_extends_once(lite):
    scheduled(lite.community, quorum=quorum(1, 2), extension=3_600)
    tick(lite, NOW + 100)
    tick(lite, NOW + 100 + DAY)
    seen = ballot(lite)
    assert (seen["state"], seen["extended"], seen["closes_at"]) == ("open", True, NOW + 100 + DAY + 3_600)
    lite.community.now = NOW + 100 + DAY + 10
    lite.clock.now = NOW + 100 + DAY + 10
    recorded(lite.community.cast(key(100), ["c"]))
    tick(lite, NOW + 100 + DAY + 3_600)
    seen = ballot(lite)
    assert (seen["state"], seen["quorum_met"], seen["winners"]) == ("decided", False, {"q": []})


def test_a_vote_right_at_the_planned_close_finds_the_extension(lite):
    scheduled(lite.community, quorum=quorum(1, 2), extension=3_600)
    tick(lite, NOW + 100)
    lite.community.now = lite.clock.now = NOW + 100 + DAY
    answer = recorded(lite.community.cast(key(100), ["c"]))
    assert answer.json()["closes_at"] == NOW + 100 + DAY + 3_600


def test_a_late_vote_closes_the_ballot_and_leaves_the_count_to_the_calendar(lite):
    """A crowd that comes late would otherwise count it as many times at once."""
    scheduled(lite.community)
    tick(lite, NOW + 100)
    lite.community.now = lite.clock.now = NOW + 100 + DAY
    late = lite.community.cast(key(100), ["c"])
    assert (late.status_code, late.json()["code"]) == (409, "ballot-closed")
    assert ballot(lite)["state"] == "closed"
    tick(lite)
    assert ballot(lite)["state"] == "decided"


def test_a_met_quorum_does_not_extend(lite):
    scheduled(lite.community, quorum=quorum(1, 3), extension=3_600)
    tick(lite, NOW + 100)
    lite.community.now = lite.clock.now
    recorded(lite.community.cast(key(100), ["c"]))
    tick(lite, NOW + 100 + DAY)
    assert ballot(lite)["state"] == "decided"


def test_a_clock_that_steps_back_reopens_nothing(lite):
    scheduled(lite.community)
    tick(lite, NOW + 100)
    tick(lite, NOW + 100 + DAY)
    assert ballot(lite)["state"] == "decided"
    tick(lite, NOW)
    lite.community.now = NOW
    assert lite.community.cast(key(100), ["a"]).status_code == 409
    assert ballot(lite)["state"] == "decided"


def test_nobody_on_the_roll(lite):
    community = lite.community
    eligible = msgspec.structs.replace(community.definition().eligibility, roles=["auditor"])
    recorded(community.define(community.definition(eligibility=eligible)))
    answer = community.order("open")
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/eligibility/roles")
    tick(lite)
    assert ballot(lite)["state"] == "draft"


def test_orders_open_close_and_cancel(lite):
    community = lite.community
    opened = community.open().json()
    assert (opened["state"], opened["ballot"]["on_roll"]) == ("open", 3)
    again = community.order("open", reason="again")
    assert (again.status_code, again.json()["code"]) == (409, "already-exists")
    closed = community.order("close")
    assert (closed.status_code, closed.json()["state"]) == (201, "decided")
    late = community.order("cancel", reason="too late")
    assert (late.status_code, late.json()["code"]) == (409, "ballot-closed")


def test_the_same_order_twice_does_nothing_twice(lite):
    community = lite.community
    first = community.open().json()
    again = community.order("open")
    assert again.status_code == 200
    assert again.json()["index"] == first["index"]


def test_cancelling_an_open_ballot_ends_it_without_an_outcome(lite):
    community = lite.community
    community.open()
    recorded(community.cast(key(100), ["a"]))
    cancelled = community.order("cancel", reason="wrong options").json()
    assert (cancelled["state"], cancelled["ballot"]["reason"]) == ("cancelled", "wrong options")
    assert community.cast(key(101), ["a"]).json()["code"] == "ballot-closed"
    assert lite.client.get(f"{BALLOT}/outcome").status_code == 404
    tick(lite, NOW + 2 * DAY)
    assert ballot(lite)["state"] == "cancelled"


def test_cancelling_a_draft_removes_it(lite):
    community = lite.community
    community.define()
    assert community.order("cancel").json()["state"] == "cancelled"
    assert lite.client.get(BALLOT).status_code == 404


def test_an_order_for_a_replaced_draft_is_refused(lite):
    community = lite.community
    community.define()
    old = community.ballots["q1"]
    community.define(community.definition(title="Better"))
    community.ballots["q1"] = old
    answer = community.order("open")
    assert (answer.status_code, answer.json()["code"]) == (422, "wrong-ballot")


def test_an_open_ballot_cannot_be_edited(lite):
    community = lite.community
    community.open()
    answer = community.define(community.definition(title="Other"))
    assert (answer.status_code, answer.json()["code"]) == (409, "already-exists")


def test_closing_early_needs_the_definition_to_say_so(lite):
    community = lite.community
    community.open(community.definition(early_close="never"))
    answer = community.order("close")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-statement")
    before = lite.client.get(community.url).json()["size"]
    assert community.order("close", reason="please").status_code == 422
    assert lite.client.get(community.url).json()["size"] == before


def test_only_a_steward_gives_orders(lite):
    community = lite.community
    community.define()
    answer = community.order("open", signer=key(100).member_id)
    assert answer.status_code == 422
    stranger = community.order("open", signer=key(999).member_id)
    assert (stranger.status_code, stranger.json()["code"]) == (403, "not-authorised")


def test_restart_in_the_middle_of_a_ballot(tmp_path):
    """Roll and key of an open ballot stay as they were, whatever the space says since."""
    with running(tmp_path / "data") as first:
        community = first.community
        community.open()
        recorded(community.cast(key(100), ["a"]))
        left = community.enrolment(key(101), status="left", previous=_latest(community, key(101))["digest"])
        recorded(community.post("/members", left, community.steward))
        fresh = key(500)
        rotated = community.enrolment(
            community.steward,
            ["steward", "registrar"],
            key=public(fresh),
            previous=_latest(community, community.steward)["digest"],
        )
        recorded(community.post("/members", rotated, community.steward, fresh))
        dispute = _dispute(community, key(100))
        recorded(community.post("/ballots/q1/statements", dispute, key(100)))
        suspended = community.enrolment(
            key(100), status="suspended", previous=_latest(community, key(100))["digest"]
        )
        recorded(first.client.post(f"{community.url}/members", content=_by(suspended, community, fresh)))
    with running(tmp_path / "data", found=False) as again:
        community.client = again.client
        assert community.cast(key(101), ["b"]).status_code == 201
        twice = community.cast(key(100), ["a"])
        assert (twice.status_code, twice.json()["index"]) == (200, 3)
        state = again.service.states.get(f"{community.origin}/ballots/q1", LiveBallot)
        assert len(state.disputes) == 1
        late = community.post("/ballots/q1/statements", msgspec.structs.replace(dispute, entry=2), key(100))
        assert (late.status_code, late.json()["code"]) == (403, "not-authorised")  # suspended by now
        lifecycle.tick(again.service, NOW + DAY)
        assert ballot(again)["state"] == "decided"


def _latest(community, who):
    return community.client.get(f"{community.url}/members/{who.member_id}").json()


def _dispute(community, who):
    digest = community.ballots["q1"].identity
    return Dispute(f"{community.origin}/ballots/q1", digest, 3, "not mine", who.member_id, NOW)


def _by(statement, community, fresh):
    """Signed by the steward's rotated key under the steward's own id."""
    data = statement.to_bytes()
    message = pae(statement.payload_type(), data)
    signature = Signature(keyid=community.steward.member_id, sig=fresh.sign(message))
    return normalise(Envelope(payload=data, payload_type=statement.payload_type(), signatures=(signature,)))


def test_the_service_starts_again_with_everything_closed(tmp_path):
    with running(tmp_path / "data") as first:
        first.community.open()
        first.community.order("close")
        outcome = first.client.get(f"{BALLOT}/outcome").content
    with running(tmp_path / "data", found=False) as again:
        assert again.client.get(f"{BALLOT}/outcome").content == outcome
        vote = first.community.vote(key(100), ["a"])
        late = again.client.post(f"{BALLOT}/votes", content=body(vote, key(100)))
        assert (late.status_code, late.json()["code"]) == (409, "ballot-closed")


def test_a_close_is_answered_after_the_count_when_the_calendar_counts_first(lite, monkeypatch):
    lite.community.open()
    origin = f"{lite.community.origin}/ballots/q1"
    advance, may_commit = lifecycle.advance, threading.Event()

    def overtaken(service, of, now):
        """Before the order's own count, another thread's has reached the state and not the disk."""
        sa.event.listen(service.store.engine, "commit", lambda _conn: may_commit.wait(20))
        threading.Thread(target=advance, args=(service, of, now)).start()
        state = lifecycle.live(service, origin)
        while state.outcome is None:
            time.sleep(0.001)
        threading.Timer(0.2, may_commit.set).start()
        advance(service, of, now)

    monkeypatch.setattr(lifecycle, "advance", overtaken)
    assert lite.community.order("close").json()["state"] == "decided"


def test_who_meets_a_ballot_that_was_finished_meanwhile_sees_its_outcome(lite):
    lite.community.open()
    lite.community.order("close")
    origin = f"{lite.community.origin}/ballots/q1"
    assert lifecycle.live(lite.service, origin).outcome is not None
    lifecycle.advance(lite.service, origin, NOW + DAY)
    assert ballot(lite)["size"] == 5
