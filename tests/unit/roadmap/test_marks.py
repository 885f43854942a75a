"""Status, time and effort as people write them."""

import pytest

from governance.roadmap.marks import (
    closing_status,
    effort_days,
    is_time,
    quarter_of,
    status_mark,
    status_word,
    when,
)


@pytest.mark.parametrize(
    ("text", "quarter"),
    [
        ("Q1 2026: Enhanced Intelligence (v1.1.0)", "2026-Q1"),
        ("2026 Q3", "2026-Q3"),
        ("2026-Q4", "2026-Q4"),
        ("Q2/2027", "2027-Q2"),
        ("Q1'26", "2026-Q1"),
        ("Q4", "2030-Q4"),
        ("March 2026", "2026-Q1"),
        ("Sept. 2026", "2026-Q3"),
        ("Dec 2026", "2026-Q4"),
        ("Q1 2026 - 3 features", "2026-Q1"),
        ("Q3-Q4 2026", None),
        ("Q1/Q2 2026", None),
        ("Q4 2026+", None),
        ("Q4 2026 and beyond", None),
        ("H2 2026", None),
        ("Marketing 2026", None),
        ("2027", None),
        ("FAQ1 2026", None),
    ],
)
def test_a_quarter_is_read_only_where_one_is_named(text: str, quarter: str | None) -> None:
    assert quarter_of(text, 2030) == quarter


@pytest.mark.parametrize(
    ("heading", "quarter", "phase", "about", "period"),
    [
        ("Q1 2026 (Immediate - Focus)", "2026-Q1", None, "Immediate - Focus", None),
        ("Q4 2025 - Foundation (Current)", "2025-Q4", None, "Foundation", None),
        (
            "Phase 1.2: Community Features (Months 7-9)",
            None,
            "Phase 1.2: Community Features",
            None,
            "Months 7-9",
        ),
        ("Current Status: Phase 0 - Design", None, "Phase 0 - Design", None, None),
        ("Phase 2 (Q2 2026): Growth", "2026-Q2", "Phase 2 (Q2 2026): Growth", None, None),
        ("2027 and Beyond", None, "2027 and Beyond", None, None),
        ("Near-term (3-6 Months)", None, "Near-term", None, "3-6 Months"),
        ("Future Ideas (Q4 2026+)", None, "Future Ideas", None, "Q4 2026+"),
        ("Foundations (Q1 2026)", "2026-Q1", None, "Foundations", None),
        ("Later", None, "Later", None, None),
    ],
)
def test_a_heading_with_a_time(
    heading: str, quarter: str | None, phase: str | None, about: str | None, period: str | None
) -> None:
    found = when(heading)
    assert found is not None
    assert (found.quarter, found.phase, found.about, found.period) == (quarter, phase, about, period)


@pytest.mark.parametrize(
    "heading", ["Success Metrics", "Knowledge base", "Nowhere", "Phase Overview", "Version: 1.0.x"]
)
def test_a_heading_without_a_time(heading: str) -> None:
    assert when(heading) is None


@pytest.mark.parametrize(
    "text", ["Q1 2026", "Q3-Q4 2026:", "by end of Q2 2026", "March 2026", "Phase 0.1", "2027 and beyond"]
)
def test_a_time_alone(text: str) -> None:
    assert is_time(text)


@pytest.mark.parametrize("text", ["Phase 1 Deliverable", "Month 6", "Mobile app", "Q1 2026 launch", ""])
def test_more_than_a_time(text: str) -> None:
    assert not is_time(text)


@pytest.mark.parametrize(
    ("effort", "days"),
    [
        ("2 days", 2),
        ("1 week", 5),
        ("2 weeks", 10),
        ("2-3 weeks", 15),
        ("1 to 2 months", 40),
        ("~1.5 weeks", 8),
        ("3 months (full team)", 60),
        ("8 hours", 1),
        ("9h", 2),
        ("3d", 3),
        ("0 days", 0),
        ("Low", None),
        ("M", None),
        ("99999 days", None),
    ],
)
def test_effort_in_working_days(effort: str, days: int | None) -> None:
    assert effort_days(effort) == days


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("✅ **Hub**", "done"),
        ("🚧 Compose", "in-progress"),
        ("🏗️ Compose", "in-progress"),
        ("❌ Ads", "not-planned"),
        ("Images ✅", "done"),
        ("Adds ✅ to forms everywhere", None),
        ("⭐⭐⭐", None),
        ("", None),
    ],
)
def test_a_status_by_its_mark(text: str, status: str | None) -> None:
    assert status_mark(text) == status


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("in_progress", "in-progress"),
        ("planned", "planned"),
        ("design", "planned"),
        ("not started", "planned"),
        ("research", "proposed"),
        ("concept", "proposed"),
        ("vision", "proposed"),
        ("Completed in May", "done"),
        ("won't do", "not-planned"),
        ("Operating, accepting investments", None),
        ("Docker images available", None),
    ],
)
def test_a_status_by_its_word(text: str, status: str | None) -> None:
    assert status_word(text) == status


@pytest.mark.parametrize(
    ("text", "title", "status"),
    [
        ("Docker Images ✅ DONE", "Docker Images ✅", "done"),
        ("Login [WIP]", "Login", "in-progress"),
        ("Logout (planned)", "Logout", "planned"),
        ("Mark tasks as done", "Mark tasks as done", None),
        ("Plugin design", "Plugin design", None),
    ],
)
def test_a_status_that_closes_a_title(text: str, title: str, status: str | None) -> None:
    assert closing_status(text) == (title, status)
