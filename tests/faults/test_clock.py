"""A clock that jumps: back a day while people vote, forward over quarters while the service was down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from governance.errors import BallotClosed, InvalidStatement, StaleVote
from governance.replay.schedule import next_quarter, window
from governance.service import lifecycle, queries
from governance.service.core import CLOCK_SKEW, Service
from governance.statements.entry import read_entry
from governance.statements.space import Calendar
from tests.support.community import SPACE, Community, community, origin_of, serving
from tests.support.inspection import Acknowledged, Inspected, inspect

DAY = 86_400
NOON = 1_790_000_000


@dataclass
class Clock:
    """The time the service is told."""

    now: int = NOON

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def running(tmp_path: Path, clock: Clock) -> Iterator[tuple[Service, Community]]:
    with serving(None, tmp_path / "data", clock=clock) as service:
        yield service, community(service, voters=4, now=NOON).found()


def cast(place: Community, ballot: str, voter: int, cast_at: int) -> Acknowledged:
    vote = place.vote(ballot, voter, cast_at)
    answer = place.post(f"/spaces/{SPACE}/ballots/{ballot}/votes", vote)
    return Acknowledged(origin_of(ballot), answer.index, vote, answer.receipt.encode())


def kinds(found: Inspected, ballot: str) -> Counter[str]:
    return Counter(read_entry(data).statement.KIND for data in found.entries[origin_of(ballot)])


def test_back_a_day_while_a_ballot_is_open(
    running: tuple[Service, Community], tmp_path: Path, clock: Clock
) -> None:
    service, place = running
    place.open("q1")
    heard = [cast(place, "q1", 0, NOON)]
    clock.now = NOON - DAY
    lifecycle.tick(service, clock.now)
    heard.append(cast(place, "q1", 1, NOON - DAY))
    heard.append(cast(place, "q1", 2, NOON - DAY + CLOCK_SKEW))
    with pytest.raises(InvalidStatement, match="in the future"):
        cast(place, "q1", 3, NOON)
    with pytest.raises(StaleVote):
        cast(place, "q1", 0, NOON - DAY)
    clock.now = NOON + 60
    heard.append(cast(place, "q1", 0, NOON + 30))
    found = inspect(None, tmp_path / "data", heard)
    assert found.ballots[origin_of("q1")].casts.accepted == 4


def test_back_a_day_does_not_reopen_or_close_twice(
    running: tuple[Service, Community], tmp_path: Path, clock: Clock
) -> None:
    service, place = running
    place.draft("q1", opens_at=NOON, closes_at=NOON + 3600)
    lifecycle.tick(service, clock.now)
    heard = [cast(place, "q1", 0, NOON)]
    clock.now = NOON + 3600
    lifecycle.tick(service, clock.now)
    clock.now -= DAY
    lifecycle.tick(service, clock.now)
    with pytest.raises(BallotClosed):
        cast(place, "q1", 1, clock.now)
    clock.now += DAY
    lifecycle.tick(service, clock.now)
    found = inspect(None, tmp_path / "data", heard)
    assert kinds(found, "q1") == Counter(ballot=1, electorate=1, opening=1, vote=1, close=1, outcome=1)


def test_closed_by_order_at_an_earlier_time_than_it_opened(
    running: tuple[Service, Community], tmp_path: Path, clock: Clock
) -> None:
    service, place = running
    place.open("q1")
    heard = [cast(place, "q1", 0, NOON)]
    clock.now = NOON - DAY
    place.now = clock.now
    place.order("q1", "close")
    lifecycle.tick(service, clock.now)
    found = inspect(None, tmp_path / "data", heard)
    assert kinds(found, "q1")["outcome"] == 1


def test_restart_with_the_clock_a_day_back(tmp_path: Path, clock: Clock) -> None:
    with serving(None, tmp_path / "data", clock=clock) as service:
        place = community(service, voters=4, now=NOON).found()
        place.open("q1")
        heard = [cast(place, "q1", 0, NOON)]
    clock.now = NOON - DAY
    with serving(None, tmp_path / "data", clock=clock) as service:
        again = community(service, voters=4, now=NOON)
        again.definitions = place.definitions
        heard.append(cast(again, "q1", 1, clock.now))
    inspect(None, tmp_path / "data", heard)


def test_several_quarters_of_downtime(tmp_path: Path, clock: Clock) -> None:
    plan = Calendar(opens_days_before=14, closes_days_before=7, hour=12, first_quarter="2027-Q1")
    first = window(plan, "2027-Q1")
    clock.now = first.opens_at - 30 * DAY
    with serving(None, tmp_path / "data", clock=clock) as service:
        place = community(service, voters=4, now=clock.now).found(plan)
        quarter = "2027-Q1"
        for name in ("open", "missed", "due"):
            at = window(plan, quarter)
            place.draft(name, quarter=quarter, opens_at=at.opens_at, closes_at=at.closes_at)
            quarter = next_quarter(quarter)
        clock.now = first.opens_at
        lifecycle.tick(service, clock.now)
        heard = [cast(place, "open", 0, clock.now)]
    clock.now = window(plan, "2027-Q3").opens_at + 2 * DAY
    with serving(None, tmp_path / "data", clock=clock) as service:
        with ThreadPoolExecutor(4) as ticks:
            list(ticks.map(lambda _: lifecycle.tick(service, clock.now), range(8)))
        states: dict[str, Any] = {
            q.quarter: (q.status, q.ballot) for q in queries.calendar_view(service, SPACE, clock.now).items
        }
    assert states == {
        "2027-Q1": ("decided", "open"),
        "2027-Q2": ("missed", None),
        "2027-Q3": ("late", "due"),
        "2027-Q4": ("upcoming", None),
    }
    found = inspect(None, tmp_path / "data", heard)
    assert set(found.ballots) == {origin_of("open"), origin_of("due")}
    assert kinds(found, "open") == Counter(ballot=1, electorate=1, opening=1, vote=1, close=1, outcome=1)
    assert kinds(found, "due") == Counter(ballot=1, electorate=1, opening=1)
