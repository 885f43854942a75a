"""Constitution templates that come with the program."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import msgspec

from governance.errors import NotFound
from governance.replay.schedule import next_quarter, window
from governance.statements.base import Role
from governance.statements.space import BallotDefaults, Calendar, Constitution

FIRST_QUARTER: Final = "1970-Q1"


class PlanTemplate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A calendar without its first quarter."""

    opens_days_before: int
    closes_days_before: int
    hour: int


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A constitution without the space and the time it is adopted for."""

    template: str
    title: str
    summary: str
    text: str
    permissions: dict[str, list[Role]]
    calendar: PlanTemplate | None
    ballots: BallotDefaults

    def adopt(
        self, space: str, now: int, *, calendar: bool = True, delegation_quarters: int | None = None
    ) -> Constitution:
        """The constitution of a space; its calendar begins with the next quarter whose window is ahead."""
        plan = None
        if self.calendar is not None and calendar:
            fields = msgspec.structs.asdict(self.calendar)
            draft = Calendar(**fields, first_quarter=FIRST_QUARTER)
            plan = Calendar(**fields, first_quarter=upcoming(draft, now))
        return Constitution(
            space=space,
            revision=1,
            previous=None,
            template=self.template,
            text=self.text,
            permissions=self.permissions,
            calendar=plan,
            ballots=self.ballots,
            adopted_at=now,
            delegation_quarters=delegation_quarters,
        )


def upcoming(plan: Calendar, now: int) -> str:
    """The first quarter whose ballot has not opened yet by the calendar."""
    year = 1970 + now // (366 * 86_400)
    quarter = f"{year}-Q1"
    while window(plan, quarter).opens_at <= now:
        quarter = next_quarter(quarter)
    return quarter


def _folder() -> Traversable:
    return files("governance") / "templates"


def names() -> list[str]:
    """The templates there are."""
    return sorted(f.name.removesuffix(".json") for f in _folder().iterdir() if f.name.endswith(".json"))


def template(name: str) -> Template:
    """A template by its name.

    Raises:
        NotFound: there is none of that name.
    """
    if name not in names():
        raise NotFound(f"there is no template {name[:60]!r}; there are {', '.join(names())}")
    return msgspec.json.decode((_folder() / f"{name}.json").read_bytes(), type=Template)


def sample_roadmap() -> bytes:
    """The roadmap of a community that does not exist, for the demonstration."""
    return (_folder() / "roadmap.md").read_bytes()
