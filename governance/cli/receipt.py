"""`althing receipt`: is my vote in the log, and does it still count?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from governance.cli import casting, home, receipts
from governance.cli.client import Client, segment
from governance.cli.console import aside, brief, emit, say, short, table, when
from governance.cli.options import Json
from governance.cli.place import Place, parse_place, place_of
from governance.cli.receipts import Kept
from governance.errors import BadProof, GovernanceError, NoAnswer
from governance.log.receipt import parse_receipt, verify_receipt
from governance.service.answers import BallotView, VoterView
from governance.statements.vote import Vote

group = typer.Typer(no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group."""
    from governance.cli.explaining import explain

    group.command()(explain)
    app.add_typer(group, name="receipt", help="Receipts: proof that a vote is recorded.")


class Checked(msgspec.Struct):
    """What is known about a receipt; `standing` is `counts`, `replaced` or None (not asked)."""

    file: str
    ballot: str
    voter: str
    index: int
    cast_at: int
    size: int
    signature: str | None
    standing: str | None = None
    latest: int | None = None
    state: str | None = None
    closes_at: int | None = None


def check_offline(kept: Kept) -> tuple[Checked, Vote]:
    """Everything that the files alone prove.

    Raises:
        GovernanceError: what does not hold.
    """
    _, vote = kept.vote()
    verified = kept.verify()
    receipts.expect_origin(verified, vote.ballot)
    suite = kept.check_signature()
    size = verified.cosigned.checkpoint.size
    return Checked(str(kept.path), vote.ballot, vote.voter, verified.index, vote.cast_at, size, suite), vote


def check_online(client: Client, place: Place, kept: Kept, checked: Checked) -> None:
    """Add what the service says now; the entry must still be where the receipt says.

    Raises:
        BadProof: the service's log no longer holds this vote at its place: keep the receipt, it proves that.
    """
    base = casting.ballot_path(str(place.space), str(place.ballot))
    prefix = f"/api/v1{base}"
    now = parse_receipt(client.read(f"{prefix}/receipts/{checked.index}"))
    entry = client.read(f"{prefix}/entries/{checked.index}")
    if entry != kept.entry or now.index != checked.index:
        raise BadProof(
            f"entry {checked.index} of the log is another one now; this receipt proves what it was"
        )
    verify_receipt(now, kept.entry, kept.policy)
    standing = client.get(f"{base}/votes/{segment(checked.voter)}", VoterView)
    ballot = client.get(base, BallotView)
    checked.latest, checked.state, checked.closes_at = standing.index, ballot.state, ballot.closes_at
    checked.standing = "counts" if standing.index == checked.index and standing.counts else "replaced"


@group.command()
def check(
    file: Annotated[Path, typer.Argument(help="The receipt (.tlog-proof).")],
    offline: Annotated[bool, typer.Option("--offline", help="Ask nobody; check the files alone.")] = False,
    url: Annotated[
        str | None, typer.Option(help="Address of the instance, where it is not the vote's own.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that a vote is in the log; with network, whether it still counts or was replaced."""
    kept = receipts.load(file)
    checked, vote = check_offline(kept)
    if not as_json:
        _tell_offline(checked)
    if not offline:
        _ask_service(kept, checked, vote, url, as_json)
    if as_json:
        emit(checked)


def _ask_service(kept: Kept, checked: Checked, vote: Vote, url: str | None, as_json: bool) -> None:
    own = place_of(vote.ballot)
    place = Place(parse_place(url).base_url, own.space, own.ballot) if url else own
    try:
        with Client(place.base_url) as client:
            check_online(client, place, kept, checked)
    except NoAnswer as e:
        aside(f"  Whether it still counts cannot be asked now: {e.detail}. (--offline does not ask.)")
        return
    if not as_json:
        _tell_standing(checked)


def _tell_offline(checked: Checked) -> None:
    say(
        f"✓ Entry {checked.index} of {checked.ballot} is this vote.",
        f"  Cast by {short(checked.voter)} on {when(checked.cast_at)}.",
        f"  The log's signed head of {checked.size} entries contains it.",
    )
    if checked.signature is None:
        aside("  The voter's signature was not checked: the key is not in the id, nor beside the receipt.")
    else:
        say(f"  The voter's signature ({checked.signature}) is right.")


def _tell_standing(checked: Checked) -> None:
    if checked.standing == "replaced":
        say(f"✓ It was replaced: entry {checked.latest}, a later vote of the same voter, counts instead.")
        return
    say("✓ It is the vote that counts.")
    if checked.state == "open" and checked.closes_at:
        say(f"  You may change it until {when(checked.closes_at)}.")
    else:
        say(f"  The ballot is {checked.state}.")


@group.command("list")
def list_(
    directory: Annotated[Path | None, typer.Argument(help="Where the receipts are.", file_okay=False)] = None,
    as_json: Json = False,
) -> None:
    """List the receipts you have, each checked offline."""
    rows: list[dict[str, Any]] = []
    for path in receipts.listed(directory or home.receipts_directory()):
        try:
            checked, _ = check_offline(receipts.load(path))
            rows.append({**msgspec.to_builtins(checked), "valid": True, "problem": None})
        except GovernanceError as e:
            rows.append({"file": str(path), "valid": False, "problem": e.detail})
    if as_json:
        emit(rows)
    elif not rows:
        say(f"There is no receipt in {directory or home.receipts_directory()}.")
    else:
        table(
            "Receipts",
            ("file", "ballot", "entry", "cast", ""),
            [
                (
                    Path(r["file"]).name,
                    r.get("ballot", ""),
                    r.get("index", ""),
                    brief(r["cast_at"]) if r["valid"] else "",
                    "valid" if r["valid"] else r["problem"],
                )
                for r in rows
            ],
        )
    if any(not r["valid"] for r in rows):
        raise typer.Exit(1)
