"""What is known about a receipt: by its files alone, and with what the service says now."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from governance.cli import casting, receipts, witnessed
from governance.cli.client import Client, segment
from governance.cli.copied import Copy
from governance.cli.moved import moves
from governance.cli.place import Place
from governance.cli.receipts import Kept
from governance.cli.witnessed import Line, lines_of
from governance.errors import BadProof
from governance.log.policy import NONE
from governance.log.receipt import parse_receipt, verify_receipt
from governance.replay.definition import Definition, witness_policy
from governance.service.answers import Standing, VoterView
from governance.statements.vote import Vote


class Checked(msgspec.Struct):
    """What is known about a receipt; `standing` is `counts`, `replaced`, `dropped` or None (not asked).

    `successor` is where a burnt log goes on; what is `dropped` comes after the entries that count there.
    `checkpoint_status` is None where no policy is known that could tell, `cosigned_by` who it then counts.
    """

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
    checkpoint_status: Standing | None = None
    cosigned_by: list[Line] = []
    copy: Copy | None = None
    successor: str | None = None


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
    checked = Checked(str(kept.path), vote.ballot, vote.voter, verified.index, vote.cast_at, size, suite)
    if kept.policy.quorum != NONE:
        checked.checkpoint_status = "final"
        checked.cosigned_by = lines_of(verified.cosigned.cosignatures)
    return checked, vote


def check_online(client: Client, place: Place, kept: Kept, checked: Checked) -> None:
    """Add what the service says now; the entry must still be where the receipt says.

    Raises:
        BadProof: the service's log no longer holds this vote at its place: keep the receipt, it proves that.
    """
    base = casting.ballot_path(str(place.space), str(place.ballot))
    prefix = f"/api/v1{base}"
    ballot, definition = casting.fetch_definition(client, str(place.space), str(place.ballot))
    origin = kept.verify().cosigned.checkpoint.origin
    if ballot.origin != origin:
        found = moves(client, origin)
        checked.successor, checked.state = found[-1].successor, ballot.state
        if checked.index >= min(new.size for new in found):
            checked.standing = "dropped"
            return
        logs = receipts.policy_of(found[-1].vkey).logs
        kept = replace(kept, policy=replace(kept.policy, logs=logs))
    now = parse_receipt(client.read(f"{prefix}/receipts/{checked.index}"))
    entry = client.read(f"{prefix}/entries/{checked.index}")
    if entry != kept.entry or now.index != checked.index:
        raise BadProof(
            f"entry {checked.index} of the log is another one now; this receipt proves what it was"
        )
    verify_receipt(now, kept.entry, kept.policy)
    standing = client.get(f"{base}/votes/{segment(checked.voter)}", VoterView)
    if checked.checkpoint_status is None:
        _check_witnesses(now.checkpoint, kept, definition, checked)
    checked.latest, checked.state, checked.closes_at = standing.index, ballot.state, ballot.closes_at
    checked.standing = "counts" if standing.index == checked.index and standing.counts else "replaced"


def _check_witnesses(note: bytes, kept: Kept, definition: Definition, checked: Checked) -> None:
    """What the ballot's own policy makes of a checkpoint with this vote; the vote names the definition.

    Raises:
        BadProof: the service shows another definition than the member has signed.
    """
    if definition.digest != kept.vote()[1].definition:
        raise BadProof("the service shows another definition than this vote is for")
    policy = witness_policy(definition.ballot)
    if policy is None:
        checked.checkpoint_status = "unwitnessed"
        return
    enough, checked.cosigned_by = witnessed.judge(note, kept, policy)
    checked.checkpoint_status = "final" if enough else "provisional"
