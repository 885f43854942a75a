"""Recognising a ballot file by its bytes."""

from __future__ import annotations

import re
from typing import Final

from governance import limits
from governance.counting.files import blt_ballots, pabulib_ballots
from governance.counting.files.ballot_file import BallotFile, parse_ballot_file
from governance.counting.files.blt import parse_blt
from governance.counting.files.pabulib import parse_pabulib
from governance.errors import MalformedBallotFile, TooLarge

_blt: Final = re.compile(
    rb"(?:\s|#[^\r\n]*[\r\n]|/\*.*?\*/)*+[0-9]+[ \t]+[0-9]+[ \t]*(?:[\r\n#]|/\*|$)", re.DOTALL
)


def sniff(data: bytes) -> str | None:
    """The format of a ballot file, `pabulib`, `blt` or `althing`; None for anything else."""
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"{"):
        return "althing"
    if start.split(b"\n", 1)[0].strip() == b"META":
        return "pabulib"
    return "blt" if _blt.match(start) else None


def read_ballot_file(data: bytes, name: str = "") -> BallotFile:
    """A ballot file of any format we read. `name` is only used to say which file is meant.

    Raises:
        MalformedBallotFile: not recognised, or broken, with the place.
        TooLarge: above `limits.BALLOT_FILE`.
        Unsupported: a kind of vote no rule here counts.
    """
    if len(data) > limits.BALLOT_FILE:
        raise TooLarge(
            f"{name or 'the ballot file'} has {len(data)} bytes; {limits.BALLOT_FILE} is the limit"
        )
    match sniff(data):
        case "althing":
            return parse_ballot_file(data)
        case "pabulib":
            return pabulib_ballots.ballots_of(parse_pabulib(data))
        case "blt":
            return blt_ballots.ballots_of(parse_blt(data))
        case _:
            known = "Pabulib (.pb) begins with META, BLT with two numbers, our own with {"
            raise MalformedBallotFile(f"{name or 'this'} is not a ballot file we know: {known}")
