"""What can be judged about a vote by itself, without the votes before it."""

from __future__ import annotations

import msgspec

from governance.errors import InvalidStatement, NotOnRoll, WrongBallot
from governance.replay.definition import Definition
from governance.replay.roll import Roll
from governance.statements.base import Key
from governance.statements.entry import Entry, verify_signer
from governance.statements.vote import Answer, Vote

_encoder = msgspec.json.Encoder(order="sorted")
parse_answers = msgspec.json.Decoder(dict[str, Answer | None]).decode
"""The answers behind `CheckedVote.answers`."""


class CheckedVote(msgspec.Struct, frozen=True, gc=False):
    """A vote whose content and signature are right; `answers` is canonical JSON, `identity` 32 bytes.

    `key` is the key it verified under: whoever folds it must see that the roll names the same one.
    """

    voter: str
    cast_at: int
    answers: bytes
    identity: bytes
    key: Key


def check_content(vote: Vote, definition: Definition) -> None:
    """That the vote is for this ballot and its answers are valid.

    Raises:
        WrongBallot: another ballot, or another version of its definition.
        InvalidAnswer: with the JSON pointer of the offending value.
        InvalidStatement: cast after the last possible close.
    """
    if vote.ballot != definition.ballot.origin:
        raise WrongBallot(f"this vote is for {vote.ballot}", pointer="/ballot")
    if vote.definition != definition.digest:
        raise WrongBallot("this vote was made for another version of the definition", pointer="/definition")
    if vote.cast_at > definition.ballot.closes_at + definition.ballot.extension:
        raise InvalidStatement(
            "cast_at lies after the close; check the clock of the device", pointer="/cast_at"
        )
    definition.check_answers(vote.answers)


def check_vote(entry: Entry, definition: Definition, key: Key, *, proved: bool = False) -> CheckedVote:
    """The vote, judged by itself: content and signature under the given key.

    Args:
        entry: the vote as logged.
        definition: the ballot's.
        key: the key to verify under.
        proved: the caller has verified the first signature over `entry.message` under key.

    Raises:
        WrongBallot, InvalidAnswer, InvalidStatement: as `check_content`.
        BadSignature, WrongSuite: not signed by this voter's key, or by somebody else as well.
    """
    vote = entry.statement
    if not isinstance(vote, Vote):
        raise InvalidStatement(f"a vote was expected, this is a {vote.KIND}")
    check_content(vote, definition)
    signatures = entry.envelope.signatures
    if len(signatures) != 1:
        raise InvalidStatement("a vote carries exactly one signature", pointer="/signatures")
    if not proved or signatures[0].keyid != vote.voter:
        verify_signer(entry, vote.voter, key)
    answers = _encoder.encode(vote.answers)
    return CheckedVote(vote.voter, vote.cast_at, answers, bytes.fromhex(entry.identity[7:]), key)


def enrolled_key(roll: Roll, voter: str) -> Key:
    """The key the roll names for a voter.

    Raises:
        NotOnRoll: the voter is not on this ballot's roll.
    """
    row = roll.row_of(voter)
    if row is None:
        raise NotOnRoll(f"{voter} is not on the roll of this ballot", pointer="/voter")
    return roll.key(voter, row)
