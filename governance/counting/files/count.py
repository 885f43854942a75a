"""Counting a ballot file without any server: what `althing count` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from governance.counting.explain import explain
from governance.counting.files.ballot_file import BallotFile, Ballots
from governance.counting.files.forms import in_form, is_ranked
from governance.counting.files.parameters import file_params
from governance.counting.files.sniff import read_ballot_file
from governance.counting.lot import lot_order
from governance.counting.option import Option
from governance.counting.outcome import Outcome
from governance.counting.profile import Answer, Profile
from governance.counting.registry import get_rule
from governance.counting.rule import Rule
from governance.counting.trace import trace
from governance.errors import InvalidAnswer, MalformedRequest, TooLarge

LISTED: Final = 100
"""Invalid ballots that are listed one by one; all are counted."""
REPEATED: Final = 100_000
"""Most equal ballots on one line under a rule that cannot add them up."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A file counted by one rule; `numbers` are of valid, blank and invalid ballots."""

    rule: Rule[Any]
    params: Any
    outcome: Outcome
    numbers: dict[str, int]
    invalid: list[dict[str, Any]]


def count_file(
    data: bytes,
    rule_id: str | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    name: str = "",
    seed: bytes = bytes(32),
) -> dict[str, Any]:
    """A ballot file's outcome as JSON values, see `described`; parameters as `count_ballots` takes them.

    Raises:
        Malformed, Unsupported: as `read_ballot_file`, and for unknown rules.
        InvalidDefinition: parameters and options do not fit the rule.
    """
    file = read_ballot_file(data, name)
    return described(file, count_ballots(file, rule_id, options, lot=lot_of(file, seed)))


def described(file: BallotFile, counted: Counted) -> dict[str, Any]:
    """The fields of `Outcome`, then `params`, `ballots` and `invalid`."""
    return {
        **msgspec.to_builtins(counted.outcome),
        "params": msgspec.to_builtins(counted.params),
        "ballots": counted.numbers,
        "invalid": counted.invalid,
        **({"weight_decimals": file.decimals} if file.decimals else {}),
    }


def told(file: BallotFile, counted: Counted) -> dict[str, Any]:
    """The count told: `trace` (`TracedStep`) and `explanation`, lines in plain language."""
    titles = {option.id: option.title for option in file.options}
    return {
        "trace": msgspec.to_builtins(trace(counted.outcome)),
        "explanation": explain(counted.outcome, titles),
    }


def lot_of(file: BallotFile, seed: bytes = bytes(32), given: Sequence[str] | None = None) -> Sequence[str]:
    """The order for ties: the one `given`, else the file's own, else by `seed`.

    Any but the default seed also goes before the lot of another program's file.

    Raises:
        MalformedRequest: the lot given does not hold every option once.
    """
    ids = [option.id for option in file.options]
    if given is not None:
        if sorted(given) != sorted(ids):
            raise MalformedRequest(f"the lot must hold every option once: {', '.join(ids)[:200]}")
        return given
    if file.lot is None or (file.foreign and seed != bytes(32)):
        return lot_order(seed, "", ids)
    return file.lot


def count_ballots(
    file: BallotFile,
    rule_id: str | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    lot: Sequence[str],
) -> Counted:
    """The outcome of a file's ballots.

    Without `rule_id` the file's own rule counts. `options` are parameters of the rule that replace the
    file's; text as a command line gives it is accepted (`"2"`, `"true"`, `"2/3"`, `">1/2"`). Another rule
    than the file's takes those parameters of the file that it knows by name, and reads a mark as one point
    and any points as a mark.

    Raises:
        Unsupported: an unknown rule.
        InvalidDefinition: parameters and options do not fit the rule.
        TooLarge: too many equal ballots for a rule that counts each by itself.
    """
    rule = get_rule(rule_id or file.rule)
    params = rule.parse_params(file_params(file, rule, options or {}))
    rule.check_definition(file.options, params)
    converted = file.foreign or rule.id != file.rule
    ranked = is_ranked(file)
    cast: list[tuple[Answer | None, int]] = []
    invalid: list[dict[str, Any]] = []
    numbers = {"valid": 0, "blank": 0, "invalid": 0}
    for index, line in enumerate(file.ballots):
        answer = line.answer
        if answer is not None and converted:
            answer = in_form(answer, rule.form(params), ranked=ranked)
        problem = _problem(rule, file.options, params, answer, f"/ballots/{index}/answer")
        numbers["invalid" if problem else "blank" if answer is None else "valid"] += line.count
        if problem is None:
            cast += _votes(rule, answer, line)
        elif len(invalid) < LISTED:
            invalid.append(problem)
    outcome = rule.count(file.options, params, Profile.from_answers(cast, file.electorate), lot)
    return Counted(rule, params, outcome, numbers, invalid)


def _votes(rule: Rule[Any], answer: Answer | None, line: Ballots) -> list[tuple[Answer | None, int]]:
    """The votes of one line, added up where the rule counts them alike."""
    if rule.additive:
        return [(answer, line.weight * line.count)]
    if line.count > REPEATED:
        raise TooLarge(f"{rule.id} counts every vote by itself; {line.count} equal ones are too many")
    return [(answer, line.weight)] * line.count


def _problem(
    rule: Rule[Any], options: Sequence[Option], params: Any, answer: Answer | None, pointer: str
) -> dict[str, Any] | None:
    """Why a ballot does not count, with its place in the file; None for a valid or blank one."""
    if answer is None:
        return None
    try:
        rule.check_answer(options, params, answer, pointer)
    except InvalidAnswer as e:
        return {"pointer": e.pointer, "reason": e.facts.get("reason", ""), "detail": e.detail}
    return None
