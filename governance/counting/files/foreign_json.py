"""JSON of other programs: exact numbers, no key twice, and the line and column where it breaks."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from governance.counting.files.place import wrong
from governance.errors import MalformedBallotFile

DIGITS: Final = 60
"""Most characters of a number."""
_EXPONENT: Final = 40


def load(data: bytes) -> Any:
    """The JSON value; numbers are int, or Decimal when they have a fraction or an exponent.

    Raises:
        MalformedBallotFile: with line and column.
    """
    try:
        value = json.loads(
            data.decode("utf-8-sig"),
            parse_int=_integer,
            parse_float=_decimal,
            parse_constant=_decimal,
            object_pairs_hook=_object,
        )
        if b"\\u" in data:
            json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeDecodeError as e:
        raise MalformedBallotFile(f"byte {e.start} is not UTF-8", offset=e.start) from e
    except UnicodeEncodeError as e:
        raise MalformedBallotFile("half of a surrogate pair stands alone") from e
    except json.JSONDecodeError as e:
        raise wrong(e.lineno, e.colno, e.msg) from e
    except RecursionError as e:
        raise MalformedBallotFile("the file is nested too deeply") from e
    return value


def _integer(text: str) -> int:
    if len(text) > DIGITS:
        raise MalformedBallotFile(f"a number has {len(text)} digits; {DIGITS} is the limit")
    return int(text)


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text) if len(text) <= DIGITS else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > _EXPONENT:
        raise MalformedBallotFile(f"{text[:60]} is not a number that can be counted exactly")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise MalformedBallotFile("a key stands twice in one object")
    return found


def scaled(number: int | Decimal, decimals: int) -> int:
    """A number times 10^decimals, which must be whole."""
    value, exponent = _parts(number)
    return value * int(10 ** (exponent + decimals))


def decimals_of(number: int | Decimal) -> int:
    """Digits after the point, without zeros at the end."""
    return max(0, -_parts(number)[1])


def _parts(number: int | Decimal) -> tuple[int, int]:
    """Whole number and power of ten; Decimal's own arithmetic would round to 28 digits."""
    sign, digits, exponent = Decimal(number).as_tuple()
    value = int("".join(map(str, digits)))
    power = int(exponent)
    while power < 0 and value % 10 == 0 and value:
        value, power = value // 10, power + 1
    return (-value if sign else value), power if value else 0
