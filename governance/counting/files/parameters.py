"""Parameters of a rule for a ballot file: the file's own, and those that a command line gives as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, get_type_hints

import msgspec

from governance.canonical import parse_json
from governance.counting.files.ballot_file import BallotFile
from governance.counting.rule import Rule
from governance.counting.threshold import Threshold
from governance.errors import Malformed

_share: Final = re.compile(r"(>=?)?\s*([0-9]{1,15})\s*/\s*([0-9]{1,15})")


def file_params(file: BallotFile, rule: Rule[Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The file's parameters that the rule knows, replaced by those given as `options`."""
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
