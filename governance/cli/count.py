"""`althing count`: count a ballot file without any server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from governance.cli.console import emit, say, table
from governance.cli.options import Json
from governance.counting.files.count import count_file
from governance.errors import MalformedRequest


def register(app: typer.Typer) -> None:
    """Add the command; unknown options are parameters of the rule."""
    settings = {"ignore_unknown_options": True, "allow_extra_args": True}
    app.command(context_settings=settings)(count)


def count(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Pabulib (.pb) or our own JSON.", exists=True, dir_okay=False)],
    rule: Annotated[str | None, typer.Option(help="Counting rule.  [default: the file's own]")] = None,
    seed: Annotated[str, typer.Option(help="Lot seed for ties, 64 hex digits.")] = "0" * 64,
    as_json: Json = False,
) -> None:
    """Count a ballot file: what-if recounts, research, cross-checks.

    Parameters of the rule are given as options of its own names: --seats 3, --completion none, --budget 5000.
    """
    try:
        lot_seed = bytes.fromhex(seed)
    except ValueError as e:
        raise typer.BadParameter("--seed takes 64 hex digits") from e
    if len(lot_seed) != 32:
        raise typer.BadParameter("--seed takes 64 hex digits")
    found = count_file(file.read_bytes(), rule, parameters(context.args), name=file.name, seed=lot_seed)
    if as_json:
        emit(found)
    else:
        _show(found)


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


def _show(found: dict[str, Any]) -> None:
    numbers = found["ballots"]
    say(
        f"{found['rule']}: {numbers['valid']} valid ballots, "
        f"{numbers['blank']} blank, {numbers['invalid']} invalid"
    )
    for problem in found["invalid"]:
        say(f"  {problem['pointer']}: {problem['detail']}")
    rows = [(o, found["totals"].get(o, ""), "✓" if o in found["winners"] else "") for o in found["order"]]
    table("", ("option", "total", "chosen"), rows)
    for step in found["steps"]:
        say(f"  {step['action']} {', '.join(step['options'])}: {step['note']}")
