"""The lot's nonces: committed to a draft, logged by the opening, revealed after the close."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from governance.errors import WrongBallot
from governance.service import ballots, lifecycle
from governance.statements.ballot import NonceHolder
from governance.statements.closing import NonceReveal
from governance.statements.vote import NonceCommitment
from tests.support.people import key, public, recorded
from tests.support.service import NOW

BALLOT = "/api/v1/spaces/nix/ballots/q1"
HOLDERS = [key(700), key(701)]
SECRETS = [bytes([n]) * 32 for n in (1, 2)]


def drafted(community):
    """A draft with two nonce holders."""
    holders = [NonceHolder(k.member_id, public(k)) for k in HOLDERS]
    recorded(community.define(msgspec.structs.replace(community.definition(), nonce_holders=holders)))
    return community.ballots["q1"].identity


def commit(community, definition, who, **changes):
    first = NonceCommitment(definition, HOLDERS[who].member_id, hashlib.sha256(SECRETS[who]).hexdigest(), NOW)
    return community.post("/ballots/q1/statements", msgspec.structs.replace(first, **changes), HOLDERS[who])


def reveal(community, definition, who, secret):
    statement = NonceReveal(definition, HOLDERS[who].member_id, secret.hex(), NOW)
    return community.post("/ballots/q1/statements", statement, HOLDERS[who])


def test_the_count_waits_for_the_numbers_that_were_promised(live):
    community = live.community
    definition = drafted(community)
    for who in (0, 1):
        assert recorded(commit(community, definition, who)).json()["receipt"] == ""
    opened = recorded(community.order("open")).json()
    assert opened["ballot"]["size"] == 5
    closed = recorded(community.order("close")).json()
    assert closed["state"] == "closed"
    assert reveal(community, definition, 0, SECRETS[1]).status_code == 422
    for who in (0, 1):
        recorded(reveal(community, definition, who, SECRETS[who]))
    lifecycle.tick(live.service, NOW)
    result = live.client.get(f"{BALLOT}/outcome").json()
    assert (result["nonces_revealed"], result["nonces_missing"]) == (2, [])


def test_a_number_that_is_never_revealed_holds_nothing_up_for_ever(lite):
    community = lite.community
    definition = drafted(community)
    recorded(commit(community, definition, 0))
    community.order("open")
    community.order("close")
    lifecycle.tick(lite.service, NOW + lifecycle.REVEAL_WAIT - 1)
    assert lite.client.get(BALLOT).json()["state"] == "closed"
    lifecycle.tick(lite.service, NOW + lifecycle.REVEAL_WAIT)
    result = lite.client.get(f"{BALLOT}/outcome").json()
    assert (result["nonces_revealed"], result["nonces_missing"]) == (0, [HOLDERS[0].member_id])


def test_what_a_draft_does_not_take(lite):
    community = lite.community
    definition = drafted(community)
    stranger = commit(community, definition, 0, holder=key(9).member_id)
    assert stranger.json()["pointer"] == "/holder"
    other = commit(community, "sha256:" + "0" * 64, 0)
    assert other.json()["code"] == "wrong-ballot"
    forged = NonceCommitment(definition, HOLDERS[0].member_id, "00" * 32, NOW)
    assert community.post("/ballots/q1/statements", forged, key(9)).status_code == 422
    assert community.client.get("/api/v1/spaces/nix/ballots").json()["items"][0]["ballot"] == "q1"
    recorded(commit(community, definition, 0))
    drafted(community)
    assert len(community.client.get("/api/v1/spaces/nix/ballots").json()["items"]) == 1


def test_a_draft_sent_again_keeps_them(lite):
    community = lite.community
    definition = drafted(community)
    recorded(commit(community, definition, 0))
    drafted(community)
    assert recorded(community.order("open")).json()["ballot"]["size"] == 4


def test_a_commitment_is_logged_by_an_opening_that_was_decided_before_it(lite):
    definition = drafted(lite.community)
    opening = lifecycle.opening(lite.service, ballots.draft_of(lite.service.store, "nix", "q1"), NOW)
    recorded(commit(lite.community, definition, 0))
    lite.service.submit(opening).result()
    assert lite.client.get(BALLOT).json()["size"] == 4


class Held:
    """The writer stands still, so that what is queued meanwhile makes one batch."""

    def __init__(self, service, monkeypatch):
        self._service, self._submit = service, service.sequencer.submit
        self._go, self._queued, begun = threading.Event(), threading.Event(), threading.Event()

        def hold(_batch):
            begun.set()
            self._go.wait(20)
            return lambda _committed: None

        self._first = self._submit(hold)
        assert begun.wait(20)
        monkeypatch.setattr(service.sequencer, "submit", self._noted)

    def _noted(self, op):
        future = self._submit(op)
        if op.__qualname__.startswith(("commit_nonce", "post", "_operation")):
            self._queued.set()
        return future

    def queue(self, pool, send, *given, **more):
        """Send a statement, and return when it waits for the writer."""
        self._queued.clear()
        answer = pool.submit(send, *given, **more)
        assert self._queued.wait(20)
        return answer

    def go_on(self):
        self._go.set()
        self._first.result()


@pytest.mark.parametrize("earlier", [True, False])
def test_a_commitment_in_the_same_batch_as_the_opening_is_logged_or_refused(lite, monkeypatch, earlier):
    definition = drafted(lite.community)
    opening = lifecycle.opening(lite.service, ballots.draft_of(lite.service.store, "nix", "q1"), NOW)
    held = Held(lite.service, monkeypatch)
    with ThreadPoolExecutor(1) as pool:
        opened = None if earlier else lite.service.submit(opening)
        sent = held.queue(pool, commit, lite.community, definition, 0)
        opened = opened or lite.service.submit(opening)
        held.go_on()
        opened.result()
        assert sent.result().status_code == (201 if earlier else 409)
    assert lite.client.get(BALLOT).json()["size"] == (4 if earlier else 3)


def test_a_draft_in_the_same_batch_as_the_cancelling_of_another_stays(lite, monkeypatch):
    drafted(lite.community)
    held = Held(lite.service, monkeypatch)
    with ThreadPoolExecutor(2) as pool:
        cancelled = held.queue(pool, lite.community.order, "cancel", reason="wrong options")
        sent = held.queue(pool, lite.community.define, lite.community.definition(title="Another one"))
        held.go_on()
        assert (cancelled.result().status_code, sent.result().status_code) == (201, 201)
    assert lite.client.get(BALLOT).json()["title"] == "Another one"


def test_a_draft_that_was_replaced_meanwhile_is_not_opened(lite):
    drafted(lite.community)
    old = ballots.draft_of(lite.service.store, "nix", "q1")
    recorded(lite.community.define(lite.community.definition(title="Another one")))
    with pytest.raises(WrongBallot, match="replaced"):
        lifecycle.open_ballot(lite.service, old, NOW)
    assert lite.client.get(BALLOT).json()["title"] == "Another one"


def test_a_replaced_draft_forgets_its_commitments(lite):
    community = lite.community
    definition = drafted(community)
    recorded(commit(community, definition, 0))
    recorded(community.define(community.definition(title="Other")))
    assert recorded(community.order("open")).json()["ballot"]["size"] == 3
