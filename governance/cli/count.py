"""`althing count`: count a ballot file without any server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from governance.cli.console import emit, say, table
from governance.cli.options import Json
from governance.counting.files.ballot_file import BallotFile
from governance.counting.files.compare import compare_rules
from governance.counting.files.count import Counted, count_ballots, described, lot_of, told
from governance.counting.files.sniff import read_ballot_file
from governance.errors import MalformedRequest


def register(app: typer.Typer) -> None:
    """Add the command; unknown options are parameters of the rule."""
    settings = {"ignore_unknown_options": True, "allow_extra_args": True}
    app.command(context_settings=settings)(count)


def count(  # noqa: PLR0917  # one parameter for each option
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="BLT, Pabulib, PrefLib, grades CSV, Debian tally sheet, Snapshot or our own JSON.",
            exists=True,
            dir_okay=False,
        ),
    ],
    rule: Annotated[str | None, typer.Option(help="Counting rule.  [default: the file's own]")] = None,
    seed: Annotated[str, typer.Option(help="Lot seed for ties, 64 hex digits.")] = "0" * 64,
    lot: Annotated[
        str | None,
        typer.Option(help="The order for ties itself: every option, the strongest first.", metavar="A,B,…"),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Tell the count in plain language.")] = False,
    compare: Annotated[
        str | None,
        typer.Option(help="Also what these rules would have chosen; not binding.", metavar="RULE,RULE…"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Count a ballot file: what-if recounts, research, cross-checks.

    Parameters of the rule are given as options of its own names: --seats 3, --completion none, --budget 5000.
    """
    read = read_ballot_file(file.read_bytes(), file.name)
    given = parameters(context.args)
    order = lot_of(read, _seed(seed), None if lot is None else _names(lot))
    counted = count_ballots(read, rule, given, lot=order)
    compared = compare_rules(read, counted, _names(compare or ""), given, order)
    if as_json:
        emit(described(read, counted) | told(read, counted) | ({"comparison": compared} if compared else {}))
        return
    _show(read, counted, compared)
    if explain:
        say("", *told(read, counted)["explanation"])


def _seed(text: str) -> bytes:
    try:
        seed = bytes.fromhex(text)
    except ValueError:
        seed = b""
    if len(seed) != 32:
        raise typer.BadParameter("--seed takes 64 hex digits")
    return seed


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def parameters(arguments: list[str]) -> dict[str, str]:
    """`--seats 3 --skip=false` as a mapping; hyphens in names are the rules' underscores.

    Raises:
        MalformedRequest: something that is no option with a value.
    """
    found: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            raise MalformedRequest(f"what is {word[:60]!r}? Parameters of the rule are given as --NAME VALUE")
        name, equals, value = word[2:].partition("=")
        if not equals:
            if not rest:
                raise MalformedRequest(f"--{name} needs a value")
            value = rest.pop(0)
        found[name.replace("-", "_")] = value
    return found


def _show(file: BallotFile, counted: Counted, compared: list[dict[str, Any]]) -> None:
    numbers, outcome = counted.numbers, counted.outcome
    say(
        f"{outcome.rule}: {numbers['valid']} valid ballots, "
        f"{numbers['blank']} blank, {numbers['invalid']} invalid"
    )
    for problem in counted.invalid:
        say(f"  {problem['pointer']}: {problem['detail']}")
    titles = {option.id: option.title for option in file.options}
    fitting = [entry for entry in compared if "winners" in entry]
    chosen = [outcome.winners, *(entry["winners"] for entry in fitting)]
    # With many columns titles would be broken into pieces of a few letters.
    named = len(fitting) < 3 and any(title not in ("", option) for option, title in titles.items())
    header = ["option", *(["title"] if named else []), "total", "chosen", *(f"{e['rule']}*" for e in fitting)]
    rows = [
        [
            option,
            *([titles[option]] if named else []),
            outcome.totals.get(option, ""),
            *("✓" if option in winners else "" for winners in chosen),
        ]
        for option in outcome.order
    ]
    table("", header, rows)
    if compared:
        say("  * Not binding: what these rules would have chosen from the same ballots.")
    for entry in compared:
        if "reason" in entry:
            say(f"  {entry['rule']} does not fit: {entry['reason']}")
