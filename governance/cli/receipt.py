"""`althing receipt`: is my vote in the log, and does it still count?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from governance.cli import home, receipts, witnessed
from governance.cli.checking import Checked, check_offline, check_online
from governance.cli.client import Client
from governance.cli.console import aside, brief, emit, say, short, table, when
from governance.cli.copied import check_copy, opened_source
from governance.cli.explaining import explain
from governance.cli.options import Json
from governance.cli.receipts import Kept
from governance.cli.upgrading import Address, PolicyFile, place_for, upgrade
from governance.errors import GovernanceError, NoAnswer, QuorumNotMet
from governance.statements.vote import Vote

group = typer.Typer(no_args_is_help=True)
group.command()(explain)
group.command()(upgrade)
Mirror = Annotated[
    str | None,
    typer.Option(help="Ask a copy of the log: a mirror's URL, a directory or a bundle.", metavar="SOURCE"),
]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="receipt", help="Receipts: proof that a vote is recorded.")


@group.command()
def check(
    file: Annotated[Path, typer.Argument(help="The receipt (.tlog-proof).")],
    offline: Annotated[bool, typer.Option("--offline", help="Ask nobody; check the files alone.")] = False,
    policy: PolicyFile = None,
    mirror: Mirror = None,
    url: Address = None,
    as_json: Json = False,
) -> None:
    """Check that a vote is in the log; with network, whether it still counts or was replaced.

    With --policy enough witnesses must have cosigned it. With --mirror a copy of the log is asked in place of
    the instance, which may be gone.
    """
    kept = receipts.load(file)
    kept = witnessed.trusted(kept, policy) if policy else kept
    try:
        checked, vote = check_offline(kept)
    except QuorumNotMet as e:
        raise witnessed.advised(e, file) from e
    if mirror is not None:
        with opened_source(mirror) as source:
            checked.copy = check_copy(source, kept, vote, kept.verify())
    if not as_json:
        _tell_offline(checked)
    if mirror is None and not offline:
        _ask_service(kept, checked, vote, url, as_json)
    if as_json:
        emit(checked)


def _ask_service(kept: Kept, checked: Checked, vote: Vote, url: str | None, as_json: bool) -> None:
    place = place_for(vote.ballot, url)
    judged = checked.checkpoint_status is not None
    try:
        with Client(place.base_url) as client:
            check_online(client, place, kept, checked)
    except NoAnswer as e:
        aside(f"  Whether it still counts cannot be asked now: {e.detail}. (--offline does not ask.)")
        return
    if not as_json:
        _tell_standing(checked, judged=judged)


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
    if checked.checkpoint_status == "final":
        say(f"  Final: cosigned by {witnessed.who(checked.cosigned_by)}.")
    if checked.copy is not None:
        say(f"✓ The copy at {checked.copy.source} holds it, among {checked.copy.size} entries.")
        if checked.copy.compared:
            say("  Its head and the one in the receipt are of one tree.")
        else:
            say("  It does not reach as far as the receipt; ask later whether they are of one tree.")
        if checked.copy.cosigners:
            say(f"  It is cosigned by {witnessed.who(checked.copy.cosigners)}.")


def _tell_standing(checked: Checked, *, judged: bool) -> None:
    if checked.successor is not None:
        say(f"  The key of this log was stolen; it goes on as {checked.successor}.")
    if checked.standing == "dropped":
        again = " Vote again." if checked.state == "open" else ""
        say(f"✗ It does not count any more: the log goes on from before entry {checked.index}.{again}")
        return
    if checked.standing == "replaced":
        say(f"✓ It was replaced: entry {checked.latest}, a later vote of the same voter, counts instead.")
        return
    say("✓ It is the vote that counts.")
    if not judged:
        _tell_witnesses(checked)
    if checked.state == "open" and checked.closes_at:
        say(f"  You may change it until {when(checked.closes_at)}.")
    else:
        say(f"  The ballot is {checked.state}.")


def _tell_witnesses(checked: Checked) -> None:
    names = witnessed.who(checked.cosigned_by)
    if checked.checkpoint_status == "final":
        say(f"  Final: the ballot's witnesses have cosigned it ({names}).")
    elif checked.checkpoint_status == "provisional":
        say(f"  Provisional: of the ballot's witnesses, {names} cosigned it; the count waits for more.")
    else:
        say("  Unwitnessed: the ballot names no witnesses.")


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
