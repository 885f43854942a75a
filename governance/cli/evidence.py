"""`althing evidence`: what a file of evidence proves, without a network and without trusting its sender."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from governance.canonical import digest
from governance.cli.console import emit, say
from governance.cli.options import Json
from governance.errors import NotFound
from governance.log.evidence import LIMIT, Finding, parse_evidence, verify_evidence

group = typer.Typer(no_args_is_help=True)


class Proven(msgspec.Struct, frozen=True):
    """The JSON of `althing evidence check`: `accused` are verifier keys, `roots` hex."""

    digest: str
    kind: str
    origin: str
    accused: list[str]
    sizes: list[int]
    roots: list[str]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="evidence", help="Evidence that somebody signed two histories of one log.")


@group.callback()
def about() -> None:
    """Evidence that somebody signed two histories of one log."""


@group.command()
def check(
    file: Annotated[Path, typer.Argument(help="The file of evidence.", exists=True, dir_okay=False)],
    as_json: Json = False,
) -> None:
    """Check evidence offline: who signed which two contradicting heads of a log, and what that means.

    Exit code 0: the evidence is valid. 1: it proves nothing. 2: the command was misused.
    """
    data = _read(file)
    finding = verify_evidence(parse_evidence(data))
    if as_json:
        emit(
            Proven(
                digest(data),
                finding.kind,
                finding.origin,
                list(finding.accused),
                list(finding.sizes),
                [root.hex() for root in finding.roots],
            )
        )
        return
    say(*_told(finding), f"Digest of this evidence: {digest(data)}")


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(LIMIT + 1)
    except OSError as e:
        raise NotFound(f"{file} cannot be read ({e.strerror})") from e


def _told(finding: Finding) -> list[str]:
    (size, other_size), (root, other_root) = finding.sizes, finding.roots
    between = (
        "No log of that size has two roots."
        if size == other_size
        else f"The first {size} entries of the larger tree are not those of the smaller one."
    )
    lines = [
        f"✓ This is valid evidence: {finding.origin} has signed two histories.",
        f"  one of {size} entries:  root {root.hex()}",
        f"  one of {other_size} entries:  root {other_root.hex()}",
        f"  {between}",
        "Signed both with the log's key:",
        f"  {finding.vkey}",
    ]
    for cosigner in finding.accused[1:]:
        lines += [
            f"Cosigned both, as the witness {cosigner.partition('+')[0]}:",
            f"  {cosigner}",
            "  Its cosignatures say that it never saw a second history. It did: do not count them any more.",
        ]
    return [
        *lines,
        "What that means: different people can have been shown different records, each validly signed.",
        "A lie, a stolen key, or a log continued from an old backup brings that about; a fault of the",
        "network does not, and nobody without the key can make this file. It does not say which of the two",
        "is true: trust neither until the community has compared its copies and receipts.",
        "Compare the key above with the one you know of this log: a stranger may give a key any name.",
    ]
