"""Writing the votes of a question as a ballot file, in a format that can hold them and counts the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from governance.counting.files.ballot_file import BallotFile, format_ballot_file
from governance.counting.files.blt import format_blt
from governance.counting.files.blt_ballots import blt_of
from governance.counting.files.count import count_ballots
from governance.counting.files.grades_csv import format_grades
from governance.counting.files.pabulib import format_pabulib
from governance.counting.files.pabulib_ballots import pabulib_of
from governance.counting.files.preflib import format_preflib
from governance.counting.files.preflib_ballots import preflib_of
from governance.counting.files.sniff import read_ballot_file
from governance.counting.outcome import Outcome
from governance.counting.registry import get_rule
from governance.counting.threshold import Threshold
from governance.errors import InvalidDefinition, MalformedBallotFile, Refused

_HOLDS: Final = {
    "json": ("approval", "choice", "ranking", "score"),
    "blt": ("ranking", "choice"),
    "preflib": ("ranking", "choice"),
    "pabulib": ("approval", "score"),
    "csv": ("score",),
}
"""The forms of answers that a format is made for."""

_WRITERS: Final[Mapping[str, Callable[[BallotFile, str], bytes]]] = {
    "json": lambda file, _: format_ballot_file(file),
    "blt": lambda file, title: format_blt(blt_of(file, title)),
    "preflib": lambda file, title: format_preflib(preflib_of(file, title)),
    "pabulib": lambda file, title: format_pabulib(pabulib_of(file, {"description": title})),
    "csv": lambda file, _: format_grades(file),
}

FORMATS: Final = tuple(_WRITERS)


def export_ballots(file: BallotFile, form: str, title: str = "") -> bytes:
    """The bytes of a ballot file that, read again, gives the same outcome under the same rule and lot.

    Args:
        file: a question in our own form: typed parameters, every answer valid or None, with its lot.
        form: one of `FORMATS`.
        title: of the question, where the format has room for it.

    Raises:
        Refused: the format cannot hold these answers, with the reason.
    """
    rule = get_rule(file.rule)
    answers = rule.form(rule.parse_params(file.params))
    if answers not in _HOLDS[form]:
        raise Refused(f"{form} files hold {' and '.join(_HOLDS[form])} answers; these are {answers} answers")
    data = _WRITERS[form](file, title)
    if form != "json" and not _counts_the_same(file, data):
        raise Refused(
            f"a {form} file of these ballots would not give the same outcome again: it cannot say all that "
            "this count depends on (how many could vote, the names of options, or answers of 0)"
        )
    return data


def _counts_the_same(file: BallotFile, data: bytes) -> bool:
    try:
        read = read_ballot_file(data)
        names = names_in(file, read)
        wanted = count_ballots(file, lot=file.lot or ()).outcome
        found = count_ballots(
            read, file.rule, _renamed(file.params, names), lot=[names[option] for option in file.lot or ()]
        )
    except (InvalidDefinition, MalformedBallotFile):
        return False
    return not found.numbers["invalid"] and _essence(found.outcome, {}) == _essence(wanted, names)


def _essence(outcome: Outcome, names: Mapping[str, str]) -> tuple[object, ...]:
    """What must not change: who wins, in which order, with which totals."""

    def name(option: str) -> str:
        return names.get(option, option)

    return (
        [name(option) for option in outcome.winners],
        [[name(option) for option in group] for group in outcome.ranking],
        {name(option): total for option, total in outcome.totals.items()},
    )


def names_in(file: BallotFile, written: BallotFile) -> dict[str, str]:
    """The ids that a written file has for the options, which keep their order."""
    if len(file.options) != len(written.options):
        raise MalformedBallotFile("the file has another number of options")
    return {ours.id: theirs.id for ours, theirs in zip(file.options, written.options, strict=True)}


def _renamed(params: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Parameters that name options, in the names of another file."""
    found = dict(params)
    if found.get("default_option") is not None:
        found["default_option"] = names[found["default_option"]]
    if found.get("majority_ratios"):
        found["majority_ratios"] = {names[o]: ratio for o, ratio in found["majority_ratios"].items()}
    return found


def count_arguments(file: BallotFile, data: bytes) -> list[str]:
    """What `althing count` must be told to count a written file as the ballot was; nothing for JSON."""
    read = read_ballot_file(data)
    if not read.foreign:
        return []
    names = names_in(file, read)
    words = ["--rule", file.rule]
    for name, value in _renamed(file.params, names).items():
        if value is not None:
            words += [f"--{name.replace('_', '-')}", _argument(value)]
    lot = [names[option] for option in file.lot or ()]
    return [*words, "--lot", ",".join(lot)] if lot else words


def _argument(value: Any) -> str:
    if isinstance(value, dict) and value.keys() == {"numerator", "denominator", "strict"}:
        share = msgspec.convert(value, Threshold)
        return f"{'>' if share.strict else '>='}{share.numerator}/{share.denominator}"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
