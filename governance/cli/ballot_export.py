"""`althing ballot export`: the votes of a decided ballot as a ballot file, from its public log."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from governance.audit.replayed import Replayed
from governance.canonical import canonical
from governance.cli import home
from governance.cli.console import aside, say
from governance.cli.explaining import Mirror, replay
from governance.cli.meant import Ballot, Meant
from governance.cli.options import DEFAULT_URL, Space, Url
from governance.cli.place import Place, parse_place
from governance.counting.files.ballot_file import BallotFile, Ballots
from governance.counting.files.export import FORMATS, count_arguments, export_ballots
from governance.counting.option import Option
from governance.counting.outcome import Outcome
from governance.errors import MalformedRequest, NotFound
from governance.replay.definition import Asked


def export(  # noqa: PLR0913, PLR0917  # one parameter for each option
    ballot: Ballot,
    form: Annotated[
        str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.", metavar="FORMAT")
    ] = "json",
    question: Annotated[
        str | None, typer.Option(help="Which question; may be left out when there is one.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file.  [default: the terminal]")
    ] = None,
    with_voters: Annotated[
        bool, typer.Option("--with-voters", help="Say who gave each vote (json only).")
    ] = False,
    leave_out_blank: Annotated[
        bool,
        typer.Option("--leave-out-blank", help="Leave out blank votes, for formats that cannot hold them."),
    ] = False,
    mirror: Mirror = None,
    space: Space = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Write the votes of a decided ballot as a ballot file that `althing count` counts to the same outcome.

    Without voters, equal votes are added up, so the file tells nothing of who voted how or when. A format
    that cannot hold the answers is refused with the reason.
    """
    if form not in FORMATS:
        raise typer.BadParameter(f"choose one of {', '.join(FORMATS)}", param_hint="--format")
    if with_voters and form != "json":
        raise typer.BadParameter("only json has room for voters", param_hint="--with-voters")
    replayed = replay(_origin(ballot, space, url, mirror), mirror)
    asked, outcome = _asked(replayed, question)
    file = ballots_of(replayed, asked, outcome, voters=with_voters, blank=not leave_out_blank)
    data = export_ballots(file, form, asked.question.title)
    if output is None:
        say(data.decode().removesuffix("\n"))
        return
    home.write_new(output, data)
    aside(f"✓ {sum(line.count for line in file.ballots)} votes in {output}.")
    aside(f"  Count them: althing count {shlex.join([str(output), *count_arguments(file, data)])}")


def _origin(ballot: str, space: str | None, url: str, mirror: str | None) -> str:
    """The origin of the ballot's log; nobody is asked when a mirror is read."""
    if mirror is None:
        with Meant(ballot, space, url) as (_, place):
            return place.origin
    place = parse_place(ballot if "://" in ballot else url)
    if place.ballot is None:
        if space is None:
            raise MalformedRequest("with --mirror give the ballot's address, or --space and --url")
        place = Place(place.base_url, space, ballot)
    return place.origin


def _asked(replayed: Replayed, name: str | None) -> tuple[Asked, Outcome]:
    found = {
        asked.question.id: (asked, result.outcome)
        for asked, result in zip(replayed.definition.questions, replayed.result.questions, strict=True)
    }
    if name is None and len(found) > 1:
        raise MalformedRequest(f"name one question of this ballot with --question: {', '.join(found)}")
    if name is not None and name not in found:
        raise NotFound(f"this ballot has no question {name[:80]}; it has {', '.join(found)}")
    return found[name] if name is not None else next(iter(found.values()))


def ballots_of(
    replayed: Replayed, asked: Asked, outcome: Outcome, *, voters: bool, blank: bool
) -> BallotFile:
    """The counted votes on one question; anonymous ones in the order of their canonical JSON."""
    name = asked.question.id
    votes = [vote for vote in replayed.counted() if blank or vote.answers.get(name) is not None]
    if voters:
        lines = [Ballots(vote.answers.get(name), vote.weight, 1, vote.voter) for vote in votes]
    else:
        equal = Counter((canonical(vote.answers.get(name)), vote.weight) for vote in votes)
        lines = [
            Ballots(msgspec.json.decode(answer), weight, count)
            for (answer, weight), count in sorted(equal.items())
        ]
    return BallotFile(
        rule=asked.rule.id,
        params=msgspec.to_builtins(asked.params),
        options=tuple(Option(o.id, o.title, o.cost) for o in asked.options),
        ballots=tuple(lines),
        electorate=int(replayed.result.weight_on_roll),
        lot=tuple(outcome.lot),
    )
