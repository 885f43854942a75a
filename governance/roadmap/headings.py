"""What the words of a heading or caption say about the list below it.

Vocabulary of roadmaps in general: which headings announce plans, which announce something else, which
products there are, what is being refused. Time words are in `marks`.
"""

from __future__ import annotations

import re
from typing import Final

from governance.roadmap.marks import closing_status, is_time, split_period
from governance.roadmap.model import Status

GOALS: Final = "goals, not work items"

_always: Final = (
    (
        "figures to reach, not work items",
        r"\b(?:metrics?|stat(?:istic)?s|kpis?|(?:success|acceptance) criteria)\b",
    ),
    ("expected outcomes, not work items", r"\b(?:outcomes?|results|validates?|proves)\b"),
    (
        "repeats items of other sections",
        r"\b(?:matrix|prioriti[sz]ation|execution order|summary|at a glance|legend)\b",
    ),
)
_unless_timed: Final = (
    (GOALS, r"(?<!non[ -])\b(?:goals?|objectives?|aims?|north star)\b"),
    ("principles, not work items", r"\b(?:principles?|philosophy|mission)\b|^(?:our )?values$"),
    (
        "how to take part",
        r"\b(?:contribut\w+|get(?:ting)? (?:involved|started)|help wanted|good first issues?|bount(?:y|ies)|"
        r"influence|stay updated)\b|^how (?:to|you|we)\b",
    ),
    ("how the plan is pursued, not work items", r"\b(?:strategy|marketing|decision points)\b"),
    ("risks and conditions", r"^(?:key )?(?:risks?|dependencies|assumptions)\b|\bmitigations?\b"),
    (
        "links",
        r"^(?:(?:related|further|external)\s+)?(?:documents?|documentation|reading|references|resources|links)$",
    ),
    ("history", r"\b(?:change ?log|release notes|revision history)\b"),
)
_plan: Final = re.compile(
    r"\b(?:features?|milestones?|deliverables?|initiatives?|backlog|ideas?|planned|upcoming|next steps|"
    r"in progress|completed|shipped|tasks?|to-?dos?|epics?|proposals?|priorities|wish ?list|"
    r"under consideration|timeline|"
    r"enhancements?|improvements?)\b|^(?:future )?research\b|^done\b",
    re.IGNORECASE,
)
_refusal: Final = re.compile(
    r"\b(?:won[’']?t|will (?:not|never)|not (?:planning|planned|building|doing|going|pursuing|in scope)|"
    r"no plans|non[ -]goals?|out of scope|rejected|declined)\b",
    re.IGNORECASE,
)
_status: Final[tuple[tuple[Status, re.Pattern[str]], ...]] = (
    ("done", re.compile(r"\b(?:completed|shipped|recently released|delivered)\b|^done\b", re.IGNORECASE)),
    ("in-progress", re.compile(r"\b(?:in progress|ongoing|under ?way|in development)\b", re.IGNORECASE)),
    (
        "proposed",
        re.compile(r"\b(?:ideas?|possibilit\w+|wish ?list|under consideration|proposals?)\b", re.IGNORECASE),
    ),
)
_proposed_untimed: Final = re.compile(
    r"^(?:long[ -]term )?vision\b|^(?:future )?research\b|\bopportunities$|^explor\w+", re.IGNORECASE
)
_generic: Final = re.compile(
    r"a|all|and|areas|backlog|completed|coming|current|deliverables|done|features?|for|future|goals|high|level|ideas|"
    r"in|includes?|including|initiatives|items|key|list|main|major|milestones|more|new|next|objectives|of|our|"
    r"overview|phases?|plan|planned|planning|plans|priorities|product|progress|project|releases?|research|roadmap|"
    r"status|steps|tasks?|the|timeline|todo|upcoming|what|work",
    re.IGNORECASE,
)
_product: Final = re.compile(r"^(?P<name>.{2,60}?)\s*[:–—-]?\s*\broadmap\b(?P<rest>.*)$", re.IGNORECASE)
_sentence: Final = re.compile(
    r"\b(?:the|our|your|this|that|my|their|an?|how|what|why|about)\b", re.IGNORECASE
)
_trailing_generic: Final = re.compile(
    r"[\s:–—-]*\b(?:open[ -]source|public|product|project|technical|development|release|feature|strategic|"
    r"community|q[1-4]|20\d\d)$",
    re.IGNORECASE,
)
_number: Final = re.compile(r"^\d+(?:\.\d+)*[.)]\s+")


def unnumbered(heading: str) -> tuple[str, bool]:
    """A heading without its leading number, and whether it had one."""
    found = _number.match(heading)
    return (heading[found.end() :], True) if found else (heading, False)


def exclusion(heading: str, *, timed: bool) -> str | None:
    """Why the list below is not a list of items; a heading with a time is excluded only by clear words."""
    for reason, words in _always if timed else (*_always, *_unless_timed):
        if re.search(words, heading, re.IGNORECASE):
            return reason
    return None


def announces_plans(heading: str) -> bool:
    """Whether the heading alone makes the list below a list of items."""
    return _plan.search(heading) is not None


def refuses(heading: str) -> bool:
    """Whether the list below says what will not be done."""
    return _refusal.search(heading) is not None


def default_status(heading: str, *, timed: bool) -> Status | None:
    """The status that a heading gives to what stands below it."""
    _, closing = closing_status(heading)
    if closing is not None:
        return closing
    for status, words in _status:
        if words.search(heading):
            return status
    return "proposed" if not timed and _proposed_untimed.search(heading) else None


def theme_of(heading: str) -> str | None:
    """The heading as a theme, or None when it names no subject ("Key Milestones", "Features")."""
    words = split_period(unnumbered(heading)[0])[0].strip(" :")
    if not words or all(_generic.fullmatch(word) for word in re.findall(r"\w+", words)):
        return None
    return words


def product_of(heading: str) -> str | None:
    """The product in "Terra Roadmap" or "Terra Open Source Roadmap"; None when the heading names none."""
    found = _product.match(heading)
    if found is None or _sentence.search(found["name"]) or found["rest"].strip(" :()–—-0123456789Q"):
        return None
    name = found["name"].strip(" :–—-")
    while name and (generic := _trailing_generic.search(name)):
        name = name[: generic.start()]
    return name if name and not is_time(name) else None


def is_roadmap(heading: str) -> bool:
    """Whether the heading is that of a whole roadmap, so that a list directly below holds items."""
    words = re.sub(r"\b(?:Q[1-4]|20\d\d)\b", "", heading).strip(" :()–—-").lower()
    return words in {"roadmap", "plan", "plans"} or product_of(heading) is not None
