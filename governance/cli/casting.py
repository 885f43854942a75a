"""Signing a vote, sending it, and holding the service to its answer before a word of thanks."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

import msgspec

from governance.cli import receipts
from governance.cli.client import Client, segment
from governance.cli.signing import Identity, signed
from governance.errors import BadProof, InvalidStatement, MalformedAnswer, WrongBallot
from governance.log.receipt import parse_receipt, verify_receipt
from governance.replay.definition import Definition, check_definition
from governance.service.answers import BallotView, VoteRecorded
from governance.statements.ballot import Ballot
from governance.statements.entry import read_envelope
from governance.statements.vote import Answer, Vote


@dataclass(frozen=True, slots=True)
class Cast:
    """A vote that the log holds; `new` is False when it was there already."""

    answer: VoteRecorded
    proof: bytes
    entry: bytes
    new: bool


def ballot_path(space: str, ballot: str) -> str:
    """The API path of a ballot."""
    return f"/spaces/{segment(space)}/ballots/{segment(ballot)}"


def read_definition(envelope: bytes) -> Definition:
    """The checked definition of an envelope; its digest is computed here, not believed.

    Raises:
        Malformed, InvalidDefinition, Unsupported: it cannot be voted on with this version.
    """
    entry = read_envelope(envelope)
    if not isinstance(entry.statement, Ballot):
        raise InvalidStatement(f"a ballot's definition was expected, this is a {entry.statement.KIND}")
    return check_definition(entry.statement, entry.identity)


def fetch_definition(client: Client, space: str, ballot: str) -> tuple[BallotView, Definition]:
    """A ballot and its checked definition.

    Raises:
        WrongBallot: the service shows another ballot than was asked for.
    """
    found = client.get(ballot_path(space, ballot), BallotView)
    definition = read_definition(msgspec.json.encode(found.definition))
    if (definition.ballot.space, definition.ballot.ballot) != (space, ballot):
        raise WrongBallot(f"asked for {space}/{ballot}, the service shows {definition.ballot.origin}")
    return found, definition


def sign_vote(definition: Definition, who: Identity, answers: dict[str, Answer | None], now: int) -> bytes:
    """The signed envelope of a vote.

    Raises:
        InvalidAnswer: the ballot's rules do not take these answers.
    """
    definition.check_answers(answers)
    vote = Vote(definition.ballot.origin, definition.digest, who.member_id, answers, now)
    return signed(vote, who)


def send(client: Client, space: str, ballot: str, envelope: bytes) -> Cast:
    """Post a vote and check what comes back: the receipt must prove exactly what was sent.

    Raises:
        BadProof, BadSignature: the service claims to have recorded the vote but cannot prove it.
        GovernanceError: why the vote was not accepted.
    """
    status, answer = client.post(f"{ballot_path(space, ballot)}/votes", envelope, VoteRecorded)
    sent = read_envelope(envelope)
    entry = entry_bytes(answer.entry)
    if entry != sent.data and read_envelope(entry).identity != sent.identity:
        raise BadProof("the service answered with the receipt of another vote")
    proof = answer.receipt.encode()
    verified = verify_receipt(parse_receipt(proof), entry, receipts.policy_of(answer.vkey))
    if isinstance(sent.statement, Vote):
        receipts.expect_origin(verified, sent.statement.ballot)
    if verified.index != answer.index:
        raise BadProof(f"the receipt is for entry {verified.index}, the answer says {answer.index}")
    return Cast(answer, proof, entry, status == 201)


def entry_bytes(text: str) -> bytes:
    """The entry in an answer.

    Raises:
        MalformedAnswer: not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as e:
        raise MalformedAnswer(f"the entry in the answer is not base64: {e}") from e


def keep(directory: Path, ballot: str, cast: Cast, who: Identity | None = None) -> Path:
    """Save the receipt of a vote; returns the proof's path."""
    name = f"{ballot}-{cast.answer.index}"
    signer = who.enrolled if who is not None and who.needs_key else None
    return receipts.save(directory, name, cast.proof, cast.entry, cast.answer.vkey, signer)
