"""Cosignatures: that a log's published ones fit its tree, and that a ballot waited for its witnesses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from governance import limits
from governance.audit.ballot import BallotFold
from governance.audit.checks import Log
from governance.audit.source import LogFiles
from governance.audit.structure import Rebuilt
from governance.errors import Malformed, NotFound, Refused
from governance.log.checkpoint import parse_checkpoint
from governance.log.cosignature import Cosignature, CosignedCheckpoint, open_cosigned, verifier_for
from governance.log.merkle import EMPTY_ROOT
from governance.log.policy import Policy
from governance.replay.ballot import BallotState
from governance.replay.definition import witness_policy
from governance.signing.note import parse_note, parse_vkey


@dataclass(frozen=True, slots=True)
class Published:
    """The note with cosignatures that a log shows in `file`; `size` and `lines` are what it claims.

    `lines` counts the signature lines, the log's own among them.
    """

    file: str
    data: bytes = b""
    size: int = 0
    lines: int = 0


def read_cosigned(files: LogFiles) -> Published:
    """The file `cosigned`, else `checkpoint`; read before the log's checkpoint is, so that it is no newer."""
    for name in ("cosigned", "checkpoint"):
        path = files.path(name)
        try:
            data = files.files.read(path, limits.NOTE)
        except NotFound:
            continue
        except (Malformed, Refused):
            return Published(path)
        try:
            note = parse_note(data)
            return Published(path, data, parse_checkpoint(note.text).size, len(note.signatures))
        except (Malformed, Refused):
            return Published(path, data)
    return Published(files.path("checkpoint"))


def check_cosigned(log: Log, shown: Published, rebuilt: Rebuilt, vkey: str) -> None:
    """What a log without a policy shows; one that shows no cosignatures is not spoken of."""
    opened = _open(log, shown, rebuilt, vkey, None)
    if opened is not None:
        log.passed(
            "witnesses",
            f"{shown.lines - 1} cosignatures of the tree of {shown.size} entries, which it is; "
            "no policy says whose they should be",
            entries=shown.size,
        )


def check_witnesses(log: Log, shown: Published, rebuilt: Rebuilt, vkey: str, fold: BallotFold) -> None:
    """That the quorum of a ballot's witness policy has cosigned its close before it was decided."""
    state = fold.state
    policy = None if state.definition is None else witness_policy(state.definition.ballot)
    if policy is None:
        check_cosigned(log, shown, rebuilt, vkey)
        return
    opened = _open(log, shown, rebuilt, vkey, policy)
    if opened is None:
        return
    if fold.refused is not None:
        log.skipped("witnesses", f"judging stopped at entry {state.size}")
        return
    size, lines = opened.checkpoint.size, opened.cosignatures
    enough = policy.satisfied_by([c.key for c in lines]) and size > state.close_index
    if enough:
        text = f"{size} entries cosigned by {_who(lines)}"
        log.passed("witnesses", text, entries=size, cosignatures=len(lines))
    elif state.outcome is None:
        log.skipped("witnesses", f"provisional: {_stage(state)}; {_far(policy, opened)}")
    else:
        why = f"decided without its witnesses: {_far(policy, opened)}, the close is entry {state.close_index}"
        log.fail("witnesses", why, fold.outcome_index, shown.file)


def _open(
    log: Log, shown: Published, rebuilt: Rebuilt, vkey: str, policy: Policy | None
) -> CosignedCheckpoint | None:
    """The note, once it fits the rebuilt tree; None after a failure, or when there is nothing to judge."""
    if policy is None and shown.lines < 2 and not shown.file.endswith("cosigned"):
        return None
    try:
        witnesses = () if policy is None else policy.witness_verifiers
        opened = open_cosigned(shown.data, [verifier_for(parse_vkey(vkey))], witnesses)
    except (Malformed, Refused) as e:
        log.fail("witnesses", e.detail, file=shown.file)
        return None
    size, whole = opened.checkpoint.size, rebuilt.checkpoint.size
    root = EMPTY_ROOT if size == 0 else rebuilt.roots.get(size)
    if size > whole:
        log.fail("witnesses", f"it is of {size} entries, the log shows {whole}", file=shown.file)
    elif root is None:
        log.skipped("witnesses", "the log could not be rebuilt up to what was cosigned")
    elif root != opened.checkpoint.root:
        why = f"the log has signed two trees: the cosigned one of {size} entries is not the one shown here"
        log.fail("witnesses", why, file=shown.file)
    else:
        return opened
    return None


def _who(lines: Sequence[Cosignature]) -> str:
    return ", ".join(sorted(f"{line.key.name} (time {line.time})" for line in lines)) or "nobody"


def _far(policy: Policy, opened: CosignedCheckpoint) -> str:
    return (
        f"of its {len(policy.witnesses)} witnesses, {_who(opened.cosignatures)} cosigned "
        f"{opened.checkpoint.size} entries"
    )


def _stage(state: BallotState) -> str:
    if state.cancellation is not None:
        return "the ballot was cancelled"
    return "the ballot is open" if state.close is None else "the ballot is closed and waits for its witnesses"
