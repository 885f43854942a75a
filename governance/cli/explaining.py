"""`althing receipt explain`: what one's own vote did, recomputed from the public log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from governance.audit.replayed import CountedAnswers, Replayed, replay_ballot
from governance.cli import receipts
from governance.cli.checking import check_offline
from governance.cli.console import emit, say, when
from governance.cli.options import Json
from governance.cli.place import place_of
from governance.counting.own import explain_answer
from governance.errors import BadProof, MalformedRequest
from governance.fetch.choose import open_source
from governance.statements.vote import Vote

Mirror = Annotated[
    str | None,
    typer.Option(
        help="Read the public files there: a URL, a directory or a bundle.  [default: the instance itself]",
        metavar="SOURCE",
    ),
]


def explain(
    file: Annotated[Path, typer.Argument(help="The receipt (.tlog-proof).")],
    mirror: Mirror = None,
    as_json: Json = False,
) -> None:
    """Tell what your vote did: what your share of a budget paid for, where your paper went round by round.

    The ballot is replayed and recounted here from its public log, so this works from any copy of it.
    """
    checked, vote = check_offline(receipts.load(file))
    replayed = replay(vote.ballot, mirror)
    own = _own(replayed, vote, checked.index)
    told = _told(replayed, own)
    if as_json:
        emit(
            {
                "ballot": vote.ballot,
                "voter": own.voter,
                "index": own.index,
                "weight": str(own.weight),
                "counts": own.index == checked.index,
                "quorum": replayed.result.quorum,
                "questions": told,
            }
        )
        return
    say(f"{replayed.definition.ballot.title}: the vote of {when(vote.cast_at)}, entry {checked.index}.")
    if own.index != checked.index:
        say(f"  It was replaced by entry {own.index}, a later vote of yours, which is told here.")
    if replayed.result.quorum == "missed":
        say("  The quorum was missed: nothing is decided; this is what was counted.")
    for question in told:
        say("", question["title"], *(f"  {line}" for line in question["lines"]))


def replay(origin: str, mirror: str | None) -> Replayed:
    """The decided ballot of a log, replayed from its instance or a mirror.

    Raises:
        MalformedRequest: the mirror holds one log only, or the origin is no ballot's.
        GovernanceError: as `replay_ballot`.
    """
    place = place_of(origin)
    if place.space is None or place.ballot is None:
        raise MalformedRequest(f"{origin[:200]} is not the log of a ballot")
    opened = open_source(mirror or place.base_url)
    if opened.one_log:
        raise MalformedRequest("one log's directory is not enough: the space and the instance are needed too")
    try:
        replayed = replay_ballot(opened.files, place.space, place.ballot)
    finally:
        close = getattr(opened.files, "close", None)
        if close is not None:
            close()
    if replayed.state.origin != origin:
        raise BadProof(f"this source holds {replayed.state.origin}, not {origin}")
    return replayed


def _own(replayed: Replayed, vote: Vote, index: int) -> CountedAnswers:
    """The voter's counting vote.

    Raises:
        BadProof: the log does not hold what the receipt proves.
    """
    own = next((counted for counted in replayed.counted() if counted.voter == vote.voter), None)
    if own is None or own.index < index or (own.index == index and own.answers != vote.answers):
        raise BadProof(f"this log does not hold the vote of entry {index}; the receipt proves that one did")
    return own


def _told(replayed: Replayed, own: CountedAnswers) -> list[dict[str, Any]]:
    return [
        {
            "question": asked.question.id,
            "title": asked.question.title,
            "rule": asked.rule.id,
            "lines": explain_answer(
                found.outcome, asked.options, asked.params, own.answers.get(asked.question.id), own.weight
            ),
        }
        for asked, found in zip(replayed.definition.questions, replayed.result.questions, strict=True)
    ]
