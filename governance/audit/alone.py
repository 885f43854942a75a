"""Auditing one log by itself: everything it can prove without the instance's and the space's logs.

Stewards and service keys are then what the log itself says, so whether they are the right ones stays open;
the checks that need more are reported as skipped. All else, votes and count included, is judged as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from governance.audit.asked import Asking
from governance.audit.ballot import BallotFold, read_head, stream
from governance.audit.checks import Findings, Log
from governance.audit.extra import check_listing
from governance.audit.instance import RecordFold, stream_records
from governance.audit.result import check_result
from governance.audit.source import LogFiles, PublicFiles
from governance.audit.structure import Rebuilt, Workers, read_checkpoint
from governance.audit.verdict import Check, Verdict
from governance.audit.witnesses import Published, check_cosigned, check_witnesses, read_cosigned
from governance.errors import GovernanceError, Malformed, Refused
from governance.log.checkpoint import Checkpoint
from governance.log.lineage import name_of, number_of
from governance.log.tiles import FULL, Bundle, parse_bundle
from governance.replay.authority import InstanceKeys
from governance.replay.ballot import BallotState
from governance.replay.instance import InstanceState
from governance.statements.ballot import Ballot
from governance.statements.base import Key
from governance.statements.closing import Cancellation, Close
from governance.statements.electorate import Voter
from governance.statements.entry import Entry, assumed_key, read_entry
from governance.statements.instance import Instance
from governance.statements.space import BallotOrder
from governance.statements.vote import Opening

_NEEDS_SPACE: Final = "needs the logs of the space and of the instance, which this source does not hold"
_UNKNOWN: Final = {
    "authority": f"whether the signers are stewards and the instance's service {_NEEDS_SPACE}",
    "entitlement": f"who was entitled {_NEEDS_SPACE}",
    "delegations": f"who delegated to whom {_NEEDS_SPACE}",
    "publication": f"what was announced {_NEEDS_SPACE}",
}


class _OwnKeys(dict[str, Key]):
    """The key inside an id, in place of the keys that an instance's log names."""

    def get(self, key: str, default: Any = None) -> Any:
        """The key of a did:key."""
        return key_inside(key) or default


class _SelfNamed:
    """Members as a ballot's log itself implies them: every signer may, every order was given."""

    def __init__(self) -> None:
        self.state: BallotState | None = None
        self._orders: dict[str, BallotOrder] = {}

    def expect(self, entry: Entry) -> None:
        """The order that an entry refers to, as it must have been."""
        statement = entry.statement
        action = {Opening: "open", Close: "close", Cancellation: "cancel"}.get(type(statement))
        digest = getattr(statement, "order", None)
        definition = None if self.state is None else self.state.definition
        if action is None or digest is None or definition is None:
            return
        signer, reason = getattr(statement, "signer", ""), getattr(statement, "reason", "")
        ballot = definition.ballot
        self._orders[digest] = BallotOrder(
            ballot.space, ballot.ballot, definition.digest, action, reason, signer, 0
        )

    def key_of(self, member: str) -> Key | None:
        """The key inside the id."""
        return key_inside(member)

    def roles_of(self, member: str) -> frozenset[str]:
        """Any role; whether rightly is skipped."""
        del member
        return frozenset({"steward"})

    def permitted(self, kind: str) -> frozenset[str]:
        """Anything; whether rightly is skipped."""
        del kind
        return frozenset({"steward"})

    def keys_once(self, member: str, kind: str) -> Iterable[Key]:
        """The key inside the id; whether rightly is skipped."""
        del kind
        key = key_inside(member)
        return () if key is None else (key,)

    def order_of(self, digest: str) -> BallotOrder | None:
        """The order that was expected."""
        return self._orders.get(digest)

    def may_delegate(self) -> bool:
        """Yes; whether rightly is skipped."""
        return True

    def delegated(self) -> None:
        """Nothing is known of them: they stand in the space's log."""

    def shard_roll(self, ballot: Ballot) -> Iterable[Voter]:
        """The roll of the log itself; what the space froze is skipped."""
        return self.roll(ballot.eligibility.roles, ballot.eligibility.weights)

    def roll(self, roles: list[str], weights: str) -> Iterable[Voter]:
        """The roll of the log itself."""
        del roles, weights
        return () if self.state is None else self.state.roll.voters()


def key_inside(member: str) -> Key | None:
    """The key of a did:key: ed25519 where it is one, else the SSH key; None for other ids."""
    for look in (bytes(64), b"SSHSIG"):
        try:
            key = assumed_key(member, look)
        except GovernanceError:
            continue
        if key is not None:
            return key
    return None


def audit_log(
    files: PublicFiles,
    *,
    workers: Workers | None = None,
    asking: Asking | None = None,
    note: Callable[[Check], None] | None = None,
) -> Verdict:
    """One log's directory: `checkpoint`, `vkey` and `tile/` at its top; arguments as of `run.audit`.

    Raises:
        SourceUnavailable: the source stopped answering; there is no verdict.
    """
    findings = Findings(note)
    workers = workers or Workers()
    source = LogFiles(files, "")
    log = findings.about(files.name)
    try:
        vkey = source.vkey().decode().removesuffix("\n")
    except (Malformed, Refused, UnicodeDecodeError) as e:
        log.fail("log key", f"the file vkey cannot be read: {e}", file="vkey")
        return Verdict.of(files.name, None, findings.checks)
    log = findings.about(vkey.partition("+")[0])
    log.unknown = dict(_UNKNOWN)
    log.skipped("identity", f"whether this is the log's true key {_NEEDS_SPACE}")
    shown = read_cosigned(source)
    checkpoint = read_checkpoint(source, log, log.name, vkey)
    if checkpoint is not None:
        _audit(source, log, checkpoint, vkey, shown, workers)
        if asking is not None:
            asking.about(findings)
        check_listing(files, log, {"": checkpoint.size}, below="tile/")
    return Verdict.of(files.name, None, findings.checks)


def _audit(
    source: LogFiles, log: Log, checkpoint: Checkpoint, vkey: str, shown: Published, workers: Workers
) -> None:
    first = _first_statement(source, checkpoint.size)
    if isinstance(first, Ballot):
        _ballot(source, log, checkpoint, vkey, shown, workers)
        return
    if isinstance(first, Instance):
        fold = RecordFold(InstanceState(log.name))
        rebuilt = stream_records(source, checkpoint, log, fold, frozenset({shown.size}), workers)
    else:
        rebuilt = Rebuilt(source, checkpoint, log)
        for shard, _ in rebuilt.judged(workers, {shown.size}, b"", checkpoint.size):
            workers.progress(log.name, shard.first + sum(shard.widths), checkpoint.size)
        for name in ("signatures", "records"):
            log.skipped(name, f"who may record what {_NEEDS_SPACE}")
    check_cosigned(log, shown, rebuilt, vkey)


def _first_statement(source: LogFiles, size: int) -> object:
    try:
        width = min(size, FULL)
        data = next(iter(source.entries([Bundle(0, width)])))
        return read_entry(parse_bundle(data, width)[0]).statement
    except (GovernanceError, IndexError):
        return None


def _ballot(
    source: LogFiles, log: Log, checkpoint: Checkpoint, vkey: str, shown: Published, workers: Workers
) -> None:
    head = read_head(source, checkpoint.size)
    members = _SelfNamed()
    keys = InstanceKeys("" if head.opening is None else head.opening.instance, services=_OwnKeys())
    members.state = state = BallotState(name_of(log.name), keys, members)
    fold = BallotFold(state, members, head.definition, members.expect)
    rebuilt = stream(source, checkpoint, log, fold, head, {shown.size}, workers)
    if number_of(log.name) > 1:
        log.skipped("succession", f"what it goes on from {_NEEDS_SPACE}")
    elif head.opening is not None and head.opening.vkey != vkey:
        log.fail("opening", "the opening names another log key than the file vkey", head.index, "vkey")
    check_witnesses(log, shown, rebuilt, vkey, fold)
    check_result(source, log, fold, rebuilt.roots.get(state.opening_index + 1))
    log.skipped("publication", log.unknown["publication"])
