import msgspec
import pytest

from governance.cli import templates
from governance.cli.play.quarter import coming_quarter, dated
from governance.counting.registry import get_rule
from governance.errors import NotFound
from governance.replay.authority import ROLE_KINDS
from governance.replay.schedule import next_quarter, window
from governance.roadmap import import_roadmap
from governance.statements.space import Constitution

NOW = 1_800_000_000


@pytest.mark.parametrize("name", templates.names())
def test_a_template_is_a_whole_constitution(name):
    constitution = templates.template(name).adopt("nix", NOW)
    assert msgspec.json.decode(constitution.to_bytes(), type=Constitution) == constitution
    assert set(constitution.permissions) == set(ROLE_KINDS)
    assert "steward" in constitution.permissions["constitution"]
    assert all(constitution.permissions.values())
    get_rule(constitution.ballots.rule)


@pytest.mark.parametrize("name", templates.names())
@pytest.mark.parametrize("now", [0, NOW, NOW + 40 * 86_400, 4_000_000_000])
def test_the_calendar_begins_with_the_next_quarter_whose_window_is_ahead(name, now):
    plan = templates.template(name).adopt("nix", now).calendar
    assert window(plan, plan.first_quarter).opens_at > now
    assert plan.closes_days_before < plan.opens_days_before
    year, number = plan.first_quarter[:4], int(plan.first_quarter[-1])
    before = f"{int(year) - 1}-Q4" if number == 1 else f"{year}-Q{number - 1}"
    assert window(plan, before).opens_at <= now


def test_there_are_the_three_and_no_others():
    assert templates.names() == ["cooperative", "neighbourhood", "project"]
    with pytest.raises(NotFound):
        templates.template("../project")


def test_the_sample_roadmap_is_read_whole():
    found = import_roadmap(templates.sample_roadmap(), name="roadmap.md")
    planned = [i for i in found.items if i.status == "planned"]
    assert 15 <= len(found.items) <= 25
    assert len({i.quarter for i in planned}) >= 3
    assert all(i.effort_days for i in planned)
    assert {i.status for i in found.items} == {"planned", "not-planned"}


@pytest.mark.parametrize("first", ["2026-Q4", "2027-Q1", "2031-Q3"])
def test_the_sample_is_moved_to_begin_with_any_quarter(first):
    found = import_roadmap(dated(templates.sample_roadmap().decode(), first).encode(), name="r.md")
    quarters = sorted({i.quarter for i in found.items if i.quarter})
    assert quarters == [first, next_quarter(first), next_quarter(next_quarter(first))]


def test_the_coming_quarter():
    assert coming_quarter(0) == "1970-Q2"
    assert coming_quarter(NOW) == "2027-Q2"
    assert coming_quarter(1_797_000_000) == "2027-Q1"
