"""Our own ballot file: one question with its rule, options and anonymous ballots, as strict JSON.

    {"format": "althing/ballot-file/v1", "rule": "approval", "params": {"seats": 2},
     "options": [{"id": "a", "title": "Apples", "cost": "100"}, …],
     "ballots": [{"answer": ["a"], "weight": "1", "count": 12}, …],
     "electorate": "40", "lot": ["b", "a"]}

`title`, `cost`, `weight`, `count`, `voter`, `electorate` and `lot` may be left out. Equal ballots may be
given once with a count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from governance import limits
from governance.canonical import decode, encode
from governance.counting.checks import Amount
from governance.counting.option import Option
from governance.counting.profile import Answer
from governance.errors import Malformed, MalformedBallotFile


@dataclass(frozen=True, slots=True)
class Ballots:
    """`count` equal ballots, each of `weight`; answer None is blank. `voter` gave it, if known."""

    answer: Answer | None
    weight: int = 1
    count: int = 1
    voter: str | None = None


@dataclass(frozen=True, slots=True)
class BallotFile:
    """What any ballot file says, in one form.

    `rule` and `params` are the file's own. `foreign` marks another program's format: its params are hints for
    any of our rules, and its answers may be read in the form a rule takes. `decimals`: a weight of 1 here is
    10^-decimals of what the file states.
    """

    rule: str
    params: dict[str, Any]
    options: tuple[Option, ...]
    ballots: tuple[Ballots, ...]
    electorate: int | None = None
    lot: tuple[str, ...] | None = None
    foreign: bool = field(default=False, compare=False)
    decimals: int = field(default=0, compare=False)


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    answer: Answer | None
    weight: Amount = "1"
    count: Annotated[int, Meta(ge=1, le=limits.JSON_INTEGER)] = 1
    voter: Annotated[str, Meta(min_length=1, max_length=limits.KEY_ID)] | None = None


class _OptionLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    id: Annotated[str, Meta(min_length=1, max_length=200)]
    title: str = ""
    cost: Amount | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    rule: str
    options: Annotated[list[_OptionLine], Meta(max_length=limits.OPTIONS)]
    ballots: list[_Line]
    format: Literal["althing/ballot-file/v1"]
    params: dict[str, Any] = {}
    electorate: Amount | None = None
    lot: Annotated[list[str], Meta(max_length=limits.OPTIONS)] | None = None


_decoder: Final = msgspec.json.Decoder(_File)


def parse_ballot_file(data: bytes) -> BallotFile:
    """The ballot file of our own JSON format.

    Raises:
        MalformedBallotFile: not strict JSON, or of another shape, with the place.
    """
    try:
        file = decode(data, _decoder)
    except Malformed as e:
        raise MalformedBallotFile(e.detail, pointer=e.pointer, **e.facts) from e
    ids = [option.id for option in file.options]
    if len(set(ids)) != len(ids):
        raise MalformedBallotFile("two options have the same id", pointer="/options")
    if file.lot is not None and sorted(file.lot) != sorted(ids):
        raise MalformedBallotFile("the lot must hold every option once", pointer="/lot")
    return BallotFile(
        rule=file.rule,
        params=file.params,
        options=tuple(Option(o.id, o.title, _integer(o.cost)) for o in file.options),
        ballots=tuple(Ballots(b.answer, int(b.weight), b.count, b.voter) for b in file.ballots),
        electorate=_integer(file.electorate),
        lot=None if file.lot is None else tuple(file.lot),
    )


def format_ballot_file(file: BallotFile) -> bytes:
    """Canonical bytes of a ballot file in our own format."""
    return encode(
        _File(
            rule=file.rule,
            params=file.params,
            options=[_OptionLine(o.id, o.title, _text(o.cost)) for o in file.options],
            ballots=[_Line(line.answer, str(line.weight), line.count, line.voter) for line in file.ballots],
            format="althing/ballot-file/v1",
            electorate=_text(file.electorate),
            lot=_listed(file.lot),
        )
    )


def _integer(text: str | None) -> int | None:
    return None if text is None else int(text)


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _listed(ids: Sequence[str] | None) -> list[str] | None:
    return None if ids is None else list(ids)
