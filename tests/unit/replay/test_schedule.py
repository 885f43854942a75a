"""The quarterly calendar: when ballots are due, late, missed."""

from __future__ import annotations

import pytest

from governance.replay.schedule import DAY, KnownBallot, next_quarter, quarter_start, quarters, window
from governance.statements.space import Calendar

PLAN = Calendar(opens_days_before=21, closes_days_before=7, hour=12, first_quarter="2026-Q4")


@pytest.mark.parametrize(
    ("quarter", "start"), [("1970-Q1", 0), ("2026-Q1", 1_767_225_600), ("2028-Q2", 1_838_160_000)]
)
def test_quarters_begin_at_midnight_utc(quarter, start):
    assert quarter_start(quarter) == start  # as `date -u -d 2028-04-01 +%s` says


def test_quarters_follow_each_other():
    assert [next_quarter(q) for q in ("2026-Q1", "2026-Q3", "2026-Q4")] == ["2026-Q2", "2026-Q4", "2027-Q1"]


def statuses(now, *ballots):
    return {q.quarter: q.status for q in quarters(PLAN, list(ballots), now)}


def test_a_quarter_without_a_ballot_becomes_due_then_missed():
    due = window(PLAN, "2026-Q4")
    assert statuses(due.opens_at - 1) == {"2026-Q4": "upcoming"}
    assert statuses(due.opens_at)["2026-Q4"] == "due"
    assert statuses(due.closes_at - 1)["2026-Q4"] == "due"
    assert statuses(due.closes_at)["2026-Q4"] == "missed"


def test_an_opened_ballot_is_on_time_or_late():
    due = window(PLAN, "2026-Q4")
    on_time = KnownBallot("q4", "2026-Q4", due.opens_at + DAY, closed=False)
    late = KnownBallot("q4", "2026-Q4", due.opens_at + DAY + 1, closed=False)
    assert statuses(due.opens_at + 2 * DAY, on_time)["2026-Q4"] == "open"
    assert statuses(due.opens_at + 2 * DAY, late)["2026-Q4"] == "late"


def test_a_missed_quarter_stays_visible_beside_the_next():
    later = window(PLAN, "2027-Q1").opens_at
    decided = KnownBallot("x", "2027-Q1", later, closed=True)
    assert statuses(later + 1, decided) == {"2026-Q4": "missed", "2027-Q1": "decided", "2027-Q2": "upcoming"}
