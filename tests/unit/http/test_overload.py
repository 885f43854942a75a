"""Too much at once: a full queue, an address that asks too often, a database that takes nothing."""

import threading
from contextlib import suppress

import pytest

from governance.errors import QueueFull, StorageUnavailable
from governance.http.limits import ADDRESSES, Buckets, RateLimited
from tests.support.people import key
from tests.support.service import running


def test_full_queue_answers_503_and_stores_nothing(tmp_path):
    with running(tmp_path / "data", queue=20) as started:
        community = started.community
        community.open()
        hold, held = threading.Event(), threading.Event()

        def block(batch):
            held.set()
            hold.wait(10)
            return lambda committed: None

        started.service.sequencer.submit(block)
        held.wait(10)
        waiting = []
        with suppress(QueueFull):
            for _ in range(21):  # the instance's own work may wait among them
                waiting.append(started.service.sequencer.submit(lambda batch: lambda committed: None))
        answer = community.cast(key(100), ["a"])
        hold.set()
        waiting[-1].result(10)
        assert (answer.status_code, answer.json()["code"]) == (503, "queue-full")
        assert int(answer.headers["retry-after"]) >= 1
        assert community.client.get("/api/v1/spaces/nix/ballots/q1").json()["votes"] == 0
        assert community.cast(key(100), ["a"]).status_code == 201


def test_a_database_that_takes_nothing_answers_503(lite, monkeypatch):
    lite.community.open()

    def refuse(*_):
        raise StorageUnavailable("the disk is full", retry_after=5)

    with monkeypatch.context() as patched:
        patched.setattr(lite.service.sequencer, "_write", refuse)
        answer = lite.community.cast(key(100), ["a"])
        assert (answer.status_code, answer.json()["code"]) == (503, "storage-unavailable")
        assert answer.headers["retry-after"] == "5"
    answer = lite.community.cast(key(100), ["a"])
    assert (answer.status_code, answer.json()["index"]) == (201, 3)


def test_rate_limit_answers_429_with_retry_after(tmp_path):
    with running(tmp_path / "data", found=False, rate=1, burst=3) as started:
        answers = [started.client.get("/api/v1/instance") for _ in range(5)]
        assert [a.status_code for a in answers][:3] == [200, 200, 200]
        last = answers[-1]
        assert (last.status_code, last.json()["code"]) == (429, "rate-limited")
        assert int(last.headers["retry-after"]) >= 1
        assert last.headers["content-type"] == "application/problem+json"
        assert started.client.get("/nothing/here").status_code == 429
        assert started.client.get("/healthz").status_code == 200


def test_bucket_refills_with_time():
    buckets = Buckets(rate=2, burst=2)
    buckets.take("a", 0.0)
    buckets.take("a", 0.0)
    with pytest.raises(RateLimited) as caught:
        buckets.take("a", 0.0)
    assert caught.value.retry_after == 1
    buckets.take("b", 0.0)
    buckets.take("a", 0.5)
    with pytest.raises(RateLimited):
        buckets.take("a", 0.5)


def test_a_clock_that_steps_back_takes_no_tokens():
    buckets = Buckets(rate=1, burst=2)
    buckets.take("a", 100.0)
    buckets.take("a", 50.0)


def test_addresses_are_bounded():
    buckets = Buckets(rate=1, burst=1)
    for number in range(ADDRESSES + 10):
        buckets.take(str(number), 0.0)
    assert len(buckets._buckets) == ADDRESSES
