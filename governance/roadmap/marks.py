"""Status, time and effort as people write them in roadmaps.

Status: a leading or trailing mark (✅ 🚧 🔄 💡 ❌ …), a closing word (DONE, [WIP]), or a `Status:` field.
Time: a quarter when the words name exactly one ("Q1 2026", "March 2026"); otherwise the wording is a phase
("Phase 1.2: Community Features", "2027 and Beyond", "Q3-Q4 2026", "Near-term").
Effort: 1 day = 1, 1 week = 5, 1 month = 20 working days, 8 hours = 1; a range counts with its upper end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from governance.roadmap.model import Status

STATUS_MARKS: Final[dict[str, Status]] = {
    **dict.fromkeys("✅☑✔✓🎉", "done"),
    **dict.fromkeys("🚧🔄🏗🔨⏳🟡", "in-progress"),
    **dict.fromkeys("📋📅🔜⬜☐", "planned"),
    **dict.fromkeys("💡💭🔮🔬", "proposed"),
    **dict.fromkeys("❌🚫⛔✖✗", "not-planned"),
}

_WORDS: Final[tuple[tuple[Status, str], ...]] = (
    (
        "not-planned",
        r"not[ _-]planned|won[’']?t[ _-]?(?:do|fix)|rejected|cancell?ed|declined|dropped|out of scope",
    ),
    ("done", r"done|completed?|finished|shipped|released|delivered|live|implemented|achieved"),
    ("in-progress", r"in[ _-]progress|wip|ongoing|under ?way|in development|started|active|doing|building"),
    (
        "proposed",
        r"proposed|idea|concept|research|vision|explor\w+|under consideration|considering|backlog|wish\w*",
    ),
    ("planned", r"planned|scheduled|design|to[ -]?do|not[ _-]started|next|queued|accepted|approved|upcoming"),
)
_word: Final = {status: re.compile(rf"\W*(?:{words})\b", re.IGNORECASE) for status, words in _WORDS}
_closing: Final = {
    status: re.compile(rf"\s[\[(](?:{words})[\])]$", re.IGNORECASE) for status, words in _WORDS
}
_shouted: Final = re.compile(
    r"\s+(DONE|COMPLETED?|SHIPPED|RELEASED|WIP|IN PROGRESS|PLANNED|PROPOSED|CANCELLED)$"
)

_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_month_names: Final = "|".join((*_MONTHS, "sept", *(name[:3] for name in _MONTHS)))
_year: Final = r"20\d\d"
_month: Final = rf"\b(?P<month>{_month_names})\.?\s+(?P<my>{_year})\b"
_quarter: Final = re.compile(
    rf"\bQ(?P<q>[1-4])(?:\s*[/'’-]?\s*(?P<y>{_year}|(?<=['’])\d\d))?\b", re.IGNORECASE
)
_year_first: Final = re.compile(rf"\b(?P<y>{_year})\s*[/-]?\s*Q(?P<q>[1-4])\b", re.IGNORECASE)
_month_year: Final = re.compile(_month, re.IGNORECASE)
_wide: Final = re.compile(
    r"\bQ[1-4](?:\s*20\d\d)?\s*(?:[–—/&-]|to|and)\s*Q[1-4]\b|\bQ[1-4][–—/-][1-4]\b|\bH[12]\b", re.IGNORECASE
)
_open_end: Final = re.compile(r"20\d\d\s*\+|Q[1-4]\s*\+|\b(?:beyond|onwards?|and later)\b", re.IGNORECASE)
_phase: Final = re.compile(
    r"\b(?:phase|stage|sprint|iteration|wave|horizon|milestone)\s+\d+(?:\.\d+)*", re.IGNORECASE
)
_term: Final = re.compile(
    r"\b(?:immediate(?:ly)?|(?:near|short|mid|medium|long)(?:er)?[ -]term|next steps|coming (?:soon|next)|"
    r"beyond|someday|this (?:month|quarter|year)|next (?:month|quarter|year|release))\b|"
    rf"^(?:now|next|later|soon|future)\b|\b{_year}\b|\bH[12]\b|\bv\d+\.\d+",
    re.IGNORECASE,
)
_period: Final = re.compile(
    rf"\b(?:hours?|days?|weeks?|months?|quarters?|years?|Q[1-4]|{_year}|current)\b", re.IGNORECASE
)
_parenthesis: Final = re.compile(r"\s\(([^()]*)\)\s*:?$")
_plain_month: Final = rf"(?:{_month_names})\.?\s+{_year}"
_pure: Final = re.compile(
    r"(?:(?:by|early|mid|late|end of|by end of)[ -])?"
    rf"(?:Q[1-4](?:\s*(?:[–—/&-]|to|and)\s*Q?[1-4])?\s*[/'’-]?\s*{_year}\+?"
    rf"|{_year}\s*[/-]?\s*(?:Q[1-4])?\+?(?:\s+(?:and|&)\s+(?:beyond|later))?"
    rf"|H[12]\s+{_year}|{_plain_month}|phase\s+\d+(?:\.\d+)*)",
    re.IGNORECASE,
)
_effort: Final = re.compile(
    r"(?:~|about |approx\.? )?(?<![\d.])(?:\d{1,4}(?:\.\d)?\s*(?:[–—-]|to)\s*)?"
    r"(?P<n>\d{1,4})(?:\.(?P<tenth>\d))?\s*"
    r"(?:person[ -])?(?P<unit>hours?|hrs?|h|days?|d|weeks?|wks?|w|months?|mo)\b",
    re.IGNORECASE,
)
_DAYS: Final = {"d": 1, "w": 5, "m": 20}


@dataclass(frozen=True, slots=True)
class When:
    """A time: one quarter, or a phase in the author's words; `about` is what else the heading says."""

    quarter: str | None
    phase: str | None
    about: str | None
    period: str | None


def split_period(heading: str) -> tuple[str, str | None]:
    """A heading without the closing parenthesis that gives its duration, and that duration."""
    found = _parenthesis.search(heading)
    if found is None or not _period.search(found[1]):
        return heading, None
    period = found[1].strip()
    return heading[: found.start()], None if period.lower() == "current" else period


def quarter_of(text: str, year: int | None) -> str | None:
    """The quarter ("2026-Q1") when the text names exactly one quarter; `year` is used where it names none."""
    if _wide.search(text) or _open_end.search(text):
        return None
    names = {f"{found['y']}-Q{found['q']}" for found in _year_first.finditer(text)}
    if not names:
        for found in _quarter.finditer(text):
            named = found["y"] or (str(year) if year else None)
            if named:
                names.add(f"{'20' if len(named) == 2 else ''}{named}-Q{found['q']}")
    if not names:
        names = {
            f"{found['my']}-Q{_month_number(found['month']) // 3 + 1}" for found in _month_year.finditer(text)
        }
    return names.pop() if len(names) == 1 else None


def _month_number(name: str) -> int:
    """0 for January."""
    return next(number for number, month in enumerate(_MONTHS) if month.startswith(name.lower()[:3]))


def year_of(text: str) -> int | None:
    """The year a text names, when it is one."""
    years = {int(year) for year in re.findall(rf"\b{_year}\b", text)}
    return years.pop() if len(years) == 1 else None


def when(heading: str, year: int | None = None) -> When | None:
    """The time a heading names, or None."""
    body, period = split_period(heading)
    quarter = quarter_of(heading, year)
    if (phase := _phase.search(body)) is not None:
        return When(quarter, body[phase.start() :].strip(" :"), None, period)
    if quarter is not None:
        about = _month_year.sub("", _quarter.sub("", _year_first.sub("", body))).strip(" :–—-")
        if about.startswith("(") and about.endswith(")"):
            about = about[1:-1].strip()
        return When(quarter, None, about or None, period if period and not quarter_of(period, year) else None)
    if _term.search(heading) or _wide.search(heading):
        return When(None, body.strip(" :") or heading, None, period)
    return None


def is_time(text: str) -> bool:
    """Whether a text is a time and nothing else."""
    return _pure.fullmatch(text.strip(" :()")) is not None


def status_mark(text: str) -> Status | None:
    """The status of the emoji around a text; a leading one first."""
    stripped = text.strip()
    for character in (*stripped[:2], *stripped[-2:]):
        if character in STATUS_MARKS:
            return STATUS_MARKS[character]
    return None


def status_word(text: str) -> Status | None:
    """The status that a `Status:` field begins with."""
    return next((status for status, words in _word.items() if words.match(text)), None)


def closing_status(text: str) -> tuple[str, Status | None]:
    """A title without its closing status word ("… DONE", "… [WIP]", "… (planned)"), and that status."""
    if (shouted := _shouted.search(text)) is not None:
        return text[: shouted.start()], status_word(shouted[1])
    for status, closing in _closing.items():
        if (found := closing.search(text)) is not None:
            return text[: found.start()], status
    return text, None


def effort_days(text: str) -> int | None:
    """Working days of an effort as written, rounded up; None where it gives no time."""
    found = _effort.search(text)
    if found is None:
        return None
    tenths = int(found["n"]) * 10 + int(found["tenth"] or 0)
    unit = found["unit"][0].lower()
    if unit == "h":
        return -(-tenths // 80)
    return -(-tenths * _DAYS[unit] // 10)


def is_effort(text: str) -> bool:
    """Whether a text is an effort and nothing else."""
    return _effort.fullmatch(text.strip()) is not None
