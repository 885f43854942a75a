"""The quarterly calendar as a pure function of constitution, ballots and the time given."""

from __future__ import annotations

import calendar as civil
from dataclasses import dataclass

from governance.statements.space import Calendar

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Window:
    """When a quarter's ballot should open and close, Unix seconds."""

    quarter: str
    opens_at: int
    closes_at: int


@dataclass(frozen=True, slots=True)
class QuarterStatus:
    """How a quarter's ballot stands: upcoming, due, open, late, missed or decided."""

    quarter: str
    opens_at: int
    closes_at: int
    status: str
    ballot: str | None


@dataclass(frozen=True, slots=True)
class KnownBallot:
    """What the calendar needs to know of a ballot."""

    ballot: str
    quarter: str
    opened_at: int | None
    closed: bool


def quarter_start(quarter: str) -> int:
    """The first second (UTC) of a quarter such as `2026-Q1`."""
    year, number = int(quarter[:4]), int(quarter[-1])
    return civil.timegm((year, 3 * number - 2, 1, 0, 0, 0))


def quarter_of(at: int) -> str:
    """The quarter (UTC) that a time in Unix seconds falls into."""
    era, day = divmod(at // DAY + 719_468, 146_097)
    year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    month = (5 * (day - 365 * year - year // 4 + year // 100) + 2) // 153
    # The calendar of these divisions begins with March, so that a leap day is a year's last.
    return f"{400 * era + year + (month >= 10):04d}-Q{(month + 2) % 12 // 3 + 1}"


def quarter_number(quarter: str) -> int:
    """Quarters counted from the year 0: differences are how many lie between."""
    return 4 * int(quarter[:4]) + int(quarter[-1]) - 1


def next_quarter(quarter: str) -> str:
    """The quarter after this one."""
    year, number = int(quarter[:4]), int(quarter[-1])
    return f"{year + 1}-Q1" if number == 4 else f"{year}-Q{number + 1}"


def window(plan: Calendar, quarter: str) -> Window:
    """When the constitution wants this quarter's ballot to run."""
    start = quarter_start(quarter) + plan.hour * 3_600
    return Window(quarter, start - plan.opens_days_before * DAY, start - plan.closes_days_before * DAY)


LATE_AFTER = DAY
"""A ballot that opens more than a day after its due time is late."""


def quarters(plan: Calendar, ballots: list[KnownBallot], now: int) -> list[QuarterStatus]:
    """Every quarter from the calendar's first up to the next one whose window has not begun."""
    by_quarter = {b.quarter: b for b in ballots}
    result: list[QuarterStatus] = []
    quarter = plan.first_quarter
    while True:
        due = window(plan, quarter)
        ballot = by_quarter.get(quarter)
        status = _status(due, ballot, now)
        result.append(
            QuarterStatus(quarter, due.opens_at, due.closes_at, status, ballot.ballot if ballot else None)
        )
        if due.opens_at > now or len(result) >= 400:
            return result
        quarter = next_quarter(quarter)


def _status(due: Window, ballot: KnownBallot | None, now: int) -> str:
    if ballot is not None and ballot.opened_at is not None:
        if ballot.closed:
            return "decided"
        return "late" if ballot.opened_at > due.opens_at + LATE_AFTER else "open"
    if now < due.opens_at:
        return "upcoming"
    return "missed" if now >= due.closes_at else "due"
