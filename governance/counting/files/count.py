"""Counting a ballot file without any server: what `althing count` prints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, get_type_hints

import msgspec

from governance.canonical import parse_json
from governance.counting.files.ballot_file import BallotFile
from governance.counting.files.sniff import read_ballot_file
from governance.counting.lot import lot_order
from governance.counting.option import Option
from governance.counting.profile import Answer, Profile
from governance.counting.registry import RULES, get_rule
from governance.counting.rule import Rule
from governance.counting.threshold import Threshold
from governance.errors import InvalidAnswer, Malformed

LISTED: Final = 100
"""Invalid ballots that are listed one by one; all are counted."""

_share: Final = re.compile(r"(>=?)?\s*([0-9]{1,15})\s*/\s*([0-9]{1,15})")


def count_file(
    data: bytes,
    rule_id: str | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    name: str = "",
    seed: bytes = bytes(32),
) -> dict[str, Any]:
    """A ballot file's outcome as JSON values: the fields of `Outcome`, then `params`, `ballots`, `invalid`.

    Without `rule_id` the file's own rule counts. `options` are parameters of the rule that replace the
    file's; text as a command line gives it is accepted (`"2"`, `"true"`, `"2/3"`, `">1/2"`). Another rule
    than the file's takes those parameters of the file that it knows by name, and reads a mark as one point
    and any points as a mark. Ties fall by the file's own lot, else by `seed`; any but the
    default seed also goes before the lot of another program's file.

    Raises:
        Malformed, Unsupported: as `read_ballot_file`, and for unknown rules.
        InvalidDefinition: parameters and options do not fit the rule.
    """
    file = read_ballot_file(data, name)
    rule = get_rule(rule_id or file.rule)
    params = rule.parse_params(_params(file, rule, options or {}))
    rule.check_definition(file.options, params)
    converted = file.foreign or rule.id != file.rule
    ranked = _is_ranked(file)
    counted: list[tuple[Answer | None, int]] = []
    invalid: list[dict[str, Any]] = []
    numbers = {"valid": 0, "blank": 0, "invalid": 0}
    for index, line in enumerate(file.ballots):
        answer = line.answer
        if answer is not None and converted:
            answer = in_form(answer, rule.form(params), ranked=ranked)
        problem = _problem(rule, file.options, params, answer, f"/ballots/{index}/answer")
        numbers["invalid" if problem else "blank" if answer is None else "valid"] += line.count
        if problem is None:
            counted.append((answer, line.weight * line.count))
        elif len(invalid) < LISTED:
            invalid.append(problem)
    lot = file.lot
    if lot is None or (file.foreign and seed != bytes(32)):
        lot = lot_order(seed, "", [option.id for option in file.options])
    outcome = rule.count(file.options, params, Profile.from_answers(counted, file.electorate), lot)
    return {
        **msgspec.to_builtins(outcome),
        "params": msgspec.to_builtins(params),
        "ballots": numbers,
        "invalid": invalid,
        **({"weight_decimals": file.decimals} if file.decimals else {}),
    }


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


def _is_ranked(file: BallotFile) -> bool:
    """Whether lists of the file are in order of preference; a rule we do not know may mean that."""
    forms = {rule.answer_form for (name, _), rule in RULES.items() if name == file.rule}
    return not forms or "ranking" in forms


def in_form(answer: Answer, form: str, *, ranked: bool = True) -> Answer:
    """An answer in the form of another rule, where that is plain; anything else stays for `check_answer`.

    `ranked` says whether a list is in order of preference already.
    """
    if form == "ranking":
        return _as_ranking(answer, ranked=ranked)
    if form == "choice":
        return _as_choice(answer, ranked=ranked)
    if form == "approval":
        if isinstance(answer, dict):
            return [option for option, points in answer.items() if points > 0]
        return [answer] if isinstance(answer, str) else answer
    if form == "score" and isinstance(answer, list):
        marks = [mark for mark in answer if isinstance(mark, str)]
        return dict.fromkeys(marks, 1) if len(set(marks)) == len(answer) else answer
    return answer


def _as_ranking(answer: Answer, *, ranked: bool) -> Answer:
    """Points as ranks, marks as one rank: options that a voter did not tell apart share a rank."""
    if isinstance(answer, dict):
        points = sorted({number for number in answer.values() if number > 0}, reverse=True)
        ranks = [[option for option in answer if answer[option] == number] for number in points]
        return [rank[0] if len(rank) == 1 else rank for rank in ranks]
    if isinstance(answer, str):
        return [answer]
    marks = [mark for mark in answer if isinstance(mark, str)]
    return answer if ranked or len(answer) < 2 or len(marks) < len(answer) else [marks]


def _as_choice(answer: Answer, *, ranked: bool) -> Answer:
    """The first of a ranking, the only mark, or the option with the most points; ties stay as they are."""
    ranking = _as_ranking(answer, ranked=ranked)
    first = next((rank for rank in ranking if rank), None)
    if isinstance(first, list) and len(first) == 1:
        return first[0]
    return first if isinstance(first, str) else answer


def _params(file: BallotFile, rule: Rule[Any], options: Mapping[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(rule.Params, include_extras=True)
    same = rule.id == file.rule and not file.foreign
    own = {key: value for key, value in file.params.items() if same or key in hints}
    return own | typed_params(rule, options)


def typed_params(rule: Rule[Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters given as text, as a command line does, in the types of the rule's own."""
    hints = get_type_hints(rule.Params, include_extras=True)
    return {key: _typed(value, hints.get(key)) for key, value in options.items()}


def _typed(value: Any, kind: Any) -> Any:
    """A parameter given as text in its own type; what does not fit is left for `parse_params` to refuse."""
    if kind is Threshold and isinstance(value, str):
        match = _share.fullmatch(value.strip())
        if match is None:
            return value
        sign, numerator, denominator = match.groups()
        return {"numerator": int(numerator), "denominator": int(denominator), "strict": sign == ">"}
    for candidate in _readings(value):
        try:
            return msgspec.to_builtins(msgspec.convert(candidate, kind, strict=False))
        except (msgspec.ValidationError, TypeError):
            continue
    return value


def _readings(value: Any) -> Iterator[Any]:
    """What a text may mean: itself, a list with commas, or JSON."""
    yield value
    yield str(value)
    if isinstance(value, str):
        yield [part.strip() for part in value.split(",")]
        with suppress(Malformed):
            yield parse_json(value.encode("utf-8", "replace"))
