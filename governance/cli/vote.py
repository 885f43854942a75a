"""`althing vote` and `althing submit`: a member's vote, now or signed offline and sent later."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from governance.cli import answering, casting, home
from governance.cli.client import Client
from governance.cli.console import aside, emit, say, short, when
from governance.cli.options import Json, KeyFile, Yes
from governance.cli.place import Place, parse_place, place_of
from governance.cli.signing import Identity, load_identity
from governance.errors import InvalidStatement, MalformedRequest
from governance.replay.definition import Definition
from governance.statements.entry import read_envelope
from governance.statements.vote import Vote

Receipts = Annotated[
    Path | None, typer.Option("--receipts", help="Where to keep the receipt.", metavar="DIR", file_okay=False)
]


def register(app: typer.Typer) -> None:
    """Add both commands."""
    app.command()(vote)
    app.command()(submit)


def vote(  # noqa: PLR0913, PLR0917  # one parameter for each way to give an answer
    url: Annotated[str, typer.Argument(help="Address of the ballot; or a file from `ballot show --save`.")],
    approve: Annotated[str | None, typer.Option(help="Options you support: a,b")] = None,
    score: Annotated[str | None, typer.Option(help="Points for options: a=3,b=1")] = None,
    choice: Annotated[str | None, typer.Option(help="Your one choice: yes")] = None,
    answer: Annotated[
        list[str] | None, typer.Option(help='Answer one of several questions: QUESTION=["a","b"]')
    ] = None,
    offline: Annotated[
        Path | None, typer.Option(help="Only sign; write the signed vote to this file.", dir_okay=False)
    ] = None,
    key: KeyFile = None,
    receipts: Receipts = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Vote, or change your vote: shows the questions, what will be signed, and asks before it sends.

    Until the ballot closes you may vote again; your last vote counts.
    """
    who = load_identity(key)
    place, definition = _ballot(url)
    given = answering.from_arguments(
        definition, approve=approve, score=score, choice=choice, given=answer or ()
    )
    if not given and not as_json:
        say(*filter(None, (definition.ballot.title, definition.ballot.text)))
        given = answering.ask(definition)
    definition.check_answers(given)
    if not (yes or as_json):
        _show(definition, given, who)
        typer.confirm("Sign this?" if offline else "Sign and send this?", abort=True)
    envelope = casting.sign_vote(definition, who, given, int(time.time()))
    if offline is not None:
        home.write_new(offline, envelope + b"\n")
        _tell_offline(offline, definition, place, as_json)
        return
    if place is None:
        place = place_of(definition.ballot.origin)
    _send(place, envelope, who, receipts, as_json)


def submit(
    file: Annotated[Path, typer.Argument(help="The signed vote.", exists=True, dir_okay=False)],
    url: Annotated[
        str | None, typer.Argument(help="Address of the ballot, where it is not the vote's own.")
    ] = None,
    receipts: Receipts = None,
    as_json: Json = False,
) -> None:
    """Send a vote that was signed offline. Sending the same vote twice does no harm."""
    envelope = file.read_bytes().strip()
    statement = read_envelope(envelope).statement
    if not isinstance(statement, Vote):
        raise InvalidStatement(f"{file} holds a {statement.KIND}, not a vote")
    place = parse_place(url) if url else place_of(statement.ballot)
    if place.ballot is None:
        own = place_of(statement.ballot)
        place = Place(place.base_url, own.space, own.ballot)
    _send(place, envelope, None, receipts, as_json)


def _ballot(url: str) -> tuple[Place | None, Definition]:
    path = Path(url)
    if "://" not in url and path.is_file():
        return None, casting.read_definition(path.read_bytes().strip())
    place = parse_place(url)
    if place.space is None or place.ballot is None:
        raise MalformedRequest(
            "that is not the address of a ballot; it ends in /spaces/COMMUNITY/ballots/BALLOT "
            "(`althing ballot list` names them)"
        )
    with Client(place.base_url) as client:
        _, definition = casting.fetch_definition(client, place.space, place.ballot)
    return place, definition


def _show(definition: Definition, answers: answering.Answers, who: Identity) -> None:
    ballot = definition.ballot
    say(
        "",
        "You are about to sign:",
        f"  ballot: {ballot.title} ({ballot.origin})",
        f"  as: {who.member_id}",
        *answering.in_words(definition, answers),
        "This ballot is open: everybody can read who voted how.",
        "",
    )


def _tell_offline(file: Path, definition: Definition, place: Place | None, as_json: bool) -> None:
    url = f" {place.base_url}" if place and place.origin != definition.ballot.origin else ""
    if as_json:
        emit(
            {"file": str(file), "ballot": definition.ballot.origin, "closes_at": definition.ballot.closes_at}
        )
        return
    say(
        f"✓ Signed, and written to {file}. Nothing was sent.",
        f"  Send it before {when(definition.ballot.closes_at)}: althing submit {file}{url}",
    )


def _send(place: Place, envelope: bytes, who: Identity | None, receipts: Path | None, as_json: bool) -> None:
    if place.space is None or place.ballot is None:
        raise MalformedRequest("that is not the address of a ballot")
    with Client(place.base_url) as client:
        cast = casting.send(client, place.space, place.ballot, envelope)
    path = casting.keep(receipts or home.receipts_directory(), place.ballot, cast, who)
    answer = cast.answer
    if as_json:
        emit(
            {
                "index": answer.index,
                "voter": answer.voter,
                "digest": answer.digest,
                "new": cast.new,
                "replaces": answer.replaces,
                "closes_at": answer.closes_at,
                "receipt": str(path),
            }
        )
        return
    if not cast.new:
        aside(f"This very vote was accepted before; it is entry {answer.index}.")
    say(
        f"✓ Your vote is entry {answer.index}; you may change it until {when(answer.closes_at)}; "
        f"keep this file: {path}"
    )
    if answer.replaces is not None:
        say(f"  It replaces your vote at entry {answer.replaces}.")
    say(f"  You voted as {short(answer.voter)}. `althing receipt check {path}` shows that it is recorded.")
