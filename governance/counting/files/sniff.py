"""Recognising a ballot file by its bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from governance import limits
from governance.counting.files import blt_ballots, pabulib_ballots, preflib_ballots
from governance.counting.files.ballot_file import BallotFile, parse_ballot_file
from governance.counting.files.blt import parse_blt
from governance.counting.files.debian_tally import parse_debian_tally
from governance.counting.files.grades_csv import looks_like_grades, parse_grades
from governance.counting.files.locate import located
from governance.counting.files.pabulib import parse_pabulib
from governance.counting.files.place import decoded
from governance.counting.files.preflib import parse_preflib
from governance.counting.files.rankings_json import parse_rankings
from governance.counting.files.snapshot_proposal import parse_snapshot
from governance.errors import MalformedBallotFile, TooLarge

_blt: Final = re.compile(
    rb"(?:\s|#[^\r\n]*[\r\n]|/\*.*?\*/)*+[0-9]+[ \t]+[0-9]+[ \t]*(?:[\r\n#]|/\*|$)", re.DOTALL
)

_foreign: Final = re.compile(rb'\{\s*"(candidates|proposal|data|votes|strategies|scores|choices)"')
_grouped: Final = re.compile(rb'\{\s*"ballots"\s*:\s*\[\s*\[')
_votes: Final = re.compile(rb'"votes"\s*:')
_preflib: Final = re.compile(rb"#[ \t]*[A-Z][A-Z0-9 ]*:")
_option: Final = re.compile(rb"(?m)^[\s|/]*Option\s+1\s*-+>\s*:")


_FORMATS: Final[tuple[tuple[str, Callable[[bytes], object]], ...]] = (
    ("snapshot", _foreign.match),
    ("rankings", _grouped.match),
    ("althing", lambda start: start.startswith(b"{")),
    ("pabulib", lambda start: start.split(b"\n", 1)[0].strip() == b"META"),
    ("preflib", _preflib.match),
    ("blt", _blt.match),
    ("debian", _option.search),
    ("grades", lambda start: looks_like_grades(decoded(start))),
)
"""Formats and how their first bytes look; the first that fits is meant."""

_READERS: Final[dict[str, Callable[[bytes], BallotFile]]] = {
    "snapshot": parse_snapshot,
    "rankings": parse_rankings,
    "althing": parse_ballot_file,
    "pabulib": lambda data: pabulib_ballots.ballots_of(parse_pabulib(data)),
    "preflib": lambda data: preflib_ballots.ballots_of(parse_preflib(data)),
    "blt": lambda data: blt_ballots.ballots_of(parse_blt(data)),
    "debian": parse_debian_tally,
    "grades": parse_grades,
}

_ENDINGS: Final = {
    **dict.fromkeys(("soc", "soi", "toc", "toi"), "preflib"),
    "blt": "blt",
    "pb": "pabulib",
    "csv": "grades",
}


def sniff(data: bytes) -> str | None:
    """The format of a ballot file by its first bytes; None when it is none that we know."""
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    found = next((name for name, fits in _FORMATS if fits(start)), None)
    return "rankings" if found == "snapshot" and not _votes.search(data) else found


def read_ballot_file(data: bytes, name: str = "") -> BallotFile:
    """A ballot file of any format we read. What its bytes do not tell, the ending of `name` may.

    Raises:
        MalformedBallotFile: not recognised, or broken, with line and column.
        TooLarge: above `limits.BALLOT_FILE`.
        Unsupported: a kind of vote no rule here counts.
    """
    if len(data) > limits.BALLOT_FILE:
        raise TooLarge(
            f"{name or 'the ballot file'} has {len(data)} bytes; {limits.BALLOT_FILE} is the limit"
        )
    found = sniff(data) or _ENDINGS.get(name.rpartition(".")[2].lower())
    if found is None:
        known = (
            "Pabulib (.pb) begins with META, BLT with two numbers, PrefLib with # and a header, a table of "
            "grades with names, JSON with {"
        )
        raise MalformedBallotFile(f"{name or 'this'} is not a ballot file we know: {known}")
    try:
        return _READERS[found](data)
    except MalformedBallotFile as e:
        raise located(data, e) from e
