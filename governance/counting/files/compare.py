"""What other rules would have chosen from the same ballots. It binds nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_type_hints

import msgspec

from governance.counting.files.ballot_file import BallotFile
from governance.counting.files.count import Counted, count_ballots
from governance.counting.files.parameters import file_params
from governance.counting.registry import get_rule
from governance.errors import InvalidDefinition


def compare_rules(
    file: BallotFile, counted: Counted, rules: Sequence[str], options: Mapping[str, Any], lot: Sequence[str]
) -> list[dict[str, Any]]:
    """One entry for each rule, `binding` False in all of them.

    A rule that fits has `winners`, `order`, `totals`, `params` and `same` (whether it chooses the same
    options); one that does not fit the options or the ballots has `reason`. Each takes those of the
    parameters that it knows by name, and as many seats as the count has filled where nothing says how many.

    Raises:
        Unsupported: a rule that is not known.
    """
    return [_one(file, counted, rule, options, lot) for rule in rules]


def _one(
    file: BallotFile, counted: Counted, rule_id: str, options: Mapping[str, Any], lot: Sequence[str]
) -> dict[str, Any]:
    rule = get_rule(rule_id)
    entry: dict[str, Any] = {"rule": rule.id, "title": rule.title, "binding": False}
    hints = get_type_hints(rule.Params, include_extras=True)
    given = {name: value for name, value in options.items() if name in hints}
    known = file_params(file, rule, given)
    if "seats" in hints and not {"seats", "budget"} & (known.keys() & hints.keys()):
        given["seats"] = len(counted.outcome.winners) or 1
    try:
        found = count_ballots(file, rule.id, given, lot=lot)
    except InvalidDefinition as e:
        return {**entry, "reason": e.detail}
    more = found.numbers["invalid"] - counted.numbers["invalid"]
    if more > 0:
        why = found.invalid[0]["detail"] if found.invalid else ""
        return {**entry, "reason": f"{more} ballots are no valid answers to it. {why}"}
    outcome = found.outcome
    return {
        **entry,
        "winners": outcome.winners,
        "order": outcome.order,
        "totals": outcome.totals,
        "params": msgspec.to_builtins(found.params),
        "same": sorted(outcome.winners) == sorted(counted.outcome.winners),
    }
