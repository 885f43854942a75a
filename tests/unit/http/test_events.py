"""Event streams: the present size first, one event for each growth, pings when idle, exact resume."""

import asyncio
import json

import pytest

from governance.http import events
from tests.support.people import key, recorded

BALLOT = "/api/v1/spaces/nix/ballots/q1"


def stream(started, last=None):
    head = events._ballot_head(started.service, "nix", "q1")
    return events._stream(started.service, head, last)


def test_growth_and_pings(lite, monkeypatch):
    monkeypatch.setattr(events, "PING", 0.05)
    monkeypatch.setattr(events, "PAUSE", 0)
    lite.community.open()

    async def follow():
        feed = stream(lite)
        first = await anext(feed)
        idle = await anext(feed)
        waiting = asyncio.create_task(_next_growth(feed))
        await asyncio.to_thread(lite.community.cast, key(100), ["a"])
        grown = await asyncio.wait_for(waiting, 10)
        await feed.aclose()
        return first, idle, grown

    first, idle, grown = asyncio.run(follow())
    assert (first.id, first.event, json.loads(first.data)["size"]) == ("3", "grown", 3)
    assert (idle.comment, idle.data) == ("ping", None)
    assert grown.id == "4"
    assert lite.service.feed._listeners == {}


async def _next_growth(feed):
    async for message in feed:
        if message.event == "grown":
            return message
    raise AssertionError


@pytest.mark.parametrize(("last", "first"), [(None, "4"), ("3", "4"), ("0", "4")])
def test_resume_by_tree_size(lite, last, first):
    lite.community.open()
    recorded(lite.community.cast(key(100), ["a"]))

    async def follow():
        feed = stream(lite, last)
        message = await anext(feed)
        await feed.aclose()
        return message

    assert asyncio.run(follow()).id == first


def test_resume_at_the_present_size_waits(lite, monkeypatch):
    monkeypatch.setattr(events, "PING", 0.02)
    lite.community.open()

    async def follow():
        feed = stream(lite, "3")
        message = await anext(feed)
        await feed.aclose()
        return message

    assert asyncio.run(follow()).comment == "ping"


def test_a_wrong_last_event_id(lite):
    lite.community.open()
    answer = lite.client.get(f"{BALLOT}/events", headers={"Last-Event-ID": "x"})
    assert answer.status_code == 400


def test_every_cosignature_is_told_and_moves_no_place_to_resume(lite, monkeypatch):
    monkeypatch.setattr(events, "PING", 0.05)
    monkeypatch.setattr(events, "PAUSE", 0)
    lite.community.open()
    origin = f"{lite.community.origin}/ballots/q1"

    async def follow():
        feed = stream(lite, "3")
        waiting = asyncio.create_task(anext(feed))
        await asyncio.sleep(0)
        told = []
        for size in (3, 3, 2):
            await asyncio.to_thread(lite.service.feed.cosigned, origin, size)
            told.append(await asyncio.wait_for(waiting, 10))
            waiting = asyncio.create_task(anext(feed))
        idle = await asyncio.wait_for(waiting, 10)
        await feed.aclose()
        return told, idle

    told, idle = asyncio.run(follow())
    assert [(m.event, m.id, json.loads(m.data)["size"]) for m in told] == [
        ("cosigned", None, 3), ("cosigned", None, 3), ("cosigned", None, 2),
    ]  # fmt: skip
    assert idle.comment == "ping"
