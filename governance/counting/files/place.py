"""Where a ballot file is broken, as people count: lines and columns from 1."""

from __future__ import annotations

from governance.errors import MalformedBallotFile


def wrong(line: int, column: int, problem: str) -> MalformedBallotFile:
    """The refusal of a file that breaks at that place."""
    return MalformedBallotFile(f"line {line}, column {column}: {problem}", line=line, column=column)


def decoded(data: bytes) -> str:
    """UTF-8, else ISO 8859-1, in which older programs wrote names."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("iso-8859-1")
