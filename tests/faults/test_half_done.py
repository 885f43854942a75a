"""What a failed commit or an operation refused half way leaves in memory: nothing that anybody could see."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from governance.errors import InvalidStatement, StorageUnavailable
from governance.replay.space import SpaceState
from governance.service import lifecycle
from governance.service.core import Service
from governance.statements.space import BallotOrder
from tests.support.community import SPACE, Community, community, serving
from tests.support.inspection import inspect
from tests.support.voters import entry_bytes

ORDERS = f"/spaces/{SPACE}/orders"


class Outage:
    """A switch: while it is on, the database takes nothing."""

    def __init__(self, service: Service) -> None:
        self.on = False
        event.listen(service.store.engine, "checkout", self._checkout)

    def _checkout(self, connection: Any, *_rest: object) -> None:
        connection.execute(f"PRAGMA query_only = {int(self.on)}")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Service, Community]]:
    with serving(None, tmp_path / "data") as service:
        yield service, community(service, voters=3).found()
    inspect(None, tmp_path / "data")


def order(place: Community, ballot: str, action: str) -> bytes:
    digest = place.definitions[ballot]
    statement = BallotOrder(SPACE, ballot, digest, action, "", place.steward.member_id, place.now)
    return entry_bytes(statement, place.steward)


def cast(place: Community, ballot: str, voter: int, cast_at: int) -> int:
    vote = place.vote(ballot, voter, cast_at)
    index: int = place.post(f"/spaces/{SPACE}/ballots/{ballot}/votes", vote).index
    return index


def space_of(service: Service) -> SpaceState:
    return service.states.get(service.states.space_origin(SPACE), SpaceState)


def test_opening_that_could_not_be_stored(running: tuple[Service, Community]) -> None:
    service, place = running
    place.draft("q1")
    outage, opening = Outage(service), order(place, "q1", "open")
    outage.on = True
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            place.post(ORDERS, opening)
        assert "q1" not in space_of(service).ballots
    outage.on = False
    _, _, new = place.post(ORDERS, opening)
    assert new
    assert cast(place, "q1", 0, place.now) > 0


@pytest.mark.parametrize("action", ["cancel", "close"])
def test_end_that_could_not_be_stored(running: tuple[Service, Community], action: str) -> None:
    service, place = running
    place.open("q1")
    cast(place, "q1", 0, place.now)
    outage, ending = Outage(service), order(place, "q1", action)
    outage.on = True
    with pytest.raises(StorageUnavailable):
        place.post(ORDERS, ending)
    outage.on = False
    cast(place, "q1", 1, place.now)
    lifecycle.tick(service, place.now)
    _, _, new = place.post(ORDERS, ending)
    assert new


def test_founding_that_could_not_be_stored(tmp_path: Path) -> None:
    with serving(None, tmp_path / "data") as service:
        place, outage = community(service, voters=1), Outage(service)
        outage.on = True
        with pytest.raises(StorageUnavailable):
            place.found()
        assert not service.instance.spaces
        outage.on = False
        place.found().open("q1")
        cast(place, "q1", 0, place.now)
    inspect(None, tmp_path / "data")


def test_order_refused_half_way_is_not_remembered(running: tuple[Service, Community]) -> None:
    service, place = running
    place.draft("q1", early_close="never")
    place.order("q1", "open")
    before = len(space_of(service).identities)
    closing = order(place, "q1", "close")
    for _ in range(2):
        with pytest.raises(InvalidStatement, match="forbids closing early"):
            place.post(ORDERS, closing)
        assert len(space_of(service).identities) == before
    assert cast(place, "q1", 0, place.now) > 0


def test_statement_sent_again_is_answered_when_it_is_stored(running: tuple[Service, Community]) -> None:
    """The writer's state knows a statement before the disk does; nobody is told so."""
    service, place = running
    place.draft("q1")
    opening = order(place, "q1", "open")
    committing, gate = threading.Event(), threading.Event()

    def hold(_connection: object) -> None:
        committing.set()
        assert gate.wait(30)

    event.listen(service.store.engine, "commit", hold)
    with ThreadPoolExecutor(2) as clients:
        first = clients.submit(place.post, ORDERS, opening)
        assert committing.wait(30)
        again = clients.submit(place.post, ORDERS, opening)
        time.sleep(0.2)
        assert not again.done()
        gate.set()
        (one, _, new), (other, _, renewed) = first.result(30), again.result(30)
    assert (new, renewed) == (True, False)
    assert (one.index, one.digest) == (other.index, other.digest)
